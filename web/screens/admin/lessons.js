/** Administration: the weekly lessons of a group, edited here or imported from a file. */

import { getVersioned, send } from "../../core/api.js";
import { draw } from "../../core/draw.js";
import { formatWeekday, t } from "../../core/i18n.js";
import { newestOnly } from "../../core/newest.js";
import { chosenGroup } from "../../core/roster.js";
import { groupPicker } from "../../parts/group-picker.js";
import { icon } from "../../parts/icons.js";
import { closeSheet, openSheet } from "../../parts/sheet.js";
import { attempt, toast } from "../../parts/toast.js";
import { failure } from "../../parts/waiting.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import * as lessonImport from "./lesson-import.js";
import { confirmRemoval, table } from "./parts.js";

const WEEKDAYS = [1, 2, 3, 4, 5, 6, 7];
/** Most characters of a text, and most weeks between two lessons (`muster.services.timetable.validation`). */
const MAX_TEXT = 100;
const MAX_WEEKS = 8;

/** @type {{group: string, lessons: any[], etag: string | null} | null} */
let stored = null;
/** @type {unknown} */
let problem = null;
const newest = newestOnly();

/** Called when the page is opened. */
export async function enter() {
  const group = chosenGroup();
  if (group === null) return;
  await newest(
    () => getVersioned(path(group)),
    ({ document: found, etag }) => show({ group, lessons: found.lessons, etag }),
    (error) => show(stored, error),
  );
}

/** @param {any} answer @param {unknown} error */
function show(answer, error = null) {
  stored = answer;
  problem = error;
  draw();
}

/** Called when the page is left. */
export function exit() {
  lessonImport.forget();
}

/** Called at sign-out. */
export function forget() {
  stored = null;
  lessonImport.forget();
}

/** @returns the page. */
export function page() {
  const shown = stored?.group === chosenGroup() ? stored : null;
  return html`<section class="stack">
    <h1 tabindex="-1">${t("admin.lessons")}</h1>
    ${chosenGroup() === null ? html`<p class="muted">${t("admin.noGroups")}</p>` : nothing}
    ${groupPicker(() => void enter())} ${problem ? failure(problem) : nothing} ${shown ? list(shown) : nothing}
    ${lessonImport.part(() => void enter())}
  </section>`;
}

function path(group) {
  return `/v1/groups/${encodeURIComponent(group)}/lessons`;
}

/** @param {any} lesson @returns {string} such as `Monday 08:00 Mathematics`. */
export function lessonName(lesson) {
  return [formatWeekday(lesson.weekday), lesson.starts, lesson.subject].filter(Boolean).join(" ");
}

function list({ lessons }) {
  const add = html`<button class="primary" @click=${() => edit(null)}>${icon("plus")}${t("admin.newLesson")}</button>`;
  if (lessons.length === 0) return html`<p class="muted">${t("admin.noLessons")}</p>${add}`;
  return html`${table(
    t("admin.lessons"),
    [t("admin.lessonTime"), t("admin.subject"), t("admin.room"), t("admin.teacher"), t("admin.actions")],
    lessons,
    (lesson) => lesson.lesson_id,
    (lesson) => [
      `${formatWeekday(lesson.weekday)} ${lesson.starts}–${lesson.ends}`,
      lesson.subject || "–",
      lesson.room || "–",
      lesson.teacher || "–",
      html`<span class="row wrap">
        <button aria-label=${t("admin.editNamed", { name: lessonName(lesson) })} @click=${() => edit(lesson)}>${t("admin.edit")}</button>
        <button class="danger" aria-label=${t("admin.removeNamed", { name: lessonName(lesson) })} @click=${() => remove(lesson)}>${icon("bin")}</button>
      </span>`,
    ],
  )}
  ${add}`;
}

function edit(lesson) {
  const empty = { weekday: 1, starts: "08:00", ends: "08:45", subject: "", room: "", teacher: "", every_weeks: 1 };
  const draft = { ...empty, first_day: null, last_day: null, cancelled: [], ...lesson };
  const save = async (event) => {
    event.preventDefault();
    const others = (stored?.lessons ?? []).filter((other) => other.lesson_id !== draft.lesson_id || !lesson);
    if (!(await replace([...others, draft], t("admin.saved", { name: lessonName(draft) })))) return;
    closeSheet();
  };
  openSheet(() => ({
    title: lesson ? t("admin.editNamed", { name: lessonName(lesson) }) : t("admin.newLesson"),
    body: html`<form class="stack" @submit=${save}>
      <label class="field"><span>${t("admin.weekday")}</span>
        <select @change=${(event) => (draft.weekday = Number(event.target.value))}>
          ${WEEKDAYS.map((day) => html`<option value=${day} ?selected=${day === draft.weekday}>${formatWeekday(day)}</option>`)}
        </select>
      </label>
      <div class="row wrap end">
        ${field(draft, "starts", t("admin.starts"), { type: "time", required: true })}
        ${field(draft, "ends", t("admin.ends"), { type: "time", required: true })}
      </div>
      ${field(draft, "subject", t("admin.subject"))} ${field(draft, "room", t("admin.room"))}
      ${field(draft, "teacher", t("admin.teacher"))}
      <div class="row wrap end">
        ${field(draft, "first_day", t("admin.firstDay"), { type: "date" })}
        ${field(draft, "last_day", t("admin.lastDay"), { type: "date" })}
      </div>
      <label class="field"><span>${t("admin.everyWeeks")}</span>
        <input type="number" min="1" max=${MAX_WEEKS} required .value=${String(draft.every_weeks)}
          @input=${(event) => (draft.every_weeks = Number(event.target.value))} />
      </label>
      <button class="primary big">${t("admin.save")}</button>
    </form>`,
  }));
}

function field(draft, name, label, { type = "text", required = false } = {}) {
  const set = (event) => {
    draft[name] = event.target.value || (type === "date" ? null : "");
  };
  return html`<label class="field half"><span>${label}</span>
    <input type=${type} ?required=${required} maxlength=${type === "text" ? MAX_TEXT : nothing} autocomplete="off"
      .value=${draft[name] ?? ""} @input=${set} />
  </label>`;
}

function remove(lesson) {
  confirmRemoval(
    t("admin.removeNamed", { name: lessonName(lesson) }),
    t("admin.removeLessonText"),
    t("admin.removeNow"),
    () =>
      void replace(
        (stored?.lessons ?? []).filter((other) => other.lesson_id !== lesson.lesson_id),
        t("admin.removed", { name: lessonName(lesson) }),
      ),
  );
}

async function replace(lessons, said) {
  const shown = stored;
  if (shown === null) return false;
  const request = () =>
    send("PUT", path(shown.group), { json: { lessons }, headers: { "If-Match": shown.etag ?? "*" } });
  const done = await attempt(request);
  if (done) toast(said);
  // Also after a conflict: the page then shows what somebody else has changed.
  await enter();
  return done;
}
