/** Administration: the addresses that receive notices about a student; a card of the student's page. */

import { get, send } from "../../core/api.js";
import { draw } from "../../core/draw.js";
import { LANGUAGES, language, t } from "../../core/i18n.js";
import { icon } from "../../parts/icons.js";
import { attempt, toast } from "../../parts/toast.js";
import { failure } from "../../parts/waiting.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";

/** The server's limit. */
const MAX_CONTACTS = 10;

/** @typedef {{key: number, address: string, language: string}} Contact */

/** @type {Contact[] | null} */
let contacts = null;
/** @type {unknown} */
let problem = null;
let lastKey = 0;

function path(id) {
  return `/v1/students/${encodeURIComponent(id)}/contacts`;
}

function numbered(items) {
  return items.map(({ address, language: chosen }) => ({ key: ++lastKey, address, language: chosen }));
}

/** Load the contacts of a student. @param {string} id */
export async function loadContacts(id) {
  try {
    contacts = numbered((await get(path(id))).items);
    problem = null;
  } catch (error) {
    contacts = null;
    problem = error;
  }
  draw();
}

/** Drop what is known about people. */
export function forgetContacts() {
  contacts = null;
  problem = null;
}

/**
 * @param {string} label
 * @param {string} chosen
 * @param {(language: string) => void} choose
 * @returns a choice among the languages of notices.
 */
export function languageSelect(label, chosen, choose) {
  return html`<label class="field"><span>${label}</span>
    <select @change=${(event) => choose(event.target.value)}>
      ${Object.entries(LANGUAGES).map(([code, name]) => html`<option value=${code} lang=${code} .selected=${code === chosen}>${name}</option>`)}
    </select>
  </label>`;
}

/** @param {string} id of the student. @returns the card. */
export function contactsCard(id) {
  return html`<section class="card stack-small" aria-labelledby="contacts-title">
    <h2 id="contacts-title">${t("admin.contacts")}</h2>
    <p class="muted">${t("admin.contactsText")}</p>
    ${problem ? failure(problem) : nothing} ${contacts === null ? nothing : form(id, contacts)}
  </section>`;
}

/** @param {string} id @param {Contact[]} list */
function form(id, list) {
  const add = () => {
    list.push({ key: ++lastKey, address: "", language: language() });
    draw();
    const key = lastKey;
    requestAnimationFrame(() => document.getElementById(`contact-${key}`)?.focus());
  };
  const remove = (contact) => {
    list.splice(list.indexOf(contact), 1);
    draw();
    requestAnimationFrame(() => document.getElementById("contacts-save")?.focus());
  };
  return html`<form class="stack-small" @submit=${(event) => save(event, id, list)}>
    ${repeat(
      list,
      ({ key }) => key,
      (contact, place) => html`<div class="row wrap end">
        <label class="field"><span>${t("admin.contact", { number: place + 1 })}</span>
          <input id="contact-${contact.key}" type="email" required maxlength="128" autocomplete="off" dir="ltr" .value=${contact.address}
            @input=${(event) => (contact.address = event.target.value)} />
        </label>
        ${languageSelect(t("admin.contactLanguage", { number: place + 1 }), contact.language, (chosen) => (contact.language = chosen))}
        <button type="button" class="danger" aria-label=${t("admin.contactRemove", { number: place + 1 })} @click=${() => remove(contact)}>${icon("bin")}</button>
      </div>`,
    )}
    ${list.length < MAX_CONTACTS ? html`<button type="button" @click=${add}>${icon("plus")}${t("admin.contactAdd")}</button>` : nothing}
    <button id="contacts-save" class="primary">${t("admin.contactsSave")}</button>
  </form>`;
}

/** @param {SubmitEvent} event @param {string} id @param {Contact[]} list */
async function save(event, id, list) {
  event.preventDefault();
  const items = list.map(({ address, language: chosen }) => ({ address: address.trim(), language: chosen }));
  if (!(await attempt(() => send("PUT", path(id), { json: { items } })))) return;
  toast(t("admin.contactsSaved"));
  await loadContacts(id);
}
