/** Administration: users of one machine and their tokens. In the cloud the command line invites people. */

import { get, send } from "../../core/api.js";
import { keepToken } from "../../core/auth.js";
import { draw } from "../../core/draw.js";
import { t } from "../../core/i18n.js";
import { loadMe, me } from "../../core/me.js";
import { knownGroups } from "../../core/roster.js";
import { icon } from "../../parts/icons.js";
import { closeSheet, openSheet } from "../../parts/sheet.js";
import { attempt, toast } from "../../parts/toast.js";
import { failure } from "../../parts/waiting.js";
import { html, nothing, svg } from "../../vendor/lit-html/lit-html.js";
import { checkboxes, confirmRemoval, focusHeading, IDENTIFIER, table } from "./parts.js";

/** Light modules around a QR code, which readers need (ISO/IEC 18004). */
const QUIET = 4;

/** @type {any[] | null} */
let users = null;
/** @type {unknown} */
let problem = null;

/** Called when the page is opened. */
export async function enter() {
  if (!me().manages_users) return;
  try {
    users = (await get("/v1/users")).items;
    problem = null;
  } catch (error) {
    problem = error;
  }
  draw();
}

/** Called at sign-out. */
export function forget() {
  users = null;
}

/** @returns the page. */
export function page() {
  return html`<section class="stack">
    <h1 tabindex="-1">${t("admin.users")}</h1>
    ${me().manages_users ? local() : html`<p class="card">${t("admin.usersInCloud")}</p>`}
  </section>`;
}

function local() {
  if (problem) return failure(problem);
  if (users === null) return html`<p class="muted">${t("state.loading")}</p>`;
  return html`${users.length === 0 ? html`<p class="card">${t("admin.noUsers")}</p>` : nothing}
    <button class="primary start" @click=${add}>${icon("addPerson")}${t("admin.newUser")}</button>
    ${users.length === 0 ? nothing : list(users)}`;
}

function list(found) {
  return table(
    t("admin.users"),
    [t("admin.name"), t("admin.userId"), t("admin.role"), t("admin.teaches"), t("admin.actions")],
    found,
    (user) => user.user_id,
    (user) => [
      nameOf(user),
      user.user_id,
      t(`role.${user.role}`),
      user.role === "admin" ? t("admin.allGroups") : user.group_ids.join(", ") || "–",
      html`<span class="row wrap">
        <button aria-label=${t("admin.tokenOf", { name: nameOf(user) })} @click=${() => askForToken(user)}>${t("admin.newToken")}</button>
        <button class="danger" aria-label=${t("admin.removeNamed", { name: nameOf(user) })} @click=${() => remove(user)}>${icon("bin")}</button>
      </span>`,
    ],
  );
}

function nameOf(user) {
  return user.name || user.user_id;
}

function add() {
  const first = users?.length === 0;
  const draft = { id: "", name: "", role: first ? "admin" : "teacher" };
  const chosen = new Set();
  const groups = (knownGroups() ?? []).map(({ group_id, name }) => ({ value: group_id, name: name || group_id }));
  const set = (field) => (event) => {
    draft[field] = event.target.value;
    draw();
  };
  const submit = async (event) => {
    event.preventDefault();
    const json = {
      role: draft.role,
      name: draft.name.trim(),
      group_ids: draft.role === "teacher" ? [...chosen] : [],
      address: location.origin,
    };
    await issue(`/v1/users/${encodeURIComponent(draft.id.trim())}`, json, draft.name.trim() || draft.id, first);
  };
  openSheet(() => ({
    title: t("admin.newUser"),
    body: html`<form class="stack" @submit=${submit}>
      ${first ? html`<p>${t("admin.firstUser")}</p>` : nothing}
      <label class="field"><span>${t("admin.userId")}</span>
        <input required pattern=${IDENTIFIER} autocomplete="off" autocapitalize="off" spellcheck="false" .value=${draft.id} @input=${set("id")} />
      </label>
      <label class="field"><span>${t("admin.name")}</span>
        <input maxlength="200" autocomplete="off" .value=${draft.name} @input=${set("name")} />
      </label>
      <label class="field"><span>${t("admin.role")}</span>
        <select ?disabled=${first} @change=${set("role")}>
          ${["teacher", "admin"].map((role) => html`<option value=${role} ?selected=${role === draft.role}>${t(`role.${role}`)}</option>`)}
        </select>
      </label>
      ${draft.role === "teacher" ? checkboxes(t("admin.teaches"), groups, chosen) : nothing}
      <button class="primary big">${t("admin.create")}</button>
    </form>`,
  }));
}

/** Create a user or a token, and show it. */
async function issue(path, json, name, own) {
  /** @type {any} */
  let made = null;
  const done = await attempt(async () => {
    made = await (await send("PUT", path, { json })).json();
  });
  if (!done) return;
  // Otherwise the next request of this page would be refused.
  if (own) {
    keepToken(made.token);
    await attempt(loadMe);
  }
  await enter();
  show(made, name, own);
}

function show(made, name, own) {
  const copy = async () => {
    await attempt(() => navigator.clipboard.writeText(made.link));
    toast(t("admin.copied"));
  };
  openSheet(() => ({
    title: t("admin.tokenOf", { name }),
    body: html`<div class="stack token">
      <p>${t("admin.tokenText", { name })}</p>
      ${own ? html`<p>${t("admin.tokenOwn")}</p>` : nothing}
      ${qrCode(made.qr, t("admin.qrOf", { name }))}
      <code tabindex="0" aria-label=${t("signIn.token")}>${made.token}</code>
      ${navigator.clipboard ? html`<button @click=${copy}>${t("admin.copyLink")}</button>` : nothing}
      <button class="primary big" @click=${closeSheet}>${t("admin.done")}</button>
    </div>`,
  }));
}

/** @param {string[]} rows @param {string} label */
function qrCode(rows, label) {
  const side = rows.length + 2 * QUIET;
  const dark = rows.flatMap((row, y) =>
    [...row].flatMap((cell, x) => (cell === "1" ? [`M${x + QUIET} ${y + QUIET}h1v1h-1z`] : [])),
  );
  return svg`<svg class="qr" viewBox="0 0 ${side} ${side}" role="img" aria-label=${label} shape-rendering="crispEdges">
    <rect width=${side} height=${side} fill="#fff" /><path d=${dark.join("")} fill="#000" />
  </svg>`;
}

function askForToken(user) {
  confirmRemoval(
    t("admin.tokenOf", { name: nameOf(user) }),
    t("admin.newTokenText"),
    t("admin.newToken"),
    () =>
      void issue(
        `/v1/users/${encodeURIComponent(user.user_id)}/token`,
        { address: location.origin },
        nameOf(user),
        user.user_id === me().user_id,
      ),
  );
}

function remove(user) {
  const name = nameOf(user);
  confirmRemoval(t("admin.removeNamed", { name }), t("admin.removeUserText"), t("admin.removeNow"), async () => {
    if (!(await attempt(() => send("DELETE", `/v1/users/${encodeURIComponent(user.user_id)}`)))) return;
    toast(t("admin.removed", { name }));
    await enter();
    focusHeading();
  });
}
