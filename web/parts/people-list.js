/** The list of everybody in a roll call: search, order, keyboard, and the button that marks all present. */

import { codeText } from "../core/codes.js";
import { draw } from "../core/draw.js";
import { t } from "../core/i18n.js";
import { matches, ORDERS, seenInPhotos, sorted } from "../core/people.js";
import { knownStudents } from "../core/roster.js";
import { everyone } from "../core/session.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icon } from "./icons.js";
import { mark, nameOf } from "./marking.js";
import { chip } from "./status.js";
import { minutesText, openStudent } from "./student-sheet.js";

/** Shorter lists need no search. */
const SEARCH_FROM = 8;
const ORDER = "muster.order";

let query = "";
let order = localStorage.getItem(ORDER) ?? ORDERS[0];

/** Forget the search of the last roll call. */
export function resetSearch() {
  query = "";
}

/** @param {any} view @returns the list, or nothing if nobody is known. */
export function peopleList(view) {
  const people = everyone(view);
  if (people.length === 0) return nothing;
  const shown = sorted(
    people.filter((person) => matches(query, person)),
    order,
    seenInPhotos(view.photos),
  );
  return html`<section class="stack-small" aria-labelledby="people-title">
    <h2 id="people-title">${t("session.people")}</h2>
    ${allPresent(view, people)} ${people.length < SEARCH_FROM ? nothing : tools(people.length, shown)}
    <ul class="list" data-test="people" @keydown=${moveFocus}>
      ${repeat(
        shown,
        (person) => person.student_id,
        (person) => entry(view, person),
      )}
    </ul>
  </section>`;
}

function tools(count, shown) {
  const search = (event) => {
    query = event.target.value;
    draw();
  };
  const choose = (event) => {
    order = event.target.value;
    localStorage.setItem(ORDER, order);
    draw();
  };
  const act = (event) => {
    if (event.key === "ArrowDown") focusItem(document.querySelector("[data-test=people]"), 0);
    else if (event.key === "Enter" && shown.length > 0) openStudent(shown[0]);
    else return;
    event.preventDefault();
  };
  return html`<div class="row wrap">
      <label class="field grow">
        <span>${t("people.search")}</span>
        <input type="search" autocomplete="off" autocapitalize="off" spellcheck="false" .value=${query}
          @input=${search} @keydown=${act} />
      </label>
      <label class="field grow">
        <span>${t("people.order")}</span>
        <select @change=${choose}>
          ${ORDERS.map(
            (name) => html`<option value=${name} ?selected=${name === order}>${t(`people.by.${name}`)}</option>`,
          )}
        </select>
      </label>
    </div>
    <p class="muted small" role="status">${query.trim() === "" ? nothing : t("people.found", { found: shown.length, count })}</p>`;
}

function entry(view, person) {
  return html`<li>
    <button class="item" @click=${() => openStudent(person)} aria-haspopup="dialog">
      <span class="grow">${nameOf(person)}
        ${remark(view, person)}
      </span>
      ${person.status === null ? html`<span class="muted">${t("mark.none")}</span>` : chip(person.status)}
    </button>
  </li>`;
}

function remark(view, person) {
  const key = remarkKey(view, person);
  const parts = [key && t(key), codeText(person), minutesText(person), person.remark].filter(Boolean);
  return parts.length === 0 ? nothing : html`<span class="muted small">${parts.join(" · ")}</span>`;
}

function remarkKey(view, person) {
  if (person.waiting) return "mark.waiting";
  if (person.source === "planned") return "mark.planned";
  if (person.by_person) return person.source === "manual" ? "mark.manual" : "mark.byFace";
  const isOpen = view.photos.length > 0 && person.status !== "present";
  return isOpen && !isRecognised(view, person) ? "mark.withoutPhoto" : null;
}

function isRecognised(view, { student_id: id }) {
  const student = (knownStudents(view.groupId) ?? []).find((known) => known.student_id === id);
  return student === undefined || student.state === "registered";
}

function isUndecided(person) {
  return !person.by_person && person.source !== "planned" && person.status !== "present";
}

// Without photos everybody whose mark is open; after a photo only the students without a photo of their own.
function allPresent(view, people) {
  const hasPhotos = view.photos.length > 0;
  const open = people.filter((person) => isUndecided(person) && !(hasPhotos && isRecognised(view, person)));
  if (open.length === 0 || view.closed) return nothing;
  const label = t(hasPhotos ? "mark.withoutPhotoPresent" : "mark.allPresent", { count: open.length });
  return html`<button class="big" @click=${() => void markAll(open)}>${icon("check")}${label}</button>`;
}

async function markAll(people) {
  await mark(people, { status: "present" }, t("mark.saidPresent", { count: people.length, name: nameOf(people[0]) }));
}

function moveFocus(event) {
  const list = event.currentTarget;
  const items = [...list.querySelectorAll(".item")];
  const at = items.indexOf(document.activeElement);
  const target = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (at < 0 || target === undefined) return;
  event.preventDefault();
  focusItem(list, target);
}

function focusItem(list, place) {
  const items = list?.querySelectorAll(".item") ?? [];
  items[Math.min(Math.max(place, 0), items.length - 1)]?.focus();
}
