/** Marks set by hand: what is sent, how it is shown until the server has it, and what undoes it. */

import { getVersioned, send } from "./api.js";
import { t } from "./i18n.js";
import { Problem } from "./problem.js";

/**
 * @typedef {object} NewMark
 * @property {string} student_id
 * @property {string | null} status null clears a mark that was set by hand.
 * @property {Seen | string | null} [before] the mark that the teacher saw; earlier versions stored its status only.
 * @property {string | null} [code] of the school's table; without one, the default of the status.
 * @property {number | null} [minutes_late]
 * @property {string} [remark] without one, the stored remark stays.
 * @property {string} [reason] why the mark changes, kept with the change.
 */

/**
 * What a mark says, without who set it.
 * @typedef {object} Seen
 * @property {string | null} status
 * @property {string | null} code
 * @property {number | null} minutes_late
 * @property {string} remark
 */

/** @param {any} mark @returns {Seen} */
export function seenOf({ status, code, minutes_late, remark }) {
  return {
    status: status ?? null,
    code: code ?? null,
    minutes_late: minutes_late ?? null,
    remark: (remark ?? "").trim(),
  };
}

/**
 * @param {any[]} marks of the server.
 * @param {NewMark[]} wanted
 * @returns {any[]} the marks that people set to something that the teacher has neither seen nor wants.
 */
export function conflicts(marks, wanted) {
  const stored = new Map(marks.filter((mark) => mark.by_person).map((mark) => [mark.student_id, mark]));
  return wanted.flatMap((change) => {
    const mark = stored.get(change.student_id);
    return mark && !wasSeen(mark, change.before ?? null) && !isSame(mark, { remark: mark.remark, ...change })
      ? [mark]
      : [];
  });
}

function wasSeen(mark, before) {
  return before === null || typeof before === "string" ? mark.status === before : isSame(mark, before);
}

function isSame(one, other) {
  const [first, second] = [seenOf(one), seenOf(other)];
  return Object.keys(first).every((field) => first[field] === second[field]);
}

/** @param {any[]} others marks that other people set. @returns {Problem} that names them. */
export function marksChanged(others) {
  const named = others.map((mark) => `${mark.name ?? mark.student_id}: ${textOf(mark)}`);
  return new Problem(409, "marks_changed", named.join(", "));
}

function textOf({ status, code, minutes_late: minutes, remark }) {
  const late = minutes ? t("mark.minutesLate", { count: minutes }) : null;
  return [t(`status.${status}`), code, late, remark].filter(Boolean).join(" · ");
}

/**
 * @param {any[]} marks of the server, or of everybody on the roster.
 * @param {readonly NewMark[][]} changes that wait on the phone, oldest first.
 * @returns {any[]} the marks as they will be.
 */
export function withChanges(marks, changes) {
  const latest = new Map(changes.flat().map((mark) => [mark.student_id, mark]));
  return marks.map((mark) => {
    const change = latest.get(mark.student_id);
    if (change === undefined) return mark;
    const { before: _, reason: __, ...changed } = change;
    const byHand = changed.status !== null;
    return {
      ...mark,
      code: null,
      minutes_late: null,
      ...changed,
      by_person: byHand,
      source: byHand ? "manual" : mark.source,
      waiting: true,
    };
  });
}

/**
 * @param {any[]} marks as they were before the change.
 * @returns {NewMark[][]} what restores them: marks that people had set, and those to clear; no list is empty.
 */
export function undoing(marks) {
  const set = marks.filter((mark) => mark.status !== null && mark.source === "manual");
  const cleared = marks.filter((mark) => !set.includes(mark));
  return [
    set.map((mark) => pick(mark)),
    cleared.map(({ student_id: id }) => ({ student_id: id, status: null })),
  ].filter((list) => list.length > 0);
}

/** Fields of a mark that can be set. */
const FIELDS = ["student_id", "status", "code", "minutes_late", "remark"];

/** @param {any} mark @returns {any} */
function pick(mark) {
  return Object.fromEntries(FIELDS.filter((field) => mark[field] != null).map((field) => [field, mark[field]]));
}

/**
 * Send marks that waited on the phone. Marks that somebody else has set are not replaced without asking.
 * @param {any} item of the outbox.
 * @returns {Promise<any>} the roll call.
 */
export async function sendMarks({ session, marks, override = false }) {
  // The first entry of a roll call without photos only opens it.
  if (marks.length === 0) return {};
  const path = `/v1/sessions/${encodeURIComponent(session.id)}`;
  const { document, etag } = await getVersioned(path);
  if (!override) {
    const others = conflicts(document.marks, marks);
    if (others.length > 0) throw marksChanged(others);
  }
  try {
    return await putMarks(path, marks, etag);
  } catch (error) {
    // Changed since it was read: the next attempt reads it again.
    if (error instanceof Problem && error.code === "version_conflict") throw new Problem(503, error.code, error.detail);
    throw error;
  }
}

/**
 * Set and clear marks.
 * @param {string} path of the roll call.
 * @param {import("./marks.js").NewMark[]} marks all set, or all cleared (without a status).
 * @param {string | null} etag
 * @returns {Promise<any>} the roll call.
 */
export async function putMarks(path, marks, etag) {
  const headers = { "If-Match": etag ?? "*" };
  if (marks[0].status === null) {
    const json = { student_ids: marks.map((mark) => mark.student_id) };
    return await (await send("POST", `${path}/marks/clear`, { json, headers })).json();
  }
  const reason = marks[0].reason;
  const json = { marks: marks.map(({ before: _, reason: __, ...mark }) => mark), ...(reason ? { reason } : {}) };
  return await (await send("PATCH", `${path}/marks`, { json, headers })).json();
}
