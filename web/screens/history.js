/** Screen: past roll calls of a group, and the link to its report. */

import { cached, getAll } from "../core/api.js";
import { draw } from "../core/draw.js";
import { formatDateTime, t } from "../core/i18n.js";
import { isSubstitute } from "../core/me.js";
import { queuedPhotos } from "../core/outbox.js";
import { chosenGroup, knownGroups, rosterProblem } from "../core/roster.js";
import { schoolDay } from "../core/school-time.js";
import { resetOnSignOut } from "../core/sign-out.js";
import { groupPicker } from "../parts/group-picker.js";
import { icon } from "../parts/icons.js";
import { failure, waitingList } from "../parts/waiting.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { outcome, presence } from "./roll-call.js";

/** Days covered by the list; the report covers any period. */
const DAYS = 180;

/** @type {{group: string, sessions: any[]} | null} */
let loaded = null;
/** @type {unknown} */
let problem = null;

/** Called when the screen is opened. */
export async function enter() {
  const group = chosenGroup();
  if (group === null) return;
  const since = schoolDay(new Date(Date.now() - DAYS * 86_400_000));
  const path = `/v1/sessions?${new URLSearchParams({ group_id: group, since })}`;
  try {
    const sessions = await cached(`sessions of ${group}`, () => getAll(path));
    loaded = { group, sessions: [...sessions].reverse() };
    problem = null;
  } catch (error) {
    problem = error;
  }
  draw();
}

resetOnSignOut(() => {
  loaded = null;
});

/** @returns the screen. */
export function historyPage() {
  if (knownGroups() === null) {
    return rosterProblem() ? failure(rosterProblem()) : html`<p class="muted">${t("state.loading")}</p>`;
  }
  const group = chosenGroup();
  return html`<section class="stack">
    <h1 tabindex="-1">${t("history.title")}</h1>
    ${group === null ? html`<p>${t("roll.noGroup")}</p>` : groupPicker(() => void enter())}
    ${group === null || isSubstitute() ? nothing : html`<a class="button big" href="#/report">${icon("list")}${t("report.open")}</a>`}
    ${isSubstitute() ? nothing : html`<a class="button big" href="#/reports">${icon("question")}${t("reports.open")}</a>`}
    ${waitingList(queuedPhotos().filter((item) => item.kind !== "register" && item.groupId === group))}
    ${problem ? failure(problem) : list(group)}
  </section>`;
}

function list(group) {
  if (loaded === null || loaded.group !== group) return nothing;
  if (loaded.sessions.length === 0) return html`<p class="muted">${t("history.none")}</p>`;
  return html`<ul class="list" data-test="sessions">
    ${repeat(loaded.sessions, (session) => session.session_id, entry)}
  </ul>`;
}

function entry(session) {
  const { present, all } = presence(session.counts);
  return html`<li>
    <a class="item" href="#/session/${session.session_id}">
      <span class="grow">
        <b>${formatDateTime(session.started_at)}</b>
        ${session.taken ? html`<meter min="0" max=${Math.max(all, 1)} .value=${present} aria-hidden="true"></meter>` : nothing}
      </span>
      <span>${outcome(session)}</span>${icon("next")}
    </a>
  </li>`;
}
