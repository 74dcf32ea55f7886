/** The sheet of a roll call that names a face. */

import { draw } from "../core/draw.js";
import { t } from "../core/i18n.js";
import { isSubstitute } from "../core/me.js";
import { byName, matches } from "../core/people.js";
import { knownStudents } from "../core/roster.js";
import { facePath, nameFace, session } from "../core/session.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import "./face-picture.js";
import { icon } from "./icons.js";
import { closeSheet, openSheet } from "./sheet.js";
import { chip } from "./status.js";
import { attempt, toast } from "./toast.js";

let query = "";
let learn = false;

/** Open the sheet that names a face. @param {any} face @param {any} photo */
export function openFace(face, photo) {
  query = "";
  learn = false;
  openSheet(() => ({ title: t("face.title"), body: faceBody(face, photo) }));
}

function learning() {
  return html`<label class="check">
    <input type="checkbox" .checked=${learn} @change=${(event) => (learn = event.target.checked)} />
    <span>${t("face.learn")}</span>
  </label>`;
}

function faceBody(face, photo) {
  const view = session();
  if (view === null) return nothing;
  const students = knownStudents(view.groupId ?? "") ?? [];
  const candidates = face.candidates.map((candidate) => candidate.student_id);
  const rank = (student) => {
    const place = candidates.indexOf(student.student_id);
    return place < 0 ? candidates.length : place;
  };
  const shown = students
    .filter((student) => student.state === "registered")
    .filter((student) => matches(query, student))
    .sort((first, second) => rank(first) - rank(second) || byName(first, second));
  return html`<div class="row">
      <face-picture class="huge" photo=${photo.photo_id} box=${face.box.join(",")} src=${facePath(view.id, face.face_id)}></face-picture>
      <div class="grow stack-small">
        <p>${face.name ?? t("face.nobody")}</p>
        ${chip(face.decision)}
      </div>
    </div>
    ${
      face.student_id && face.decision !== "present"
        ? html`<button class="primary big" @click=${() => decide(face, face.student_id, face.name)}>${icon("check")}${t("question.isIt", { name: face.name })}</button>`
        : nothing
    }
    ${
      face.decision === "unknown"
        ? nothing
        : html`<button class="big" @click=${() => decide(face, null, "")}>${icon("cross")}${t("face.sayNobody")}</button>`
    }
    ${isSubstitute() ? nothing : learning()}
    <label class="field">
      <span>${t("face.search")}</span>
      <input type="search" autocomplete="off" .value=${query}
        @input=${(event) => {
          query = event.target.value;
          draw();
        }} />
    </label>
    <ul class="list scroll">
      ${repeat(
        shown,
        (student) => student.student_id,
        (student) =>
          html`<li>
            <button class="item" aria-current=${student.student_id === face.student_id ? "true" : nothing}
              @click=${() => decide(face, student.student_id, student.name)}>
              <face-picture src="/v1/students/${student.student_id}/picture"></face-picture>
              <span class="grow">${student.name}</span>
            </button>
          </li>`,
      )}
    </ul>
    ${
      shown.length < students.length && query.trim() === ""
        ? html`<p class="muted small">${t("face.withoutPhoto")}</p>`
        : nothing
    }`;
}

async function decide(face, studentId, name) {
  const learning = learn && studentId !== null;
  if (!(await attempt(() => nameFace(face.face_id, studentId, learning)))) return;
  closeSheet();
  if (studentId === null) toast(t("question.saidNobody"));
  else toast(t(learning ? "question.learned" : "question.said", { name }));
}
