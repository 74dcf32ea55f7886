/** Administration: the planned absences of all students, with search and period; planning, changing, ending early. */

import { getAll, send } from "../../core/api.js";
import { codeText, loadCodes, offeredCodes } from "../../core/codes.js";
import { draw } from "../../core/draw.js";
import { formatDate, t } from "../../core/i18n.js";
import { newestOnly } from "../../core/newest.js";
import { groupName, knownGroups } from "../../core/roster.js";
import { schoolDay } from "../../core/school-time.js";
import { icon } from "../../parts/icons.js";
import { closeSheet, openSheet } from "../../parts/sheet.js";
import { chip, STATUSES } from "../../parts/status.js";
import { attempt, toast } from "../../parts/toast.js";
import { failure } from "../../parts/waiting.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { confirmRemoval, table } from "./parts.js";

const ROWS = 100;
const MAX_REASON = 300;
/** Students drawn in the sheet; a search leaves fewer. */
const MAX_CHOICES = 30;

/** @type {any[] | null} */
let absences = null;
/** @type {any[]} */
let students = [];
/** @type {unknown} */
let problem = null;
const newest = newestOnly();
const filter = { text: "", group: "", since: "", until: "" };
let rows = ROWS;

/** Called when the page is opened. */
export async function enter() {
  if (filter.since === "") filter.since = schoolDay();
  void loadCodes();
  await load();
}

/** Called at sign-out. */
export function forget() {
  absences = null;
  students = [];
  Object.assign(filter, { text: "", group: "", since: "", until: "" });
}

/** @param {any} answer @param {unknown} error */
function show(answer, error = null) {
  absences = answer;
  problem = error;
  draw();
}

async function load() {
  const wanted = { group_id: filter.group, since: filter.since, until: filter.until };
  const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
  await newest(
    () => getAll(`/v1/absences?${query}`),
    show,
    (error) => show(absences, error),
  );
}

function matches({ name, student_id: id, reason = "" }, text) {
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => `${name} ${id} ${reason}`.toLocaleLowerCase().includes(word));
}

/** @returns the page. */
export function page() {
  const found = (absences ?? []).filter((absence) => matches(absence, filter.text));
  return html`<section class="stack">
    <h1 tabindex="-1">${t("admin.absences")}</h1>
    <p>${t("admin.absencesText")}</p>
    <div class="row wrap end" role="search">
      <label class="field half"><span>${t("admin.search")}</span>
        <input type="search" autocomplete="off" .value=${filter.text} @input=${search} /></label>
      <label class="field half"><span>${t("group.label")}</span>
        <select @change=${choose("group")}>
          <option value="">${t("admin.allGroups")}</option>
          ${(knownGroups() ?? []).map(({ group_id: id }) => html`<option value=${id} ?selected=${id === filter.group}>${groupName(id)}</option>`)}
        </select></label>
      <label class="field half"><span>${t("report.since")}</span>
        <input type="date" .value=${filter.since} @change=${choose("since")} /></label>
      <label class="field half"><span>${t("report.until")}</span>
        <input type="date" .value=${filter.until} @change=${choose("until")} /></label>
    </div>
    <button class="primary" @click=${() => void openForm(null)}>${icon("plus")}${t("absence.add")}</button>
    ${problem ? failure(problem) : nothing} ${absences === null ? nothing : list(found)}
  </section>`;
}

function search(event) {
  filter.text = event.target.value;
  rows = ROWS;
  draw();
}

function choose(field) {
  return (event) => {
    filter[field] = event.target.value;
    // Otherwise the answer would write this value over what is typed until it comes.
    draw();
    rows = ROWS;
    void load();
  };
}

function list(found) {
  if (found.length === 0) return html`<p class="muted" role="status">${t("absence.none")}</p>`;
  const more = () => {
    rows += ROWS;
    draw();
  };
  return html`<p class="muted" role="status">${t("admin.absencesFound", { count: found.length })}</p>
  ${table(
    t("admin.absences"),
    [t("register.name"), t("admin.groups"), t("admin.period"), t("mark.label"), t("admin.reason"), t("admin.actions")],
    found.slice(0, rows),
    (absence) => absence.absence_id,
    (absence) => [
      absence.name,
      absence.group_ids.map(groupName).join(", "),
      period(absence),
      html`${chip(absence.status)} ${codeText(absence) ?? nothing}`,
      absence.reason || "–",
      actions(absence),
    ],
  )}
  ${found.length > rows ? html`<button class="big" @click=${more}>${t("admin.more")}</button>` : nothing}`;
}

function actions(absence) {
  const { name } = absence;
  const today = schoolDay();
  const isRunning = absence.first_day <= today && today < absence.last_day;
  return html`<span class="row wrap">
    <button aria-label=${t("admin.editNamed", { name })} @click=${() => void openForm(absence)}>${t("admin.edit")}</button>
    ${isRunning ? html`<button aria-label=${t("admin.endTodayNamed", { name })} @click=${() => void endToday(absence)}>${t("admin.endToday")}</button>` : nothing}
    <button class="danger" aria-label=${t("admin.removeNamed", { name })} @click=${() => remove(absence)}>${icon("bin")}</button>
  </span>`;
}

function day(text) {
  // Noon, so that no time zone shows another day.
  return formatDate(`${text}T12:00`);
}

function period({ first_day: first, last_day: last, starts, ends }) {
  const days = first === last ? day(first) : `${day(first)} – ${day(last)}`;
  return starts || ends ? `${days}, ${starts ?? ""}–${ends ?? ""}` : days;
}

