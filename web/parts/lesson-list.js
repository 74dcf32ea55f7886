/** The lessons of today on the roll call's screen. */

import { formatTime, t } from "../core/i18n.js";
import { chooseLesson, hasBegun, isNow, lessonsOfToday } from "../core/lessons.js";
import { me } from "../core/me.js";
import { chooseGroup } from "../core/roster.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icon } from "./icons.js";

const STATES = {
  planned: "lesson.planned",
  open: "lesson.open",
  closed: "lesson.closed",
  not_taken: "lesson.notTaken",
};

/** @param {import("../core/lessons.js").Lesson} lesson @returns {string} such as `8:00–8:45`. */
export function lessonTime(lesson) {
  return `${formatTime(lesson.starts_at)}–${formatTime(lesson.ends_at)}`;
}

/** @param {import("../core/lessons.js").Lesson} lesson @returns the lesson that the next photo belongs to. */
export function nextLesson(lesson) {
  return html`<p class="lesson-now" data-test="lesson-now">
    <b>${lesson.subject || lesson.group_name}</b>
    <span>${[lessonTime(lesson), lesson.room].filter(Boolean).join(" · ")}</span>
  </p>`;
}

/**
 * @param {string} group the chosen group; admins see only its lessons, teachers those of all their groups.
 * @param {() => void} onChoose called when a lesson was chosen.
 * @returns the list, or nothing without lessons.
 */
export function lessonList(group, onChoose) {
  const shown = lessonsOfToday().filter((lesson) => me().role !== "admin" || lesson.group_id === group);
  if (shown.length === 0) return nothing;
  return html`<h2>${t("lesson.today")}</h2>
    <ul class="list" data-test="lessons">
      ${repeat(
        shown,
        (lesson) => lesson.session_id,
        (lesson) => html`<li class=${isNow(lesson) ? "lesson current" : "lesson"}>${item(lesson, onChoose)}</li>`,
      )}
    </ul>`;
}

function item(lesson, onChoose) {
  const text = html`<span class="grow">
      <b>${lessonTime(lesson)}</b> ${lesson.group_name}${lesson.subject ? ` · ${lesson.subject}` : nothing}
    </span>
    <span class="muted">${t(STATES[lesson.state])}</span>`;
  if (lesson.is_open) return html`<a class="item" href="#/session/${lesson.session_id}">${text}${icon("next")}</a>`;
  if (!hasBegun(lesson)) return html`<span class="item">${text}</span>`;
  const choose = () => {
    chooseGroup(lesson.group_id);
    chooseLesson(lesson);
    onChoose();
    scrollTo(0, 0);
  };
  return html`<button class="item" @click=${choose}>${text}${icon("camera")}</button>`;
}
