/** Administration: groups, their names and teachers. */

import { get, getAll, getVersioned, send } from "../../core/api.js";
import { draw } from "../../core/draw.js";
import { t } from "../../core/i18n.js";
import { me } from "../../core/me.js";
import { loadGroups } from "../../core/roster.js";
import { icon } from "../../parts/icons.js";
import { closeSheet, openSheet } from "../../parts/sheet.js";
import { attempt, toast } from "../../parts/toast.js";
import { failure } from "../../parts/waiting.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { checkboxes, confirmRemoval, focusHeading, IDENTIFIER, table } from "./parts.js";

/** @type {any[] | null} */
let groups = null;
/** @type {{user_id: string, name: string}[]} who can be chosen as a teacher, on one machine. */
let users = [];
/** @type {unknown} */
let problem = null;
const created = { id: "", name: "" };

/** Called when the page is opened. */
export async function enter() {
  try {
    groups = await getAll("/v1/groups");
    users = me().manages_users ? (await get("/v1/users")).items : [];
    problem = null;
  } catch (error) {
    problem = error;
  }
  draw();
}

/** Called at sign-out. */
export function forget() {
  groups = null;
  users = [];
}

/** @returns the page. */
export function page() {
  return html`<section class="stack">
    <h1 tabindex="-1">${t("admin.groups")}</h1>
    ${problem ? failure(problem) : nothing}
    <form class="card stack-small" @submit=${create}>
      <h2>${t("admin.newGroup")}</h2>
      <div class="row wrap end">
        <label class="field half"><span>${t("admin.groupId")}</span>
          <input required pattern=${IDENTIFIER} autocomplete="off" autocapitalize="off" spellcheck="false"
            aria-describedby="group-id-hint" .value=${created.id} @input=${(event) => (created.id = event.target.value)} />
        </label>
        <label class="field half"><span>${t("admin.name")}</span>
          <input required maxlength="200" autocomplete="off" .value=${created.name} @input=${(event) => (created.name = event.target.value)} />
        </label>
        <button class="primary">${icon("plus")}${t("admin.create")}</button>
      </div>
      <span class="muted small" id="group-id-hint">${t("group.newHint")}</span>
    </form>
    ${groups === null ? html`<p class="muted">${t("state.loading")}</p>` : list(groups)}
  </section>`;
}

function list(found) {
  if (found.length === 0) return html`<p class="muted">${t("admin.noGroups")}</p>`;
  return table(
    t("admin.groups"),
    [t("admin.name"), t("admin.groupId"), t("admin.teachers"), t("admin.actions")],
    found,
    (group) => group.group_id,
    (group) => [
      group.name || group.group_id,
      group.group_id,
      group.teachers.map((id) => group.teacher_names[id] ?? id).join(", ") || "–",
      html`<span class="row wrap">
        <button aria-label=${t("admin.editNamed", { name: group.name })} @click=${() => edit(group)}>${t("admin.edit")}</button>
        <button class="danger" aria-label=${t("admin.removeNamed", { name: group.name })} @click=${() => remove(group)}>${icon("bin")}</button>
      </span>`,
    ],
  );
}

async function create(event) {
  event.preventDefault();
  const form = event.target;
  const made = await attempt(() =>
    send("POST", "/v1/groups", { json: { group_id: created.id.trim(), name: created.name.trim() } }),
  );
  if (!made) return;
  toast(t("admin.created", { name: created.name }));
  Object.assign(created, { id: "", name: "" });
  // Drawing does not empty fields whose text it never drew.
  form.reset();
  await refresh();
}

async function refresh() {
  await Promise.all([enter(), loadGroups()]);
}

function edit(group) {
  const draft = { name: group.name, emails: group.teachers.join("\n") };
  const teachers = new Set(group.teachers);
  // Teachers who are no longer users stay listed, so that they can be taken out.
  const ids = new Set([...users.map((user) => user.user_id), ...group.teachers]);
  const names = new Map(users.map((user) => [user.user_id, user.name]));
  const options = [...ids].sort().map((id) => ({ value: id, name: names.get(id) || group.teacher_names[id] || id }));
  const save = async (event) => {
    event.preventDefault();
    const chosen = me().manages_users ? [...teachers] : draft.emails.split(/[\s,;]+/).filter(Boolean);
    const saved = await attempt(() => change(group.group_id, { name: draft.name.trim(), teachers: chosen }));
    if (!saved) return;
    closeSheet();
    toast(t("admin.saved", { name: draft.name }));
    await refresh();
  };
  openSheet(() => ({
    title: t("admin.editNamed", { name: group.name }),
    body: html`<form class="stack" @submit=${save}>
      <label class="field"><span>${t("admin.name")}</span>
        <input required maxlength="200" autocomplete="off" .value=${draft.name} @input=${(event) => (draft.name = event.target.value)} />
      </label>
      ${me().manages_users ? checkboxes(t("admin.teachers"), options, teachers) : addresses(draft)}
      <button class="primary big">${t("admin.save")}</button>
    </form>`,
  }));
}

function addresses(draft) {
  return html`<label class="field"><span>${t("admin.teacherAddresses")}</span>
    <textarea rows="4" autocapitalize="off" spellcheck="false" .value=${draft.emails}
      @input=${(event) => (draft.emails = event.target.value)}></textarea>
  </label>`;
}

async function change(id, changes) {
  const path = `/v1/groups/${encodeURIComponent(id)}`;
  const { etag } = await getVersioned(path);
  await send("PATCH", path, { json: changes, headers: { "If-Match": etag ?? "*" } });
}

function remove(group) {
  confirmRemoval(
    t("admin.removeNamed", { name: group.name }),
    t("admin.removeGroupText"),
    t("admin.removeNow"),
    async () => {
      const path = `/v1/groups/${encodeURIComponent(group.group_id)}`;
      if (!(await attempt(() => send("DELETE", path)))) return;
      toast(t("admin.removed", { name: group.name }));
      await refresh();
      focusHeading();
    },
  );
}
