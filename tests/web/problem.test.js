import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem, problemOf } from "../../web/core/problem.js";

test("a problem document keeps its code and detail", () => {
  const problem = problemOf(422, JSON.stringify({ code: "too_dark", detail: "Too dark." }));
  assert.ok(problem instanceof Problem);
  assert.equal(problem.status, 422);
  assert.equal(problem.code, "too_dark");
  assert.equal(problem.detail, "Too dark.");
  assert.equal(problem.retryAfter, null);
});

test("a gateway's own error gets a code by its status", () => {
  assert.equal(problemOf(401, '{"message": "Unauthorized"}').code, "sign_in_required");
  assert.equal(problemOf(401, '{"message": "Unauthorized"}').detail, "Unauthorized");
  assert.equal(problemOf(413, "<html>too large</html>").code, "image_too_large");
  assert.equal(problemOf(429, "").code, "too_many_requests");
  assert.equal(problemOf(502, "Bad gateway").code, "internal_error");
  assert.equal(problemOf(404, "null").code, "failed");
});

test("Retry-After is read in seconds, and a date is ignored", () => {
  assert.equal(problemOf(429, "", "7").retryAfter, 7);
  assert.equal(problemOf(429, "", "Thu, 26 Nov 2026 08:00:00 GMT").retryAfter, null);
});

test("a request can be retried after server errors, rate limits and a duplicate in progress", () => {
  assert.ok(problemOf(503, "").retryable);
  assert.ok(problemOf(429, "").retryable);
  assert.ok(problemOf(409, '{"code": "request_under_way"}').retryable);
  assert.ok(!problemOf(409, '{"code": "session_exists"}').retryable);
  assert.ok(!problemOf(422, '{"code": "too_dark"}').retryable);
});
