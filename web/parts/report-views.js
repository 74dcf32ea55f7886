/** The reports as the screen shows them: lists of students, bars, and lists to tick. */

import { send } from "../core/api.js";
import { formatDay, formatTime, formatWeekday, percent, t } from "../core/i18n.js";
import { html, nothing, svg } from "../vendor/lit-html/lit-html.js";
import { attempt } from "./toast.js";

/** States of a day in display order, with the colour of each. */
const STATES = {
  present: "present",
  partly: "late",
  absent: "absent",
  excused: "excused",
  review: "review",
  unknown: "unknown",
};

/** @param {any} found the document of `/v1/reports/day`. */
export function day(found) {
  const having = (...states) => found.students.filter((student) => states.includes(student.state));
  const open = found.registers.filter((register) => !register.taken);
  const names = new Map(found.groups.map((group) => [group.group_id, group.name]));
  return html`${bar(found)}
    ${open.length > 0 ? html`<p class="muted">${t("report.notTaken", { count: open.length })}</p>` : nothing}
    ${
      found.without_register.length > 0
        ? html`<p class="muted">${t("reports.noRegister", { groups: found.without_register.map((id) => names.get(id) ?? id).join(", ") })}</p>`
        : nothing
    }
    ${section("reports.absent", having("absent", "partly"), lastSeen)}
    ${section("reports.review", having("review"), lastSeen)}
    ${section("reports.excused", having("excused"), lastSeen)}
    ${section("reports.unknown", having("unknown"), (student) => student.groups.join(", "))}`;
}

/** One bar with a part per state, and its numbers as text. */
function bar(found) {
  /** @type {[string, number][]} */
  const counted = Object.keys(STATES).map((state) => [
    state,
    found.students.filter((student) => student.state === state).length,
  ]);
  const all = Math.max(found.students.length, 1);
  let start = 0;
  const parts = counted.map(([state, count]) => {
    start += count;
    return svg`<rect class=${STATES[state]} x=${start - count} width=${count} height="1"></rect>`;
  });
  return html`<svg class="shares" viewBox="0 0 ${all} 1" preserveAspectRatio="none" aria-hidden="true">${parts}</svg>
    <p class="summary">
      ${counted.map(([state, count]) =>
        count === 0
          ? nothing
          : html`<span class="count ${STATES[state]}"><b>${count}</b> ${t(`reports.state.${state}`)}</span>`,
      )}
    </p>`;
}

function section(title, list, note) {
  if (list.length === 0) return nothing;
  return html`<h2>${t(title)} <span class="muted">${list.length}</span></h2>
    <ul class="list">${list.map((student) => line(student.name, note(student)))}</ul>`;
}

function line(name, note) {
  return html`<li><div class="item"><span class="grow"><b><bdi>${name}</bdi></b></span><span>${note}</span></div></li>`;
}

function lastSeen(student) {
  if (student.last === null) return student.groups.join(", ");
  const missed =
    student.counted > 1 ? ` · ${t("reports.missed", { missed: student.missed, count: student.counted })}` : "";
  const remark = student.remarks.length > 0 ? ` · ${student.remarks.join("; ")}` : "";
  return `${student.last.group_id} ${formatTime(student.last.started_at)} ${t(`status.${student.last.status}`)}${missed}${remark}`;
}

/** @param {any} found @param {"absences" | "low"} kind which of the two lists of students it is. */
export function students(found, kind) {
  if (found.students.length === 0) return html`<p class="muted">${t("reports.nobody")}</p>`;
  return html`<ul class="list">${found.students.map((student) => (kind === "low" ? rated(student) : missing(student)))}</ul>`;
}

function missing(student) {
  const questions = student.questions > 0 ? ` · ${t("report.questions", { count: student.questions })}` : "";
  const since = student.missing_since === null ? "" : t("reports.since", { day: formatDay(student.missing_since) });
  return line(student.name, `${t("reports.daysMissed", { count: student.days_missed })} · ${since}${questions}`);
}

function rated(student) {
  return html`<li><div class="item">
    <span class="grow"><b><bdi>${student.name}</bdi></b>${meter(student.totals.rate)}</span>
    <span>${percent(student.totals.rate)} · ${student.totals.absent} ${t("status.absent")}</span>
  </div></li>`;
}

function meter(rate) {
  return rate === null ? nothing : html`<meter min="0" max="1" .value=${rate} aria-hidden="true"></meter>`;
}

