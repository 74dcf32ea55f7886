/**
 * Photos on their way: kept in the phone before anything is sent, sent one after the other, deleted once the server has
 * them. The id of each is its idempotency key, so that one sent twice counts once.
 */

import { send, sendForm } from "./api.js";
import { database, OUTBOX } from "./database.js";
import { draw } from "./draw.js";
import { Problem, Unreachable } from "./problem.js";
import { randomId } from "./random.js";
import { deliverByStore } from "./upload.js";

/** Milliseconds until a photo that was not taken is tried again: the first and the longest pause. */
const FIRST_PAUSE = 2_000;
const LONGEST_PAUSE = 60_000;

/**
 * @typedef {object} Item
 * @property {string} id also the idempotency key.
 * @property {"detect" | "register"} kind
 * @property {string} user who took it; only this user sends it.
 * @property {string} groupId
 * @property {string} takenAt
 * @property {Blob} blob
 * @property {{id: string, startedAt: string, isNew?: boolean, isOpen?: boolean}} [session] of a roll call; a new one is
 *   opened with it, and one that the server is known to have is not.
 * @property {{id: string, name: string, allowLookalike: boolean}} [student] of a registration; consent was given.
 * @property {"waiting" | "failed"} state
 * @property {{code: string, detail: string}} [problem] why it failed.
 * @property {string | null} [dayTaken] of a roll call's photo, by its own data.
 * @property {boolean} [useAnyway] whether the teacher confirmed that a photo belongs to its roll call.
 * @property {string} [uploadId] of the upload under way, where it goes by the store.
 */

/** @type {Item[]} */
let items = [];
/** Photos for which the phone had no room: they are gone with the page. */
const volatile = new Map();
/** Share that has been sent, by id of the photo under way. */
const progress = new Map();
const opened = new Set();
const listeners = new Set();
const elsewhere = new Set();
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("muster.outbox") : null;

let me = null;
let busy = false;
let pause = FIRST_PAUSE;
let timer = 0;
let signInNeeded = false;

/** @returns {readonly Item[]} oldest first. */
export function waiting() {
  return items;
}

/** @returns {number | null} share of a photo that has been sent, 0 to 1; null while it is not under way. */
export function progressOf(id) {
  return progress.get(id) ?? null;
}

/** Whether photos wait for somebody to sign in. */
export function waitsForSignIn() {
  return signInNeeded;
}

/** Whether a roll call is not on the server yet, since its first photo waits. @param {string} sessionId */
export function isUnopened(sessionId) {
  const own = items.filter((item) => item.session?.id === sessionId && item.session.isNew);
  return !opened.has(sessionId) && own.some((item) => item.state === "waiting");
}

/** Whether a photo is gone when the page is closed, since the phone has no room to keep it. */
export function isVolatile(id) {
  return volatile.has(id);
}

/** @param {(item: Item, answer: any) => void} listener called with each photo that the server answered. */
export function whenSent(listener) {
  listeners.add(listener);
}

/** @param {(sessionId: string | null) => void} listener called when another tab sent a photo, of this roll call. */
export function whenSentElsewhere(listener) {
  elsewhere.add(listener);
}

/** Read what waits and begin to send; called once. */
export async function startOutbox() {
  addEventListener("online", () => wake());
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wake());
  channel?.addEventListener("message", (event) => {
    void reload();
    for (const listener of elsewhere) listener(event.data);
  });
  await reload();
}

/** @param {{user_id: string, uploads: boolean, max_photo_bytes: number} | null} user who is signed in. */
export function sendAs(user) {
  me = user;
  signInNeeded = user === null;
  if (user !== null) wake();
}

/**
 * Keep a photo and send it as soon as may be.
 * @param {Omit<Item, "id" | "state" | "user" | "takenAt">} photo
 * @returns {Promise<Item>}
 */
export async function enqueue(photo) {
  const item = {
    ...photo,
    id: randomId(),
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
  await changed();
  wake();
  return item;
}

/** Try a photo again that was refused. @param {string} id @param {Partial<Item>} change */
export async function retry(id, change = {}) {
  const item = items.find((one) => one.id === id);
  if (item === undefined) return;
  // Another request needs another key: the server refuses the first one's.
  const { problem: _, uploadId: __, ...rest } = item;
  // Kept before the first is deleted: a page that is closed in between must not lose the photo.
  await keep({ ...rest, ...change, id: randomId(), state: "waiting" });
  await discard(id);
  wake();
}

/** Delete a photo that is not to be sent. @param {string} id */
export async function discard(id) {
  volatile.delete(id);
  await (await database()).delete(OUTBOX, id);
  await changed();
}

/** Send now, without waiting for the pause to end. */
export function wake() {
  pause = FIRST_PAUSE;
  clearTimeout(timer);
  void drain();
}

async function drain() {
  if (busy || me === null) return;
  busy = true;
  try {
    // Two tabs of one phone would send each photo twice.
    if (navigator.locks) await navigator.locks.request("muster.outbox", sendAll);
    else await sendAll();
  } finally {
    busy = false;
  }
}

async function sendAll() {
  await reload();
  for (;;) {
    const item = items.find((one) => one.state === "waiting" && (one.user === me?.user_id || one.user === ""));
    if (item === undefined || me === null) return;
    try {
      await sendOne(item);
      pause = FIRST_PAUSE;
    } catch (error) {
      progress.delete(item.id);
      draw();
      if (error instanceof Problem && error.status === 401) {
        signInNeeded = true;
        return;
      }
      if (error instanceof Problem && !error.passing) {
        await keep({ ...item, state: "failed", problem: { code: error.code, detail: error.detail } });
        await changed();
        continue;
      }
      later(error instanceof Problem ? error.retryAfter : null);
      if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
      return;
    }
  }
}

function later(seconds) {
  clearTimeout(timer);
  timer = setTimeout(() => void drain(), seconds === null ? pause : seconds * 1000);
  pause = Math.min(pause * 2, LONGEST_PAUSE);
}

async function sendOne(item) {
  progress.set(item.id, 0);
  draw();
  if (item.kind === "detect") await openSession(item);
  const onProgress = (share) => {
    progress.set(item.id, share);
    draw();
  };
  const answer =
    item.blob.size > me.max_photo_bytes && me.uploads
      ? await deliverByStore(item, onProgress, (uploadId) => keep({ ...item, uploadId }))
      : await deliver(item, onProgress);
  progress.delete(item.id);
  volatile.delete(item.id);
  await (await database()).delete(OUTBOX, item.id);
  await changed(item.session?.id);
  for (const listener of listeners) listener(item, answer);
  draw();
}

/** Open the roll call at the time when its first photo was taken, however much later that is sent. */
async function openSession({ session, groupId }) {
  if (session.isOpen || opened.has(session.id)) return;
  try {
    await send("POST", "/v1/sessions", {
      json: { group_id: groupId, session_id: session.id, started_at: session.startedAt },
    });
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "session_exists") throw error;
  }
  opened.add(session.id);
}

async function deliver(item, onProgress) {
  const form = new FormData();
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

async function keep(item) {
  if (volatile.has(item.id)) volatile.set(item.id, item);
  else await (await database()).put(OUTBOX, item);
}

async function changed(sentOf = null) {
  await reload();
  channel?.postMessage(sentOf);
}

async function reload() {
  const kept = await database()
    .then((opened) => opened.getAll(OUTBOX))
    .catch(() => []);
  items = [...kept, ...volatile.values()].sort((one, other) => one.takenAt.localeCompare(other.takenAt));
  draw();
}
