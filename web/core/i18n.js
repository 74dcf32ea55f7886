/** Translations: a catalogue of texts by key, in the language that the person or the phone chose. */

import { draw } from "./draw.js";

const LOADERS = {
  en: () => import("../languages/en.js"),
  de: () => import("../languages/de.js"),
  hi: () => import("../languages/hi.js"),
  ar: () => import("../languages/ar.js"),
};
/** Languages by their own names. */
export const LANGUAGES = { en: "English", de: "Deutsch", hi: "हिन्दी", ar: "العربية" };

const RIGHT_TO_LEFT = new Set(["ar"]);
const FIRST_STRONG_ISOLATE = "\u2068";
const POP_DIRECTIONAL_ISOLATE = "\u2069";

/** Catalogues of screens that not everybody loads, by language. @type {Record<string, () => Promise<any>>[]} */
const further = [];

const CHOICE = "muster.language";

let code = "en";
/** Language and region: dates are written differently in London and in Chicago. */
let locale = "en";
/** @type {Record<string, string | Record<string, string>>} */
let texts = {};

/** @returns {string} the language in use. */
export function language() {
  return code;
}

/** @returns {string} the language with the region of the person's browser, such as `ar-EG`. */
export function languageTag() {
  return locale;
}

/** Load the chosen language, or else the phone's, or else English. */
export async function startLanguage() {
  const wanted = [localStorage.getItem(CHOICE) ?? "", ...navigator.languages];
  await use(wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag in LOADERS) ?? "en");
}

/** Add the texts of screens that are loaded on demand; English where a language has none. @param {Record<string, () => Promise<any>>} loaders by language. */
export async function addTexts(loaders) {
  further.push(loaders);
  await use(code);
}

/** @param {string} chosen one of `LANGUAGES`; remembered for the next visit. */
export async function chooseLanguage(chosen) {
  localStorage.setItem(CHOICE, chosen);
  await use(chosen);
  draw();
}

async function use(chosen) {
  // English stands in for a text that a language lacks.
  const wanted = [...new Set(["en", chosen])];
  const loaded = [LOADERS, ...further].flatMap((loaders) => wanted.map((tag) => loaders[tag]?.()));
  texts = Object.assign({}, ...(await Promise.all(loaded)).map((module) => module?.default));
  code = chosen;
  locale = navigator.languages.find((tag) => tag.toLowerCase().startsWith(chosen)) ?? chosen;
  document.documentElement.lang = chosen;
  document.documentElement.dir = RIGHT_TO_LEFT.has(chosen) ? "rtl" : "ltr";
}

/**
 * @param {string} key
 * @param {Record<string, string | number>} values replace `{name}`; `count` also selects `one` or `other`.
 * @returns {string} the text; the key itself if the catalogue lacks it.
 */
export function t(key, values = {}) {
  let text = texts[key];
  if (text === undefined) return key;
  if (typeof text === "object") text = text[new Intl.PluralRules(code).select(Number(values.count))] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? inserted(values[name]) : whole));
}

/** @param {string | number} value @returns {string} a value for a text: digits of the region, names in their own direction. */
function inserted(value) {
  if (typeof value === "number") return new Intl.NumberFormat(locale, { useGrouping: false }).format(value);
  return RIGHT_TO_LEFT.has(code) ? `${FIRST_STRONG_ISOLATE}${value}${POP_DIRECTIONAL_ISOLATE}` : String(value);
}

/** @param {string} key @returns {boolean} whether the catalogue has a text for the key. */
export function hasText(key) {
  return key in texts;
}

/**
 * @param {any} problem an error, or the stored `{code, detail}` of one.
 * @returns {string} the problem and its remedy, in the person's language if the code is known.
 */
export function explain(problem) {
  if (problem?.code && hasText(`problem.${problem.code}`)) {
    return t(`problem.${problem.code}`, { detail: problem.detail ?? "" });
  }
  return problem?.detail || t("problem.failed");
}

/** @param {string} value @returns {string} date and time in the format of the person's region. */
export function formatDateTime(value) {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(value));
}

/** @param {string} value @returns {string} time of day. */
export function formatTime(value) {
  return new Intl.DateTimeFormat(locale, { timeStyle: "short" }).format(new Date(value));
}

/** @param {string} value @returns {string} weekday, day and month. */
export function formatDay(value) {
  return new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short" }).format(new Date(value));
}

/** @param {number} weekday from 1 (Monday) to 7. @returns {string} its name. */
export function formatWeekday(weekday) {
  // The first of January 2024 was a Monday.
  return new Intl.DateTimeFormat(locale, { weekday: "long" }).format(new Date(2024, 0, weekday));
}

/** @param {string} value @returns {string} date with its year. */
export function formatDate(value) {
  return new Intl.DateTimeFormat(locale, { dateStyle: "long" }).format(new Date(value));
}

/** @param {string} value @returns {string[]} day of the month and name of the month, for a narrow column. */
export function formatDayAndMonth(value) {
  const date = new Date(value);
  /** @type {Intl.DateTimeFormatOptions[]} */
  const parts = [{ day: "numeric" }, { month: "short" }];
  return parts.map((part) => new Intl.DateTimeFormat(locale, part).format(date));
}

/**
 * @param {number} share 0 to 1.
 * @returns {string} whole percent. Only exactly 0 and 1 are shown as 0% and 100%.
 */
export function percent(share) {
  const shown = share > 0 && share < 1 ? Math.min(0.99, Math.max(0.01, share)) : share;
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 }).format(shown);
}
