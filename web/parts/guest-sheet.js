/** The sheet that adds a guest: a name, or a student of another group. */

import { cached, getAll } from "../core/api.js";
import { draw } from "../core/draw.js";
import { t } from "../core/i18n.js";
import { byName, matches } from "../core/people.js";
import { groupName, knownGroups } from "../core/roster.js";
import { resetOnSignOut } from "../core/sign-out.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { closeSheet, openSheet } from "./sheet.js";

/** Characters from which students are offered, and how many. */
const MIN_QUERY = 2;
const MAX_OFFERED = 6;
/** Groups up to which all their students are loaded; the office of a larger school links guests elsewhere. */
const MAX_GROUPS = 60;

/** @typedef {{name: string, student_id?: string}} NewGuest */

/** @type {any[]} the students of all groups of the user; none until loaded. */
let students = [];

async function loadStudents() {
  if ((knownGroups() ?? []).length > MAX_GROUPS) return;
  // Without a network and cache, a guest has a name only.
  students = await cached("/v1/students", () => getAll("/v1/students")).catch(() => students);
  draw();
}

/**
 * @param {string} groupId whose students are no guests.
 * @param {(guest: NewGuest) => void} add called with the guest.
 */
export function openGuestSheet(groupId, add) {
  let name = "";
  void loadStudents();
  const finish = (guest) => {
    closeSheet();
    add(guest);
  };
  const submit = (event) => {
    event.preventDefault();
    if (name.trim() !== "") finish({ name: name.trim() });
  };
  const enter = (event) => {
    name = event.target.value;
    draw();
  };
  openSheet(() => ({
    title: t("guest.add"),
    body: html`<form class="stack-small" @submit=${submit}>
      <label class="field"><span>${t("guest.name")}</span>
        <input type="text" required maxlength="300" autocomplete="off" @input=${enter} /></label>
      ${offered(groupId, name, finish)}
      <button class="big primary" type="submit">${t("guest.add")}</button>
      <button class="big" type="button" @click=${closeSheet}>${t("action.back")}</button>
    </form>`,
  }));
}

function offered(groupId, name, choose) {
  if (name.trim().length < MIN_QUERY) return nothing;
  const found = students.filter((student) => !student.group_ids.includes(groupId) && matches(name.trim(), student));
  if (found.length === 0) return nothing;
  const shown = found.sort(byName).slice(0, MAX_OFFERED);
  return html`<h3>${t("guest.students")}</h3>
    <ul class="list" data-test="guest-students">
      ${shown.map(
        ({ student_id, name: known, group_ids }) =>
          html`<li><button class="item" type="button" @click=${() => choose({ name: known, student_id })}>
            <span class="grow"><bdi>${known}</bdi></span><span class="muted small">${group_ids.map(groupName).join(", ")}</span>
          </button></li>`,
      )}
    </ul>`;
}

resetOnSignOut(() => {
  students = [];
});
