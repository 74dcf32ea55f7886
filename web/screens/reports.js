/** Screen: who is absent today, who has been for days, whose attendance is low, comparisons, and lists to print. */

import { get, send } from "../core/api.js";
import { draw } from "../core/draw.js";
import { languageTag, t } from "../core/i18n.js";
import { newestOnly } from "../core/newest.js";
import { chosenGroup, groupName, knownGroups } from "../core/roster.js";
import { schoolDay } from "../core/school-time.js";
import { share } from "../core/share.js";
import { resetOnSignOut } from "../core/sign-out.js";
import { icon } from "../parts/icons.js";
import { breakdown, day, evacuation, notTaken, students } from "../parts/report-views.js";
import { attempt } from "../parts/toast.js";
import { failure } from "../parts/waiting.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";

const FORMATS = { xlsx: "report.xlsx", csv: "report.csv", html: "report.page" };
const TERM_MONTHS = 4;

/**
 * @typedef {object} Kind
 * @property {string} path of the API.
 * @property {(found: any) => unknown} view
 * @property {("group" | "period" | "day" | "days" | "below" | "by" | "columns" | "time")[]} fields that the person can change.
 * @property {boolean} [oneGroup] whether a group must be chosen.
 * @property {boolean} [onScreenOnly] whether the server writes no files of it.
 */

/** @type {Record<string, Kind>} */
const KINDS = {
  day: { path: "day", view: day, fields: ["group", "day"] },
  absences: { path: "absences", view: (found) => students(found, "absences"), fields: ["group", "days"] },
  low: { path: "low-attendance", view: (found) => students(found, "low"), fields: ["group", "below", "period"] },
  breakdown: { path: "breakdown", view: breakdown, fields: ["group", "by", "period"], oneGroup: true },
  notTaken: { path: "not-taken", view: notTaken, fields: ["day", "time"], onScreenOnly: true },
  evacuation: { path: "evacuation", view: evacuation, fields: ["group"] },
  sheet: { path: "sheet", view: sheetView, fields: ["group", "day", "columns"], oneGroup: true },
};

const chosen = {
  kind: "day",
  group: "",
  day: "",
  days: "3",
  below: "90",
  by: "subject",
  since: "",
  until: "",
  columns: "",
  time: "",
};
/** Sent if no time is entered: all lessons of the day that have started by now. */
const END_OF_DAY = "23:59";
/** @type {{kind: string, found: any} | null} */
let shown = null;
/** @type {unknown} */
let problem = null;
const newest = newestOnly();

/** Called when the screen is opened. @param {string} kind from the address; empty for the last one. */
export async function enter(kind) {
  if (kind in KINDS) chosen.kind = kind;
  if (chosen.since === "") {
    const begin = new Date();
    begin.setMonth(begin.getMonth() - TERM_MONTHS);
    chosen.since = schoolDay(begin);
  }
  await load();
}

resetOnSignOut(() => {
  shown = null;
  chosen.group = "";
});

/** @returns {string | null} null if a group is needed and there is none. */
function path(format = "") {
  const kind = KINDS[chosen.kind];
  const group = kind.oneGroup ? chosen.group || chosenGroup() : chosen.group;
  if (kind.oneGroup && !group) return null;
  /** @type {Record<string, string>} */
  const values = { group_id: group ?? "", format, language: format === "html" ? languageTag() : "" };
  for (const field of kind.fields) {
    if (field === "period") Object.assign(values, { since: chosen.since, until: chosen.until });
    else if (field === "time") values.by = chosen.time || END_OF_DAY;
    else if (field !== "group") values[field] = chosen[field];
  }
  return `/v1/reports/${kind.path}?${new URLSearchParams(Object.entries(values).filter(([, value]) => value))}`;
}

async function load() {
  const address = path();
  const kind = chosen.kind;
  if (address === null) return;
  await newest(
    () => get(address),
    (found) => show({ kind, found }),
    (error) => show(shown, error),
  );
}

/** @param {any} answer @param {unknown} error */
function show(answer, error = null) {
  shown = answer;
  problem = error;
  draw();
}

async function exportAs(format) {
  await attempt(async () => {
    const response = await send("GET", path(format) ?? "");
    await share(await response.blob(), `${chosen.kind}-${schoolDay()}.${format}`);
  });
}

function set(field) {
  return (event) => {
    chosen[field] = event.target.value;
    void load();
  };
}

/** @returns the screen. */
export function reportsPage() {
  const kind = KINDS[chosen.kind];
  const current = shown?.kind === chosen.kind ? shown.found : null;
  return html`<section class="stack">
    <h1 tabindex="-1">${t("reports.title")}</h1>
    <div class="row wrap no-print">
      ${picker("reports.kind", "kind", Object.keys(KINDS), (name) => t(`reports.kind.${name}`))}
      ${kind.fields.map((field) => FIELDS[field](kind))}
    </div>
    ${problem ? failure(problem) : results(kind, current)}
  </section>`;
}

function results(kind, found) {
  if (found === null) return html`<p class="muted">${t("state.loading")}</p>`;
  return [actions(kind), kind.view(found)];
}

const FIELDS = {
  group: (kind) =>
    picker(
      "group.label",
      "group",
      [...(kind.oneGroup ? [] : [""]), ...(knownGroups() ?? []).map(({ group_id }) => group_id)],
      (id) => (id ? groupName(id) : t("reports.allGroups")),
    ),
  by: () => picker("reports.by", "by", ["subject", "teacher", "weekday", "period"], (by) => t(`reports.by.${by}`)),
  day: () => input("reports.day", "day", "date"),
  days: () => input("reports.days", "days", "number"),
  below: () => input("reports.below", "below", "number"),
  columns: () => input("reports.columns", "columns", "number"),
  time: () => input("reports.by.time", "time", "time"),
  period: () => html`${input("report.since", "since", "date")}${input("report.until", "until", "date")}`,
};

function picker(label, field, values, name) {
  const current = field === "group" && KINDS[chosen.kind].oneGroup ? chosen.group || chosenGroup() : chosen[field];
  return html`<label class="field half"><span>${t(label)}</span>
    <select data-test=${field} @change=${set(field)}>
      ${values.map((value) => html`<option value=${value} ?selected=${value === current}>${name(value)}</option>`)}
    </select></label>`;
}

function input(label, field, type) {
  return html`<label class="field half"><span>${t(label)}</span>
    <input type=${type} min=${type === "number" ? "1" : nothing} inputmode=${type === "number" ? "numeric" : nothing}
      .value=${chosen[field]} @change=${set(field)} /></label>`;
}

function actions(kind) {
  return html`<div class="row wrap no-print" role="group" aria-label=${t("report.export")}>
    <button @click=${() => print()}>${icon("list")}${t("reports.print")}</button>
    ${Object.entries(kind.onScreenOnly ? {} : FORMATS).map(
      ([format, label]) => html`<button @click=${() => exportAs(format)}>${icon("share")}${t(label)}</button>`,
    )}
  </div>`;
}

function sheetView(found) {
  return html`<div class="heat" tabindex="0" role="region" aria-label=${t("reports.kind.sheet")}><table class="lines">
    <thead><tr><th scope="col">${t("report.student")}</th>${found.columns.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
    <tbody>${found.students.map(
      (student) => html`<tr><th scope="row">${student.name}</th>${found.columns.map(() => html`<td></td>`)}</tr>`,
    )}</tbody>
  </table></div>`;
}
