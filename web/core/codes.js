/** The school's attendance codes. */

import { cached, get } from "./api.js";
import { draw } from "./draw.js";
import { schoolHour } from "./school-time.js";
import { resetOnSignOut } from "./sign-out.js";

const NOON = 12;

/**
 * @typedef {object} Code
 * @property {string} code
 * @property {string} meaning
 * @property {string} status what it counts as.
 * @property {boolean} retired
 * @property {boolean} afternoon whether it is the default of its status from noon on.
 */

/** @type {{preset: string, codes: Code[]} | null} */
let table = null;

/** Load the codes; without a network, the cached ones. Without any, only the statuses are offered. */
export async function loadCodes() {
  table = await cached("/v1/codes", () => get("/v1/codes")).catch(() => table);
  draw();
}

/** @returns {boolean} whether the school has codes beside the four statuses, which have texts of their own. */
export function hasOwnCodes() {
  return table !== null && table.preset !== "plain";
}

/** @param {string} code @returns {Code | undefined} */
export function findCode(code) {
  return table?.codes.find((known) => known.code === code);
}

/**
 * @param {string} status
 * @param {string | null} beginsAt start of the lesson, or of the roll call if it has no lesson.
 * @returns {Code | undefined} the code of marks that have only a status.
 */
export function defaultCode(status, beginsAt) {
  const afternoon = beginsAt !== null && schoolHour(new Date(beginsAt)) >= NOON;
  const offered = offeredCodes().filter((code) => code.status === status);
  return offered.find((code) => code.afternoon === afternoon) ?? offered[0];
}

/** @returns {Code[]} the codes that can be chosen. */
export function offeredCodes() {
  return table?.codes.filter((code) => !code.retired) ?? [];
}

/** @param {any} mark @returns {string | null} its code with the meaning, if it is not the default of its status. */
export function codeText(mark) {
  if (!mark.code) return null;
  return `${mark.code} ${findCode(mark.code)?.meaning ?? ""}`.trim();
}

resetOnSignOut(() => {
  table = null;
});
