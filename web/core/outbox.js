/**
 * Photos and marks waiting to be sent. Each is stored in the phone first, sent in order, and deleted once the server
 * has it. Its id is the idempotency key, so that a photo sent twice counts once.
 */

import { send, sendForm } from "./api.js";
import { database, OUTBOX } from "./database.js";
import { draw } from "./draw.js";
import { sendMarks } from "./marks.js";
import { Problem, Unreachable } from "./problem.js";
import { randomId } from "./random.js";
import { sendClosing, sendGuest } from "./register-requests.js";
import { uploadThroughStore } from "./upload.js";

/** Milliseconds until a failed request is retried: the first and the longest pause of an exponential backoff. */
const FIRST_PAUSE = 2_000;
const MAX_PAUSE = 60_000;

/**
 * @typedef {object} SessionRef
 * @property {string} id
 * @property {string} startedAt
 * @property {boolean} [isNew] whether this photo starts the roll call.
 * @property {boolean} [isOpen] whether the server is known to have it; otherwise it is opened with the first photo.
 */

/**
 * @typedef {object} Item
 * @property {string} id also the idempotency key.
 * @property {"detect" | "register" | "marks" | "guest" | "closing"} kind
 * @property {string} user who took the photo or set the marks; they are only sent as this user.
 * @property {string} groupId
 * @property {string} takenAt
 * @property {any} [blob] the photo; marks have none.
 * @property {import("./marks.js").NewMark[]} [marks] to set by hand, or to clear.
 * @property {{name: string, student_id?: string}} [guest] to add to the roll call.
 * @property {string | null} [unanswered] for a closing: the status of students with an open question.
 * @property {boolean} [override] whether the teacher confirmed that the marks replace those of others.
 * @property {SessionRef} [session] for a roll call.
 * @property {{id: string, name: string, allowLookalike: boolean, renewConsent?: boolean}} [student] for a registration;
 *   consent was given.
 * @property {"waiting" | "failed"} state
 * @property {{code: string, detail: string}} [problem] why it failed.
 * @property {string | null} [dayTaken] for a roll call, from the photo's EXIF data.
 * @property {boolean} [useAnyway] whether the teacher confirmed that a photo belongs to its roll call.
 * @property {string} [uploadId] of the upload in progress, if it goes through the store.
 */

/** @type {Item[]} */
let items = [];
/** Photos that the phone had no room to store, by id; they are lost when the page is closed. */
const volatile = new Map();
/** Fraction sent, by id of the photo being sent. */
const progress = new Map();
const opened = new Set();
const listeners = new Set();
const elsewhere = new Set();
const moved = new Set();
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("muster.outbox") : null;

/** @type {{user_id: string, uploads: boolean, max_photo_bytes: number} | null} */
let me = null;
let busy = false;
let pause = FIRST_PAUSE;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let signInNeeded = false;
/** @type {Date | null} */
let busyUntil = null;

/** @returns {readonly Item[]} oldest first. */
export function queuedPhotos() {
  return items;
}

/** @param {string} id @returns {number | null} fraction of a photo sent, 0 to 1; null while it is not being sent. */
export function progressOf(id) {
  return progress.get(id) ?? null;
}

/** Whether photos are waiting for a user to sign in. */
export function needsSignIn() {
  return signInNeeded;
}

/** @returns {Date | null} when a photo is sent again that the server was too busy to take; null if it was not. */
export function busyServerUntil() {
  return busyUntil;
}

/** @param {string} sessionId @returns {boolean} whether a roll call is not on the server yet: its first photo is waiting. */
export function isUnopened(sessionId) {
  const firstPhotos = items.filter((item) => item.session?.id === sessionId && item.session.isNew);
  return !opened.has(sessionId) && firstPhotos.some((item) => item.state === "waiting");
}

/** @param {string} id @returns {boolean} whether the phone had no room to store a photo. */
export function isVolatile(id) {
  return volatile.has(id);
}

/** @param {(item: Item, answer: any) => void} listener called after each photo with the server's response. */
export function onSent(listener) {
  listeners.add(listener);
}

/** @param {(sessionId: string | null) => void} listener called with the roll call of a photo that another tab sent. */
export function onSentElsewhere(listener) {
  elsewhere.add(listener);
}

/** @param {(from: string, to: string) => void} listener called when waiting items moved to another roll call. */
export function onMoved(listener) {
  moved.add(listener);
}

