/** Administration: registration of many students from photos named by student id, with a report by photo. */

import { getAll } from "../../core/api.js";
import { BulkRun, entriesOf } from "../../core/bulk-photos.js";
import { draw } from "../../core/draw.js";
import { hasText, t } from "../../core/i18n.js";
import { me } from "../../core/me.js";
import { share } from "../../core/share.js";
import { icon } from "../../parts/icons.js";
import { attempt } from "../../parts/toast.js";
import { failure } from "../../parts/waiting.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { reasonOf } from "./parts.js";

/** Screen readers hear about every tenth photo: each one would never let them finish a sentence. */
const ANNOUNCED = 10;
const TONES = { registered: "present", skipped: "unknown", refused: "absent", sending: "review", waiting: "unknown" };
/** Order of the report: what needs a person comes first. */
const ORDER = ["refused", "sending", "waiting", "registered", "skipped"];

/** @type {BulkRun | null} stays while other pages are open. */
let run = null;
let consent = false;
let reading = false;

/** Called at sign-out. */
export function forget() {
  run?.release();
  run = null;
  consent = false;
}

addEventListener("beforeunload", (event) => {
  if (run !== null && (run.state === "running" || run.state === "offline")) event.preventDefault();
});

/** @returns the page. */
export function page() {
  return html`<section class="stack">
    <h1 tabindex="-1">${t("admin.photos")}</h1>
    ${run === null ? chooser() : report(run)}
  </section>`;
}

function chooser() {
  const version = me().consent_wording;
  return html`<p>${t("admin.photosText")}</p>
    <div class="card stack-small">
      <details>
        <summary>${t("consent.read")}</summary>
        <blockquote>${t("consent.text")}</blockquote>
        ${version ? html`<p class="muted small">${t("consent.version", { version })}</p>` : nothing}
      </details>
      <label class="check"><input type="checkbox" .checked=${consent} @change=${agree} /><span>${t("admin.photosConsent")}</span></label>
      <div class="row wrap">${fileButton("choose-photos", t("admin.choosePhotos"), false)} ${fileButton("choose-folder", t("admin.chooseFolder"), true)}</div>
      ${reading ? html`<progress aria-label=${t("state.loading")}></progress>` : nothing}
    </div>`;
}

function fileButton(test, label, folder) {
  return html`<label class="button big ${consent ? "" : "disabled"}">
    <input class="hidden-input" type="file" multiple data-test=${test} accept=${folder ? nothing : "image/*,.heic,.heif"}
      ?webkitdirectory=${folder} ?disabled=${!consent || reading} @change=${choose} />
    ${icon(folder ? "list" : "gallery")}${label}
  </label>`;
}

function agree(event) {
  consent = event.target.checked;
  draw();
}

async function choose(event) {
  const files = [...event.target.files];
  event.target.value = "";
  reading = true;
  draw();
  await attempt(async () => {
    const students = await getAll("/v1/students");
    run = new BulkRun(entriesOf(files, new Map(students.map((student) => [student.student_id, student]))));
  });
  reading = false;
  draw();
  if (run !== null) await attempt(() => /** @type {BulkRun} */ (run).start());
}

function report(current) {
  const { entries, done, state, problem } = current;
  const counted = (wanted) => entries.filter((entry) => entry.state === wanted).length;
  const announced = state === "done" ? done : Math.floor(done / ANNOUNCED) * ANNOUNCED;
  const sorted = [...entries].sort((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state));
  return html`${entries.length === 0 ? html`<p class="card bad" role="alert">${t("admin.photosNone")}</p>` : nothing}
    <div class="card stack-small">
      <progress max=${Math.max(entries.length, 1)} .value=${done} aria-label=${t("admin.photosProgress")}></progress>
      <p aria-hidden="true"><b>${t("admin.photosDone", { done, count: entries.length })}</b></p>
      <p class="visually-hidden" role="status">${t("admin.photosDone", { done: announced, count: entries.length })}</p>
      <p class="summary">
        ${["registered", "skipped", "refused"].map((each) => html`<span class="count ${TONES[each]}"><b>${counted(each)}</b> ${t(`admin.photo.${each}`)}</span>`)}
      </p>
      <p role="status">${state === "offline" ? t("admin.photosOffline") : nothing}${state === "done" ? t("admin.photosFinished") : nothing}</p>
      ${problem ? failure(problem) : nothing}
      <div class="row wrap">
        ${state === "running" || state === "offline" ? html`<button @click=${() => current.stop()}>${t("admin.photosStop")}</button>` : nothing}
        ${state === "stopped" ? html`<button class="primary" @click=${() => attempt(() => current.start())}>${t("admin.photosContinue")}</button>` : nothing}
        ${state === "done" || state === "stopped" ? html`<button @click=${forgetRun}>${t("admin.photosMore")}</button>` : nothing}
        ${done > 0 ? html`<button @click=${() => download(entries)}>${icon("share")}${t("admin.photosReport")}</button>` : nothing}
      </div>
    </div>
    <ul class="list" data-test="photos" aria-label=${t("admin.photosResults")}>${repeat(
      sorted,
      (entry) => entry.id,
      (entry) => row(current, entry),
    )}</ul>`;
}

function forgetRun() {
  run?.release();
  run = null;
  draw();
  requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector("h1")?.focus()));
}

function row(current, entry) {
  const canInsist = entry.problem?.code === "duplicate_person" && current.state === "done";
  return html`<li class="waiting" data-state=${entry.state}>
    ${entry.thumbnail ? html`<img src=${entry.thumbnail} alt="" />` : html`<span class="thumbnail">${icon("person")}</span>`}
    <div class="grow stack-small">
      <span><b>${entry.student?.name ?? entry.studentId}</b> <span class="muted small">${entry.file.name}</span></span>
      <span class="chip ${TONES[entry.state]}">${t(`admin.photo.${entry.state}`)}</span>
      ${remarks(entry).map((text) => html`<p class=${entry.state === "refused" ? "bad" : "muted"}>${text}</p>`)}
      ${canInsist ? html`<button @click=${() => attempt(() => current.sendAnyway(entry))}>${t("register.lookalike")}</button>` : nothing}
    </div>
  </li>`;
}

function remarks({ state, problem, warnings, studentId }) {
  if (state === "refused" && problem.code === "student_not_found") return [t("admin.photoNobody", { id: studentId })];
  if (state === "refused") return [reasonOf(problem)];
  return warnings.map(({ code, detail }) => (hasText(`warning.${code}`) ? t(`warning.${code}`) : detail));
}

/** Save the report as CSV. */
async function download(entries) {
  const rows = entries.map((entry) => [
    entry.file.name,
    entry.student?.name ?? "",
    t(`admin.photo.${entry.state}`),
    remarks(entry).join(" "),
  ]);
  const titles = [t("admin.photoFile"), t("register.name"), t("admin.photoResult"), t("admin.photoReason")];
  const text = [titles, ...rows].map((row) => row.map(csvCell).join(",")).join("\r\n");
  await attempt(() => share(new Blob([`\ufeff${text}\r\n`], { type: "text/csv" }), "photos.csv"));
}

// A text that begins like a formula must not become one in a spreadsheet.
function csvCell(text) {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
