/** Screen: register students one after another. Each needs a name, consent and one photo. */

import { draw } from "../core/draw.js";
import { explain, hasText, percent, t } from "../core/i18n.js";
import { me } from "../core/me.js";
import { discard, enqueue, queuedPhotos, retry } from "../core/outbox.js";
import { preparePhoto } from "../core/photo.js";
import { chooseGroup, chosenGroup, knownGroups, knownStudents, loadGroups, loadStudents } from "../core/roster.js";
import { camera, startCamera, stopCamera } from "../parts/camera.js";
import { groupPicker } from "../parts/group-picker.js";
import { icon } from "../parts/icons.js";
import { openNewPhoto } from "../parts/new-photo.js";
import { openSheet } from "../parts/sheet.js";
import { attempt, toast } from "../parts/toast.js";
import { stateOf, waitingList } from "../parts/waiting.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";

/** Identifiers that the server accepts (`muster.domain.identifiers`). */
const IDENTIFIER = "[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}";
const NEW = "";

const form = { student: NEW, id: "", name: "", newGroup: "", consent: false };
/** @type {{blob: Blob, url: string} | null} */
let photo = null;
/** @type {string | null} id of the photo being sent. */
let sending = null;
/** @type {{name: string, quality: number | null, warnings: {code: string, detail: string}[]} | null} */
let done = null;

/** Called when the screen is opened. */
export async function enter() {
  done = null;
  const group = chosenGroup();
  if (group !== null) await loadStudents(group).catch(() => undefined);
}

/** Called when the screen is left. */
export function exit() {
  stopCamera();
  dropPhoto();
  clear();
  sending = null;
}

/** Show that the server registered a student. @param {any} item @param {any} answer */
export function onRegistered(item, answer) {
  if (item.kind !== "register") return;
  void loadStudents(item.groupId).catch(() => undefined);
  if (knownGroups()?.every((group) => group.group_id !== item.groupId)) void loadGroups();
  if (item.id === sending) {
    done = { name: answer.name, quality: answer.quality, warnings: answer.warnings ?? [] };
    sending = null;
    clear();
    dropPhoto();
    scrollTo(0, 0);
  } else {
    toast(t("register.done", { name: answer.name }));
  }
  draw();
}

function clear() {
  Object.assign(form, { student: NEW, id: "", name: "", consent: false });
}

function dropPhoto() {
  if (photo) URL.revokeObjectURL(photo.url);
  photo = null;
}

function change(values) {
  Object.assign(form, values);
  draw();
}

async function takePhoto(file) {
  await attempt(async () => {
    const blob = await preparePhoto(file, me().uploads ? Infinity : me().max_photo_bytes);
    dropPhoto();
    photo = { blob, url: URL.createObjectURL(blob) };
    stopCamera();
  });
  draw();
}

async function submit(event) {
  event.preventDefault();
  const group = chosenGroup() ?? form.newGroup;
  if (photo === null || sending !== null) return;
  if (chosenGroup() === null) chooseGroup(group);
  const student = { id: form.id.trim(), name: form.name.trim(), allowLookalike: false };
  const item = await enqueue({ kind: "register", groupId: group, student, blob: photo.blob });
  sending = item.id;
  draw();
}

/** @returns the screen. */
export function register() {
  const item = sending === null ? null : queuedPhotos().find(({ id }) => id === sending);
  const others = queuedPhotos().filter(({ kind, id }) => kind === "register" && id !== sending);
  return html`<section class="stack narrow">
    <h1 tabindex="-1">${t("register.title")}</h1>
    ${navigator.onLine ? nothing : html`<p class="card">${icon("cloudOff")} ${t("register.offline")}</p>`}
    ${done ? success(done) : nothing}
    ${item ? progress(item) : nothing}
    ${item || done ? nothing : html`${fields()} ${replacing()}`}
    ${waitingList(others)}
  </section>`;
}

function success({ name, quality, warnings }) {
  return html`<div class="card good" role="status">
    <p class="big-text">${icon("check")} ${t("register.done", { name })}</p>
    ${quality === null ? nothing : html`<p>${t("register.quality", { quality: percent(quality) })}</p>`}
    ${warnings.map((warning) => html`<p data-warning=${warning.code}>${icon("question")} ${warningText(warning)}</p>`)}
    <button class="primary big" @click=${next}>${icon("addPerson")}${t("register.next")}</button>
  </div>`;
}

function warningText({ code, detail }) {
  return hasText(`warning.${code}`) ? t(`warning.${code}`) : detail;
}

function next() {
  done = null;
  draw();
  void startCamera();
}

function progress(item) {
  const { name, text } = stateOf(item);
  return html`<div class="card stack" role="status" data-state=${name}>
    <img class="preview" src=${photo?.url ?? ""} alt=${t("register.photoOf", { name: item.student.name })} />
    ${item.state === "failed" ? refusal(item) : pending(name, text)}
  </div>`;
}

function pending(name, text) {
  const canContinue = name === "offline" || name === "sign-in";
  return html`<p>${text}</p>
    <progress aria-label=${text}></progress>
    ${canContinue ? html`<button class="primary" @click=${release}>${t("register.next")}</button>` : nothing}`;
}

/** Codes that a change of the name or the id resolves. */
const ABOUT_THE_PERSON = ["student_exists", "invalid_request"];