/** Load the stored photos and watch for the network; call once. */
export async function startOutbox() {
  addEventListener("online", () => wake());
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wake());
  channel?.addEventListener("message", (event) => {
    void reload();
    for (const listener of elsewhere) listener(event.data);
  });
  await reload();
}

/** @param {{user_id: string, uploads: boolean, max_photo_bytes: number} | null} user whose photos are sent. */
export function sendAs(user) {
  me = user;
  signInNeeded = user === null;
  if (user !== null) wake();
}

/**
 * Store a photo and send it as soon as possible.
 * @param {Omit<Item, "id" | "state" | "user" | "takenAt"> & {id?: string}} photo with its id if it was sent before.
 * @returns {Promise<Item>}
 */
export async function enqueue(photo) {
  // A roll call that is changed after it was finished has to be finished again.
  if (photo.kind !== "closing" && photo.session !== undefined) await discardClosing(photo.session.id);
  /** @type {Item} */
  const item = {
    ...photo,
    id: photo.id ?? randomId(),
    user: me?.user_id ?? "",
    takenAt: new Date().toISOString(),
    state: "waiting",
  };
  try {
    await (await database()).put(OUTBOX, item);
    void navigator.storage?.persist?.();
  } catch {
    volatile.set(item.id, item);
  }
  await reloadAllTabs();
  wake();
  return item;
}

/** Send a refused photo again. @param {string} id @param {Partial<Item>} change */
export async function retry(id, change = {}) {
  const item = items.find((stored) => stored.id === id);
  if (item === undefined) return;
  // A changed request needs a new idempotency key.
  const { problem: _, uploadId: __, ...rest } = item;
  // The copy is stored before the first is deleted: closing the page must never lose the photo.
  await save({ ...rest, ...change, id: randomId(), state: "waiting" });
  await discard(id);
  wake();
}

/** Delete a photo without sending it. @param {string} id */
export async function discard(id) {
  volatile.delete(id);
  await (await database()).delete(OUTBOX, id);
  await reloadAllTabs();
}

/** Leave a register open whose closing has not been sent. @param {string} sessionId */
export async function discardClosing(sessionId) {
  const closings = items.filter(({ kind, session }) => kind === "closing" && session?.id === sessionId);
  for (const { id } of closings) await discard(id);
}

/** @param {string} sessionId @returns {boolean} whether the closing of its register waits on the phone. */
export function closingWaits(sessionId) {
  return items.some(
    ({ kind, session, state }) => kind === "closing" && session?.id === sessionId && state === "waiting",
  );
}

/** Send now instead of waiting for the next retry. */
export function wake() {
  pause = FIRST_PAUSE;
  busyUntil = null;
  clearTimeout(timer);
  void drain();
}

async function drain() {
  if (busy || me === null) return;
  busy = true;
  try {
    // Without the lock two tabs would send each photo twice.
    if (navigator.locks) await navigator.locks.request("muster.outbox", sendAll);
    else await sendAll();
  } finally {
    busy = false;
  }
}

function isReady({ state, user }) {
  return state === "waiting" && (user === me?.user_id || user === "");
}

async function sendAll() {
  await reload();
  for (;;) {
    const item = items.find(isReady);
    if (item === undefined || me === null) return;
    try {
      await sendOne(item, me);
      pause = FIRST_PAUSE;
      busyUntil = null;
    } catch (error) {
      progress.delete(item.id);
      const refused = error instanceof Problem && error.status === 429 ? error.retryAfter : null;
      busyUntil = refused === null ? null : new Date(Date.now() + refused * 1000);
      draw();
      if (error instanceof Problem && error.status === 401) {
        signInNeeded = true;
        return;
      }
      if (error instanceof Problem && !error.retryable) {
        await save({ ...item, state: "failed", problem: { code: error.code, detail: error.detail } });
        await reloadAllTabs();
        continue;
      }
      scheduleRetry(error instanceof Problem ? error.retryAfter : null);
      if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
      return;
    }
  }
}

/** @param {number | null} seconds asked for by the server. */
function scheduleRetry(seconds) {
  clearTimeout(timer);
  timer = setTimeout(() => void drain(), seconds === null ? pause : seconds * 1000);
  pause = Math.min(pause * 2, MAX_PAUSE);
}

async function sendOne(item, user) {
  progress.set(item.id, 0);
  draw();
  if (item.kind !== "register" && !(await openSession(item))) {
    progress.delete(item.id);
    return;
  }
  const onProgress = (share) => {
    progress.set(item.id, share);
    draw();
  };
  const answer = await sendContent(item, user, onProgress);
  progress.delete(item.id);
  volatile.delete(item.id);
  await (await database()).delete(OUTBOX, item.id);
  await reloadAllTabs(item.session?.id);
  for (const listener of listeners) listener(item, answer);
  draw();
}

