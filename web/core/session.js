/** The open roll call: its photos, faces, marks and questions, and the teacher's changes to them. */

import { get, getVersioned, send } from "./api.js";
import { draw } from "./draw.js";
import { conflicts, marksChanged, putMarks, withChanges } from "./marks.js";
import { enqueue, queuedPhotos } from "./outbox.js";
import { keepOwnPhoto } from "./pictures.js";
import { Problem, Unreachable } from "./problem.js";
import { randomId } from "./random.js";
import { sendGuest } from "./register-requests.js";
import { knownStudents } from "./roster.js";

/**
 * @typedef {object} SessionView
 * @property {string} id
 * @property {string | null} groupId
 * @property {string | null} startedAt
 * @property {string | null} beginsAt start of its lesson; without a lesson, its own.
 * @property {string | null} etag
 * @property {any[]} photos with their faces.
 * @property {boolean} taken whether anyone was present or everyone was marked by hand; if not, nobody is absent.
 * @property {string | null} [closed] when its register was closed; null while it is open.
 * @property {any[]} marks
 * @property {any[]} questions at most one per student.
 * @property {unknown} problem why loading failed; null if it did not.
 * @property {boolean} loaded
 */

/** Error codes that mean that the roll call has changed since it was loaded. */
const STALE = ["version_conflict", "proposal_changed", "face_not_found", "register_closed"];

/** @type {SessionView | null} */
let view = null;
/** @type {Promise<unknown>} settles when all pending changes have succeeded or failed. */
let pending = Promise.resolve();

/** @returns {SessionView | null} */
export function session() {
  return view;
}

/** Open a roll call. @param {string} id @param {{groupId?: string, startedAt?: string}} known */
export function openSession(id, known = {}) {
  if (view?.id === id) return;
  view = {
    id,
    groupId: known.groupId ?? null,
    startedAt: known.startedAt ?? null,
    beginsAt: known.startedAt ?? null,
    etag: null,
    photos: [],
    taken: false,
    closed: null,
    marks: [],
    questions: [],
    problem: null,
    loaded: false,
  };
  draw();
}

/** Close it. */
export function closeSession() {
  view = null;
}

/** Load the open roll call with its photos and questions. */
export async function reload() {
  const opened = view;
  if (opened === null) return;
  try {
    const base = path(opened.id);
    const [{ document, etag }, photos, questions] = await Promise.all([
      getVersioned(base),
      get(`${base}/photos`),
      get(`${base}/questions`),
    ]);
    Object.assign(opened, {
      groupId: document.group_id,
      startedAt: document.started_at,
      beginsAt: document.lesson?.starts_at ?? document.started_at,
      etag,
      taken: document.taken,
      closed: document.closed_at,
      marks: document.marks,
      photos,
      questions,
      problem: null,
      loaded: true,
    });
  } catch (error) {
    opened.problem = error;
  }
  draw();
}

/** Show the server's result for a photo. @param {import("./outbox.js").Item} item @param {any} answer */
export async function applyServerAnswer(item, answer) {
  const opened = view;
  if (opened === null || opened.id !== item.session?.id || answer === null) return;
  if (item.kind === "marks" || item.kind === "closing") await reload();
  if (item.kind !== "detect") return;
  for (const photo of answer.photos) {
    // The face boxes fit the server's picture; the phone's copy of a turned photo is still on its side.
    if (!photo.turned) await keepOwnPhoto(photo.photo_id, item.blob);
    const others = opened.photos.filter((other) => other.photo_id !== photo.photo_id);
    opened.photos = [...others, photo];
  }
  opened.marks = answer.marks;
  opened.taken = answer.taken;
  draw();
  await reload();
}

/** Delete a photo with its faces; the server updates the marks. @param {string} photoId */
export async function removePhoto(photoId) {
  await change((opened) => send("DELETE", `${path(opened.id)}/photos/${encodeURIComponent(photoId)}`), reload);
}

/**
 * Close the register, so that nothing changes any more. Without a network, or while something else of the roll call
 * waits on the phone, the closing waits too.
 * @param {string | null} unanswered status of students with an open question; null refuses to close while there are any.
 */
export async function closeRegister(unanswered = null) {
  const id = view?.id;
  const waiting = view !== null && (!view.loaded || queuedPhotos().some(({ session }) => session?.id === id));
  if (waiting) await queueClosing(unanswered);
  else await change((opened) => closeOrQueue(opened, unanswered), reload);
}

async function closeOrQueue(opened, unanswered) {
  try {
    await send("POST", `${path(opened.id)}/closing`, { json: { unanswered } });
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    await queueClosing(unanswered);
  }
}

async function queueClosing(unanswered) {
  const { groupId, session } = queueable();
  await enqueue({ kind: "closing", groupId, session: { ...session, isNew: false }, unanswered });
}

/** Reopen the register. @param {string} reason kept with the changes. */
export async function reopenRegister(reason) {
  await change((opened) => send("POST", `${path(opened.id)}/reopening`, { json: { reason } }), reload);
}

/** Reopen a register that is not on the screen. @param {string} id @param {string} reason kept with the changes. */
export async function reopenById(id, reason) {
  await send("POST", `${path(id)}/reopening`, { json: { reason } });
}

/** Delete the roll call with its photos and marks. */
export async function removeSession() {
  await change((opened) => send("DELETE", path(opened.id), { headers: version(opened) }));
}

