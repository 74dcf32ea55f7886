/** The sheet with a student's planned absences: the list, and the form for another one. */

import { get, send } from "../core/api.js";
import { draw } from "../core/draw.js";
import { formatDate, t } from "../core/i18n.js";
import { reload } from "../core/session.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icon } from "./icons.js";
import { nameOf } from "./marking.js";
import { openSheet } from "./sheet.js";
import { chip, STATUSES } from "./status.js";
import { attempt, toast } from "./toast.js";
import { failure } from "./waiting.js";

const MAX_REASON = 300;

/** @type {any[] | null} null until loaded. */
let absences = null;
/** @type {unknown} */
let problem = null;
let form = { first: "", last: "", status: "excused", reason: "" };

/** Open the sheet. @param {any} student */
export async function openAbsences(student) {
  absences = null;
  problem = null;
  form = { first: "", last: "", status: "excused", reason: "" };
  openSheet(() => ({ title: t("absence.title", { name: nameOf(student) }), body: body(student) }));
  await load(student);
}

function path(student) {
  return `/v1/students/${encodeURIComponent(student.student_id)}/absences`;
}

async function load(student) {
  try {
    absences = await get(path(student));
    problem = null;
  } catch (error) {
    problem = error;
  }
  draw();
}

function body(student) {
  if (problem) return failure(problem);
  if (absences === null) return html`<p class="muted">${t("state.loading")}</p>`;
  return html`${absences.length === 0 ? html`<p class="muted">${t("absence.none")}</p>` : list(student, absences)}
    ${fields(student)}`;
}

function list(student, shown) {
  return html`<ul class="list">
    ${shown.map(
      (absence) => html`<li class="item">
        <span class="grow">${period(absence)}
          ${absence.reason ? html`<span class="muted small">${absence.reason}</span>` : nothing}</span>
        ${chip(absence.status)}
        <button class="round danger" aria-label=${t("absence.remove", { period: period(absence) })}
          @click=${() => void remove(student, absence)}>${icon("bin")}</button>
      </li>`,
    )}
  </ul>`;
}

function period({ first_day: first, last_day: last, starts, ends }) {
  const days = first === last ? formatDate(first) : `${formatDate(first)} – ${formatDate(last)}`;
  return starts || ends ? `${days}, ${starts ?? ""}–${ends ?? ""}` : days;
}

function fields(student) {
  const enter = (name) => (event) => {
    form = { ...form, [name]: event.target.value };
    draw();
  };
  const submit = (event) => {
    event.preventDefault();
    void add(student);
  };
  return html`<form class="stack-small" @submit=${submit}>
    <div class="row wrap">
      <label class="field grow"><span>${t("absence.first")}</span>
        <input type="date" required .value=${form.first} @input=${enter("first")} /></label>
      <label class="field grow"><span>${t("absence.last")}</span>
        <input type="date" min=${form.first || nothing} .value=${form.last} @input=${enter("last")} /></label>
    </div>
    <label class="field"><span>${t("mark.label")}</span>
      <select @change=${enter("status")}>
        ${[...STATUSES].reverse().map((status) => html`<option value=${status} ?selected=${status === form.status}>${t(`status.${status}`)}</option>`)}
      </select></label>
    <label class="field"><span>${t("mark.reason")}</span>
      <input type="text" maxlength=${MAX_REASON} .value=${form.reason} @input=${enter("reason")} /></label>
    <button class="big primary" type="submit">${icon("plus")}${t("absence.add")}</button>
  </form>`;
}

async function add(student) {
  const json = {
    first_day: form.first,
    last_day: form.last || form.first,
    status: form.status,
    reason: form.reason.trim(),
  };
  if (!(await attempt(() => send("POST", path(student), { json })))) return;
  toast(t("absence.added", { name: nameOf(student) }));
  form = { first: "", last: "", status: "excused", reason: "" };
  await Promise.all([load(student), reload()]);
}

async function remove(student, { absence_id: id }) {
  if (!(await attempt(() => send("DELETE", `${path(student)}/${encodeURIComponent(id)}`)))) return;
  await Promise.all([load(student), reload()]);
}
