import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { web } from "./browser.js";

const { Problem, Unreachable } = await import(web("core/problem.js"));

/** @type {Record<string, string>} states of students as the server has them. */
let roster = {};
/** Photos that reached the server, by student. @type {string[]} */
let sent = [];
/** What the server does with the next photos. @type {(() => void)[]} */
let failures = [];

mock.module(web("core/api.js"), {
  exports: { get: async (path) => ({ state: roster[decodeURIComponent(path.split("/").at(-1))] }) },
});
mock.module(web("core/me.js"), { exports: { me: () => ({ uploads: false, max_photo_bytes: 1000 }) } });
mock.module(web("core/photo.js"), { exports: { jpeg: async () => null, preparePhoto: async (file) => file } });
mock.module(web("core/outbox.js"), {
  exports: {
    sendPhoto: async ({ student }) => {
      sent.push(student.id);
      failures.shift()?.();
      roster[student.id] = "registered";
      return { warnings: [] };
    },
  },
});
const { BulkRun, entriesOf, studentIdOf } = await import(web("core/bulk-photos.js"));

const student = (id, state = "enrolled") => [id, { student_id: id, name: id, state, group_ids: ["7b"] }];
const states = (entries) => entries.map(({ file, state, problem }) => [file.name, problem?.code ?? state]);

beforeEach(() => {
  roster = {};
  sent = [];
  failures = [];
  Object.defineProperty(globalThis, "removeEventListener", { value: () => undefined, configurable: true });
});

test("a file's name without its last ending is the student's id", () => {
  assert.deepEqual(["0042.jpg", "a.b.HEIC", "list.csv", ".hidden.jpg", "0042"].map(studentIdOf), [
    "0042",
    "a.b",
    null,
    null,
    null,
  ]);
});

test("only photos of students who are on the roster and not registered are sent, one per student", async () => {
  const names = ["1.jpg", "1.png", "2.jpg", "3.jpg", "4.jpg", "notes.txt"];
  const students = new Map([student("1"), student("2", "registered"), student("3", "withdrawn")]);
  const run = new BulkRun(
    entriesOf(
      names.map((name) => new File(["x"], name)),
      students,
    ),
  );
  await run.start();
  assert.deepEqual(sent, ["1"]);
  assert.deepEqual(states(run.entries), [
    ["1.jpg", "registered"],
    ["1.png", "skipped"],
    ["2.jpg", "skipped"],
    ["3.jpg", "consent_withdrawn"],
    ["4.jpg", "student_not_found"],
  ]);
  assert.deepEqual([run.state, run.done], ["done", 5]);
});

test("a photo whose answer was lost is not sent again, and one that never arrived is", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const lost = () => {
    roster["1"] = "registered";
    throw new Unreachable("lost");
  };
  const offline = () => {
    throw new Unreachable("offline");
  };
  failures = [lost, offline];
  const run = new BulkRun(
    entriesOf([new File(["x"], "1.jpg"), new File(["x"], "2.jpg")], new Map([student("1"), student("2")])),
  );
  const finished = run.start();
  for (let wait = 0; wait < 20 && run.state !== "done"; wait += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    context.mock.timers.tick(60_000);
  }
  await finished;
  assert.deepEqual(sent, ["1", "2", "2"]);
  assert.deepEqual(states(run.entries), [
    ["1.jpg", "registered"],
    ["2.jpg", "registered"],
  ]);
});

test("a refusal of one photo stops nothing, and an expired sign-in stops the run until it is started again", async () => {
  failures = [
    () => {
      throw new Problem(422, "too_dark", "Dark.");
    },
    () => {
      throw new Problem(401, "sign_in_required", "");
    },
  ];
  const run = new BulkRun(
    entriesOf([new File(["x"], "1.jpg"), new File(["x"], "2.jpg")], new Map([student("1"), student("2")])),
  );
  await run.start();
  assert.deepEqual([run.state, run.problem?.code], ["stopped", "sign_in_required"]);
  assert.deepEqual(states(run.entries), [
    ["1.jpg", "too_dark"],
    ["2.jpg", "waiting"],
  ]);
  await run.start();
  assert.deepEqual(states(run.entries)[1], ["2.jpg", "registered"]);
});
