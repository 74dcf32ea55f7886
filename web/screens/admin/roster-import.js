/**
 * Administration: import of a roster from CSV or XLSX, or of a OneRoster package, with a preview of every change before
 * anything is written.
 */

import { sendForm } from "../../core/api.js";
import { draw } from "../../core/draw.js";
import { t } from "../../core/i18n.js";
import { groupName, knownGroups, loadGroups } from "../../core/roster.js";
import { icon } from "../../parts/icons.js";
import { attempt, toast } from "../../parts/toast.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { focusHeading, table } from "./parts.js";

/** Largest roster that the server reads (`muster.services.roster_import.table`). */
const MAX_BYTES = 5_000_000;
/** Largest OneRoster package (`muster.services.oneroster.package`). */
const MAX_PACKAGE_BYTES = 20_000_000;
/** Rows drawn of a large file. */
const ROWS = 200;

const ACTIONS = ["add", "update", "nothing", "refuse"];

const options = { group: "", makeIds: false, replaceGroups: false, schoolIds: false, allowRemovals: false };
/** @type {File | null} */
let file = null;
/** @type {any} the plan, or the report of the import. */
let plan = null;
let busy = false;

/** Called when the page is left, and at sign-out. */
export function exit() {
  forget();
}

/** Called at sign-out. */
export function forget() {
  file = null;
  plan = null;
}

/** @returns the page. */
export function page() {
  return html`<section class="stack">
    <h1 tabindex="-1">${t("admin.import")}</h1>
    <p>${t("admin.importText")}</p>
    <div class="card stack-small">
      <label class="button big">
        <input class="hidden-input" type="file" accept=".csv,.txt,.tsv,.xlsx,.zip" @change=${choose} />
        ${icon("note")}${t("admin.chooseFile")}
      </label>
      ${file ? html`<p><b>${file.name}</b></p>` : nothing}
      ${isPackage() ? packageFields() : tableFields()}
    </div>
    ${busy ? html`<progress aria-label=${t("state.loading")}></progress>` : nothing}
    <p class="visually-hidden" role="status">${plan ? spoken() : nothing}</p>
    ${plan ? preview() : nothing}
  </section>`;
}

function isPackage() {
  return file?.name.toLowerCase().endsWith(".zip") ?? false;
}

function packageFields() {
  return html`${box("schoolIds", t("admin.schoolIds"))} ${box("allowRemovals", t("admin.allowRemovals"))}`;
}

function tableFields() {
  return html`<label class="field"><span>${t("admin.importGroup")}</span>
      <select @change=${(event) => set({ group: event.target.value })}>
        <option value="">${t("admin.importGroupNone")}</option>
        ${(knownGroups() ?? []).map(({ group_id, name }) => html`<option value=${group_id} ?selected=${group_id === options.group}>${name || group_id}</option>`)}
      </select>
    </label>
    ${box("makeIds", t("admin.makeIds"))} ${box("replaceGroups", t("admin.replaceGroups"))}`;
}

function box(name, label) {
  return html`<label class="check"><input type="checkbox" .checked=${options[name]} @change=${(event) => set({ [name]: event.target.checked })} /><span>${label}</span></label>`;
}

function set(changes) {
  Object.assign(options, changes);
  if (file) void run(true);
  draw();
}

async function choose(event) {
  file = event.target.files[0] ?? null;
  event.target.value = "";
  plan = null;
  draw();
  if (file === null) return;
  const most = isPackage() ? MAX_PACKAGE_BYTES : MAX_BYTES;
  if (file.size > most) {
    toast(t("admin.fileTooLarge", { size: most / 1_000_000 }), { tone: "bad" });
    file = null;
    return;
  }
  await run(true);
}

async function run(dryRun) {
  const sent = file;
  if (sent === null || busy) return;
  busy = true;
  draw();
  const form = new FormData();
  form.append("file", sent, sent.name);
  await attempt(async () => {
    const answer = await sendForm(importPath(dryRun), form);
    plan = { reading: null, groups: [], teachers: [], terms: [], rows: answer.students, ...answer };
  });
  busy = false;
  if (plan?.applied) {
    toast(t("admin.imported"));
    await loadGroups();
    file = null;
    focusHeading();
  }
  draw();
}

