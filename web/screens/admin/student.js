/** Administration: one student; name, groups, photo, consent, stored data, erasure. */

import { getVersioned, send } from "../../core/api.js";
import { draw } from "../../core/draw.js";
import { formatDate, t } from "../../core/i18n.js";
import { me } from "../../core/me.js";
import { sendPhoto } from "../../core/outbox.js";
import { preparePhoto } from "../../core/photo.js";
import { releasePictures } from "../../core/pictures.js";
import { randomId } from "../../core/random.js";
import { groupName, knownGroups } from "../../core/roster.js";
import { share } from "../../core/share.js";
import { icon } from "../../parts/icons.js";
import { openNewPhoto, pictureOf } from "../../parts/new-photo.js";
import "../../parts/server-picture.js";
import { closeSheet, openSheet } from "../../parts/sheet.js";
import { attempt, toast } from "../../parts/toast.js";
import { failure } from "../../parts/waiting.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { contactsCard, forgetContacts, loadContacts } from "./contacts.js";
import { checkboxes, confirmRemoval } from "./parts.js";
import { stateChip } from "./students.js";

/** @type {any} */
let student = null;
/** @type {string | null} */
let version = null;
/** @type {unknown} */
let problem = null;
const draft = { name: "", groups: new Set(), consent: false };
let sending = false;

/** Called when the page is opened. @param {string} id */
export async function enter(id) {
  if (student?.student_id !== id) forget();
  await Promise.all([load(id), loadContacts(id)]);
}

/** Called when the page is left. */
export function exit() {
  releasePictures();
  forget();
}

/** Called at sign-out. */
export function forget() {
  student = null;
  draft.consent = false;
  forgetContacts();
}

async function load(id) {
  try {
    const { document, etag } = await getVersioned(`/v1/students/${encodeURIComponent(id)}`);
    student = document;
    version = etag;
    Object.assign(draft, { name: document.name, groups: new Set(document.group_ids), consent: false });
    problem = null;
  } catch (error) {
    problem = error;
  }
  draw();
}

function path(rest = "") {
  return `/v1/students/${encodeURIComponent(student.student_id)}${rest}`;
}

/** @returns the page. */
export function page() {
  return html`<section class="stack narrow">
    <a href="#/admin/students" class="back">${icon("back")}${t("admin.allStudents")}</a>
    <h1 tabindex="-1">${student?.name ?? t("admin.student")}</h1>
    ${problem ? failure(problem) : nothing}
    ${student === null ? nothing : html`${details()} ${photo()} ${consent()} ${contactsCard(student.student_id)} ${data()}`}
  </section>`;
}

function details() {
  const groups = (knownGroups() ?? []).map(({ group_id, name }) => ({ value: group_id, name: name || group_id }));
  return html`<form class="card stack-small" @submit=${save}>
    <p class="muted">${t("register.id")}: ${student.student_id}</p>
    <label class="field"><span>${t("register.name")}</span>
      <input required maxlength="200" autocomplete="off" .value=${draft.name} @input=${(event) => (draft.name = event.target.value)} />
    </label>
    ${checkboxes(t("admin.groups"), groups, draft.groups)}
    <button class="primary">${t("admin.save")}</button>
  </form>`;
}

async function save(event) {
  event.preventDefault();
  const changes = { name: draft.name.trim(), group_ids: [...draft.groups] };
  const saved = await attempt(() => send("PATCH", path(), { json: changes, headers: { "If-Match": version ?? "*" } }));
  if (!saved) return;
  toast(t("admin.saved", { name: draft.name }));
  await load(student.student_id);
}

function photo() {
  if (student.state === "registered") {
    return html`<section class="card stack-small">
      <h2>${t("admin.photo")}</h2>
      <server-picture class="portrait" role="img" aria-label=${t("register.photoOf", { name: student.name })}
        src=${pictureOf(student)}></server-picture>
      ${replacedText()}
      <button @click=${replacePhoto}>${icon("gallery")}${t("admin.replacePhoto")}</button>
    </section>`;
  }
  return html`<section class="card stack-small">
    <h2>${t("admin.photo")}</h2>
    <p>${t(student.state === "withdrawn" ? "admin.photoAfterWithdrawal" : "admin.noPhoto")}</p>
    <label class="check"><input type="checkbox" .checked=${draft.consent} @change=${agree} /><span>${t("consent.given")}</span></label>
    <label class="button ${draft.consent && !sending ? "" : "disabled"}">
      <input class="hidden-input" type="file" accept="image/*" ?disabled=${!draft.consent || sending} @change=${choose} />
      ${icon("gallery")}${t("admin.choosePhoto")}
    </label>
    ${sending ? html`<progress aria-label=${t("waiting.reading")}></progress>` : nothing}
  </section>`;
}

