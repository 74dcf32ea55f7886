/** Administration: notices of absences; what is switched on, who has which notice, and the texts of the messages. */

import { get, send } from "../../core/api.js";
import { draw } from "../../core/draw.js";
import { language, t } from "../../core/i18n.js";
import { newestOnly } from "../../core/newest.js";
import { icon } from "../../parts/icons.js";
import { closeSheet, openSheet } from "../../parts/sheet.js";
import { attempt, toast } from "../../parts/toast.js";
import { failure } from "../../parts/waiting.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { languageSelect } from "./contacts.js";
import { table } from "./parts.js";

/** Rows that are drawn at first; a large school may have a thousand on one day. */
const FIRST_ROWS = 100;

/** @type {any} */
let setup = null;
/** @type {any[] | null} */
let notices = null;
/** @type {unknown} */
let problem = null;
const newest = newestOnly();
let day = "";
let allRows = false;
/** Language of the texts that are shown; empty for the reader's. */
let shownLanguage = "";

/** Called when the page is opened. */
export async function enter() {
  day ||= today();
  allRows = false;
  const path = `/v1/notices?${new URLSearchParams({ since: day, until: day })}`;
  await newest(
    () => Promise.all([get("/v1/notices/setup"), get(path)]),
    ([answer, { items }]) => {
      setup = answer;
      show(items);
    },
    (error) => show(null, error),
  );
}

/** @param {any} items @param {unknown} error */
function show(items, error = null) {
  notices = items;
  problem = error;
  draw();
}

/** Called at sign-out. */
export function forget() {
  setup = null;
  notices = null;
  day = "";
}

function today() {
  const now = new Date();
  const two = (number) => String(number).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

/** @returns the page. */
export function page() {
  return html`<section class="stack">
    <h1 tabindex="-1">${t("admin.notices")}</h1>
    <p>${t("admin.noticesText")}</p>
    ${setup === null ? nothing : state()}
    <h2>${t("admin.noticeList")}</h2>
    <div class="row wrap">
      <label class="field"><span>${t("admin.day")}</span>
        <input type="date" required .value=${day} @change=${chooseDay} />
      </label>
    </div>
    ${problem ? failure(problem) : list()} ${setup === null ? nothing : texts()}
  </section>`;
}

function chooseDay(event) {
  day = event.target.value;
  void enter();
}

function state() {
  if (!setup.enabled) return html`<p class="card" role="status">${t("admin.noticesOff")}</p>`;
  const rows = [
    [t("admin.noticeSender"), setup.sender || t("admin.none")],
    [t("admin.noticeOffice"), setup.office.join(", ") || t("admin.none")],
    [t("admin.noticeReceiver"), setup.receiver || t("admin.none")],
  ];
  return html`<p role="status">${t("admin.noticesOn")}</p>
  ${table(
    t("admin.notices"),
    [t("admin.what"), t("admin.noticeAddress")],
    rows,
    ([what]) => what,
    ([what, value]) => [what, html`<bdi>${value}</bdi>`],
  )}
  ${setup.sender ? html`<button class="start" @click=${test}>${icon("share")}${t("admin.noticeTest")}</button>` : nothing}`;
}

function test() {
  const draft = { address: "", language: language() };
  const submit = async (event) => {
    event.preventDefault();
    if (!(await attempt(() => send("POST", "/v1/notices/test", { json: draft })))) return;
    closeSheet();
    toast(t("admin.noticeTestSent", { address: draft.address }));
  };
  openSheet(() => ({
    title: t("admin.noticeTest"),
    body: html`<form class="stack" @submit=${submit}>
      <p>${t("admin.noticeTestText")}</p>
      <label class="field"><span>${t("admin.address")}</span>
        <input type="email" required maxlength="128" autocomplete="email" dir="ltr" @input=${(event) => (draft.address = event.target.value.trim())} />
      </label>
      ${languageSelect(t("admin.language"), draft.language, (chosen) => (draft.language = chosen))}
      <button class="primary big">${t("admin.noticeTest")}</button>
    </form>`,
  }));
}

function list() {
  if (notices === null) return html`<p class="muted">${t("state.loading")}</p>`;
  if (notices.length === 0) return html`<p class="muted" role="status">${t("admin.noticeNone")}</p>`;
  const shown = allRows ? notices : notices.slice(0, FIRST_ROWS);
  return html`${table(
    t("admin.noticeList"),
    [t("admin.student"), t("admin.notice"), t("admin.noticeState"), t("admin.noticeTo"), t("admin.noticeReason")],
    shown,
    (notice) => notice.delivery_id,
    row,
  )}
  ${shown.length < notices.length ? html`<button class="start" @click=${showAll}>${t("admin.noticeAll", { count: notices.length })}</button>` : nothing}`;
}

function showAll() {
  allRows = true;
  draw();
}

function row(notice) {
  const received = [...notice.addresses, ...(notice.webhook ? [t("admin.noticeEvent")] : [])].join(", ");
  const perhaps = notice.unclear_addresses.join(", ");
  const office = notice.office
    .map(({ address, state: of }) => `${address} (${t(`admin.noticeState.${of}`)})`)
    .join(", ");
  return [
    html`<a class="row-link" href="#/admin/student/${encodeURIComponent(notice.student_id)}">${notice.name || notice.student_id}</a>`,
    t(`admin.noticeKind.${notice.kind}`),
    t(`admin.noticeState.${notice.state}`),
    html`<bdi>${received || "–"}</bdi>${perhaps ? html`<p class="muted small">${t("admin.noticePerhaps", { addresses: perhaps })}</p>` : nothing}${office ? html`<p class="muted small">${t("admin.noticeOfficeTold", { addresses: office })}</p>` : nothing}`,
    notice.reason ? html`<span lang="en" dir="ltr">${notice.reason}</span>` : "–",
  ];
}

function texts() {
  const chosen = shownLanguage || language();
  const direction = chosen === "ar" ? "rtl" : "ltr";
  const choose = (value) => {
    shownLanguage = value;
    draw();
  };
  return html`<h2>${t("admin.noticeTexts")}</h2>
    <div class="row wrap">${languageSelect(t("admin.language"), chosen, choose)}</div>
    ${setup.texts
      .filter((each) => each.language === chosen)
      .map(
        ({ kind, subject, text }) => html`<article class="card stack-small" aria-label=${t(`admin.noticeKind.${kind}`)}>
          <h3 lang=${chosen} dir=${direction}>${subject}</h3>
          <p class="message" lang=${chosen} dir=${direction}>${text.trim()}</p>
        </article>`,
      )}`;
}