function importPath(dryRun) {
  const query = new URLSearchParams({ dry_run: String(dryRun) });
  if (isPackage()) {
    query.set("school_ids", String(options.schoolIds));
    query.set("allow_removals", String(options.allowRemovals));
    return `/v1/oneroster/import?${query}`;
  }
  query.set("make_ids", String(options.makeIds));
  query.set("replace_groups", String(options.replaceGroups));
  if (options.group) query.append("group_id", options.group);
  return `/v1/students/import?${query}`;
}

function preview() {
  const errors = plan.findings.filter(({ severity }) => severity === "error");
  const others = plan.findings.filter(({ severity }) => severity !== "error");
  const changes = plan.rows.filter(({ action }) => action !== "nothing");
  const groups = plan.groups.filter(({ action }) => action !== "nothing");
  const terms = plan.terms.filter(({ action }) => action !== "nothing");
  const number = changes.length + groups.length + plan.teachers.length + terms.length;
  return html`<h2>${t(plan.applied ? "admin.importDone" : "admin.importPlan")}</h2>
    <p class="summary">
      ${ACTIONS.map(count)}
    </p>
    ${plan.reading ? html`<p class="muted small">${columns()}</p>` : packageRead(groups.length, terms)}
    ${errors.length > 0 ? html`<p class="card bad">${t("admin.importErrors", { count: errors.length })}</p>` : nothing}
    ${findings(errors)} ${findings(others)}
    ${plan.applied || errors.length > 0 ? nothing : applyButton(number)}
    ${changes.length > 0 ? rows(changes) : nothing}`;
}

// Screen readers hear the result, and not the whole table.
function spoken() {
  const counted = ACTIONS.map((action) => `${plan.counts[action] ?? 0} ${t(`admin.action.${action}`)}`);
  return [t(plan.applied ? "admin.importDone" : "admin.importPlan"), ...counted].join(", ");
}

function count(action) {
  const number = plan.counts[action] ?? 0;
  return html`<span class="count ${action === "refuse" && number > 0 ? "absent" : ""}"><b>${number}</b> ${t(`admin.action.${action}`)}</span>`;
}

function columns() {
  const { columns: read, encoding, sheet } = plan.reading;
  const titles = Object.entries(read).map(([field, names]) => `${t(`admin.field.${field}`)}: ${names.join(" + ")}`);
  return t("admin.importRead", { how: sheet ?? encoding, columns: titles.join(", ") });
}

function packageRead(groups, terms) {
  return html`<p class="muted">${t("admin.importPackage", { version: plan.version, groups, teachers: plan.teachers.length })}</p>
    ${terms.length > 0 ? html`<p class="muted">${t("admin.importTerms", { terms: terms.map(({ name }) => name).join(", ") })}</p>` : nothing}`;
}

function findings(found) {
  if (found.length === 0) return nothing;
  return html`<ul class="list">
    ${found
      .slice(0, ROWS)
      .map(
        ({ row, severity, detail }) =>
          html`<li class="waiting"><span class="chip ${severity === "error" ? "absent" : "review"}">${t("admin.row", { row })}</span><span class="grow">${detail}</span></li>`,
      )}
  </ul>`;
}

function applyButton(number) {
  if (number === 0) return html`<p class="card good">${t("admin.importNothing")}</p>`;
  return html`<button class="primary big" ?disabled=${busy} @click=${() => void run(false)}>${t("admin.importRun", { count: number })}</button>`;
}

function rows(changes) {
  return html`${table(
    t("admin.importRows"),
    [t("register.name"), t("register.id"), t("admin.change"), t("admin.groups")],
    changes.slice(0, ROWS),
    (row) => row.student_id,
    (row) => [row.name, row.student_id, t(`admin.action.${row.action}`), groupsOf(row)],
  )}
  ${changes.length > ROWS ? html`<p class="muted">${t("admin.importMore", { count: changes.length - ROWS })}</p>` : nothing}`;
}

function groupsOf({ group_ids, joins, leaves }) {
  return [
    ...group_ids.map((id) => (joins.includes(id) ? t("admin.joins", { group: groupName(id) }) : groupName(id))),
    ...leaves.map((id) => t("admin.leaves", { group: groupName(id) })),
  ].join(", ");
}
