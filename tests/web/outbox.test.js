import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { web } from "./browser.js";

/** The stored photos; they are lost with the page when the phone has no room. */
const stored = new Map();
let hasRoom = true;
const store = {
  clear: async () => stored.clear(),
  delete: async (_, id) => void stored.delete(id),
  getAll: async () => [...stored.values()],
  put: async (_, item) => {
    if (!hasRoom) throw new DOMException("full", "QuotaExceededError");
    stored.set(item.id, item);
  },
};
mock.module(web("core/database.js"), {
  exports: { OUTBOX: "outbox", CACHE: "read", database: async () => store },
});

const send = mock.fn(async () => new Response("{}"));
/** @type {import("node:test").Mock<(path: string, form: FormData, options: any) => Promise<any>>} */
const sendForm = mock.fn(async () => ({}));
/** The roll call on the server. */
const onServer = { marks: [] };
const getVersioned = async () => ({ document: onServer, etag: '"1"' });
mock.module(web("core/api.js"), { exports: { send, sendForm, getVersioned, get: async () => ({}) } });

const outbox = await import(web("core/outbox.js"));
const { Problem, Unreachable } = await import(web("core/problem.js"));

const ADA = { user_id: "ada", uploads: false, max_photo_bytes: 1_000 };
const SESSION = { id: "s1", startedAt: "2026-11-26T08:00:00Z", isNew: true };

const SESSION_BY_HAND = { ...SESSION, id: "h1" };

function photoOf(session = SESSION) {
  return { kind: "detect", groupId: "7b", session, blob: new Blob(["photo"], { type: "image/jpeg" }) };
}

/** Wait until the outbox is idle: it holds a lock while it sends. */
async function settle() {
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    await navigator.locks.request("muster.outbox", () => undefined);
  }
}

async function wait(milliseconds) {
  mock.timers.tick(milliseconds);
  await settle();
}

function answer(error = null) {
  sendForm.mock.mockImplementation(async () => {
    if (error) throw error;
    return { photos: [] };
  });
}

mock.timers.enable({ apis: ["setTimeout"] });

const states = () => outbox.queuedPhotos().map(({ state }) => state);

beforeEach(async () => {
  outbox.sendAs(null);
  hasRoom = true;
  for (const { id } of [...outbox.queuedPhotos()]) await outbox.discard(id);
  answer();
  send.mock.resetCalls();
  outbox.sendAs(ADA);
  await settle();
  sendForm.mock.resetCalls();
});

test("a photo is stored, sent with its id as idempotency key, and deleted", async () => {
  const sent = mock.fn();
  outbox.onSent(sent);
  const item = await outbox.enqueue(photoOf());
  await settle();
  assert.equal(sendForm.mock.callCount(), 1);
  const [path, form, { headers }] = sendForm.mock.calls[0].arguments;
  assert.equal(path, "/mark/detect");
  assert.equal(form.get("session_id"), "s1");
  assert.deepEqual(headers, { "Idempotency-Key": item.id });
  assert.equal(sent.mock.callCount(), 1);
  assert.equal(stored.size, 0);
  assert.deepEqual(outbox.queuedPhotos(), []);
});

test("a roll call is opened once, with the time of its first photo", async () => {
  const session = { id: "s2", startedAt: "2026-11-26T09:00:00Z", isNew: true };
  answer(new Unreachable("no network"));
  await outbox.enqueue(photoOf(session));
  assert.ok(outbox.isUnopened("s2"));
  await outbox.enqueue(photoOf(session));
  await settle();
  answer();
  outbox.wake();
  await settle();
  assert.deepEqual(states(), []);
  assert.ok(!outbox.isUnopened("s2"));
  assert.equal(send.mock.callCount(), 1);
  assert.deepEqual(send.mock.calls[0].arguments, [
    "POST",
    "/v1/sessions",
    { json: { group_id: "7b", session_id: "s2", started_at: "2026-11-26T09:00:00Z" } },
  ]);
});

