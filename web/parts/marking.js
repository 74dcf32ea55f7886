/** Marks that a teacher sets, with the offer to undo each. */

import { t } from "../core/i18n.js";
import { seenOf, undoing } from "../core/marks.js";
import { session, setMarks } from "../core/session.js";
import { attempt, toast } from "./toast.js";

/** @param {any} person @returns {string} their name, or their id if it is unknown. */
export function nameOf(person) {
  return person.name ?? person.student_id;
}

/**
 * Set the marks of people and offer to undo it.
 * @param {any[]} people with the marks shown now.
 * @param {Omit<import("../core/marks.js").NewMark, "student_id" | "before">} change
 * @param {string} text that says what was done.
 * @returns {Promise<boolean>} whether it succeeded.
 */
export async function mark(people, change, text) {
  const before = people.map((person) => ({ ...person }));
  const wanted = people.map((person) => ({ ...change, student_id: person.student_id, before: seenOf(person) }));
  if (!(await attempt(() => setMarks(wanted)))) return false;
  const id = session()?.id;
  const run = () => void attempt(() => undo(id, before, change));
  toast(text, { action: { label: t("action.undo"), run }, passing: true });
  return true;
}

async function undo(id, people, change) {
  if (session()?.id !== id) return;
  const set = new Map(people.map(({ student_id, remark }) => [student_id, seenOf({ remark, ...change })]));
  for (const list of undoing(people)) {
    await setMarks(list.map((wanted) => ({ ...wanted, before: set.get(wanted.student_id) })));
  }
  toast(t("mark.undone"));
}
