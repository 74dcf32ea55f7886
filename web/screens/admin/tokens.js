/** Administration: API tokens with which other systems of the school use the server. */

import { get, send } from "../../core/api.js";
import { draw } from "../../core/draw.js";
import { formatDate, t } from "../../core/i18n.js";
import { groupName, knownGroups } from "../../core/roster.js";
import { icon } from "../../parts/icons.js";
import { closeSheet, openSheet } from "../../parts/sheet.js";
import { attempt, toast } from "../../parts/toast.js";
import { failure } from "../../parts/waiting.js";
import { html } from "../../vendor/lit-html/lit-html.js";
import { checkboxes, confirmRemoval, focusHeading, table } from "./parts.js";

const SCOPES = ["roster:read", "roster:write", "attendance:read", "attendance:write"];
/** Days of validity that are offered; the server allows 1,095 at most. */
const DAYS = [30, 90, 365, 730];
const DEFAULT_DAYS = 365;

/** @type {any[] | null} */
let tokens = null;
/** @type {unknown} */
let problem = null;

/** Called when the page is opened. */
export async function enter() {
  try {
    tokens = (await get("/v1/tokens")).items;
    problem = null;
  } catch (error) {
    problem = error;
  }
  draw();
}

/** Called at sign-out. */
export function forget() {
  tokens = null;
}

/** @returns the page. */
export function page() {
  return html`<section class="stack">
    <h1 tabindex="-1">${t("admin.tokens")}</h1>
    <p>${t("admin.tokensText")}</p>
    <button class="primary start" @click=${add}>${icon("plus")}${t("admin.newApiToken")}</button>
    ${problem ? failure(problem) : list()}
  </section>`;
}

function list() {
  if (tokens === null) return html`<p class="muted">${t("state.loading")}</p>`;
  if (tokens.length === 0) return html`<p class="muted">${t("admin.noTokens")}</p>`;
  return table(
    t("admin.tokens"),
    [t("admin.name"), t("admin.scopes"), t("admin.groups"), t("admin.valid"), t("admin.lastUsed"), t("admin.actions")],
    tokens,
    (token) => token.name,
    (token) => [
      token.name,
      token.scopes.map(scopeName).join(", "),
      token.group_ids === null ? t("admin.allGroups") : token.group_ids.map(groupName).join(", "),
      validity(token),
      token.last_used_at ? formatDate(token.last_used_at) : t("admin.never"),
      isValid(token)
        ? html`<button class="danger" aria-label=${t("admin.revokeNamed", { name: token.name })} @click=${() => revoke(token)}>${t("admin.revoke")}</button>`
        : "–",
    ],
  );
}

function isValid(token) {
  return token.revoked_at === null && new Date(token.expires_at) > new Date();
}

function validity(token) {
  if (token.revoked_at) return t("admin.revokedOn", { day: formatDate(token.revoked_at) });
  return t(isValid(token) ? "admin.validUntil" : "admin.expiredOn", { day: formatDate(token.expires_at) });
}

function scopeName(scope) {
  return t(`admin.scope.${scope.replace(":", ".")}`);
}

function add() {
  const draft = { name: "", days: DEFAULT_DAYS };
  const scopes = new Set(["roster:read"]);
  const groups = new Set();
  const options = SCOPES.map((scope) => ({ value: scope, name: scopeName(scope) }));
  const known = (knownGroups() ?? []).map(({ group_id, name }) => ({ value: group_id, name: name || group_id }));
  const submit = async (event) => {
    event.preventDefault();
    const json = { scopes: [...scopes], group_ids: groups.size > 0 ? [...groups] : null, days: draft.days };
    /** @type {any} */
    let made = null;
    const done = await attempt(async () => {
      made = await (await send("PUT", `/v1/tokens/${encodeURIComponent(draft.name.trim())}`, { json })).json();
    });
    if (!done) return;
    await enter();
    show(made);
  };
  openSheet(() => ({
    title: t("admin.newApiToken"),
    body: html`<form class="stack" @submit=${submit}>
      <label class="field"><span>${t("admin.tokenName")}</span>
        <input required maxlength="64" autocomplete="off" autocapitalize="off" spellcheck="false" @input=${(event) => (draft.name = event.target.value)} />
      </label>
      ${checkboxes(t("admin.scopes"), options, scopes)}
      ${checkboxes(t("admin.tokenGroups"), known, groups)}
      <label class="field"><span>${t("admin.valid")}</span>
        <select @change=${(event) => (draft.days = Number(event.target.value))}>
          ${DAYS.map((days) => html`<option value=${days} ?selected=${days === DEFAULT_DAYS}>${t("admin.keptDays", { count: days })}</option>`)}
        </select>
      </label>
      <button class="primary big">${t("admin.create")}</button>
    </form>`,
  }));
}

function show(made) {
  openSheet(() => ({
    title: t("admin.tokenOf", { name: made.name }),
    body: html`<div class="stack token">
      <p>${t("admin.apiTokenText")}</p>
      <code tabindex="0" aria-label=${t("signIn.token")}>${made.token}</code>
      <button class="primary big" @click=${closeSheet}>${t("admin.done")}</button>
    </div>`,
  }));
}

function revoke(token) {
  confirmRemoval(t("admin.revokeNamed", { name: token.name }), t("admin.revokeText"), t("admin.revoke"), async () => {
    if (!(await attempt(() => send("DELETE", `/v1/tokens/${encodeURIComponent(token.name)}`)))) return;
    toast(t("admin.revoked", { name: token.name }));
    await enter();
    focusHeading();
  });
}
