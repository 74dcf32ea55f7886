import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { web } from "./browser.js";

const user = { time_zone: "Asia/Kolkata" };
const codes = {
  preset: "england-2024",
  codes: [
    { code: "/", meaning: "Morning", status: "present", retired: false, afternoon: false },
    { code: "\\", meaning: "Afternoon", status: "present", retired: false, afternoon: true },
  ],
};
mock.module(web("core/me.js"), { exports: { me: () => user } });
mock.module(web("core/api.js"), { exports: { cached: async () => codes, get: async () => codes } });
const { schoolDay, schoolHour } = await import(web("core/school-time.js"));
const { defaultCode, loadCodes } = await import(web("core/codes.js"));

test("days and hours are those of the school, not of the phone", () => {
  const moment = new Date("2026-11-26T18:40:00Z");
  assert.deepEqual([schoolDay(moment), schoolHour(moment)], ["2026-11-27", 0]);
  user.time_zone = "America/Los_Angeles";
  assert.deepEqual([schoolDay(moment), schoolHour(moment)], ["2026-11-26", 10]);
  user.time_zone = "Mars/Olympus";
  assert.match(schoolDay(moment), /^2026-11-2\d$/);
});

test("the default code changes at noon of the school", async () => {
  await loadCodes();
  user.time_zone = "Asia/Kolkata";
  assert.equal(defaultCode("present", "2026-11-26T06:29:00Z").code, "/");
  assert.equal(defaultCode("present", "2026-11-26T06:30:00Z").code, "\\");
  assert.equal(defaultCode("present", null).code, "/");
});