test("without a network it retries after 2 seconds, then at twice the pause, up to a minute", async () => {
  answer(new Unreachable("no network"));
  await outbox.enqueue(photoOf());
  await settle();
  assert.equal(sendForm.mock.callCount(), 1);
  for (const pause of [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    const before = sendForm.mock.callCount();
    await wait(pause - 1);
    assert.equal(sendForm.mock.callCount(), before, `too early: ${pause}`);
    await wait(1);
    assert.equal(sendForm.mock.callCount(), before + 1, `too late: ${pause}`);
  }
  assert.deepEqual(states(), ["waiting"]);
  answer();
  await wait(60_000);
  assert.deepEqual(states(), []);
});

test("a successful photo resets the pause", async () => {
  answer(new Unreachable("no network"));
  await outbox.enqueue(photoOf());
  await settle();
  await wait(2_000);
  answer();
  await wait(4_000);
  assert.deepEqual(states(), []);
  answer(new Unreachable("no network"));
  await outbox.enqueue(photoOf());
  await settle();
  const before = sendForm.mock.callCount();
  await wait(2_000);
  assert.equal(sendForm.mock.callCount(), before + 1);
});

test("Retry-After decides when a busy server is asked again", async () => {
  answer(new Problem(429, "too_many_requests", "", 7));
  await outbox.enqueue(photoOf());
  await settle();
  assert.ok(Math.abs(outbox.busyServerUntil().getTime() - Date.now() - 7_000) < 5_000);
  await wait(6_999);
  assert.equal(sendForm.mock.callCount(), 1);
  answer();
  await wait(1);
  assert.equal(sendForm.mock.callCount(), 2);
  assert.equal(outbox.busyServerUntil(), null);
});

test("a refused photo stays with its reason, and the next one is sent", async () => {
  sendForm.mock.mockImplementationOnce(async () => Promise.reject(new Problem(422, "no_face_found", "No face.")));
  const refused = await outbox.enqueue(photoOf());
  await settle();
  await outbox.enqueue(photoOf());
  await settle();
  assert.deepEqual(states(), ["failed"]);
  assert.equal(outbox.queuedPhotos()[0].id, refused.id);
  assert.deepEqual(outbox.queuedPhotos()[0].problem, { code: "no_face_found", detail: "No face." });
  assert.equal(sendForm.mock.callCount(), 2);
});

test("sending a refused photo again uses a new idempotency key", async () => {
  sendForm.mock.mockImplementationOnce(async () => Promise.reject(new Problem(409, "photo_used_before", "Used.")));
  const refused = await outbox.enqueue(photoOf());
  await settle();
  await outbox.retry(refused.id, { useAnyway: true });
  await settle();
  const [, form, { headers }] = sendForm.mock.calls[1].arguments;
  assert.equal(form.get("use_anyway"), "true");
  assert.notEqual(headers["Idempotency-Key"], refused.id);
  assert.deepEqual(states(), []);
});

test("after a 401 photos wait until somebody signs in", async () => {
  answer(new Problem(401, "sign_in_required", ""));
  await outbox.enqueue(photoOf());
  await settle();
  assert.ok(outbox.needsSignIn());
  assert.deepEqual(states(), ["waiting"]);
  await wait(600_000);
  assert.equal(sendForm.mock.callCount(), 1);
  answer();
  outbox.sendAs(ADA);
  await settle();
  assert.ok(!outbox.needsSignIn());
  assert.deepEqual(states(), []);
});

test("another user's photos are not sent", async () => {
  answer(new Unreachable("no network"));
  await outbox.enqueue(photoOf());
  await settle();
  answer();
  sendForm.mock.resetCalls();
  outbox.sendAs({ ...ADA, user_id: "grace" });
  await settle();
  assert.equal(sendForm.mock.callCount(), 0);
  assert.deepEqual(states(), ["waiting"]);
});

test("a phone without room keeps the photo in memory and says so", async () => {
  hasRoom = false;
  answer(new Unreachable("no network"));
  const item = await outbox.enqueue(photoOf());
  await settle();
  assert.ok(outbox.isVolatile(item.id));
  assert.deepEqual(states(), ["waiting"]);
  answer();
  outbox.wake();
  await settle();
  assert.deepEqual(states(), []);
  assert.ok(!outbox.isVolatile(item.id));
});

test("marks open their roll call, are sent in order, and are not lost where somebody else changed them", async () => {
  const marksOf = (...marks) => ({ kind: "marks", groupId: "7b", session: SESSION_BY_HAND, marks });
  outbox.sendAs(null);
  await outbox.enqueue(marksOf());
  await outbox.enqueue(marksOf({ student_id: "ada", status: "present", before: null }));
  await outbox.enqueue(marksOf({ student_id: "ada", status: null, before: "present" }));
  outbox.sendAs(ADA);
  await settle();
  assert.deepEqual(
    send.mock.calls.map(({ arguments: [method, path] }) => `${method} ${path}`),
    ["POST /v1/sessions", "PATCH /v1/sessions/h1/marks", "POST /v1/sessions/h1/marks/clear"],
  );
  assert.deepEqual(send.mock.calls[1].arguments[2].json, { marks: [{ student_id: "ada", status: "present" }] });
  assert.deepEqual(states(), []);

  onServer.marks = [{ student_id: "bob", name: "Bob", status: "late", by_person: true }];
  await outbox.enqueue(marksOf({ student_id: "bob", status: "absent", before: null }));
  await settle();
  const [refused] = outbox.queuedPhotos();
  assert.equal(refused.problem.code, "marks_changed");
  await outbox.retry(refused.id, { override: true });
  await settle();
  assert.deepEqual(states(), []);
});

test("a closing is sent after everything else, and a refusal leaves the register open", async () => {
  const closing = { kind: "closing", groupId: "7b", session: SESSION_BY_HAND, unanswered: null };
  const marks = (status) => ({
    kind: "marks",
    groupId: "7b",
    session: SESSION_BY_HAND,
    marks: [{ student_id: "cy", status, before: null }],
  });
  outbox.sendAs(null);
  await outbox.enqueue(closing);
  assert.ok(outbox.closingWaits("h1"));
  // What is changed afterwards has to be finished again.
  await outbox.enqueue(marks("present"));
  assert.ok(!outbox.closingWaits("h1"));
  await outbox.enqueue(closing);
  outbox.sendAs(ADA);
  await settle();
  const paths = () => send.mock.calls.map(({ arguments: [method, path] }) => `${method} ${path}`);
  assert.deepEqual(paths().slice(-2), ["PATCH /v1/sessions/h1/marks", "POST /v1/sessions/h1/closing"]);
  assert.deepEqual(states(), []);

  // A refused mark keeps the register open.
  onServer.marks = [{ student_id: "cy", name: "Cy", status: "late", by_person: true }];
  send.mock.resetCalls();
  await outbox.enqueue(marks("absent"));
  await settle();
  await outbox.enqueue(closing);
  await settle();
  assert.deepEqual(
    outbox.queuedPhotos().map(({ kind, problem }) => [kind, problem.code]),
    [
      ["marks", "marks_changed"],
      ["closing", "entries_left"],
    ],
  );
  assert.deepEqual(paths(), []);

  const refused = new Problem(409, "questions_open", "1 question is open.");
  send.mock.mockImplementation(async (_, __, { json }) => {
    if (json.unanswered === null) throw refused;
    return new Response("{}");
  });
  for (const { id } of [...outbox.queuedPhotos()]) await outbox.discard(id);
  await outbox.enqueue(closing);
  await settle();
  const [open] = outbox.queuedPhotos();
  assert.equal(open.problem.code, "questions_open");
  await outbox.retry(open.id, { unanswered: "absent" });
  await settle();
  assert.deepEqual(states(), []);
  send.mock.mockImplementation(async () => new Response("{}"));
});

test("photos of a lesson that left the timetable become a roll call of their own", async () => {
  const lesson = { id: `lesson-${"0f".repeat(16)}`, startedAt: "2026-11-26T09:00:00Z", isNew: true };
  const moves = [];
  outbox.onMoved((from, to) => moves.push([from, to]));
  send.mock.mockImplementation(async (_, __, { json }) => {
    if (json.session_id === lesson.id) throw new Problem(404, "lesson_not_found", "gone");
    return new Response("{}");
  });
  outbox.sendAs(null);
  await outbox.enqueue(photoOf(lesson));
  await outbox.enqueue(photoOf({ ...lesson, isNew: false }));
  outbox.sendAs(ADA);
  await settle();
  const id = `moved-${"0f".repeat(16)}`;
  assert.deepEqual(states(), []);
  assert.deepEqual(moves, [[lesson.id, id]]);
  assert.deepEqual(
    sendForm.mock.calls.map(({ arguments: [, form] }) => form.get("session_id")),
    [id, id],
  );
  send.mock.mockImplementation(async () => new Response("{}"));
});
