/** Administration: the list of all students, with search. */

import { getAll } from "../../core/api.js";
import { draw } from "../../core/draw.js";
import { t } from "../../core/i18n.js";
import { groupName, knownGroups } from "../../core/roster.js";
import { failure } from "../../parts/waiting.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { table } from "./parts.js";

/** Rows drawn at first, and added with each "show more": a school has thousands of students. */
const ROWS = 50;
const STATES = ["registered", "enrolled", "withdrawn"];

/** @type {any[] | null} */
let students = null;
/** @type {unknown} */
let problem = null;
const filter = { text: "", group: "", state: "" };
let rows = ROWS;

/** Called when the page is opened. */
export async function enter() {
  try {
    students = (await getAll("/v1/students")).sort((first, second) => first.name.localeCompare(second.name));
    problem = null;
  } catch (error) {
    problem = error;
  }
  draw();
}

/** Called at sign-out. */
export function forget() {
  students = null;
  Object.assign(filter, { text: "", group: "", state: "" });
}

/** @returns {any[]} the students that the filter leaves. */
function found() {
  const words = filter.text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return (students ?? []).filter(({ name, student_id, group_ids, state }) => {
    const text = `${name} ${student_id}`.toLocaleLowerCase();
    const inGroup = filter.group === "" || group_ids.includes(filter.group);
    return inGroup && (filter.state === "" || state === filter.state) && words.every((word) => text.includes(word));
  });
}

/** @returns the page. */
export function page() {
  const set = (field) => (event) => {
    filter[field] = event.target.value;
    rows = ROWS;
    draw();
  };
  return html`<section class="stack">
    <h1 tabindex="-1">${t("admin.students")}</h1>
    ${problem ? failure(problem) : nothing}
    <div class="row wrap end" role="search">
      <label class="field half"><span>${t("admin.search")}</span>
        <input type="search" autocomplete="off" .value=${filter.text} @input=${set("text")} />
      </label>
      <label class="field half"><span>${t("group.label")}</span>
        <select @change=${set("group")}>
          <option value="">${t("admin.allGroups")}</option>
          ${(knownGroups() ?? []).map(({ group_id, name }) => html`<option value=${group_id} ?selected=${group_id === filter.group}>${name || group_id}</option>`)}
        </select>
      </label>
      <label class="field half"><span>${t("admin.consent")}</span>
        <select @change=${set("state")}>
          <option value="">${t("admin.anyState")}</option>
          ${STATES.map((state) => html`<option value=${state} ?selected=${state === filter.state}>${t(`admin.state.${state}`)}</option>`)}
        </select>
      </label>
    </div>
    ${students === null ? nothing : list(found())}
  </section>`;
}

function list(matching) {
  return html`<p class="muted" role="status">${t("admin.found", { count: matching.length })}</p>
    ${matching.length === 0 ? nothing : rowsOf(matching.slice(0, rows))}
    ${matching.length > rows ? html`<button class="big" @click=${more}>${t("admin.more")}</button>` : nothing}`;
}

function rowsOf(shown) {
  return table(
    t("admin.students"),
    [t("register.name"), t("register.id"), t("admin.groups"), t("admin.consent")],
    shown,
    (student) => student.student_id,
    (student) => [
      html`<a class="row-link" href="#/admin/student/${encodeURIComponent(student.student_id)}">${student.name}</a>`,
      student.student_id,
      student.group_ids.map(groupName).join(", "),
      stateChip(student.state),
    ],
  );
}

function more() {
  rows += ROWS;
  draw();
}

const TONES = { registered: "present", enrolled: "unknown", withdrawn: "review" };

/** @param {string} state @returns a chip with the state of a student's consent. */
export function stateChip(state) {
  return html`<span class="chip ${TONES[state]}">${t(`admin.state.${state}`)}</span>`;
}
