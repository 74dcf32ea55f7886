/** The photos that wait in the phone, each with its state and what can be done about it. */

import { date, explain, moment, percent, t } from "../core/i18n.js";
import { discard, isVolatile, progressOf, retry, waitsForSignIn, wake } from "../core/outbox.js";
import { Unreachable } from "../core/problem.js";
import { groupName } from "../core/roster.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icon } from "./icons.js";

/** Address of each waiting photo, so that it is shown without being read again at each drawing. */
const addresses = new Map();

function address(item) {
  if (!addresses.has(item.id)) addresses.set(item.id, URL.createObjectURL(item.blob));
  return addresses.get(item.id);
}

/** Let go of the pictures of photos that no longer wait. @param {readonly any[]} items those that do. */
export function releaseSent(items) {
  const ids = new Set(items.map((item) => item.id));
  for (const [id, url] of addresses) {
    if (ids.has(id)) continue;
    URL.revokeObjectURL(url);
    addresses.delete(id);
  }
}

/** @param {any} item @returns {{name: string, text: string}} the state of a photo, in a word for styles and in words for people. */
export function stateOf(item) {
  if (item.state === "failed") return { name: "failed", text: reason(item) };
  const share = progressOf(item.id);
  if (share !== null && share < 1) return { name: "sending", text: t("waiting.sending", { share: percent(share) }) };
  if (share !== null) return { name: "sending", text: t("waiting.reading") };
  if (waitsForSignIn()) return { name: "sign-in", text: t("waiting.signIn") };
  if (!navigator.onLine) return { name: "offline", text: t("waiting.offline") };
  return { name: "waiting", text: t("waiting.soon") };
}

function reason({ problem, dayTaken }) {
  if (problem.code === "photo_from_another_day" && dayTaken) return t("waiting.dayTaken", { day: date(dayTaken) });
  return explain(problem);
}

/** @param {readonly any[]} items @returns the list, or nothing where none waits. */
export function waitingList(items) {
  if (items.length === 0) return nothing;
  return html`<section aria-labelledby="waiting-title">
    <h2 id="waiting-title">${t("waiting.title", { count: items.length })}</h2>
    <ul class="list">
      ${repeat(items, (item) => item.id, entry)}
    </ul>
  </section>`;
}

function entry(item) {
  const { name, text } = stateOf(item);
  const share = progressOf(item.id);
  const label = item.kind === "register" ? item.student.name : groupName(item.groupId);
  return html`<li class="waiting ${name}" data-state=${name}>
    <img src=${address(item)} alt="" />
    <div class="grow">
      <b>${label}</b> <span class="muted small">${moment(item.takenAt)}</span>
      <p class=${name === "failed" ? "bad" : "muted"}>${text}</p>
      ${isVolatile(item.id) ? html`<p class="bad">${t("waiting.volatile")}</p>` : nothing}
      ${share === null ? nothing : html`<progress max="1" .value=${share} aria-label=${text}></progress>`}
      ${name === "sign-in" ? html`<a class="button" href="#/sign-in">${t("signIn.title")}</a>` : nothing}
      ${name === "waiting" ? html`<button @click=${wake}>${icon("repeat")}${t("waiting.now")}</button>` : nothing}
      ${item.state === "failed" ? remedies(item) : nothing}
    </div>
  </li>`;
}

/** Codes by which the server asks whether a photo belongs to its roll call. */
const DOUBTS = ["photo_used_before", "photo_from_another_day", "registration_photo"];

function remedies(item) {
  const lookalike = item.kind === "register" && item.problem.code === "duplicate_person";
  return html`<div class="row wrap">
    ${
      lookalike
        ? html`<button @click=${() => retry(item.id, { student: { ...item.student, allowLookalike: true } })}>
            ${t("register.lookalike")}
          </button>`
        : DOUBTS.includes(item.problem.code)
          ? html`<button @click=${() => retry(item.id, { useAnyway: true })}>${icon("check")}${t("waiting.use")}</button>`
          : html`<button @click=${() => retry(item.id)}>${icon("repeat")}${t("waiting.again")}</button>`
    }
    <button class="danger" @click=${() => discard(item.id)}>${icon("bin")}${t("waiting.delete")}</button>
  </div>`;
}

/** @param {Error} problem @returns why a page is not shown. */
export function failure(problem) {
  const text = problem instanceof Unreachable ? t("problem.unreachable") : explain(problem);
  return html`<p class="card bad" role="alert">${text}</p>`;
}
