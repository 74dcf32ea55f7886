import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import "./browser.js";
import { bearer, configure, dropToken, hasCredential, keepToken, renew } from "../../web/core/auth.js";
import { Problem, Unreachable } from "../../web/core/problem.js";

const HOSTED = { stage: "prod", sign_in: "https://login.example", client_id: "web" };
const LOCAL = { stage: "local", sign_in: null, client_id: null };

/** @type {import("node:test").Mock<(url: string, options: {body: URLSearchParams}) => Promise<Response>>} */
let fetched;

function answerWith(status, body = {}) {
  fetched = mock.fn(async () => new Response(JSON.stringify(body), { status }));
  Object.assign(globalThis, { fetch: fetched });
}

function keepSession(token, secondsLeft) {
  const session = { access_token: token, refresh_token: "refresh", expires_at: Date.now() / 1000 + secondsLeft };
  localStorage.setItem("muster.session", JSON.stringify(session));
}

function stored() {
  return JSON.parse(localStorage.getItem("muster.session") ?? "null");
}

const isExpired = (error) => error instanceof Problem && error.status === 401 && error.code === "sign_in_required";

beforeEach(() => {
  localStorage.clear();
  configure(HOSTED);
  answerWith(200, { access_token: "second", expires_in: 3600 });
});

test("a local server gets the stored token, or none", async () => {
  configure(LOCAL);
  assert.equal(await bearer(), null);
  keepToken(" token\n");
  assert.ok(hasCredential());
  assert.equal(await bearer(), "token");
  dropToken();
  assert.ok(!hasCredential());
  await assert.rejects(renew("token"), isExpired);
});

test("an access token is used until a minute before it expires", async () => {
  keepSession("first", 120);
  assert.equal(await bearer(), "first");
  assert.equal(fetched.mock.callCount(), 0);
  keepSession("first", 30);
  assert.equal(await bearer(), "second");
  assert.equal(fetched.mock.callCount(), 1);
});

test("the ID token is sent, which has the name and the roles; older sessions have none until they are renewed", async () => {
  answerWith(200, { id_token: "identity", access_token: "second", expires_in: 3600 });
  keepSession("first", 120);
  assert.equal(await bearer(), "first");
  assert.equal(await renew("first"), "identity");
  assert.equal(await bearer(), "identity");
  assert.equal(await renew("first"), "identity");
  assert.equal(fetched.mock.callCount(), 1);
});

test("renewing keeps the refresh token and stores the new expiry", async () => {
  keepSession("first", 0);
  assert.equal(await renew("first"), "second");
  assert.equal(stored().refresh_token, "refresh");
  assert.ok(stored().expires_at > Date.now() / 1000 + 3500);
  const [url, { body }] = fetched.mock.calls[0].arguments;
  assert.equal(url, "https://login.example/oauth2/token");
  assert.equal(String(body), "client_id=web&grant_type=refresh_token&refresh_token=refresh");
});

test("concurrent callers renew once", async () => {
  keepSession("first", 0);
  const tokens = await Promise.all([renew("first"), renew("first"), bearer()]);
  assert.deepEqual(tokens, ["second", "second", "second"]);
  assert.equal(fetched.mock.callCount(), 1);
});

test("a refused refresh token ends the sign-in", async () => {
  keepSession("first", 0);
  answerWith(400, { error: "invalid_grant" });
  await assert.rejects(renew("first"), isExpired);
  assert.equal(stored(), null);
  await assert.rejects(bearer(), isExpired);
});

test("an outage of the sign-in pages keeps the sign-in", async () => {
  keepSession("first", 0);
  answerWith(503);
  await assert.rejects(renew("first"), Unreachable);
  Object.assign(globalThis, { fetch: async () => Promise.reject(new TypeError("network")) });
  await assert.rejects(renew("first"), Unreachable);
  assert.equal(stored().access_token, "first");
});
