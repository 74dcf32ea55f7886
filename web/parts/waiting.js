/** The list of photos and marks in the outbox, each with its state and actions. */

import { explain, formatDate, formatDateTime, formatTime, percent, t } from "../core/i18n.js";
import { busyServerUntil, discard, isVolatile, needsSignIn, progressOf, retry, wake } from "../core/outbox.js";
import { Unreachable } from "../core/problem.js";
import { groupName } from "../core/roster.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icon } from "./icons.js";

/** Object URL of each photo by id, created once and not at every drawing. */
const urls = new Map();

function urlOf(item) {
  if (!urls.has(item.id)) urls.set(item.id, URL.createObjectURL(item.blob));
  return urls.get(item.id);
}

/** Free the pictures of photos that have left the outbox. @param {readonly any[]} items those still in it. */
export function releaseSent(items) {
  const ids = new Set(items.map((item) => item.id));
  for (const [id, url] of urls) {
    if (ids.has(id)) continue;
    URL.revokeObjectURL(url);
    urls.delete(id);
  }
}

/** @param {any} item @returns {{name: string, text: string}} a photo's state: name for styles, text for people. */
export function stateOf(item) {
  if (item.state === "failed") return { name: "failed", text: reason(item) };
  if (!item.blob && progressOf(item.id) !== null) return { name: "sending", text: t(`waiting.${item.kind}`) };
  const share = progressOf(item.id);
  if (share !== null && share < 1) return { name: "sending", text: t("waiting.sending", { share: percent(share) }) };
  if (share !== null) return { name: "sending", text: t("waiting.reading") };
  if (needsSignIn()) return { name: "sign-in", text: t("waiting.signIn") };
  if (!navigator.onLine) return { name: "offline", text: t("waiting.offline") };
  const busy = busyServerUntil();
  if (busy !== null) return { name: "waiting", text: t("waiting.busy", { time: formatTime(busy.toISOString()) }) };
  return { name: "waiting", text: t("waiting.soon") };
}

function reason({ problem, dayTaken }) {
  if (problem.code === "photo_from_another_day" && dayTaken)
    return t("waiting.dayTaken", { day: formatDate(dayTaken) });
  return explain(problem);
}

/**
 * @param {string} key of a text about photos; `keyAny` is the text about photos and marks.
 * @param {readonly any[]} items
 * @returns {string} the text for these items.
 */
export function waitingText(key, items) {
  const photos = items.filter((item) => item.blob);
  const others = items.length > photos.length && !items.every((item) => item.blob || isFollowing(item, items));
  return others ? t(`${key}Any`, { count: items.length }) : t(key, { count: photos.length });
}

/** @param {readonly any[]} items @returns the list, or nothing if it is empty. */
export function waitingList(items) {
  if (items.length === 0) return nothing;
  const entries = withoutRepetition(items);
  return html`<section aria-labelledby="waiting-title">
    <h2 id="waiting-title">${waitingText("waiting.title", entries)}</h2>
    <ul class="list">
      ${repeat(entries, (item) => item.id, entry)}
    </ul>
  </section>`;
}

/** Whether a closing waits for other entries of its roll call, which it then follows. */
function isFollowing(item, items) {
  if (item.kind !== "closing" || item.state === "failed") return false;
  return items.some((other) => other.kind !== "closing" && other.session?.id === item.session.id);
}

// One entry for all marks of a roll call that wait, and for its closing; each refused change has its own.
function withoutRepetition(items) {
  const seen = new Set();
  return items.filter((item) => {
    if (isFollowing(item, items)) return false;
    if (item.kind !== "marks" || item.state === "failed") return true;
    const isFirst = !seen.has(item.session.id);
    seen.add(item.session.id);
    return isFirst;
  });
}

function entry(item) {
  const { name, text } = stateOf(item);
  const share = progressOf(item.id);
  const label = item.student?.name ?? item.guest?.name ?? groupName(item.groupId);
  return html`<li class="waiting ${name}" data-state=${name}>
    ${item.blob ? html`<img src=${urlOf(item)} alt="" />` : icon("list")}
    <div class="grow">
      <b>${label}</b> <span class="muted small">${formatDateTime(item.takenAt)}</span>
      <p class=${name === "failed" ? "bad" : "muted"}>${text}</p>
      ${isVolatile(item.id) ? html`<p class="bad">${t("waiting.volatile")}</p>` : nothing}
      ${share === null ? nothing : html`<progress max="1" .value=${share} aria-label=${text}></progress>`}
      ${name === "sign-in" ? html`<a class="button" href="#/sign-in">${t("signIn.title")}</a>` : nothing}
      ${name === "waiting" ? html`<button @click=${wake}>${icon("repeat")}${t("waiting.now")}</button>` : nothing}
      ${item.state === "failed" ? remedies(item) : nothing}
    </div>
  </li>`;
}

/** Error codes that ask whether a photo belongs to its roll call. */
const DOUBTS = ["photo_used_before", "photo_from_another_day", "registration_photo"];

function remedies(item) {
  return html`<div class="row wrap">
    ${resendButton(item)}
    ${item.kind === "closing" ? html`<a class="button" href="#/session/${item.session.id}">${t("session.title")}</a>` : nothing}
    <button class="danger" @click=${() => discard(item.id)}>
      ${icon("bin")}${t(item.kind === "closing" ? "session.finishAnyway" : "waiting.delete")}
    </button>
  </div>`;
}

function resendButton(item) {
  if (item.kind === "register" && item.problem.code === "duplicate_person") {
    return html`<button @click=${() => retry(item.id, { student: { ...item.student, allowLookalike: true } })}>
      ${t("register.lookalike")}
    </button>`;
  }
  if (item.problem.code === "questions_open") {
    return html`<button @click=${() => retry(item.id, { unanswered: "absent" })}>${icon("check")}${t("session.finishAbsent")}</button>`;
  }
  if (item.problem.code === "marks_changed") {
    return html`<button @click=${() => retry(item.id, { override: true })}>${icon("check")}${t("waiting.override")}</button>`;
  }
  if (DOUBTS.includes(item.problem.code)) {
    return html`<button @click=${() => retry(item.id, { useAnyway: true })}>${icon("check")}${t("waiting.use")}</button>`;
  }
  return html`<button @click=${() => retry(item.id)}>${icon("repeat")}${t("waiting.again")}</button>`;
}

/** @param {unknown} problem @returns an alert that explains why a page is not shown. */
export function failure(problem) {
  const text = problem instanceof Unreachable ? t("problem.unreachable") : explain(problem);
  return html`<p class="card bad" role="alert">${text}</p>`;
}
