/** Screen: choose a group and take the photos of a roll call. */

import { get } from "../core/api.js";
import { draw } from "../core/draw.js";
import { captureTime, dayTaken } from "../core/exif.js";
import { formatDateTime, formatTime, t } from "../core/i18n.js";
import { lessonFor, lessonNow, loadLessons, registerOf } from "../core/lessons.js";
import { isSubstitute, me } from "../core/me.js";
import { enqueue, queuedPhotos } from "../core/outbox.js";
import { preparePhoto } from "../core/photo.js";
import { randomId } from "../core/random.js";
import {
  chooseGroup,
  chosenGroup,
  groupName,
  knownGroups,
  knownStudents,
  loadStudents,
  rosterProblem,
} from "../core/roster.js";
import { schoolDay } from "../core/school-time.js";
import { resetOnSignOut } from "../core/sign-out.js";
import { ask } from "../parts/ask.js";
import { groupPicker } from "../parts/group-picker.js";
import { icon } from "../parts/icons.js";
import { lessonList, nextLesson } from "../parts/lesson-list.js";
import { attempt, toast } from "../parts/toast.js";
import { failure, waitingList } from "../parts/waiting.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";

/** Days from which recent roll calls are listed. */
const RECENT_DAYS = 2;
/** Milliseconds after the start of a roll call within which another photo probably belongs to it. */
const SAME_ROLL_CALL = 15 * 60_000;

/** @type {{group: string, sessions: any[]} | null} */
let recent = null;
let preparing = 0;
/**
 * Roll calls started on this page, by id, before the server lists them.
 * @type {Map<string, {id: string, startedAt: string, group: string}>}
 */
const startedHere = new Map();

resetOnSignOut(() => {
  recent = null;
  startedHere.clear();
});

/** Called when the screen is opened. */
export async function enter() {
  await loadLessons();
  // A teacher's lesson that is now is one tap from the camera. Admins see every class, so they choose.
  const now = lessonNow();
  const last = chosenGroup();
  if (now !== null && me().role !== "admin" && (last === null || lessonFor(last) === null)) chooseGroup(now.group_id);
  await loadGroup();
}

async function loadGroup() {
  const group = chosenGroup();
  if (group === null) return;
  await Promise.all([loadStudents(group).catch(() => undefined), loadRecent(group)]);
}

async function loadRecent(group) {
  const since = schoolDay(new Date(Date.now() - RECENT_DAYS * 86_400_000));
  try {
    const page = await get(`/v1/sessions?${new URLSearchParams({ group_id: group, since, limit: "20" })}`);
    recent = { group, sessions: page.items.reverse().slice(0, 3) };
  } catch {
    // Without a network only the photos in the outbox are shown, in their own list.
    recent = null;
  }
  draw();
}

/** @param {string} group @param {Date} now @returns {string} readable, unique id of a new roll call. */
function newSessionId(group, now) {
  const stamp = now.toISOString().slice(0, 16).replace(/[-:T]/g, "");
  return `${group.slice(0, 40)}-${stamp}-${randomId().slice(0, 8)}`;
}

/**
 * Queue the photos of one roll call and open its screen.
 * @param {Iterable<File>} files
 * @param {import("../core/outbox.js").SessionRef | null} session to add to; null starts a new one.
 * @param {string} group
 */
export async function takePhotos(files, session, group) {
  const chosen = [...files].slice(0, me().max_photos);
  if (chosen.length < [...files].length) toast(t("roll.tooMany", { count: me().max_photos }), { tone: "bad" });
  if (chosen.length === 0) return;
  const now = new Date();
  /** @type {import("../core/outbox.js").SessionRef} */
  const target = session ?? { id: newSessionId(group, now), startedAt: now.toISOString(), isNew: true };
  if (target.isNew) startedHere.set(target.id, { id: target.id, startedAt: target.startedAt, group });
  preparing += chosen.length;
  draw();
  for (const file of chosen) {
    await attempt(async () => {
      const blob = await preparePhoto(file, me().uploads ? Infinity : me().max_photo_bytes);
      const taken = await captureTime(file);
      await enqueue({ kind: "detect", groupId: group, session: target, blob, dayTaken: taken && dayTaken(taken) });
    });
    preparing -= 1;
    if (location.hash !== `#/session/${target.id}`) location.hash = `#/session/${target.id}`;
  }
  draw();
}

/** Open a roll call without a photo: the list of everybody, offline too. @param {string} group */
async function takeByHand(group) {
  const now = new Date();
  const lesson = lessonFor(group);
  /** @type {import("../core/outbox.js").SessionRef} */
  const target = lesson
    ? registerOf(lesson)
    : { id: newSessionId(group, now), startedAt: now.toISOString(), isNew: true };
  if (target.isNew) startedHere.set(target.id, { id: target.id, startedAt: target.startedAt, group });
  await enqueue({ kind: "marks", groupId: group, session: target, marks: [] });
  location.hash = `#/session/${target.id}`;
}

