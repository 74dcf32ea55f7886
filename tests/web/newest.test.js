import assert from "node:assert/strict";
import { test } from "node:test";
import { web } from "./browser.js";

const { newestOnly } = await import(web("core/newest.js"));

test("an answer or error that comes after that of a later request is dropped", async () => {
  const newest = newestOnly();
  /** @type {string[]} */
  const shown = [];
  /** @param {Promise<string>} answer */
  const ask = (answer) =>
    newest(
      () => answer,
      (/** @type {string} */ text) => shown.push(text),
      (/** @type {Error} */ error) => shown.push(error.message),
    );
  const [today, failed, monday] = [Promise.withResolvers(), Promise.withResolvers(), Promise.withResolvers()];
  const all = [ask(today.promise), ask(failed.promise), ask(monday.promise)];
  monday.resolve("Monday");
  await all[2];
  today.resolve("today");
  failed.reject(new Error("failed"));
  await Promise.all(all);
  assert.deepEqual(shown, ["Monday"]);

  await ask(Promise.reject(new Error("no network")));
  assert.deepEqual(shown, ["Monday", "no network"]);
});