function path({ student_id: student, absence_id: absence = null }) {
  const own = `/v1/students/${encodeURIComponent(student)}/absences`;
  return absence === null ? own : `${own}/${encodeURIComponent(absence)}`;
}

function plan({ first_day, last_day, starts, ends, lessons, status, code, reason }) {
  return { first_day, last_day, starts, ends, lessons, status, code, reason };
}

async function endToday(absence) {
  const json = { ...plan(absence), last_day: schoolDay() };
  if (await attempt(() => send("PUT", path(absence), { json }))) toast(t("admin.saved", { name: absence.name }));
  await load();
}

function remove(absence) {
  const { name } = absence;
  const run = async () => {
    if (await attempt(() => send("DELETE", path(absence)))) toast(t("admin.removed", { name }));
    await load();
  };
  const title = t("admin.removeNamed", { name });
  confirmRemoval(title, t("admin.absenceRemoveText"), t("admin.removeNow"), () => void run());
}

/** @param {any} absence to change; null plans one for several students. */
async function openForm(absence) {
  const empty = { first_day: schoolDay(), last_day: "", status: "excused", code: null, reason: "" };
  const draft = { starts: null, ends: null, lessons: [], ...empty, ...absence };
  const chosen = new Set(absence ? [absence.student_id] : []);
  const look = { text: "", progress: "" };
  openSheet(() => ({
    title: absence ? t("admin.editNamed", { name: absence.name }) : t("absence.add"),
    body: html`<form class="stack" @submit=${(event) => void save(event, absence, draft, chosen, look)}>
      ${absence ? nothing : picker(chosen, look)} ${fields(draft)}
      ${look.progress ? html`<p role="status">${look.progress}</p>` : nothing}
      <button class="primary big" ?disabled=${chosen.size === 0 || look.progress !== ""}>${t("admin.save")}</button>
    </form>`,
  }));
  if (!absence && students.length === 0) {
    await attempt(async () => {
      students = (await getAll("/v1/students")).sort((one, other) => one.name.localeCompare(other.name));
    });
    draw();
  }
}

function picker(chosen, look) {
  const found = students.filter((student) => chosen.has(student.student_id) || matches(student, look.text));
  const toggle = (id) => (event) => {
    if (event.target.checked) chosen.add(id);
    else chosen.delete(id);
    draw();
  };
  const enter = (event) => {
    look.text = event.target.value;
    draw();
  };
  // The chosen ones stay in view, whatever is searched for.
  const ordered = [...found].sort(
    (one, other) => Number(chosen.has(other.student_id)) - Number(chosen.has(one.student_id)),
  );
  return html`<fieldset class="consent stack-small">
    <legend>${t("admin.absenceStudents", { count: chosen.size })}</legend>
    <label class="field"><span>${t("admin.search")}</span>
      <input type="search" autocomplete="off" @input=${enter} /></label>
    <div class="choices">
      ${repeat(
        ordered.slice(0, MAX_CHOICES + chosen.size),
        // Without keys, a box that moves would leave its tick behind.
        ({ student_id: id }) => id,
        ({ student_id: id, name, group_ids: groups }) =>
          html`<label class="check"><input type="checkbox" .checked=${chosen.has(id)} @change=${toggle(id)} />
            <span>${name} <span class="muted small">${groups.map(groupName).join(", ")}</span></span></label>`,
      )}
    </div>
  </fieldset>`;
}

function fields(draft) {
  const set = (name) => (event) => {
    draft[name] = event.target.value;
    draw();
  };
  const setMark = (event) => {
    const code = offeredCodes().find((known) => `code:${known.code}` === event.target.value);
    Object.assign(draft, code ? { code: code.code, status: code.status } : { code: null, status: event.target.value });
  };
  const statuses = [...STATUSES].reverse();
  return html`<div class="row wrap end">
      <label class="field half"><span>${t("absence.first")}</span>
        <input type="date" required .value=${draft.first_day} @input=${set("first_day")} /></label>
      <label class="field half"><span>${t("absence.last")}</span>
        <input type="date" min=${draft.first_day || nothing} .value=${draft.last_day} @input=${set("last_day")} /></label>
    </div>
    <label class="field"><span>${t("mark.label")}</span>
      <select @change=${setMark}>
        ${statuses.map((status) => html`<option value=${status} ?selected=${!draft.code && status === draft.status}>${t(`status.${status}`)}</option>`)}
        ${offeredCodes().map((code) => html`<option value=${`code:${code.code}`} ?selected=${code.code === draft.code}>${code.code} ${code.meaning}</option>`)}
      </select></label>
    <label class="field"><span>${t("admin.reason")}</span>
      <input type="text" maxlength=${MAX_REASON} autocomplete="off" .value=${draft.reason} @input=${set("reason")} /></label>`;
}

async function save(event, absence, draft, chosen, look) {
  event.preventDefault();
  const json = { ...plan(draft), last_day: draft.last_day || draft.first_day, reason: draft.reason.trim() };
  const ids = [...chosen];
  const request = (id) =>
    absence ? send("PUT", path(absence), { json }) : send("POST", path({ student_id: id }), { json });
  let done = 0;
  const finished = await attempt(async () => {
    for (const id of ids) {
      look.progress = t("admin.absenceProgress", { done, count: ids.length });
      draw();
      await request(id);
      // What is planned already is not planned again by a second try.
      if (!absence) chosen.delete(id);
      done += 1;
    }
  });
  look.progress = "";
  await load();
  if (!finished) return;
  closeSheet();
  toast(absence ? t("admin.saved", { name: absence.name }) : t("admin.absencesPlanned", { count: done }));
}
