/** Search and sort of people by name, with accents folded: "Lindqvist" is found by "lindqv", "Żółć" by "zolc". */

/** Letters that Unicode does not decompose into a base letter and an accent (Unicode Standard, chapter 7.1). */
const LETTERS = { ß: "ss", æ: "ae", œ: "oe", ø: "o", đ: "d", ð: "d", ł: "l", þ: "th", ı: "i", ħ: "h", ŋ: "n" };
const SPECIAL = new RegExp(`[${Object.keys(LETTERS).join("")}]`, "g");

/** The orders that a list of people can have. */
export const ORDERS = ["status", "name", "seen"];

/** Statuses in the order in which a teacher checks them; null is a student without a mark. */
const BY_STATUS = ["review", null, "absent", "late", "excused", "present"];

/** @type {Map<string, string>} */
const folded = new Map();

/** @param {string} text @returns {string} the text in lower case and without accents; each text is computed once. */
export function fold(text) {
  let known = folded.get(text);
  if (known === undefined) {
    known = text
      .toLowerCase()
      .normalize("NFD")
      .replace(/\p{M}/gu, "")
      .replace(SPECIAL, (letter) => LETTERS[letter]);
    if (folded.size > 5_000) folded.clear();
    folded.set(text, known);
  }
  return known;
}

/**
 * @param {string} query words in any order.
 * @param {{name?: string | null, student_id?: string}} person
 * @returns {boolean} whether each word is part of the name or the id.
 */
export function matches(query, { name, student_id: id = "" }) {
  const text = fold(`${name ?? ""} ${id}`);
  return fold(query)
    .split(/\s+/)
    .every((word) => text.includes(word));
}

// One collator: `localeCompare` would make one for each comparison, which took most of the time of a sort.
const collator = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });

/** @param {any} first @param {any} second @returns {number} order by name, or by id where there is none. */
export function byName(first, second) {
  return collator.compare(first.name ?? first.student_id, second.name ?? second.student_id);
}

/**
 * @template {{student_id: string, name: string | null, status: string | null}} P
 * @param {readonly P[]} people
 * @param {string} order one of `ORDERS`.
 * @param {readonly string[]} seen ids of the students in photos, the first seen first.
 * @returns {P[]} the people in this order, and by name where it is equal.
 */
export function sorted(people, order, seen = []) {
  const place = new Map(seen.map((id, index) => [id, index]));
  const rank = {
    name: () => 0,
    seen: ({ student_id: id }) => place.get(id) ?? seen.length,
    status: ({ status }) => BY_STATUS.indexOf(status),
  }[order];
  return [...people].sort((first, second) => rank(first) - rank(second) || byName(first, second));
}

/**
 * @param {readonly {faces: any[]}[]} photos in the order received.
 * @returns {string[]} ids of the students named on faces: photo by photo, each from left to right.
 */
export function seenInPhotos(photos) {
  const ids = photos.flatMap(({ faces }) =>
    [...faces].sort((first, second) => first.box[0] - second.box[0]).map(({ student_id: id }) => id),
  );
  return [...new Set(ids.filter((id) => id !== null))];
}