/** @param {any} found the document of `/v1/reports/not-taken`; for teachers, of their own lessons. */
export function notTaken(found) {
  const missing = found.lessons.length + found.groups.length;
  const summary = html`<p role="status">${t("reports.notTakenOf", { missing, due: found.due })}</p>`;
  if (missing === 0) return summary;
  return html`${summary}
    <ul class="list">
      ${found.lessons.map(
        (lesson) => html`<li><button class="item" @click=${() => void take(lesson, found.day)}>
          <span class="grow"><b>${lesson.group_name}</b> ${formatTime(lesson.starts_at)}–${formatTime(lesson.ends_at)}
            <span class="muted">${[lesson.subject, lesson.teacher].filter(Boolean).join(", ")}</span></span>
          <span>${t("reports.take")}</span>
        </button></li>`,
      )}
      ${found.groups.map(({ name, group_id: id }) => line(name || id, t("reports.noTimetable")))}
    </ul>`;
}

async function take({ group_id: group, lesson_id: lesson, session_id: session }, day) {
  const path = `/v1/groups/${encodeURIComponent(group)}/lessons/${encodeURIComponent(lesson)}/session`;
  if (await attempt(() => send("POST", path, { json: { day } }))) location.hash = `#/session/${session}`;
}

/** @param {any} found the document of `/v1/reports/breakdown`. */
export function breakdown(found) {
  if (found.lines.length === 0) return html`<p class="muted">${t("history.none")}</p>`;
  const label = (entry) => lineLabel(entry.key, found.by);
  return html`<ul class="list">
      ${found.lines.map(
        (entry) => html`<li><div class="item">
          <span class="grow"><b><bdi>${label(entry)}</bdi></b>${meter(entry.totals.rate)}</span>
          <span>${rate(entry.totals)} · ${entry.sessions} ${t("report.sessions", { count: entry.sessions })}</span>
        </div></li>`,
      )}
    </ul>
    <div class="heat" tabindex="0" role="region" aria-label=${t("reports.byStudent")}><table class="lines">
      <thead><tr><th scope="col">${t("report.student")}</th>${found.lines.map((entry) => html`<th scope="col">${label(entry)}</th>`)}</tr></thead>
      <tbody>${found.students.map(
        (student) =>
          html`<tr><th scope="row">${student.name}</th>${student.totals.map(
            (totals) =>
              html`<td class="rate ${totals.rate !== null && totals.rate < 0.9 ? "low" : ""}">${rate(totals)}</td>`,
          )}</tr>`,
      )}</tbody>
    </table></div>`;
}

function lineLabel(key, by) {
  if (key === null) return t("reports.noLesson");
  return by === "weekday" ? formatWeekday(Number(key)) : key;
}

function rate(totals) {
  return totals.rate === null ? "–" : percent(totals.rate);
}

/** @param {any} found the document of `/v1/reports/evacuation`. */
export function evacuation(found) {
  const inside = found.groups.reduce((sum, group) => sum + group.students.length + (group.guests ?? []).length, 0);
  return html`<p class="summary">
      <span class="count present"><b>${inside}</b> ${t("reports.inside")}</span>
      <span class="count review"><b>${found.not_known.length}</b> ${t("reports.state.unknown")}</span>
    </p>
    ${found.groups.map(
      (group) =>
        html`<h2><bdi>${group.name}</bdi> <span class="muted">${group.students.length} · ${t("reports.lastRegister", {
          time: formatTime(group.last_register.started_at),
        })}</span></h2>${ticks(group.students)}${guestTicks(group.guests ?? [])}`,
    )}
    ${found.not_known.length > 0 ? html`<h2>${t("reports.unknown")}</h2>${ticks(found.not_known)}` : nothing}`;
}

function guestTicks(names) {
  return names.length === 0
    ? nothing
    : html`<h3>${t("guest.title", { count: names.length })}</h3>
        ${ticks(names.map((name) => ({ name, groups: [] })))}`;
}

/** Boxes to tick, on the screen or on paper. */
function ticks(list) {
  return html`<ul class="list ticks">${list.map(
    (
      student,
    ) => html`<li><label class="item"><input type="checkbox" /><span class="grow"><b><bdi>${student.name}</bdi></b></span>
      <span>${student.groups.join(", ")}</span></label></li>`,
  )}</ul>`;
}