function refusal(item) {
  const { code } = item.problem;
  return html`<p class="bad big-text" role="alert">${explain(item.problem)}</p>
    ${
      ABOUT_THE_PERSON.includes(code)
        ? html`<button class="primary big" @click=${() => edit(item)}>${t("register.change")}</button>`
        : html`<button class="primary big" @click=${() => replace(item)}>${icon("camera")}${t("register.again")}</button>`
    }
    ${code === "duplicate_person" ? resendButton(item, { allowLookalike: true }, t("register.lookalike")) : nothing}
    ${code === "consent_withdrawn" ? resendButton(item, { renewConsent: true }, t("register.renewConsent")) : nothing}`;
}

function resendButton(item, changes, label) {
  return html`<button @click=${() => resend(item, changes)}>${label}</button>`;
}

async function resend(item, changes) {
  const student = { ...item.student, ...changes };
  await retry(item.id, { student });
  sending = queuedPhotos().find((other) => other.kind === "register" && other.student?.id === student.id)?.id ?? null;
}

async function edit(item) {
  await discard(item.id);
  sending = null;
  draw();
}

async function replace(item) {
  await discard(item.id);
  sending = null;
  dropPhoto();
  change({ consent: true });
  void startCamera();
}

/** Leave the photo in the outbox and register the next student. */
function release() {
  sending = null;
  dropPhoto();
  clear();
  next();
}

function fields() {
  const group = chosenGroup();
  return html`<form class="stack" @submit=${submit}>
    ${group === null ? identifier("newGroup", t("group.new"), t("group.newHint")) : groupPicker(() => void enter())}
    ${group === null ? nothing : studentPicker(knownStudents(group) ?? [])}
    ${form.student === NEW ? newStudent() : nothing}
    ${consentField()}
    ${photoField()}
  </form>`;
}

function replacing() {
  const group = chosenGroup();
  const registered = (group === null ? [] : (knownStudents(group) ?? [])).filter(({ state }) => state === "registered");
  if (registered.length === 0) return nothing;
  const open = () =>
    openSheet(() => ({
      title: t("newPhoto.who"),
      body: html`<ul class="list scroll">
        ${registered.map((student) => html`<li><button class="item" @click=${() => void openNewPhoto(student, () => undefined)}>${student.name}</button></li>`)}
      </ul>`,
    }));
  return html`<button class="big" @click=${open}>${icon("repeat")}${t("newPhoto.open")}</button>`;
}

function studentPicker(students) {
  const enrolled = students.filter((student) => student.state === "enrolled");
  if (enrolled.length === 0) return nothing;
  const choose = (event) => {
    const student = enrolled.find(({ student_id }) => student_id === event.target.value);
    const id = student?.student_id ?? NEW;
    change({ student: id, id, name: student?.name ?? "" });
  };
  return html`<label class="field">
    <span>${t("register.who")}</span>
    <select @change=${choose}>
      <option value=${NEW}>${t("register.newStudent")}</option>
      ${repeat(
        enrolled,
        ({ student_id }) => student_id,
        ({ student_id, name }) =>
          html`<option value=${student_id} ?selected=${student_id === form.student}>${name}</option>`,
      )}
    </select>
  </label>`;
}

function newStudent() {
  return html`<label class="field">
      <span>${t("register.name")}</span>
      <input required maxlength="200" autocomplete="off" .value=${form.name}
        @input=${(event) => change({ name: event.target.value })} />
    </label>
    ${identifier("id", t("register.id"), t("register.idHint"))}`;
}

function consentField() {
  const version = me().consent_wording;
  return html`<fieldset class="consent">
    <legend>${t("consent.title")}</legend>
    <details>
      <summary>${t("consent.read")}</summary>
      <blockquote>${t("consent.text")}</blockquote>
      ${version ? html`<p class="muted small">${t("consent.version", { version })}</p>` : nothing}
    </details>
    <label class="check">
      <input type="checkbox" required .checked=${form.consent} @change=${(event) => agree(event.target.checked)} />
      <span>${t("consent.given")}</span>
    </label>
  </fieldset>`;
}

function photoField() {
  if (photo !== null) {
    return html`<img class="preview" src=${photo.url} alt=${t("register.photo")} />
      <div class="row wrap">
        <button class="primary big grow" type="submit">${icon("addPerson")}${t("register.send")}</button>
        <button type="button" class="big" @click=${retake}>${icon("camera")}${t("register.again")}</button>
      </div>`;
  }
  return form.consent ? camera(takePhoto) : html`<p class="muted">${t("register.consentFirst")}</p>`;
}

function agree(consent) {
  change({ consent });
  if (consent) void startCamera();
  else stopCamera();
}

function retake() {
  dropPhoto();
  draw();
  void startCamera();
}

/** @param {"id" | "newGroup"} name of the field in `form`. @param {string} label @param {string} hint */
function identifier(name, label, hint) {
  return html`<div class="stack-small">
    <label class="field">
      <span>${label}</span>
      <input required pattern=${IDENTIFIER} autocomplete="off" autocapitalize="off" spellcheck="false"
        aria-describedby="${name}-hint" .value=${form[name]} @input=${(event) => change({ [name]: event.target.value })} />
    </label>
    <span class="muted small" id="${name}-hint">${hint}</span>
  </div>`;
}
