/** Statuses of marks and decisions on faces, each with an icon in addition to its colour. */

import { t } from "../core/i18n.js";
import { html } from "../vendor/lit-html/lit-html.js";
import { icon } from "./icons.js";

/** Statuses that a teacher can set, in display order; only photos set `review`. */
export const STATUSES = ["present", "late", "absent", "excused"];

/** @type {Record<string, Parameters<typeof icon>[0]>} */
const ICONS = {
  present: "check",
  late: "clock",
  absent: "cross",
  excused: "note",
  review: "question",
  unknown: "person",
};

/** @param {string} status @returns its icon. */
export function statusIcon(status) {
  return icon(ICONS[status]);
}

/** @param {string} status @returns a coloured chip with icon and text. */
export function chip(status) {
  return html`<span class="chip ${status}">${statusIcon(status)}<span>${t(`status.${status}`)}</span></span>`;
}

/** @param {{status: string}[]} marks @returns {Record<string, number>} number of marks per status. */
export function counts(marks) {
  const counted = { present: 0, late: 0, absent: 0, excused: 0, review: 0 };
  for (const mark of marks) counted[mark.status] += 1;
  return counted;
}
