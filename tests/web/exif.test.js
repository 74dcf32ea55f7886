import assert from "node:assert/strict";
import { test } from "node:test";
import { captureTime, dayTaken, withCaptureTime } from "../../web/core/exif.js";

const EMPTY_JPEG = new Blob([new Uint8Array([0xff, 0xd8, 0xff, 0xda])], { type: "image/jpeg" });

test("a capture time that was written is read back", async () => {
  for (const offset of ["+01:00", null]) {
    const taken = { time: "2026:11:26 08:15:00", offset };
    const photo = withCaptureTime(EMPTY_JPEG, taken);
    assert.equal(photo.type, "image/jpeg");
    assert.deepEqual(await captureTime(photo), taken);
  }
});

test("a photo without a capture time stays unchanged", async () => {
  assert.equal(withCaptureTime(EMPTY_JPEG, null), EMPTY_JPEG);
  assert.equal(await captureTime(EMPTY_JPEG), null);
});

test("files that are cut short or no JPEG have no capture time", async () => {
  const photo = withCaptureTime(EMPTY_JPEG, { time: "2026:11:26 08:15:00", offset: "+01:00" });
  assert.equal(await captureTime(photo.slice(0, 40)), null);
  assert.equal(await captureTime(new Blob(["GIF89a"])), null);
  assert.equal(await captureTime(new Blob([])), null);
});

test("a time in another format is ignored", async () => {
  assert.equal(await captureTime(withCaptureTime(EMPTY_JPEG, { time: "0000-00-00T00:00:00", offset: null })), null);
});

test("the day of a photo is noon of that day", () => {
  assert.equal(dayTaken({ time: "2026:11:26 23:59:59", offset: null }), "2026-11-26T12:00:00");
});
