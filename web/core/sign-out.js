/** Registry of what each module must forget at sign-out, so that no module is left out. */

/** @type {(() => unknown)[]} */
const resets = [];

/** @param {() => unknown} reset clears what a module knows about the user; may return a promise. */
export function resetOnSignOut(reset) {
  resets.push(reset);
}

/** Run all registered resets. One that fails, as where the browser's database is broken, stops neither the others nor the sign-out. */
export async function resetAll() {
  await Promise.allSettled(resets.map(async (reset) => reset()));
}
