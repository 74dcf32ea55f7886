import assert from "node:assert/strict";
import { test } from "node:test";
import { web } from "./browser.js";

const { conflicts, marksChanged, seenOf } = await import(web("core/marks.js"));

const NONE = seenOf({});

/** @param {any} more */
function byBob(more) {
  return { student_id: "ada", name: "Ada", code: null, minutes_late: null, remark: "", by_person: true, ...more };
}

function isConflict(stored, wanted) {
  return conflicts([stored], [{ student_id: "ada", ...wanted }]).length > 0;
}

test("a mark that somebody else has set is not replaced by one that differs in code, minutes or remark", () => {
  const trip = byBob({ status: "present", code: "V" });
  assert.ok(isConflict(trip, { status: "present", code: null, before: NONE }));
  assert.ok(!isConflict(trip, { status: "present", code: "V", before: NONE }), "the same mark");
  assert.ok(!isConflict(trip, { status: "late", before: seenOf(trip) }), "the teacher saw it");
  assert.ok(!isConflict({ ...trip, by_person: false }, { status: "late", before: NONE }), "a photo decided");

  const late = byBob({ status: "late", minutes_late: 10, remark: "Bus" });
  assert.ok(isConflict(late, { status: "late", minutes_late: 5, before: NONE }));
  assert.ok(!isConflict(late, { status: "late", minutes_late: 10, before: NONE }), "without a remark, theirs stays");
  assert.ok(isConflict(late, { status: "late", minutes_late: 10, remark: "Tram", before: NONE }));
  assert.ok(isConflict(late, { status: "absent", before: seenOf({ ...late, remark: "" }) }));
  assert.ok(!isConflict(late, { status: "absent", before: seenOf({ ...late, remark: " Bus " }) }));
  assert.ok(isConflict(late, { status: null, before: seenOf({ status: "late" }) }), "clearing is a change too");
});

test("marks that waited since an earlier version compare statuses", () => {
  const late = byBob({ status: "late", minutes_late: 10 });
  assert.ok(!isConflict(late, { status: "absent", before: "late" }));
  assert.ok(isConflict(late, { status: "absent", before: "present" }));
});

test("a conflict says what the other person set", () => {
  const { code, detail } = marksChanged([byBob({ status: "late", code: "L", minutes_late: 10, remark: "Bus" })]);
  assert.equal(code, "marks_changed");
  assert.equal(detail, "Ada: status.late · L · mark.minutesLate · Bus", "without a catalogue, the keys are shown");
});
