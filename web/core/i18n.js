/** The page's language: a catalogue of texts by key, chosen by the person or by the phone. */

import { draw } from "./draw.js";

const LOADERS = {
  en: () => import("../languages/en.js"),
  de: () => import("../languages/de.js"),
};
/** Languages by their own names. */
export const LANGUAGES = { en: "English", de: "Deutsch" };

const CHOICE = "muster.language";

let code = "en";
/** The language as it is spoken where the phone is: dates are written otherwise in London than in Chicago. */
let locale = "en";
let texts = {};

/** @returns {string} the language in use. */
export function language() {
  return code;
}

/** Load the language that was chosen, else the phone's, else English. */
export async function startLanguage() {
  const wanted = [localStorage.getItem(CHOICE), ...navigator.languages].filter(Boolean);
  await use(wanted.map((one) => one.slice(0, 2).toLowerCase()).find((one) => one in LOADERS) ?? "en");
}

/** @param {string} chosen one of `LANGUAGES`; kept for the next time. */
export async function chooseLanguage(chosen) {
  localStorage.setItem(CHOICE, chosen);
  await use(chosen);
  draw();
}

async function use(chosen) {
  texts = (await LOADERS[chosen]()).default;
  code = chosen;
  locale = navigator.languages.find((one) => one.toLowerCase().startsWith(chosen)) ?? chosen;
  document.documentElement.lang = chosen;
}

/**
 * @param {string} key
 * @param {Record<string, string | number>} values put in place of `{name}`; `count` also chooses between `one` and `other`.
 * @returns {string} the text; the key itself where a catalogue lacks it.
 */
export function t(key, values = {}) {
  let text = texts[key];
  if (text === undefined) return key;
  if (typeof text === "object") text = text[new Intl.PluralRules(code).select(Number(values.count))] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** @returns {boolean} whether the catalogue has a text for the key. */
export function has(key) {
  return key in texts;
}

/**
 * @param {{code?: string, detail?: string, message?: string}} problem
 * @returns {string} what went wrong and what to do, in the person's language if the code is known.
 */
export function explain(problem) {
  if (problem?.code && has(`problem.${problem.code}`)) return t(`problem.${problem.code}`);
  return problem?.detail || t("problem.failed");
}

/** @returns {string} a day and time as people of this language write them. */
export function moment(value) {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(value));
}

/** @returns {string} a time of the day. */
export function clock(value) {
  return new Intl.DateTimeFormat(locale, { timeStyle: "short" }).format(new Date(value));
}

/** @returns {string} a day, without its time. */
export function day(value) {
  return new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short" }).format(new Date(value));
}

/** @returns {string} a day with its year. */
export function date(value) {
  return new Intl.DateTimeFormat(locale, { dateStyle: "long" }).format(new Date(value));
}

/** @returns {string[]} number of the day and name of the month, for a narrow column. */
export function dayAndMonth(value) {
  const date = new Date(value);
  return [{ day: "numeric" }, { month: "short" }].map((part) => new Intl.DateTimeFormat(locale, part).format(date));
}

/** @returns {string} a share of 0 to 1 in percent; all and none are said of nothing less. */
export function percent(share) {
  if (share > 0 && share < 1) share = Math.min(0.99, Math.max(0.01, share));
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 }).format(share);
}
