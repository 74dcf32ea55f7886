/** Registry of what each module must forget at sign-out, so that no module is left out. */

/** @type {(() => unknown)[]} */
const resets = [];

/** @param {() => unknown} reset clears what a module knows about the user; may return a promise. */
export function resetOnSignOut(reset) {
  resets.push(reset);
}

/** Run all registered resets. */
export async function resetAll() {
  await Promise.all(resets.map((reset) => reset()));
}
