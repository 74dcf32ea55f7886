import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import adminAr from "../../web/languages/admin/ar.js";
import adminDe from "../../web/languages/admin/de.js";
import adminEn from "../../web/languages/admin/en.js";
import adminHi from "../../web/languages/admin/hi.js";
import ar from "../../web/languages/ar.js";
import de from "../../web/languages/de.js";
import en from "../../web/languages/en.js";
import hi from "../../web/languages/hi.js";
import { setLanguages, web } from "./browser.js";

const { addTexts, chooseLanguage, explain, hasText, language, percent, startLanguage, t } = await import(
  web("core/i18n.js")
);
const { Problem } = await import(web("core/problem.js"));

beforeEach(async () => {
  localStorage.clear();
  setLanguages("en-GB");
  await startLanguage();
});

test("values replace their placeholders", () => {
  assert.equal(t("question.is", { name: "Ida" }), "Is this Ida?");
  assert.equal(t("question.is", { other: "Ida" }), "Is this {name}?");
});

test("a count selects the singular or the plural", () => {
  assert.equal(t("group.size", { count: 1 }), "1 student");
  assert.equal(t("group.size", { count: 0 }), "0 students");
  assert.equal(t("group.size", { count: 2 }), "2 students");
});

test("a key without a text is shown unchanged", () => {
  assert.equal(t("no.such.key"), "no.such.key");
  assert.equal(hasText("no.such.key"), false);
});

test("only exactly 0 and 1 are shown as 0% and 100%", () => {
  const shares = [0, 0.001, 0.004, 0.5, 0.996, 0.9999, 1];
  assert.deepEqual(shares.map(percent), ["0%", "1%", "1%", "50%", "99%", "99%", "100%"]);
});

test("the chosen language comes before the phone's, which comes before English", async () => {
  setLanguages("de-CH", "en");
  await startLanguage();
  assert.equal(language(), "de");
  assert.equal(document.documentElement.lang, "de");
  setLanguages("fr-FR");
  await startLanguage();
  assert.equal(language(), "en");
  await chooseLanguage("de");
  setLanguages("en-GB");
  await startLanguage();
  assert.equal(language(), "de");
  assert.equal(t("group.size", { count: 2 }), "2 Schüler");
});

test("known problems are translated, others keep the server's message", () => {
  assert.equal(explain(new Problem(422, "too_dark", "Dark.")), en["problem.too_dark"]);
  assert.equal(explain(new Problem(422, "no_such_code", "The server's message.")), "The server's message.");
  assert.equal(explain(new Problem(422, "no_such_code", "")), en["problem.failed"]);
});

for (const [code, texts, english] of [
  ["hi", hi, en],
  ["hi", adminHi, adminEn],
  ["ar", ar, en],
  ["ar", adminAr, adminEn],
]) {
  test(`${code} has the ${Object.keys(english).length} keys of English, and the plurals of its language`, () => {
    const placeholders = (text) => [...new Set(JSON.stringify(text).match(/\{\w+\}/g))].sort();
    const plurals = new Intl.PluralRules(code).resolvedOptions().pluralCategories;
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(english).sort());
    for (const [key, text] of Object.entries(texts)) {
      assert.equal(typeof text, typeof english[key], key);
      // A language may say "two students" in one word, without a number.
      for (const used of placeholders(text)) assert.ok(placeholders(english[key]).includes(used), key);
      if (typeof text === "object")
        assert.ok("other" in text && Object.keys(text).every((one) => plurals.includes(one)));
    }
  });
}

test("Arabic runs from right to left, and names keep their own direction", async () => {
  await chooseLanguage("ar");
  assert.equal(document.documentElement.dir, "rtl");
  assert.equal(t("question.is", { name: "Ida" }), "هل هذا \u2068Ida\u2069؟");
  assert.equal(t("group.size", { count: 2 }), "طالبان");
  assert.equal(t("group.size", { count: 11 }), "11 طالبًا");
  await chooseLanguage("hi");
  assert.equal(document.documentElement.dir, "ltr");
});

test("digits are those of the region", async () => {
  setLanguages("ar-EG");
  await startLanguage();
  assert.equal(t("group.size", { count: 11 }), "١١ طالبًا");
});

for (const [name, german, english] of [
  ["the screens of teachers", de, en],
  ["administration", adminDe, adminEn],
]) {
  test(`both languages have the same keys and placeholders for ${name}`, () => {
    const placeholders = (text) => [...new Set(JSON.stringify(text).match(/\{\w+\}/g))].sort();
    assert.deepEqual(Object.keys(german).sort(), Object.keys(english).sort());
    for (const [key, text] of Object.entries(english)) {
      assert.deepEqual(placeholders(german[key]), placeholders(text), key);
      assert.equal(typeof german[key], typeof text, key);
    }
  });
}

test("texts that are loaded on demand follow the language", async () => {
  const load = (texts) => async () => ({ default: texts });
  await addTexts({ en: load({ "later.text": "Later" }), de: load({ "later.text": "Später" }) });
  assert.equal(t("later.text"), "Later");
  await chooseLanguage("de");
  assert.equal(t("later.text"), "Später");
  assert.equal(t("action.back"), "Zurück");
});