async function sendContent(item, user, onProgress) {
  if (item.kind === "marks") return await sendMarks(item);
  if (item.kind === "guest") return await sendGuest(item);
  if (item.kind !== "closing") {
    return await sendPhoto(item, user, onProgress, (uploadId) => save({ ...item, uploadId }));
  }
  // Items are sent in order, so those that are left were refused.
  const left = items.filter(({ kind, session }) => kind !== "closing" && session?.id === item.session.id);
  if (left.length > 0) throw new Problem(409, "entries_left", "");
  return await sendClosing(item);
}

/**
 * Open the roll call of an item. It starts when its first photo was taken, even if that is sent much later.
 * @returns {Promise<boolean>} false if its items moved to another roll call and have to be read again.
 */
async function openSession({ session, groupId }) {
  if (session.isOpen || opened.has(session.id)) return true;
  try {
    await send("POST", "/v1/sessions", {
      json: { group_id: groupId, session_id: session.id, started_at: session.startedAt },
    });
  } catch (error) {
    if (error instanceof Problem && error.code === "lesson_not_found") {
      await moveItems(session.id, session.id.replace(/^lesson-/, "moved-"));
      return false;
    }
    if (!(error instanceof Problem) || error.code !== "session_exists") throw error;
  }
  opened.add(session.id);
  return true;
}

/**
 * Move items to a roll call of their own, because their lesson left the timetable before the phone had a network again.
 * The new id follows from the old one, so that an interrupted move can be repeated.
 */
async function moveItems(from, to) {
  for (const item of items.filter(({ session }) => session?.id === from)) {
    await save({ ...item, session: { ...item.session, id: to } });
  }
  await reloadAllTabs();
  for (const listener of moved) listener(from, to);
}

/**
 * Send one photo: in a request, or through the store if it is too large for one.
 * @param {any} item as in the outbox; its id is the idempotency key. Or one of the kind "replace", whose `student` has
 *   the `version` of the record that was read.
 * @param {{uploads: boolean, max_photo_bytes: number}} user
 * @param {(share: number) => void} onProgress
 * @param {(uploadId: string) => Promise<void>} onUploaded see `uploadThroughStore`.
 * @returns {Promise<any>} the server's answer.
 */
export async function sendPhoto(item, user, onProgress, onUploaded) {
  return item.blob.size > user.max_photo_bytes && user.uploads
    ? await uploadThroughStore(item, onProgress, onUploaded)
    : await uploadDirectly(item, onProgress);
}

async function uploadDirectly(item, onProgress) {
  const form = new FormData();
  if (item.kind === "replace") {
    const { id, version, allowLookalike } = item.student;
    form.append("allow_lookalike", String(allowLookalike));
    form.append("image", item.blob, "photo");
    const headers = { "If-Match": `"${version}"` };
    return await sendForm(`/v1/students/${encodeURIComponent(id)}/photo`, form, { method: "PUT", headers, onProgress });
  }
  const name = item.blob.type === "image/jpeg" ? "photo.jpg" : "photo";
  if (item.kind === "detect") {
    form.append("group_id", item.groupId);
    form.append("session_id", item.session.id);
    form.append("use_anyway", String(item.useAnyway === true));
    form.append("images", item.blob, name);
  } else {
    form.append("student_id", item.student.id);
    form.append("name", item.student.name);
    form.append("group_id", item.groupId);
    form.append("consent", "true");
    form.append("renew_consent", String(item.student.renewConsent ?? false));
    form.append("allow_lookalike", String(item.student.allowLookalike));
    form.append("image", item.blob, name);
  }
  const path = item.kind === "detect" ? "/mark/detect" : "/register/register-student";
  return await sendForm(path, form, { headers: { "Idempotency-Key": item.id }, onProgress });
}

async function save(item) {
  if (volatile.has(item.id)) volatile.set(item.id, item);
  else await (await database()).put(OUTBOX, item);
}

/** @param {string | null} sentOf the roll call of a photo that was just sent. */
async function reloadAllTabs(sentOf = null) {
  await reload();
  channel?.postMessage(sentOf);
}

async function reload() {
  const stored = await database()
    .then((store) => store.getAll(OUTBOX))
    .catch(() => []);
  items = [...stored, ...volatile.values()].sort((one, other) => one.takenAt.localeCompare(other.takenAt));
  draw();
}
