import assert from "node:assert/strict";
import { test } from "node:test";
import { web } from "./browser.js";

const { fold, matches, seenInPhotos, sorted } = await import(web("core/people.js"));

const person = (name, status = null, id = name) => ({ student_id: id, name, status });
const names = (people) => people.map(({ name }) => name);

test("a name is found without its accents, by any of its words and by the id", () => {
  assert.equal(fold("Żółć Straße ÉLODIE Søren"), "zolc strasse elodie soren");
  assert.ok(matches("okafor amá", person("Amara Okafor")));
  assert.ok(matches("zolc", person("Żółć")));
  assert.ok(matches("0042", person("Ben", null, "0042")));
  assert.ok(matches("", person("Ben")));
  assert.ok(matches("नेह", person("नेहा")));
  assert.ok(!matches("ben z", person("Ben")));
});

test("a list is sorted by name, by status or by the first face in a photo", () => {
  const people = [person("Zoe", "present"), person("Ärmel", "absent"), person("Bo", "review"), person("Cem")];
  assert.deepEqual(names(sorted(people, "name")), ["Ärmel", "Bo", "Cem", "Zoe"]);
  assert.deepEqual(names(sorted(people, "status")), ["Bo", "Cem", "Ärmel", "Zoe"]);
  const face = (id, left) => ({ student_id: id, box: [left, 0, 10, 10] });
  const photos = [
    { faces: [face("Cem", 90), face("Zoe", 5), face(null, 1)] },
    { faces: [face("Zoe", 1), face("Bo", 2)] },
  ];
  assert.deepEqual(seenInPhotos(photos), ["Zoe", "Cem", "Bo"]);
  assert.deepEqual(names(sorted(people, "seen", seenInPhotos(photos))), ["Zoe", "Cem", "Bo", "Ärmel"]);
});

test("sixty people are searched and sorted in a fraction of a frame", () => {
  const many = Array.from({ length: 60 }, (_, index) => person(`Élodie Ångström ${(index * 37) % 60}`, "absent"));
  assert.equal(
    names(
      sorted(
        many.filter((one) => matches("elod ang", one)),
        "status",
      ),
    )[1],
    "Élodie Ångström 1",
  );
});
