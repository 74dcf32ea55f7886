/** The sheet with the changes of a register: who, when, from what to what, and why. */

import { getAll } from "../core/api.js";
import { codeText } from "../core/codes.js";
import { draw } from "../core/draw.js";
import { formatDateTime, t } from "../core/i18n.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icon } from "./icons.js";
import { openSheet } from "./sheet.js";
import { failure } from "./waiting.js";

/** @type {any[] | null} the latest first; null until loaded. */
let changes = null;
/** @type {unknown} */
let problem = null;

/** @param {string} sessionId @returns the button that opens the sheet. */
export function changesButton(sessionId) {
  return html`<button class="big" @click=${() => void openChanges(sessionId)}>${icon("history")}${t("changes.open")}</button>`;
}

/** Open the sheet. @param {string} sessionId */
async function openChanges(sessionId) {
  changes = null;
  problem = null;
  openSheet(() => ({ title: t("changes.title"), body: body() }));
  try {
    changes = (await getAll(`/v1/sessions/${encodeURIComponent(sessionId)}/changes`)).reverse();
  } catch (error) {
    problem = error;
  }
  draw();
}

function body() {
  if (problem) return failure(problem);
  if (changes === null) return html`<p class="muted">${t("state.loading")}</p>`;
  if (changes.length === 0) return html`<p class="muted">${t("changes.none")}</p>`;
  return html`<ul class="list" data-test="changes">
    ${changes.map(
      (change) => html`<li class="change">
        <b>${changeSubject(change)}</b>
        <span>${changeText(change)}</span>
        ${change.reason ? html`<span>${t("changes.reason", { reason: changeReason(change) })}</span>` : nothing}
        <span class="muted small">${formatDateTime(change.at)} · ${change.by_name || change.by}</span>
      </li>`,
    )}
  </ul>`;
}

/** @param {any} change @returns {string} what was changed: a student's mark, a face, a photo or the register. */
export function changeSubject(change) {
  switch (change.kind) {
    case "mark":
      return change.name ?? change.student_id ?? t("changes.erased");
    case "face":
      return t("changes.face");
    case "photo":
      return t("changes.photo");
    default:
      return t("changes.register");
  }
}

/** @param {any} change @returns {string} from what to what. */
export function changeText(change) {
  switch (change.kind) {
    case "mark":
      return arrow(said(change.before, change.details_before), said(change.after, change.details_after));
    case "face":
      return arrow(faceText(change.before), faceText(change.after));
    case "photo":
      return t("changes.photoRemoved");
    default:
      return t(change.closed ? "changes.closed" : "changes.reopened");
  }
}

// A sentence rather than an arrow, which points the wrong way from right to left.
function arrow(before, after) {
  return t("changes.fromTo", { before, after });
}

function said(status, details) {
  if (status === null) return t("changes.noMark");
  const minutes = details?.minutes_late ? t("mark.minutesLate", { count: details.minutes_late }) : "";
  return [t(`status.${status}`), codeText(details ?? {}) ?? "", minutes, details?.remark ?? ""]
    .filter(Boolean)
    .join(", ");
}

function faceText({ decision, student_id: id }) {
  return id ?? t(`changes.decision.${decision}`);
}

/** The reason that the server gives to changes that follow from a plan (`muster.services.roll_call.absences`). */
const PLANNED = "planned absence";

/** @param {any} change @returns {string} why; empty if no reason was given. */
export function changeReason({ reason = "" }) {
  return reason === PLANNED ? t("changes.planned") : reason;
}
