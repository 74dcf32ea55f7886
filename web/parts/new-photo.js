/** The sheet that replaces the registration photo of a student: present photo, preview, result. */

import { getVersioned } from "../core/api.js";
import { draw } from "../core/draw.js";
import { explain, hasText, percent, t } from "../core/i18n.js";
import { me } from "../core/me.js";
import { sendPhoto } from "../core/outbox.js";
import { preparePhoto } from "../core/photo.js";
import { Problem } from "../core/problem.js";
import { randomId } from "../core/random.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icon } from "./icons.js";
import "./server-picture.js";
import { closeSheet, openSheet } from "./sheet.js";
import { failure } from "./waiting.js";

/** @type {{student_id: string, name: string, version: number} | null} null until loaded. */
let student = null;
/** @type {{blob: Blob, url: string} | null} */
let photo = null;
/** @type {any} why the student could not be loaded, or the photo was refused. */
let problem = null;
/** @type {any} the server's answer. */
let done = null;
/** @type {number | null} fraction sent, 0 to 1; null while nothing is sent. */
let sent = null;
/** @type {(() => void)} */
let onReplaced = () => undefined;

/**
 * Open the sheet.
 * @param {{student_id: string, name: string}} chosen a registered student.
 * @param {() => void} whenReplaced called after the photo was replaced.
 */
export async function openNewPhoto(chosen, whenReplaced) {
  drop();
  student = null;
  problem = null;
  done = null;
  sent = null;
  onReplaced = whenReplaced;
  openSheet(() => ({ title: t("newPhoto.title", { name: chosen.name }), body: body() }));
  await load(chosen.student_id);
}

// The version that is sent is the one whose photo is shown.
async function load(id) {
  try {
    student = (await getVersioned(`/v1/students/${encodeURIComponent(id)}`)).document;
  } catch (error) {
    problem = error;
  }
  draw();
}

function drop() {
  if (photo) URL.revokeObjectURL(photo.url);
  photo = null;
}

function body() {
  if (done) return result(done);
  if (student === null) return problem ? failure(problem) : html`<p class="muted">${t("state.loading")}</p>`;
  return html`<p>${t("newPhoto.text")}</p>
    <div class="compared">
      <figure>
        <server-picture class="portrait" role="img" aria-label=${t("newPhoto.present", { name: student.name })}
          src=${pictureOf(student)}></server-picture>
        <figcaption>${t("newPhoto.presentShort")}</figcaption>
      </figure>
      ${
        photo === null
          ? nothing
          : html`<figure><img class="portrait" src=${photo.url} alt=${t("newPhoto.title", { name: student.name })} />
              <figcaption>${t("newPhoto.newShort")}</figcaption></figure>`
      }
    </div>
    ${problem ? refusal(problem, student.name) : nothing} ${buttons()}`;
}

/** @param {{student_id: string, version: number}} shown @returns {string} path of the picture; another version is another picture. */
export function pictureOf({ student_id: id, version }) {
  return `/v1/students/${encodeURIComponent(id)}/picture?version=${version}`;
}

function buttons() {
  if (sent !== null) {
    return html`<p role="status">${t("waiting.reading")}</p>
      <progress aria-label=${t("waiting.reading")} value=${sent < 1 ? sent : nothing}></progress>`;
  }
  return html`<div class="stack-small">
    ${photo === null || problem ? nothing : html`<button class="primary big" @click=${() => void send(false)}>${icon("check")}${t("newPhoto.send")}</button>`}
    <label class="button big">
      <input class="hidden-input" type="file" accept="image/*" data-test="new-photo" @change=${choose} />
      ${icon("camera")}${t(photo === null ? "newPhoto.choose" : "register.again")}
    </label>
  </div>`;
}

function refusal(error, name) {
  const { code } = error;
  const text = hasText(`newPhoto.${code}`) ? t(`newPhoto.${code}`, { name }) : explain(error);
  const label = {
    duplicate_person: t("newPhoto.lookalike", { name }),
    version_conflict: t("newPhoto.send"),
  }[code];
  const retries = !(error instanceof Problem) || error.retryable;
  const resend = () => void send(code === "duplicate_person");
  return html`<p class="bad" role="alert">${text}</p>
    ${photo !== null && (label || retries) ? html`<button class="big" @click=${resend}>${label ?? t("newPhoto.send")}</button>` : nothing}`;
}

function result({ repeated, quality, warnings }) {
  const name = student?.name ?? "";
  return html`<div class="card good" role="status">
      <p class="big-text">${icon("check")} ${t(repeated ? "newPhoto.same" : "newPhoto.done", { name })}</p>
      ${quality === null ? nothing : html`<p>${t("register.quality", { quality: percent(quality) })}</p>`}
      ${(warnings ?? []).map(({ code, detail }) => html`<p>${icon("question")} ${hasText(`warning.${code}`) ? t(`warning.${code}`) : detail}</p>`)}
    </div>
    <button class="primary big" @click=${closeSheet}>${t("action.close")}</button>`;
}

async function choose(event) {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  problem = null;
  try {
    const blob = await preparePhoto(file, me().uploads ? Infinity : me().max_photo_bytes);
    drop();
    photo = { blob, url: URL.createObjectURL(blob) };
  } catch (error) {
    problem = error;
  }
  draw();
}

async function send(allowLookalike) {
  if (student === null || photo === null || sent !== null) return;
  const { student_id: id, version } = student;
  const item = { id: randomId(), kind: "replace", student: { id, version, allowLookalike }, blob: photo.blob };
  const show = (share) => {
    sent = share;
    draw();
  };
  problem = null;
  show(0);
  try {
    done = await sendPhoto(item, me(), show, async () => undefined);
    drop();
    onReplaced();
  } catch (error) {
    problem = error;
    if (error instanceof Problem && error.code === "version_conflict") await load(id);
  }
  sent = null;
  draw();
}
