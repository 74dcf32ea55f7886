/** The statuses of a mark and the decisions on a face, each with a sign beside its colour. */

import { t } from "../core/i18n.js";
import { html } from "../vendor/lit-html/lit-html.js";
import { icon } from "./icons.js";

/** Statuses that a person can set, in the order in which they are offered; only photos set `review`. */
export const STATUSES = ["present", "late", "absent", "excused"];

const SIGNS = {
  present: "check",
  late: "clock",
  absent: "cross",
  excused: "note",
  review: "question",
  unknown: "person",
};

/** @param {string} status @returns its sign. */
export function sign(status) {
  return icon(SIGNS[status]);
}

/** @param {string} status @returns a coloured chip with sign and word. */
export function chip(status) {
  return html`<span class="chip ${status}">${sign(status)}<span>${t(`status.${status}`)}</span></span>`;
}

/** @param {{status: string}[]} marks @returns {Record<string, number>} how many have each status. */
export function counts(marks) {
  const counted = { present: 0, late: 0, absent: 0, excused: 0, review: 0 };
  for (const mark of marks) counted[mark.status] += 1;
  return counted;
}
