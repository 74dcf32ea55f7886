/** Access of a substitute: signing in with a code, and what the phone forgets when the access ends. */

import { sendAsSubstitute } from "./api.js";
import { dropSubstitute, keepSubstitute, substituteAccess } from "./auth.js";
import { discard, queuedPhotos } from "./outbox.js";
import { resetAll } from "./sign-out.js";

/** Beginning of the ids of substitutes, also of photos that wait to be sent. */
const USER = "substitute:";
/** Milliseconds for which a code is valid at most: a day, or an hour more when clocks change. */
const LONGEST_DAY = 25 * 3_600_000;

/** @type {() => void} */
let onEnded = () => undefined;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let ended = false;

/** Whether the access has just ended here. */
export function hasEnded() {
  return ended;
}

/** Sign in with a code. @param {string} code */
export async function signInWithCode(code) {
  const access = await sendAsSubstitute("/v1/substitutes/sign-in", { code });
  // What the phone knows belongs to the user before.
  await resetAll();
  keepSubstitute(access);
  ended = false;
  watch();
}

/** Watch for the end of the access; call once, after the outbox was started. @param {() => void} listener */
export async function startAccess(listener) {
  onEnded = listener;
  document.addEventListener("visibilitychange", watch);
  if (substituteAccess() === null) await discardPhotos(Date.now() - LONGEST_DAY);
  else if (isOver()) await forgetAccess();
  watch();
}

/** Delete the access with everything that the phone keeps, also photos that were not sent. */
export async function forgetAccess() {
  if (substituteAccess() === null) return;
  clearTimeout(timer);
  dropSubstitute();
  ended = true;
  await resetAll();
  await discardPhotos(Date.now());
}

function isOver() {
  const access = substituteAccess();
  return access !== null && Date.parse(access.expires_at) <= Date.now();
}

// A phone that sleeps stops its timers, so the time is read again when the page is shown.
function watch() {
  clearTimeout(timer);
  const access = substituteAccess();
  if (access === null) return;
  if (isOver()) void forgetAccess().then(onEnded);
  else timer = setTimeout(watch, Date.parse(access.expires_at) - Date.now());
}

async function discardPhotos(before) {
  const own = queuedPhotos().filter((item) => item.user.startsWith(USER) && Date.parse(item.takenAt) <= before);
  for (const item of own) await discard(item.id);
}
