/** The sheet of a roll call that marks a student: status or code, minutes late, remark and reason. */

import { codeText, defaultCode, hasOwnCodes, offeredCodes } from "../core/codes.js";
import { draw } from "../core/draw.js";
import { t } from "../core/i18n.js";
import { isSubstitute } from "../core/me.js";
import { everyone, session } from "../core/session.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { openAbsences } from "./absence-sheet.js";
import { icon } from "./icons.js";
import { mark, nameOf } from "./marking.js";
import { closeSheet, openSheet } from "./sheet.js";
import { chip, STATUSES, statusIcon } from "./status.js";

const MAX_TEXT = 300;
const MAX_MINUTES = 600;
/** Statuses that may have minutes late. */
const WITH_MINUTES = ["late", "absent"];

let entered = { minutes: "", remark: "", reason: "" };
let showsDetails = false;

/** Open the sheet. @param {any} marked */
export function openStudent(marked) {
  const name = nameOf(marked);
  entered = { minutes: String(marked.minutes_late ?? ""), remark: marked.remark ?? "", reason: "" };
  showsDetails = entered.minutes !== "" || entered.remark !== "";
  openSheet(() => {
    const view = session();
    const current = view === null ? marked : everyone(view).find((person) => person.student_id === marked.student_id);
    return { title: name, body: body(current ?? marked, name, view) };
  });
}

function body(marked, name, view) {
  if (view?.closed) return closedBody(marked);
  const set = (status, code = null, label = t(`status.${status}`)) =>
    void apply(marked, status, code, t("mark.set", { name, status: label }));
  const clear = () => void clearMark(marked, name);
  return html`<div class="statuses" role="group" aria-label=${t("mark.label")}>
      ${STATUSES.map((status) => statusButton(marked, status, view, set))}
    </div>
    ${otherCodes(marked, view, set)} ${details(marked, set)}
    ${marked.source === "manual" ? html`<button class="big" @click=${clear}>${icon("repeat")}${t("mark.clear")}</button>` : nothing}
    ${isSubstitute() ? nothing : html`<button class="big" @click=${() => void openAbsences(marked)}>${icon("note")}${t("absence.open")}</button>`}`;
}

function closedBody(marked) {
  return html`${marked.status === null ? nothing : chip(marked.status)}
    <p>${[codeText(marked), minutesText(marked), marked.remark].filter(Boolean).join(" · ")}</p>
    <p class="muted">${t("problem.register_closed")}</p>`;
}

/** @param {any} marked @returns {string | null} how late the student came. */
export function minutesText(marked) {
  return marked.minutes_late ? t("mark.minutesLate", { count: marked.minutes_late }) : null;
}

function statusButton(marked, status, view, set) {
  const code = hasOwnCodes() ? defaultCode(status, view?.beginsAt ?? null) : undefined;
  return html`<button class="status ${status}" aria-pressed=${String(marked.status === status && !marked.code)} @click=${() => set(status)}>
    ${statusIcon(status)}<span>${t(`status.${status}`)}</span>
    ${code ? html`<span class="small">${code.code} ${code.meaning}</span>` : nothing}
  </button>`;
}

function otherCodes(marked, view, set) {
  if (!hasOwnCodes()) return nothing;
  const defaults = STATUSES.map((status) => defaultCode(status, view?.beginsAt ?? null));
  const others = offeredCodes().filter((code) => !defaults.includes(code));
  if (others.length === 0) return nothing;
  return html`<h3>${t("mark.otherCodes")}</h3>
    <ul class="list scroll" data-test="codes">
      ${others.map(
        (code) =>
          html`<li>
            <button class="item" aria-pressed=${String(marked.code === code.code)} @click=${() => set(code.status, code.code, code.meaning)}>
              <b class="code ${code.status}">${code.code}</b><span class="grow">${code.meaning}</span>
            </button>
          </li>`,
      )}
    </ul>`;
}

function details(marked, set) {
  const toggle = (event) => {
    showsDetails = event.target.open;
  };
  const enter = (name) => (event) => {
    entered = { ...entered, [name]: event.target.value };
    draw();
  };
  const save = () => set(marked.status, marked.code ?? null);
  return html`<details class="stack-small" ?open=${showsDetails} @toggle=${toggle}>
    <summary>${t("mark.details")}</summary>
    <label class="field"><span>${t("mark.minutes")}</span>
      <input type="number" inputmode="numeric" min="1" max=${MAX_MINUTES} .value=${entered.minutes} @input=${enter("minutes")} /></label>
    <label class="field"><span>${t("mark.remark")}</span>
      <input type="text" maxlength=${MAX_TEXT} .value=${entered.remark} @input=${enter("remark")} /></label>
    <label class="field"><span>${t("mark.reason")}</span>
      <input type="text" maxlength=${MAX_TEXT} .value=${entered.reason} @input=${enter("reason")} /></label>
    ${STATUSES.includes(marked.status) ? html`<button class="big primary" @click=${save}>${t("mark.save")}</button>` : nothing}
  </details>`;
}

async function apply(marked, status, code, text) {
  const minutes = Number(entered.minutes);
  const change = {
    status,
    code,
    minutes_late: WITH_MINUTES.includes(status) && minutes >= 1 ? Math.min(Math.trunc(minutes), MAX_MINUTES) : null,
    ...(entered.remark === (marked.remark ?? "") ? {} : { remark: entered.remark }),
    ...(entered.reason.trim() === "" ? {} : { reason: entered.reason.trim() }),
  };
  if (await mark([marked], change, text)) closeSheet();
}

async function clearMark(marked, name) {
  if (await mark([marked], { status: null }, t("mark.cleared", { name }))) closeSheet();
}
