/** Administration: the terms and holidays of the school. */

import { getVersioned, send } from "../../core/api.js";
import { draw } from "../../core/draw.js";
import { formatDate, t } from "../../core/i18n.js";
import { icon } from "../../parts/icons.js";
import { attempt, toast } from "../../parts/toast.js";
import { failure } from "../../parts/waiting.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { confirmRemoval, table } from "./parts.js";

const KINDS = { terms: "admin.term", holidays: "admin.holiday" };

/** @type {{terms: any[], holidays: any[], etag: string | null} | null} */
let stored = null;
/** @type {unknown} */
let problem = null;
const draft = { kind: "holidays", name: "", first_day: "", last_day: "" };

/** Called when the page is opened. */
export async function enter() {
  try {
    const { document: found, etag } = await getVersioned("/v1/calendar");
    stored = { terms: found.terms, holidays: found.holidays, etag };
    problem = null;
  } catch (error) {
    problem = error;
  }
  draw();
}

/** Called at sign-out. */
export function forget() {
  stored = null;
}

/** @returns the page. */
export function page() {
  return html`<section class="stack">
    <h1 tabindex="-1">${t("admin.calendar")}</h1>
    <p>${t("admin.calendarText")}</p>
    ${problem ? failure(problem) : nothing}
    <form class="card stack-small" @submit=${add}>
      <h2>${t("admin.newSpan")}</h2>
      <div class="row wrap end">
        <label class="field half"><span>${t("admin.kind")}</span>
          <select @change=${(event) => (draft.kind = event.target.value)}>
            ${Object.entries(KINDS).map(([kind, label]) => html`<option value=${kind} ?selected=${kind === draft.kind}>${t(label)}</option>`)}
          </select>
        </label>
        ${field("name", t("admin.name"), "text")} ${field("first_day", t("admin.firstDay"), "date")}
        ${field("last_day", t("admin.lastDay"), "date")}
        <button class="primary">${icon("plus")}${t("admin.create")}</button>
      </div>
    </form>
    ${stored === null ? nothing : list(stored)}
  </section>`;
}

function field(name, label, type) {
  return html`<label class="field half"><span>${label}</span>
    <input required type=${type} maxlength=${type === "text" ? "100" : nothing} autocomplete="off" .value=${draft[name]}
      @input=${(event) => (draft[name] = event.target.value)} />
  </label>`;
}

function list(found) {
  const spans = Object.keys(KINDS).flatMap((kind) => found[kind].map((span) => ({ ...span, kind })));
  if (spans.length === 0) return html`<p class="muted">${t("admin.noSpans")}</p>`;
  spans.sort((one, other) => one.first_day.localeCompare(other.first_day));
  return table(
    t("admin.calendar"),
    [t("admin.name"), t("admin.kind"), t("admin.firstDay"), t("admin.lastDay"), t("admin.actions")],
    spans,
    (span) => `${span.kind}/${span.first_day}/${span.name}`,
    (span) => [
      span.name,
      t(KINDS[span.kind]),
      // Noon, so that no time zone shows another day.
      formatDate(`${span.first_day}T12:00`),
      formatDate(`${span.last_day}T12:00`),
      html`<button class="danger" aria-label=${t("admin.removeNamed", { name: span.name })} @click=${() => remove(span)}>${icon("bin")}</button>`,
    ],
  );
}

async function add(event) {
  event.preventDefault();
  const form = event.target;
  const { kind, ...span } = draft;
  const others = stored?.[kind] ?? [];
  if (!(await replace({ [kind]: [...others, span] }, t("admin.created", { name: span.name })))) return;
  Object.assign(draft, { name: "", first_day: "", last_day: "" });
  // Drawing does not empty fields whose text it never drew.
  form.reset();
  draw();
}

function remove({ kind, name, first_day: firstDay }) {
  const others = (stored?.[kind] ?? []).filter((span) => span.name !== name || span.first_day !== firstDay);
  confirmRemoval(
    t("admin.removeNamed", { name }),
    t("admin.removeSpanText"),
    t("admin.removeNow"),
    () => void replace({ [kind]: others }, t("admin.removed", { name })),
  );
}

async function replace(changes, said) {
  if (stored === null) return false;
  const json = { terms: stored.terms, holidays: stored.holidays, ...changes };
  const headers = { "If-Match": stored.etag ?? "*" };
  const done = await attempt(() => send("PUT", "/v1/calendar", { json, headers }));
  if (done) toast(said);
  await enter();
  return done;
}
