/** Import of lessons from CSV, XLSX or iCalendar, with a preview of every change before anything is written. */

import { sendForm } from "../../core/api.js";
import { draw } from "../../core/draw.js";
import { t } from "../../core/i18n.js";
import { chosenGroup, groupName } from "../../core/roster.js";
import { icon } from "../../parts/icons.js";
import { attempt, toast } from "../../parts/toast.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { lessonName } from "./lessons.js";
import { table } from "./parts.js";

/** Largest file that the server reads (`muster.services.timetable_import.parsed`). */
const MAX_BYTES = 5_000_000;
/** Rows drawn of a large file. */
const ROWS = 200;

/** @type {File | null} */
let file = null;
/** @type {any} */
let plan = null;
let busy = false;

/** Drop the file and its plan. */
export function forget() {
  file = null;
  plan = null;
}

/** @param {() => void} onDone called after an import. @returns the part of the page. */
export function part(onDone) {
  return html`<h2>${t("admin.lessonImport")}</h2>
    <p>${t("admin.lessonImportText", { group: groupName(chosenGroup() ?? "") })}</p>
    <label class="button">
      <input class="hidden-input" type="file" accept=".csv,.txt,.tsv,.xlsx,.ics" data-test="lesson-file" @change=${choose} />
      ${icon("note")}${t("admin.chooseFile")}
    </label>
    ${busy ? html`<progress aria-label=${t("state.loading")}></progress>` : nothing}
    ${plan ? preview(onDone) : nothing}`;
}

async function choose(event) {
  file = event.target.files[0] ?? null;
  event.target.value = "";
  plan = null;
  if (file !== null && file.size > MAX_BYTES) {
    toast(t("admin.fileTooLarge", { size: MAX_BYTES / 1_000_000 }), { tone: "bad" });
    file = null;
  }
  draw();
  if (file !== null) await run(true);
}

async function run(dryRun) {
  const sent = file;
  if (sent === null || busy) return;
  busy = true;
  draw();
  const form = new FormData();
  form.append("file", sent, sent.name);
  const query = new URLSearchParams({ dry_run: String(dryRun) });
  const group = chosenGroup();
  if (group) query.set("group_id", group);
  await attempt(async () => {
    plan = await sendForm(`/v1/lessons/import?${query}`, form);
  });
  busy = false;
  draw();
}

function preview(onDone) {
  const changes = plan.groups.flatMap((group) => [
    ...group.added.map((lesson) => ({ group, lesson, action: "admin.lessonAdded" })),
    ...group.changed.map(({ after }) => ({ group, lesson: after, action: "admin.lessonChanged" })),
    ...group.removed.map((lesson) => ({ group, lesson, action: "admin.lessonRemoved" })),
  ]);
  const hasErrors = plan.findings.some(({ severity }) => severity === "error");
  const apply = async () => {
    await run(false);
    if (!plan?.executed) return;
    forget();
    toast(t("admin.lessonsImported"));
    onDone();
  };
  return html`<p role="status">
      ${hasErrors ? t("admin.lessonImportErrors") : t("admin.lessonImportChanges", { count: changes.length })}
    </p>
    ${findings()}
    ${
      changes.length === 0
        ? nothing
        : table(
            t("admin.lessonImport"),
            [t("admin.lessonTime"), t("group.label"), t("admin.change")],
            changes.slice(0, ROWS),
            ({ group, lesson }) => `${group.group_id}/${lesson.lesson_id}`,
            ({ group, lesson, action }) => [lessonName(lesson), group.name, t(action)],
          )
    }
    ${
      hasErrors || changes.length === 0
        ? nothing
        : html`<button class="primary big" ?disabled=${busy} @click=${() => void apply()}>${t("admin.lessonImportRun")}</button>`
    }`;
}

function findings() {
  if (plan.findings.length === 0) return nothing;
  return html`<ul class="list">
    ${plan.findings
      .slice(0, ROWS)
      .map(
        ({ row, severity, detail }) =>
          html`<li class="waiting"><span class="chip ${severity === "error" ? "absent" : "review"}">${t("admin.row", { row })}</span><span class="grow">${detail}</span></li>`,
      )}
  </ul>`;
}