function replacedText() {
  const { photo_replaced_at: at, photo_replaced_by: by, photo_replaced_by_name: name } = student;
  if (!at) return nothing;
  return html`<p class="muted small">${t("admin.photoReplaced", { day: formatDate(at), name: name || by })}</p>`;
}

function replacePhoto() {
  const { student_id: id } = student;
  void openNewPhoto(student, () => void load(id));
}

function agree(event) {
  draft.consent = event.target.checked;
  draw();
}

async function choose(event) {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  sending = true;
  draw();
  const registered = await attempt(async () => {
    const blob = await preparePhoto(file, me().uploads ? Infinity : me().max_photo_bytes);
    const renewConsent = student.state === "withdrawn";
    const item = {
      id: randomId(),
      kind: "register",
      groupId: student.group_ids[0],
      student: { id: student.student_id, name: student.name, allowLookalike: false, renewConsent },
      blob,
    };
    await sendPhoto(
      item,
      me(),
      () => undefined,
      async () => undefined,
    );
  });
  sending = false;
  if (registered) toast(t("register.done", { name: student.name }));
  await load(student.student_id);
}

function consent() {
  return html`<section class="card stack-small">
    <h2>${t("admin.consent")}</h2>
    <p>${stateChip(student.state)}</p>
    ${student.consent_given_at ? html`<p>${t("admin.consentGiven", { day: formatDate(student.consent_given_at), version: student.consent_wording })}</p>` : nothing}
    ${student.consent_withdrawn_at ? html`<p>${t("admin.consentWithdrawn", { day: formatDate(student.consent_withdrawn_at) })}</p>` : nothing}
    ${student.state === "registered" ? html`<button class="danger" @click=${withdraw}>${t("admin.withdraw")}</button>` : nothing}
  </section>`;
}

function withdraw() {
  confirmRemoval(
    t("admin.withdrawTitle", { name: student.name }),
    t("admin.withdrawText"),
    t("admin.withdraw"),
    async () => {
      if (!(await attempt(() => send("POST", path("/consent/withdrawal"))))) return;
      releasePictures();
      toast(t("admin.withdrawn", { name: student.name }));
      await load(student.student_id);
    },
  );
}

function data() {
  return html`<section class="card stack-small">
    <h2>${t("admin.data")}</h2>
    <p class="muted">${t("admin.groupsOf", { groups: student.group_ids.map(groupName).join(", ") })}</p>
    <button @click=${download}>${icon("share")}${t("admin.download")}</button>
    <button class="danger" @click=${askToErase}>${icon("bin")}${t("admin.erase")}</button>
  </section>`;
}

async function download() {
  await attempt(async () => {
    const response = await send("GET", path("/data"));
    await share(await response.blob(), `${student.student_id}.json`);
  });
}

// Typing the id takes longer than a second tap on the same place.
function askToErase() {
  let typed = "";
  const { student_id, name } = student;
  const erase = async (event) => {
    event.preventDefault();
    if (typed.trim() !== student_id) return;
    if (!(await attempt(() => send("DELETE", path())))) return;
    closeSheet();
    toast(t("admin.erased", { name }));
    location.hash = "#/admin/students";
  };
  const change = (event) => {
    typed = event.target.value;
    draw();
  };
  openSheet(() => ({
    title: t("admin.eraseTitle", { name }),
    body: html`<form class="stack" @submit=${erase}>
      <p>${t("admin.eraseText")}</p>
      <label class="field"><span>${t("admin.eraseType", { id: student_id })}</span>
        <input required autocomplete="off" autocapitalize="off" spellcheck="false" @input=${change} />
      </label>
      <button class="danger big" ?disabled=${typed.trim() !== student_id}>${icon("bin")}${t("admin.eraseNow")}</button>
      <button type="button" class="big" @click=${closeSheet}>${t("action.back")}</button>
    </form>`,
  }));
}
