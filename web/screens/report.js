/** Screen: attendance of a term as a table of students by roll calls, and its export. */

import { get, send } from "../core/api.js";
import { findCode, hasOwnCodes, loadCodes } from "../core/codes.js";
import { draw } from "../core/draw.js";
import { formatDay, formatDayAndMonth, languageTag, percent, t } from "../core/i18n.js";
import { newestOnly } from "../core/newest.js";
import { chosenGroup, groupName } from "../core/roster.js";
import { schoolDay } from "../core/school-time.js";
import { share } from "../core/share.js";
import { resetOnSignOut } from "../core/sign-out.js";
import { groupPicker } from "../parts/group-picker.js";
import { icon } from "../parts/icons.js";
import { attempt } from "../parts/toast.js";
import { failure } from "../parts/waiting.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";

/** Months covered until the teacher changes the dates. */
const TERM_MONTHS = 4;
const FORMATS = { xlsx: "report.xlsx", csv: "report.csv", html: "report.page" };

const period = { since: "", until: "" };
/** @type {any} */
let report = null;
/** @type {unknown} */
let problem = null;
const newest = newestOnly();

/** Called when the screen is opened. */
export async function enter() {
  if (period.since === "") {
    const begin = new Date();
    begin.setMonth(begin.getMonth() - TERM_MONTHS);
    period.since = schoolDay(begin);
  }
  await Promise.all([load(), loadCodes()]);
}

resetOnSignOut(() => {
  report = null;
});

function reportPath(format = "") {
  const language = format === "html" ? languageTag() : "";
  const fields = { group_id: chosenGroup() ?? "", ...period, format, language };
  return `/v1/reports/attendance?${new URLSearchParams(Object.entries(fields).filter(([, value]) => value))}`;
}

async function load() {
  if (chosenGroup() === null) return;
  await newest(
    () => get(reportPath()),
    show,
    (error) => show(report, error),
  );
}

/** @param {any} answer @param {unknown} error */
function show(answer, error = null) {
  report = answer;
  problem = error;
  draw();
}

async function exportAs(format) {
  await attempt(async () => {
    const response = await send("GET", reportPath(format));
    const days = [period.since, period.until || schoolDay()].filter(Boolean).join("_to_");
    await share(await response.blob(), `${chosenGroup()}_${days}.${format}`);
  });
}

/** @returns the screen. */
export function reportPage() {
  const set = (name) => (event) => {
    period[name] = event.target.value;
    void load();
  };
  return html`<section class="stack">
    <h1 tabindex="-1">${t("report.title")}</h1>
    ${groupPicker(() => void load())}
    <div class="row wrap">
      <label class="field half"><span>${t("report.since")}</span><input type="date" .value=${period.since} @change=${set("since")} /></label>
      <label class="field half"><span>${t("report.until")}</span><input type="date" .value=${period.until} @change=${set("until")} /></label>
    </div>
    ${problem ? failure(problem) : nothing} ${report ? results() : nothing}
  </section>`;
}

function results() {
  if (report.sessions.length === 0) return html`<p class="muted">${t("history.none")}</p>`;
  const taken = report.sessions.filter((session) => session.taken);
  const notTaken = report.sessions.length - taken.length;
  return html`<p class="summary">
      <span class="count present"><b>${report.totals.rate === null ? "–" : percent(report.totals.rate)}</b> ${t("report.rate")}</span>
      <span class="count"><b>${taken.length}</b> ${t("report.sessions", { count: taken.length })}</span>
    </p>
    ${report.questions > 0 ? html`<p class="muted">${t("report.questions", { count: report.questions })}</p>` : nothing}
    ${notTaken > 0 ? html`<p class="muted">${t("report.notTaken", { count: notTaken })}</p>` : nothing}
    <div class="row wrap" role="group" aria-label=${t("report.export")}>
      ${Object.entries(FORMATS).map(
        ([format, label]) => html`<button @click=${() => exportAs(format)}>${icon("share")}${t(label)}</button>`,
      )}
    </div>
    ${heatMap()}
    <ul class="legend">
      ${keys().map(
        ({ status, letter, meaning }) =>
          html`<li><span class="cell ${status}" aria-hidden="true">${letter}</span> ${meaning}</li>`,
      )}
      <li><span class="cell none" aria-hidden="true">–</span> ${t("session.notTaken")}</li>
    </ul>`;
}

/** @returns what the cells of the table mean: the codes in use if the school has its own, or else the statuses. */
function keys() {
  const used = hasOwnCodes() ? [...new Set(report.students.flatMap(({ codes }) => Object.keys(codes ?? {})))] : [];
  const statuses = used.length > 0 ? ["review"] : ["present", "late", "absent", "excused", "review"];
  return [
    ...used
      .flatMap((code) => findCode(code) ?? [])
      .map(({ code, status, meaning }) => ({ status, letter: code, meaning })),
    ...statuses.map((status) => key(status, null)),
  ];
}

function key(status, code) {
  const known = code && hasOwnCodes() ? findCode(code) : undefined;
  return {
    status,
    letter: known?.code ?? t(`letter.${status}`),
    meaning: known?.meaning ?? t(`status.${status}`),
  };
}

function cell(status, code) {
  const { letter, meaning } = key(status, code);
  return html`<td class="cell ${status}"><abbr title=${meaning}>${letter}</abbr></td>`;
}

function heatMap() {
  return html`<div class="heat" tabindex="0" role="region" aria-label=${t("report.table", { group: groupName(chosenGroup() ?? "") })}>
    <table>
      <thead>
        <tr>
          <th scope="col">${t("report.student")}</th>
          <th scope="col">${t("report.rate")}</th>
          ${report.sessions.map(
            (
              session,
            ) => html`<th scope="col"><a href="#/session/${session.session_id}" aria-label=${formatDay(session.started_at)}>
              ${formatDayAndMonth(session.started_at).map((part) => html`<span>${part}</span>`)}
            </a></th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${report.students.map(
          (student) =>
            html`<tr>
              <th scope="row">${student.name}</th>
              <td class="rate">${student.totals.rate === null ? "–" : percent(student.totals.rate)}</td>
              ${student.marks.map((status, place) =>
                status === null
                  ? html`<td class="cell none">${report.sessions[place].taken ? nothing : html`<abbr title=${t("session.notTaken")}>–</abbr>`}</td>`
                  : cell(status, student.mark_codes?.[place]),
              )}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
