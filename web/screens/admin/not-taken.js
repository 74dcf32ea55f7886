/** Administration: registers of a day that are not taken by a time. */

import { get } from "../../core/api.js";
import { draw } from "../../core/draw.js";
import { formatTime, t } from "../../core/i18n.js";
import { newestOnly } from "../../core/newest.js";
import { failure } from "../../parts/waiting.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { table } from "./parts.js";

const BY = "muster.not-taken-by";
const DEFAULT_BY = "09:30";

/** @type {string} empty for today. */
let day = "";
/** @type {any} */
let found = null;
/** @type {unknown} */
let problem = null;
const newest = newestOnly();

/** Called when the page is opened. */
export async function enter() {
  const query = new URLSearchParams({ by: by() });
  if (day) query.set("day", day);
  await newest(
    () => get(`/v1/reports/not-taken?${query}`),
    show,
    (error) => show(null, error),
  );
}

/** @param {any} answer @param {unknown} error */
function show(answer, error = null) {
  found = answer;
  problem = error;
  draw();
}

/** Called at sign-out. */
export function forget() {
  found = null;
  day = "";
}

function by() {
  return localStorage.getItem(BY) ?? DEFAULT_BY;
}

/** @returns the page. */
export function page() {
  return html`<section class="stack">
    <h1 tabindex="-1">${t("admin.notTaken")}</h1>
    <p>${t("admin.notTakenText")}</p>
    <div class="row wrap end">
      <label class="field half"><span>${t("admin.day")}</span>
        <input type="date" .value=${day || (found?.day ?? "")} @change=${(event) => choose(() => (day = event.target.value))} />
      </label>
      <label class="field half"><span>${t("admin.by")}</span>
        <input type="time" required .value=${by()} @change=${(event) => choose(() => localStorage.setItem(BY, event.target.value || DEFAULT_BY))} />
      </label>
    </div>
    ${problem ? failure(problem) : nothing} ${found === null ? nothing : result()}
  </section>`;
}

function choose(change) {
  change();
  void enter();
}

function result() {
  const rows = [
    ...found.lessons.map((lesson) => ({
      key: lesson.session_id,
      cells: [
        lesson.group_name,
        `${formatTime(lesson.starts_at)}–${formatTime(lesson.ends_at)}`,
        lesson.subject,
        lesson.teacher,
      ],
    })),
    ...found.groups.map(({ group_id, name }) => ({ key: group_id, cells: [name, t("admin.noTimetable"), "", ""] })),
  ];
  const summary = html`<p role="status">${t("admin.notTakenOf", { missing: rows.length, due: found.due })}</p>`;
  if (rows.length === 0) return summary;
  return html`${summary}
  ${table(
    t("admin.notTaken"),
    [t("group.label"), t("admin.lessonTime"), t("admin.subject"), t("admin.teacher")],
    rows,
    ({ key }) => key,
    ({ cells }) => cells.map((cell) => cell || "–"),
  )}`;
}
