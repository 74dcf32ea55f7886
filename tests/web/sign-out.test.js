import assert from "node:assert/strict";
import { test } from "node:test";
import { resetAll, resetOnSignOut } from "../../web/core/sign-out.js";

test("signing out runs every reset and waits for those that take time", async () => {
  const done = [];
  resetOnSignOut(() => done.push("now"));
  resetOnSignOut(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    done.push("later");
  });
  await resetAll();
  assert.deepEqual(done, ["now", "later"]);
});

test("a reset that fails does not keep anyone signed in", async () => {
  let done = false;
  resetOnSignOut(() => {
    throw new Error("the database is broken");
  });
  resetOnSignOut(() => {
    done = true;
  });
  await resetAll();
  assert.ok(done);
});