/** @param {SessionView} opened @returns {any[]} everybody in the roll call, with the marks that wait on the phone. */
export function everyone(opened) {
  const marked = new Set(opened.marks.map((mark) => mark.student_id));
  const students = opened.groupId === null ? [] : (knownStudents(opened.groupId) ?? []);
  const others = students
    .filter((student) => !marked.has(student.student_id))
    .map(({ student_id, name }) => ({ student_id, name, status: null, source: null, by_person: false }));
  return withChanges(
    [...opened.marks, ...others],
    queuedFor(opened.id).map((item) => item.marks ?? []),
  );
}

function queuedFor(id) {
  return queuedPhotos().filter((item) => item.kind === "marks" && item.session?.id === id && item.state === "waiting");
}

/**
 * Set marks by hand, or clear them. Without a network they wait on the phone.
 * @param {import("./marks.js").NewMark[]} marks all to set, or all to clear.
 */
export async function setMarks(marks) {
  const waiting = view !== null && (!view.loaded || queuedFor(view.id).length > 0);
  if (waiting) await queueMarks(marks);
  else await change((opened) => putOrQueue(opened, marks), reload);
}

async function putOrQueue(opened, marks) {
  try {
    await putMarks(path(opened.id), marks, opened.etag);
  } catch (error) {
    if (error instanceof Unreachable) await queueMarks(marks);
    else if (error instanceof Problem && error.code === "version_conflict") await putAfterReading(opened, marks);
    else throw error;
  }
}

// A photo or another mark changed the roll call: only a change of these very marks is a conflict.
async function putAfterReading(opened, marks) {
  await reload();
  const others = conflicts(opened.marks, marks);
  if (others.length > 0) throw marksChanged(others);
  await putMarks(path(opened.id), marks, opened.etag);
}

/**
 * Add a guest. Without a network, or before the server has the roll call, the guest waits on the phone.
 * @param {{name: string, student_id?: string}} guest
 */
export async function addGuest(guest) {
  const opened = view;
  const item = { id: randomId(), session: { id: opened?.id ?? "" }, guest };
  try {
    if (opened?.loaded) await sendGuest(item);
    else await queueGuest(item);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    await queueGuest(item);
  }
}

// With the same id: the server may have added the guest, and only its answer was lost.
async function queueGuest({ id, guest }) {
  await enqueue({ kind: "guest", ...queueable(), id, guest });
}

async function queueMarks(marks) {
  await enqueue({ kind: "marks", ...queueable(), marks });
}

function queueable() {
  const opened = view;
  if (opened === null || opened.groupId === null) throw new Unreachable("The server could not be reached.");
  const session = { id: opened.id, startedAt: opened.startedAt ?? "", isNew: !opened.loaded, isOpen: opened.loaded };
  return { groupId: opened.groupId, session };
}

/**
 * Name a face.
 * @param {string} faceId
 * @param {string | null} studentId null for nobody in this group.
 * @param {boolean} learn whether to add this face to the student's template.
 */
export async function nameFace(faceId, studentId, learn = false) {
  const json = { student_id: studentId, learn };
  await change(
    (opened) =>
      send("POST", `${path(opened.id)}/faces/${encodeURIComponent(faceId)}/student`, {
        json,
        headers: version(opened),
      }),
    reload,
  );
}

/**
 * Confirm the proposed students of questions, all or none. No version is sent, so a photo processed at the same moment
 * causes no conflict; the server refuses a face whose proposal has changed.
 * @param {any[]} questions
 */
export async function confirmFaces(questions) {
  const faces = questions.map(({ face_id, candidates }) => ({ face_id, student_id: candidates[0].student_id }));
  await change((opened) => send("POST", `${path(opened.id)}/faces/confirmed`, { json: { faces } }), reload);
}

/** @param {string} sessionId @param {string} photoId @returns {string} path of a photo's picture. */
export function photoPath(sessionId, photoId) {
  return `${path(sessionId)}/photos/${encodeURIComponent(photoId)}/picture`;
}

/** @param {string} sessionId @param {string} faceId @returns {string} path of a face's picture. */
export function facePath(sessionId, faceId) {
  return `${path(sessionId)}/faces/${encodeURIComponent(faceId)}/picture`;
}

/** Wait until pending changes have succeeded or failed, and their results are loaded. */
export async function changesSettled() {
  await pending;
  // Let the callers of those changes run first.
  await new Promise((resolve) => setTimeout(resolve));
}

/**
 * Send a change of the open roll call, then run `following`. If the server refuses it because somebody else has changed
 * the roll call, their version is loaded.
 * @param {(opened: SessionView) => Promise<unknown>} request
 * @param {() => Promise<void>} following
 */
async function change(request, following = async () => undefined) {
  const opened = view;
  if (opened === null) throw new Error("no roll call is open");
  const done = reloadIfStale(() => request(opened)).then(following);
  pending = Promise.allSettled([pending, done]);
  await done;
}

async function reloadIfStale(request) {
  try {
    await request();
  } catch (error) {
    if (error instanceof Problem && STALE.includes(error.code)) await reload();
    throw error;
  }
}

function version(opened) {
  return { "If-Match": opened.etag };
}

function path(id) {
  return `/v1/sessions/${encodeURIComponent(id)}`;
}
