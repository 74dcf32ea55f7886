/** Administration: the attendance codes of the school, what each means and counts as. */

import { getVersioned, send } from "../../core/api.js";
import { draw } from "../../core/draw.js";
import { t } from "../../core/i18n.js";
import { icon } from "../../parts/icons.js";
import { closeSheet, openSheet } from "../../parts/sheet.js";
import { attempt, toast } from "../../parts/toast.js";
import { failure } from "../../parts/waiting.js";
import { html, nothing, svg } from "../../vendor/lit-html/lit-html.js";
import { confirmRemoval, focusHeading, table } from "./parts.js";

const PATH = "/v1/codes";
const STATUSES = ["present", "late", "absent", "excused"];
const ATTENDING = ["present", "late"];
const NEW_COLOUR = "#57606a";

/** @type {any} the table as the server has it. */
let codes = null;
/** @type {string | null} */
let version = null;
/** @type {unknown} */
let problem = null;

/** Called when the page is opened. */
export async function enter() {
  try {
    const { document, etag } = await getVersioned(PATH);
    codes = document;
    version = etag;
    problem = null;
  } catch (error) {
    problem = error;
  }
  draw();
}

/** @returns the page. */
export function page() {
  return html`<section class="stack">
    <h1 tabindex="-1">${t("admin.codes")}</h1>
    <p>${t("admin.codesText")}</p>
    ${problem ? failure(problem) : nothing} ${codes === null ? nothing : content()}
  </section>`;
}

function content() {
  return html`<div class="row wrap end">
      <label class="field half"><span>${t("admin.preset")}</span>
        <select data-test="preset" @change=${choosePreset}>
          <option value="">${t("admin.presetOwn")}</option>
          ${codes.presets.map((name) => html`<option value=${name} .selected=${name === codes.preset}>${presetName(name)}</option>`)}
        </select>
      </label>
      <button class="primary" @click=${() => edit(null)}>${icon("plus")}${t("admin.newCode")}</button>
    </div>
    ${table(
      t("admin.codes"),
      [t("admin.code"), t("admin.meaning"), t("admin.countsAs"), t("admin.offered"), t("admin.actions")],
      codes.codes,
      ({ code }) => code,
      row,
    )}`;
}

function presetName(name) {
  return t(`admin.preset.${name}`);
}

function row(code) {
  const place = codes.codes.indexOf(code);
  const raise = html`<button aria-label=${t("admin.raiseNamed", { name: code.code })} ?disabled=${place === 0}
    @click=${() => void move(place)}>↑</button>`;
  return [
    html`<span class="code">${swatch(code.colour)}${code.code}</span>`,
    code.meaning,
    `${t(`status.${code.status}`)} · ${t(code.in_building ? "admin.inside" : "admin.elsewhere")}`,
    t(code.retired ? "admin.retired" : "admin.yes"),
    html`<span class="row wrap">
      <button aria-label=${t("admin.editNamed", { name: code.code })} @click=${() => edit(code)}>${t("admin.edit")}</button>
      ${raise}
    </span>`,
  ];
}

// An attribute of SVG: the content security policy allows no style attributes.
function swatch(colour) {
  return svg`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><rect width="24" height="24" rx="6" fill=${colour} stroke="none" /></svg>`;
}

/** Store the table. @param {any} change @returns {Promise<boolean>} whether it was stored. */
async function store(change) {
  const stored = await attempt(() => send("PUT", PATH, { json: change, headers: { "If-Match": version ?? "*" } }));
  // After a conflict, the page shows what somebody else stored.
  await enter();
  return stored;
}

function withoutUse({ used: _, ...code }) {
  return code;
}

async function replaceCodes(list) {
  return await store({ codes: list.map(withoutUse) });
}

async function move(place) {
  const list = [...codes.codes];
  [list[place - 1], list[place]] = [list[place], list[place - 1]];
  if (await replaceCodes(list)) toast(t("admin.moved", { name: list[place - 1].code }));
}

function choosePreset(event) {
  const preset = event.target.value;
  event.target.value = codes.preset;
  if (preset === "" || preset === codes.preset) return;
  const name = presetName(preset);
  confirmRemoval(t("admin.presetTitle", { name }), t("admin.presetText"), t("admin.presetUse"), async () => {
    if (!(await store({ preset }))) return;
    toast(t("admin.saved", { name }));
    focusHeading();
  });
}

/** @param {any} code null adds one. */
function edit(code) {
  const draft = code ?? {
    code: "",
    meaning: "",
    status: "present",
    colour: NEW_COLOUR,
    retired: false,
    afternoon: false,
    in_building: true,
  };
  const values = { ...withoutUse(draft) };
  const set = (field) => (event) => {
    values[field] = event.target.type === "checkbox" ? event.target.checked : event.target.value;
  };
  // Present students are usually in the building, and absent ones are not.
  const chooseStatus = (event) => {
    values.status = event.target.value;
    values.in_building = ATTENDING.includes(values.status);
    draw();
  };
  const submit = async (event) => {
    event.preventDefault();
    const list = code ? codes.codes.map((each) => (each.code === code.code ? values : each)) : [...codes.codes, values];
    if (!(await replaceCodes(list))) return;
    closeSheet();
    toast(t("admin.saved", { name: values.code }));
  };
  openSheet(() => ({
    title: code ? t("admin.editNamed", { name: code.code }) : t("admin.newCode"),
    body: html`<form class="stack" @submit=${submit}>
      ${code ? nothing : field(t("admin.code"), html`<input required maxlength="4" pattern="\\S{1,4}" autocomplete="off" autocapitalize="off" spellcheck="false" @input=${set("code")} />`)}
      ${field(t("admin.meaning"), html`<input required maxlength="120" autocomplete="off" .value=${draft.meaning} @input=${set("meaning")} />`)}
      ${field(
        t("admin.countsAs"),
        html`<select ?disabled=${code?.used ?? false} @change=${chooseStatus}>
          ${STATUSES.map((status) => html`<option value=${status} ?selected=${status === draft.status}>${t(`status.${status}`)}</option>`)}
        </select>`,
      )}
      ${code?.used ? html`<p class="muted small">${t("admin.codeUsed")}</p>` : nothing}
      ${field(t("admin.colour"), html`<input type="color" .value=${draft.colour} @input=${set("colour")} />`)}
      ${checkbox(t("admin.retire"), draft.retired, set("retired"))}
      ${checkbox(t("admin.afternoon"), draft.afternoon, set("afternoon"))}
      ${checkbox(t("admin.inBuilding"), values.in_building, set("in_building"))}
      <button class="primary big">${t("admin.save")}</button>
      ${code && !code.used ? html`<button type="button" class="danger" @click=${() => void remove(code)}>${icon("bin")}${t("admin.removeNamed", { name: code.code })}</button>` : nothing}
    </form>`,
  }));
}

function field(label, control) {
  return html`<label class="field"><span>${label}</span>${control}</label>`;
}

function checkbox(label, checked, change) {
  return html`<label class="check"><input type="checkbox" .checked=${checked} @change=${change} /><span>${label}</span></label>`;
}

async function remove(code) {
  if (!(await replaceCodes(codes.codes.filter((each) => each.code !== code.code)))) return;
  closeSheet();
  toast(t("admin.removed", { name: code.code }));
  focusHeading();
}
