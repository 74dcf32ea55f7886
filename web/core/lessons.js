/** The lessons of today, with the state of their registers; cached for use without a network. */

import { cached, get } from "./api.js";
import { draw } from "./draw.js";
import { schoolDay } from "./school-time.js";
import { resetOnSignOut } from "./sign-out.js";

/** Milliseconds before its start from which a photo belongs to a lesson, as on the server. */
const EARLY = 15 * 60_000;

/**
 * @typedef {object} Lesson
 * @property {string} lesson_id
 * @property {string} group_id
 * @property {string} group_name
 * @property {string} starts_at
 * @property {string} ends_at
 * @property {string} subject
 * @property {string} room
 * @property {string} teacher
 * @property {"planned" | "open" | "closed" | "not_taken"} state
 * @property {string} session_id of its register, whether or not that is open.
 * @property {boolean} is_open whether its session exists.
 */

/** @type {Lesson[]} */
let lessons = [];
/** @type {string | null} session of the lesson that the user chose. */
let chosen = null;

/** Load the lessons of today. Without a timetable, or without a network and cache, there are none. */
export async function loadLessons() {
  try {
    lessons = (await cached("/v1/lessons", () => get("/v1/lessons"))).lessons.filter(isToday);
    // An earlier lesson was chosen for one register, which is open now.
    if (lessons.some((lesson) => lesson.session_id === chosen && lesson.is_open)) chosen = null;
  } catch {
    // The roll call works without them.
    lessons = [];
  }
  draw();
}

/** @returns {Lesson[]} ordered by start. */
export function lessonsOfToday() {
  return lessons;
}

/** @param {Lesson} lesson @param {number} [now] @returns {boolean} whether a photo taken now belongs to it. */
export function isNow(lesson, now = Date.now()) {
  return Date.parse(lesson.starts_at) - EARLY <= now && now < Date.parse(lesson.ends_at);
}

/** @param {Lesson} lesson @param {number} [now] @returns {boolean} whether its register can be taken. */
export function hasBegun(lesson, now = Date.now()) {
  return Date.parse(lesson.starts_at) - EARLY <= now;
}

/** Choose a lesson for the next photos. @param {Lesson} lesson */
export function chooseLesson(lesson) {
  chosen = lesson.session_id;
  draw();
}

/**
 * @param {string} group
 * @returns {Lesson | null} the lesson of a group that photos taken now belong to: the chosen one, or the one in progress.
 */
export function lessonFor(group) {
  const own = lessons.filter((lesson) => lesson.group_id === group && hasBegun(lesson) && lesson.state !== "closed");
  const current = own.filter((lesson) => isNow(lesson));
  return own.find((lesson) => lesson.session_id === chosen) ?? current[current.length - 1] ?? null;
}

/** @returns {Lesson | null} the first lesson that is now and can be taken. */
export function lessonNow() {
  return lessons.find((lesson) => isNow(lesson) && lesson.state !== "closed") ?? null;
}

/** @param {Lesson} lesson @returns {import("./outbox.js").SessionRef} its register, for photos to send. */
export function registerOf(lesson) {
  return { id: lesson.session_id, startedAt: lesson.starts_at, isNew: !lesson.is_open, isOpen: lesson.is_open };
}

// A cached list may be yesterday's.
function isToday(lesson) {
  return schoolDay(new Date(lesson.starts_at)) === schoolDay();
}

resetOnSignOut(() => {
  lessons = [];
  chosen = null;
});
