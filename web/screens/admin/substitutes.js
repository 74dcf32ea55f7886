/** Administration: codes with which substitutes keep the registers of one day. */

import { get, send } from "../../core/api.js";
import { draw } from "../../core/draw.js";
import { formatDate, t } from "../../core/i18n.js";
import { me } from "../../core/me.js";
import { groupName, knownGroups } from "../../core/roster.js";
import { icon } from "../../parts/icons.js";
import { closeSheet, openSheet } from "../../parts/sheet.js";
import { attempt, toast } from "../../parts/toast.js";
import { failure } from "../../parts/waiting.js";
import { html } from "../../vendor/lit-html/lit-html.js";
import { checkboxes, confirmRemoval, focusHeading, table } from "./parts.js";

/** Days ahead for which a code can be made, as on the server. */
const DAYS_AHEAD = 14;
const MAX_NAME = 60;
const PATH = "/v1/substitutes";

/** @type {any[] | null} */
let substitutes = null;
/** @type {unknown} */
let problem = null;

/** Called when the page is opened. */
export async function enter() {
  try {
    substitutes = (await get(PATH)).items;
    problem = null;
  } catch (error) {
    problem = error;
  }
  draw();
}

/** Called at sign-out. */
export function forget() {
  substitutes = null;
}

/** @returns the page. */
export function page() {
  return html`<section class="stack">
    <h1 tabindex="-1">${t("admin.substitutes")}</h1>
    <p>${t("admin.substitutesText")}</p>
    ${
      me().substitutes === false
        ? html`<p class="card">${t("admin.substitutesOff")}</p>`
        : html`<button class="primary start" @click=${add}>${icon("plus")}${t("admin.newSubstitute")}</button>`
    }
    ${problem ? failure(problem) : list()}
  </section>`;
}

function list() {
  if (substitutes === null) return html`<p class="muted">${t("state.loading")}</p>`;
  if (substitutes.length === 0) return html`<p class="muted">${t("admin.substitutesNone")}</p>`;
  return table(
    t("admin.substitutes"),
    [t("admin.name"), t("admin.day"), t("admin.groups"), t("admin.state"), t("admin.devices"), t("admin.actions")],
    substitutes,
    (substitute) => substitute.substitute_id,
    (substitute) => [
      html`<bdi>${substitute.name}</bdi>`,
      formatDate(substitute.day),
      substitute.group_ids.map(groupName).join(", "),
      t(`admin.substitute.${substitute.state}`),
      substitute.devices,
      ["expired", "revoked"].includes(substitute.state)
        ? "–"
        : html`<button class="danger" aria-label=${t("admin.substituteNamed", { name: substitute.name })} @click=${() => revoke(substitute)}>${t("admin.revoke")}</button>`,
    ],
  );
}

// The days of the school, whose time zone may not be that of this computer.
function dayOfSchool(ahead = 0) {
  const at = new Date(Date.now() + ahead * 86_400_000);
  return new Intl.DateTimeFormat("en-CA", { timeZone: me().time_zone ?? undefined }).format(at);
}

function add() {
  const draft = { name: "", day: dayOfSchool() };
  const groups = new Set();
  const known = (knownGroups() ?? []).map(({ group_id, name }) => ({ value: group_id, name: name || group_id }));
  const set = (field) => (event) => (draft[field] = event.target.value);
  const submit = async (event) => {
    event.preventDefault();
    const json = { name: draft.name.trim(), group_ids: [...groups], day: draft.day };
    /** @type {any} */
    let made = null;
    const done = await attempt(async () => {
      made = await (await send("POST", PATH, { json })).json();
    });
    if (!done) return;
    await enter();
    show(made);
  };
  openSheet(() => ({
    title: t("admin.newSubstitute"),
    body: html`<form class="stack" @submit=${submit}>
      <label class="field"><span>${t("admin.substituteName")}</span>
        <input required maxlength=${MAX_NAME} autocomplete="off" @input=${set("name")} />
      </label>
      <label class="field"><span>${t("admin.day")}</span>
        <input type="date" required min=${dayOfSchool()} max=${dayOfSchool(DAYS_AHEAD)} .value=${draft.day} @input=${set("day")} />
      </label>
      ${checkboxes(t("admin.substituteGroups"), known, groups)}
      <button class="primary big">${t("admin.create")}</button>
    </form>`,
  }));
}

function show(made) {
  const groups = made.group_ids.map(groupName).join(", ");
  openSheet(() => ({
    title: t("admin.substituteCode", { name: made.name }),
    body: html`<div class="stack code-slip">
      <p class="muted">${t("admin.substituteCodeText")}</p>
      <p>${t("admin.substituteFor", { day: formatDate(made.day), groups })}</p>
      <code class="code-large" dir="ltr" tabindex="0" aria-label=${t("signIn.code")}>${made.code}</code>
      <p>${t("admin.substituteHow", { address: location.origin })}</p>
      <div class="row wrap">
        <button class="big grow" @click=${() => print()}>${icon("note")}${t("admin.print")}</button>
        <button class="primary big grow" @click=${closeSheet}>${t("admin.done")}</button>
      </div>
    </div>`,
  }));
}

function revoke(substitute) {
  const { name, substitute_id: id } = substitute;
  confirmRemoval(t("admin.substituteNamed", { name }), t("admin.substituteRevokeText"), t("admin.revoke"), async () => {
    if (!(await attempt(() => send("DELETE", `${PATH}/${encodeURIComponent(id)}`)))) return;
    toast(t("admin.substituteRevoked", { name }));
    await enter();
    focusHeading();
  });
}