/** Stop listing a roll call that was deleted. @param {string} id */
export function removeFromRecent(id) {
  startedHere.delete(id);
  if (recent !== null) recent.sessions = recent.sessions.filter((session) => session.session_id !== id);
}

/** @returns {number} number of photos being prepared. */
export function photosInPreparation() {
  return preparing;
}

/**
 * @param {string} group
 * @returns {import("../core/outbox.js").SessionRef | null} the group's latest roll call, sent or not, if it just started.
 */
function recentlyStarted(group) {
  const sent = recent?.group === group ? recent.sessions : [];
  const known = [
    ...sent.map((session) => ({ id: session.session_id, startedAt: session.started_at, isOpen: true })),
    ...[...startedHere.values()].filter((session) => session.group === group),
    ...queuedPhotos()
      .filter((item) => item.kind !== "register" && item.groupId === group && item.user === me().user_id)
      .flatMap(({ session }) => (session ? [{ ...session, isNew: false }] : [])),
  ].filter(({ startedAt }) => Math.abs(Date.now() - Date.parse(startedAt)) < SAME_ROLL_CALL);
  return known.sort((first, second) => Date.parse(second.startedAt) - Date.parse(first.startedAt))[0] ?? null;
}

function files(group) {
  return (event) => {
    const chosen = [...event.target.files];
    event.target.value = "";
    const lesson = lessonFor(group);
    if (lesson !== null) {
      void takePhotos(chosen, registerOf(lesson), group);
      return;
    }
    const last = recentlyStarted(group);
    if (last === null || chosen.length === 0) {
      void takePhotos(chosen, null, group);
      return;
    }
    const time = formatTime(last.startedAt);
    ask(
      t("roll.addTitle"),
      [t("roll.addText", { time, group: groupName(group) })],
      [
        { label: t("roll.add", { time }), style: "primary", run: () => void takePhotos(chosen, last, group) },
        { label: t("roll.new"), run: () => void takePhotos(chosen, null, group) },
      ],
    );
  };
}

/** @returns the screen. */
export function rollCall() {
  const groups = knownGroups();
  if (groups === null)
    return rosterProblem() ? failure(rosterProblem()) : html`<p class="muted">${t("state.loading")}</p>`;
  if (groups.length === 0) {
    return html`<section class="card stack">
      <h1 tabindex="-1">${t("roll.title")}</h1>
      <p>${t("roll.noGroup")}</p>
      ${isSubstitute() ? nothing : html`<a class="button primary big" href="#/register">${icon("addPerson")}${t("register.title")}</a>`}
    </section>`;
  }
  const group = chosenGroup() ?? "";
  const students = knownStudents(group);
  const lesson = lessonFor(group);
  return html`<section class="stack">
    <h1 tabindex="-1">${t("roll.title")}</h1>
    ${groupPicker(() => void loadGroup())} ${lesson === null ? nothing : nextLesson(lesson)}
    <p class="muted">${students === null ? nothing : t("group.size", { count: students.length })}</p>
    <div class="shutter">
      <label class="button primary huge">
        ${icon("camera")}<span>${t("roll.take")}</span>
        <input type="file" accept="image/*" capture="environment" class="hidden-input" @change=${files(group)} />
      </label>
      <label class="button big">
        ${icon("gallery")}<span>${t("roll.choose")}</span>
        <input type="file" accept="image/*" multiple class="hidden-input" data-test="choose" @change=${files(group)} />
      </label>
      <button class="big" @click=${() => void attempt(() => takeByHand(group))}>
        ${icon("list")}<span>${t("roll.byHand")}</span>
      </button>
      <p class="muted small">${t("roll.hint", { count: me().max_photos })}</p>
    </div>
    ${waitingList(queuedPhotos().filter((item) => item.kind !== "register"))} 
    ${lessonList(group, () => void loadGroup())} ${recentList(group)}
  </section>`;
}

function recentList(group) {
  if (recent === null || recent.group !== group || recent.sessions.length === 0) return nothing;
  return html`<h2>${t("roll.recent")}</h2>
    <ul class="list">
      ${repeat(
        recent.sessions,
        (session) => session.session_id,
        (session) =>
          html`<li>
            <a class="item" href="#/session/${session.session_id}">
              <span class="grow"><b>${formatDateTime(session.started_at)}</b></span>
              <span class="muted">${outcome(session)}</span>${icon("next")}
            </a>
          </li>`,
      )}
    </ul>`;
}

/** @param {Record<string, number>} counts @returns {{present: number, all: number}} present including late, and everyone. */
export function presence({ present, late, absent, excused, review }) {
  return { present: present + late, all: present + late + absent + excused + review };
}

/** @param {{taken: boolean, counts: Record<string, number>}} session @returns {string} the result in words. */
export function outcome({ taken, counts }) {
  const came = taken ? t("session.presentOf", presence(counts)) : t("session.notTaken");
  return counts.review > 0 ? t("session.withReview", { came, count: counts.review }) : came;
}
