/** Registering one student after the other: who, consent, one photo. */

import { draw } from "../core/draw.js";
import { explain, has, percent, t } from "../core/i18n.js";
import { me } from "../core/me.js";
import { discard, enqueue, retry, waiting } from "../core/outbox.js";
import { prepared } from "../core/photo.js";
import { chooseGroup, chosenGroup, knownGroups, knownStudents, loadGroups, loadStudents } from "../core/roster.js";
import { camera, startCamera, stopCamera } from "../parts/camera.js";
import { groupPicker } from "../parts/group-picker.js";
import { icon } from "../parts/icons.js";
import { attempt, say } from "../parts/toast.js";
import { stateOf, waitingList } from "../parts/waiting.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";

/** Identifiers as the server takes them (`muster.domain.identifiers`). */
const IDENTIFIER = "[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}";
const NEW = "";

const form = { student: NEW, id: "", name: "", newGroup: "", consent: false };
/** @type {{blob: Blob, url: string} | null} */
let photo = null;
/** @type {string | null} id of the photo on its way. */
let sending = null;
/** @type {{name: string, quality: number | null, warnings: {code: string, detail: string}[]} | null} */
let done = null;

/** Called when the page is opened. */
export async function enter() {
  done = null;
  if (chosenGroup() !== null) await loadStudents(chosenGroup()).catch(() => undefined);
}

/** Called when it is left. */
export function exit() {
  stopCamera();
  dropPhoto();
  clear();
  sending = null;
}

/** Take in that the server registered somebody. @param {any} item @param {any} answer */
export function registered(item, answer) {
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
    say(t("register.done", { name: answer.name }));
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

async function taken(file) {
  await attempt(async () => {
    const blob = await prepared(file, me().uploads ? Infinity : me().max_photo_bytes);
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

/** The page. */
export function register() {
  const item = sending === null ? null : waiting().find((one) => one.id === sending);
  const others = waiting().filter((one) => one.kind === "register" && one.id !== sending);
  return html`<section class="stack narrow">
    <h1 tabindex="-1">${t("register.title")}</h1>
    ${navigator.onLine ? nothing : html`<p class="card">${icon("cloudOff")} ${t("register.offline")}</p>`}
    ${done ? success() : nothing}
    ${item ? underWay(item) : done ? nothing : fields()}
    ${waitingList(others)}
  </section>`;
}

function success() {
  return html`<div class="card good" role="status">
    <p class="big-text">${icon("check")} ${t("register.done", { name: done.name })}</p>
    ${done.quality === null ? nothing : html`<p>${t("register.quality", { quality: percent(done.quality) })}</p>`}
    ${done.warnings.map((warning) => html`<p data-warning=${warning.code}>${icon("question")} ${noticed(warning)}</p>`)}
    <button class="primary big" @click=${next}>${icon("addPerson")}${t("register.next")}</button>
  </div>`;
}

function noticed({ code, detail }) {
  return has(`warning.${code}`) ? t(`warning.${code}`) : detail;
}

function next() {
  done = null;
  draw();
  void startCamera();
}

function underWay(item) {
  const { name, text } = stateOf(item);
  const again = async () => {
    await discard(item.id);
    sending = null;
    dropPhoto();
    change({ consent: true });
    void startCamera();
  };
  const resend = async (changes) => {
    const student = { ...item.student, ...changes };
    await retry(item.id, { student });
    sending = waiting().find((one) => one.kind === "register" && one.student.id === student.id)?.id ?? null;
  };
  const edit = async () => {
    await discard(item.id);
    sending = null;
    draw();
  };
  const person = item.state === "failed" && ["student_exists", "invalid_request"].includes(item.problem.code);
  return html`<div class="card stack" role="status" data-state=${name}>
    <img class="preview" src=${photo?.url ?? ""} alt=${t("register.photoOf", { name: item.student.name })} />
    ${
      item.state === "failed"
        ? html`<p class="bad big-text" role="alert">${explain(item.problem)}</p>
            ${person ? html`<button class="primary big" @click=${edit}>${t("register.change")}</button>` : html`<button class="primary big" @click=${again}>${icon("camera")}${t("register.again")}</button>`}
            ${item.problem.code === "duplicate_person" ? html`<button @click=${() => resend({ allowLookalike: true })}>${t("register.lookalike")}</button>` : nothing}
            ${item.problem.code === "consent_withdrawn" ? html`<button @click=${() => resend({ renewConsent: true })}>${t("register.renewConsent")}</button>` : nothing}`
        : html`<p>${text}</p>
            <progress aria-label=${text}></progress>
            ${name === "offline" || name === "sign-in" ? html`<button class="primary" @click=${release}>${t("register.next")}</button>` : nothing}`
    }
  </div>`;
}

/** Let a photo wait by itself, and register the next. */
function release() {
  sending = null;
  dropPhoto();
  clear();
  next();
}

function fields() {
  const group = chosenGroup();
  const open = (group === null ? null : knownStudents(group))?.filter((student) => student.state === "enrolled") ?? [];
  const choose = (event) => {
    const student = open.find((one) => one.student_id === event.target.value);
    change(
      student
        ? { student: student.student_id, id: student.student_id, name: student.name }
        : { student: NEW, id: "", name: "" },
    );
  };
  return html`<form class="stack" @submit=${submit}>
    ${group === null ? identifier("newGroup", t("group.new"), t("group.newHint")) : groupPicker(() => void enter())}
    ${
      open.length > 0
        ? html`<label class="field">
            <span>${t("register.who")}</span>
            <select @change=${choose}>
              <option value=${NEW}>${t("register.newStudent")}</option>
              ${repeat(
                open,
                (student) => student.student_id,
                (student) =>
                  html`<option value=${student.student_id} ?selected=${student.student_id === form.student}>${student.name}</option>`,
              )}
            </select>
          </label>`
        : nothing
    }
    ${
      form.student === NEW
        ? html`<label class="field">
              <span>${t("register.name")}</span>
              <input required maxlength="200" autocomplete="off" .value=${form.name} @input=${(event) => change({ name: event.target.value })} />
            </label>
            ${identifier("id", t("register.id"), t("register.idHint"))}`
        : nothing
    }
    <fieldset class="consent">
      <legend>${t("consent.title")}</legend>
      <details>
        <summary>${t("consent.read")}</summary>
        <blockquote>${t("consent.text")}</blockquote>
        ${me().consent_wording ? html`<p class="muted small">${t("consent.version", { version: me().consent_wording })}</p>` : nothing}
      </details>
      <label class="check">
        <input type="checkbox" required .checked=${form.consent} @change=${(event) => agree(event.target.checked)} />
        <span>${t("consent.given")}</span>
      </label>
    </fieldset>
    ${
      photo === null
        ? form.consent
          ? camera(taken)
          : html`<p class="muted">${t("register.consentFirst")}</p>`
        : html`<img class="preview" src=${photo.url} alt=${t("register.photo")} />
            <div class="row wrap">
              <button class="primary big grow" type="submit">${icon("addPerson")}${t("register.send")}</button>
              <button type="button" class="big" @click=${retake}>${icon("camera")}${t("register.again")}</button>
            </div>`
    }
  </form>`;
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

/** @param {"id" | "newGroup"} name of the value in the form. */
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
