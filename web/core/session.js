/** The roll call that is looked at: its photos, faces, marks and questions, and what the teacher changes in them. */

import { get, getVersioned, send } from "./api.js";
import { draw } from "./draw.js";
import { keepOwn } from "./pictures.js";
import { Problem } from "./problem.js";

/**
 * @typedef {object} SessionView
 * @property {string} id
 * @property {string | null} groupId
 * @property {string | null} startedAt
 * @property {string | null} etag
 * @property {any[]} photos with their faces.
 * @property {boolean} taken whether somebody was present or everybody marked by hand; if not, nobody is absent.
 * @property {any[]} marks
 * @property {any[]} questions one for each student whom the teacher is asked about.
 * @property {Error | null} problem why it is not shown.
 * @property {boolean} loaded
 */

/** Codes by which the server says that the roll call is not what is shown. */
const STALE = ["version_conflict", "proposal_changed", "face_not_found"];

/** @type {SessionView | null} */
let view = null;
/** Settles when all changes that were begun are made or refused. */
let underWay = Promise.resolve();

/** @returns {SessionView | null} */
export function session() {
  return view;
}

/** Begin to look at a roll call. @param {string} id @param {{groupId?: string, startedAt?: string}} known */
export function lookAt(id, known = {}) {
  if (view?.id === id) return;
  view = {
    id,
    groupId: known.groupId ?? null,
    startedAt: known.startedAt ?? null,
    etag: null,
    photos: [],
    taken: false,
    marks: [],
    questions: [],
    problem: null,
    loaded: false,
  };
  draw();
}

/** Stop looking. */
export function leave() {
  view = null;
}

/** Read it whole. */
export async function reload() {
  const looked = view;
  if (looked === null) return;
  try {
    const path = address(looked.id);
    const [{ document, etag }, photos, questions] = await Promise.all([
      getVersioned(path),
      get(`${path}/photos`),
      get(`${path}/questions`),
    ]);
    Object.assign(looked, {
      groupId: document.group_id,
      startedAt: document.started_at,
      etag,
      taken: document.taken,
      marks: document.marks,
      photos,
      questions,
      problem: null,
      loaded: true,
    });
  } catch (error) {
    looked.problem = error;
  }
  draw();
}

/** Take in what the server found in a photo. @param {import("./outbox.js").Item} item @param {any} answer */
export async function takeIn(item, answer) {
  if (item.kind !== "detect" || view?.id !== item.session.id || answer === null) return;
  for (const photo of answer.photos) {
    // A photo that the server turned upright lies on its side in the phone: the server's picture fits the faces.
    if (!photo.turned) await keepOwn(photo.photo_id, item.blob);
    const others = view.photos.filter((one) => one.photo_id !== photo.photo_id);
    view.photos = [...others, photo];
  }
  view.marks = answer.marks;
  view.taken = answer.taken;
  draw();
  await reload();
}

/** Remove a photo with its faces; marks follow, whatever else changed meanwhile. @param {string} photoId */
export async function removePhoto(photoId) {
  await changing(() => send("DELETE", `${address(view.id)}/photos/${encodeURIComponent(photoId)}`), reload);
}

/** Remove the roll call with all that belongs to it. */
export async function removeSession() {
  await changing(() => send("DELETE", address(view.id), { headers: { "If-Match": view.etag } }));
}

/**
 * Set marks by hand.
 * @param {{student_id: string, status: string}[]} marks
 */
export async function mark(marks) {
  await changing(
    () => send("PATCH", `${address(view.id)}/marks`, { json: { marks }, headers: { "If-Match": view.etag } }),
    reload,
  );
}

/**
 * Say whose a face is.
 * @param {string} faceId
 * @param {string | null} studentId null: nobody of this group.
 * @param {boolean} learn recognise the student by this face from now on.
 */
export async function nameFace(faceId, studentId, learn = false) {
  const path = `${address(view.id)}/faces/${encodeURIComponent(faceId)}/student`;
  await changing(
    () => send("POST", path, { json: { student_id: studentId, learn }, headers: { "If-Match": view.etag } }),
    reload,
  );
}

/**
 * Confirm the students whom questions name, all or none. The server refuses a face that is no longer proposed so: no
 * version is sent, and a photo that is read at the same moment is no conflict.
 * @param {any[]} questions
 */
export async function confirmFaces(questions) {
  const faces = questions.map(({ face_id, candidates }) => ({ face_id, student_id: candidates[0].student_id }));
  await changing(() => send("POST", `${address(view.id)}/faces/confirmed`, { json: { faces } }), reload);
}

/** @returns {string} path of the server's picture of a photo. */
export function photoPath(sessionId, photoId) {
  return `${address(sessionId)}/photos/${encodeURIComponent(photoId)}/picture`;
}

/** @returns {string} path of the server's picture of one face. */
export function facePath(sessionId, faceId) {
  return `${address(sessionId)}/faces/${encodeURIComponent(faceId)}/picture`;
}

/** Wait until the changes under way are made, or refused, and what follows from them is read. */
export async function changesMade() {
  await underWay;
  // After those who made them were told.
  await new Promise((resolve) => setTimeout(resolve));
}

/**
 * Make a change and then do what follows. Somebody else may have changed the roll call since it was read: where this
 * change is refused for it, theirs is shown.
 */
async function changing(change, following = async () => undefined) {
  const made = changed(change).then(following);
  underWay = Promise.allSettled([underWay, made]);
  await made;
}

async function changed(change) {
  try {
    await change();
  } catch (error) {
    if (error instanceof Problem && STALE.includes(error.code)) await reload();
    throw error;
  }
}

function address(id) {
  return `/v1/sessions/${encodeURIComponent(id)}`;
}
