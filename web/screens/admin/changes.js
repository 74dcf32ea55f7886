/** Administration: who changed what in the registers of a period, with pages and a file. */

import { get, send } from "../../core/api.js";
import { loadCodes } from "../../core/codes.js";
import { draw } from "../../core/draw.js";
import { formatDateTime, t } from "../../core/i18n.js";
import { newestOnly } from "../../core/newest.js";
import { groupName, knownGroups } from "../../core/roster.js";
import { schoolDay } from "../../core/school-time.js";
import { share } from "../../core/share.js";
import { changeReason, changeSubject, changeText } from "../../parts/change-list.js";
import { icon } from "../../parts/icons.js";
import { attempt } from "../../parts/toast.js";
import { failure } from "../../parts/waiting.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { table } from "./parts.js";

const DAYS = 7;

/** @type {{items: any[], next_cursor: string | null} | null} */
let found = null;
/** @type {unknown} */
let problem = null;
const newest = newestOnly();
const filter = { group: "", student: "", since: "", until: "" };

/** Called when the page is opened. */
export async function enter() {
  if (filter.since === "") filter.since = schoolDay(new Date(Date.now() - DAYS * 24 * 3600 * 1000));
  void loadCodes();
  await load();
}

/** Called at sign-out. */
export function forget() {
  found = null;
  Object.assign(filter, { group: "", student: "", since: "", until: "" });
}

function path(more = {}) {
  const { group: group_id, student: student_id, since, until } = filter;
  const wanted = { group_id, student_id: student_id.trim(), since, until, ...more };
  return `/v1/reports/changes?${new URLSearchParams(Object.entries(wanted).filter(([, value]) => value))}`;
}

/** @param {any} answer @param {unknown} error */
function show(answer, error = null) {
  found = answer;
  problem = error;
  draw();
}

async function load() {
  await newest(
    () => get(path()),
    show,
    (error) => show(null, error),
  );
}

async function loadMore() {
  const before = found;
  if (before?.next_cursor == null) return;
  await newest(
    () => get(path({ cursor: before.next_cursor })),
    (page) => show({ ...page, items: [...before.items, ...page.items] }),
    (error) => show(before, error),
  );
}

async function save() {
  await attempt(async () => {
    const response = await send("GET", path({ format: "csv" }));
    await share(await response.blob(), `changes-${schoolDay()}.csv`);
  });
}

function choose(field) {
  return (event) => {
    filter[field] = event.target.value;
    // Otherwise the answer would write this value over what is typed until it comes.
    draw();
    void load();
  };
}

/** @returns the page. */
export function page() {
  return html`<section class="stack">
    <h1 tabindex="-1">${t("admin.changes")}</h1>
    <p>${t("admin.changesText")}</p>
    <div class="row wrap end" role="search">
      <label class="field half"><span>${t("report.since")}</span>
        <input type="date" required .value=${filter.since} @change=${choose("since")} /></label>
      <label class="field half"><span>${t("report.until")}</span>
        <input type="date" .value=${filter.until} @change=${choose("until")} /></label>
      <label class="field half"><span>${t("group.label")}</span>
        <select @change=${choose("group")}>
          <option value="">${t("admin.allGroups")}</option>
          ${(knownGroups() ?? []).map(({ group_id: id }) => html`<option value=${id} ?selected=${id === filter.group}>${groupName(id)}</option>`)}
        </select></label>
      <label class="field half"><span>${t("admin.changesStudent")}</span>
        <input type="search" autocomplete="off" .value=${filter.student} @change=${choose("student")} /></label>
    </div>
    ${problem ? failure(problem) : nothing} ${found === null ? nothing : list(found)}
  </section>`;
}

function list({ items, next_cursor: following }) {
  const more = following
    ? html`<button class="big" @click=${() => void loadMore()}>${t("admin.more")}</button>`
    : nothing;
  if (items.length === 0) return html`<p class="muted" role="status">${t("admin.changesNone")}</p>${more}`;
  return html`<button @click=${() => void save()}>${icon("share")}${t("report.csv")}</button>
  ${table(
    t("admin.changes"),
    [t("admin.changesOf"), t("register.name"), t("changes.open"), t("admin.reason"), t("admin.changesBy")],
    items.map((item, place) => ({ ...item, place })),
    ({ place }) => String(place),
    ({ session_id: id, group_id: group, started_at: start, subject, change }) => [
      html`<a href="#/session/${encodeURIComponent(id)}">${groupName(group)}, ${formatDateTime(start)}</a>${subject ? html` <span class="muted">${subject}</span>` : nothing}`,
      changeSubject(change),
      changeText(change),
      changeReason(change) || "–",
      html`${change.by_name || change.by} <span class="muted small">${formatDateTime(change.at)}</span>`,
    ],
  )}
  ${more}`;
}
