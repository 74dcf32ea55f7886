/** The questions of a roll call: likely matches to confirm together, then the others one by one. */

import { draw } from "../core/draw.js";
import { t } from "../core/i18n.js";
import { confirmFaces, facePath, nameFace } from "../core/session.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import "./face-picture.js";
import { openFace } from "./face-sheet.js";
import { icon } from "./icons.js";
import { attempt, toast } from "./toast.js";

/** Maximum number of faces in one request. */
const MAX_CONFIRMED = 90;
/** Milliseconds for which a grid that just grew ignores taps: they were meant for its previous state. */
const SETTLE_TIME = 700;

/**
 * @typedef {object} Choices
 * @property {Set<string>} out students unchecked in the grid.
 * @property {Set<string>} alone students asked about one by one.
 * @property {Set<string>} shown students in the grid.
 * @property {number} grown when the grid last grew, in milliseconds.
 */

/** @type {WeakMap<object, Choices>} the teacher's choices by roll call. */
const chosen = new WeakMap();

/** @param {object} view @returns {Choices} */
function choices(view) {
  let choice = chosen.get(view);
  if (choice === undefined) {
    choice = { out: new Set(), alone: new Set(), shown: new Set(), grown: 0 };
    chosen.set(view, choice);
  }
  return choice;
}

function studentOf(question) {
  return question.candidates[0].student_id;
}

function likely(view) {
  const { alone } = choices(view);
  return view.questions
    .filter((question) => question.likely && !alone.has(studentOf(question)))
    .slice(0, MAX_CONFIRMED);
}

/** @returns {any[]} the questions that one tap confirms: the checked pairs of the grid. */
export function confirmable(view) {
  const { out } = choices(view);
  return likely(view).filter((question) => !out.has(studentOf(question)));
}

/** Confirm the checked pairs and move the others to single questions. @returns {Promise<boolean>} whether it succeeded. */
export async function confirmLikely(view) {
  const { out, alone } = choices(view);
  const confirmed = confirmable(view);
  if (confirmed.length > 0 && !(await attempt(() => confirmFaces(confirmed)))) return false;
  for (const student of out) alone.add(student);
  out.clear();
  if (confirmed.length > 0) toast(t("pairs.said", { count: confirmed.length, name: confirmed[0].candidates[0].name }));
  draw();
  return true;
}

/** @returns the questions, or nothing if there are none. */
export function questions(view) {
  if (view.questions.length === 0) return nothing;
  const pairs = likely(view);
  // A single pair is shown as an ordinary question.
  const grid = pairs.length > 1 ? pairs : [];
  const single = view.questions.filter((question) => !grid.includes(question));
  return html`<section class="stack" aria-labelledby="questions-title">
    <h2 id="questions-title" tabindex="-1">${t("question.title", { count: view.questions.length })}</h2>
    ${grid.length > 0 ? pairsGrid(view, grid) : nothing}
    ${
      single.length === 0
        ? nothing
        : html`<ul class="questions">
            ${repeat(
              single,
              (question) => question.face_id,
              (question) => questionCard(view, question),
            )}
          </ul>`
    }
  </section>`;
}

function pairsGrid(view, pairs) {
  const { out } = choices(view);
  const count = pairs.filter((question) => !out.has(studentOf(question))).length;
  const label = count === pairs.length ? t("pairs.all", { count }) : t("pairs.some", { count });
  return html`<div class="stack-small">
    <p id="pairs-hint">${t("pairs.hint")}</p>
    <ul class="pairs">
      ${repeat(pairs, studentOf, (question) => html`<li>${pairChoice(view, question, out)}</li>`)}
    </ul>
    <div class="bar">
      <button class="primary big grow" ?disabled=${isSettling(view, pairs)} @click=${() => void confirmAndMoveFocus(view)}>
        ${icon("check")}${count === 0 ? t("pairs.none") : label}
      </button>
    </div>
  </div>`;
}

function isSettling(view, pairs) {
  const choice = choices(view);
  const students = pairs.map(studentOf);
  if (students.some((student) => !choice.shown.has(student))) {
    choice.grown = Date.now();
    setTimeout(draw, SETTLE_TIME);
  }
  choice.shown = new Set(students);
  return Date.now() - choice.grown < SETTLE_TIME;
}

function pairChoice(view, question, out) {
  const student = studentOf(question);
  const toggle = (event) => {
    if (event.target.checked) out.delete(student);
    else out.add(student);
    draw();
  };
  return html`<label class="pair-choice">
    ${pictures(view, question)}
    <span class="row">
      <input type="checkbox" aria-describedby="pairs-hint" .checked=${!out.has(student)} @change=${toggle} />
      <span class="grow">${question.candidates[0].name}</span>
    </span>
  </label>`;
}

async function confirmAndMoveFocus(view) {
  if (!(await confirmLikely(view))) return;
  // The button that had the keyboard focus is gone.
  requestAnimationFrame(() =>
    requestAnimationFrame(() => (document.getElementById("questions-title") ?? document.querySelector("h1"))?.focus()),
  );
}

function faceOf(view, faceId) {
  for (const photo of view.photos) {
    const face = photo.faces.find((candidate) => candidate.face_id === faceId);
    if (face) return { photo, face };
  }
  return null;
}

function pictures(view, question, size = "") {
  const found = faceOf(view, question.face_id);
  const [first] = question.candidates;
  return html`<span class="pair">
    <face-picture
      class=${size}
      photo=${question.photo_id}
      box=${found ? found.face.box.join(",") : nothing}
      src=${facePath(view.id, question.face_id)}
    ></face-picture>
    ${first?.picture_url ? html`<face-picture class=${size} src=${first.picture_url}></face-picture>` : nothing}
  </span>`;
}

function questionCard(view, question) {
  const found = faceOf(view, question.face_id);
  const [first] = question.candidates;
  const asked = `question-${question.face_id}`;
  return html`<li class="card question">
    ${pictures(view, question, "large")}
    <p id=${asked}>${first ? t("question.is", { name: first.name }) : t("question.who")}</p>
    <div class="row wrap" role="group" aria-labelledby=${asked}>
      ${
        first
          ? html`<button class="primary" @click=${() => answer(question, first, found?.face.student_id)}>
                ${icon("check")}${t("question.yes")}
              </button>
              <button @click=${() => answer(question, null)}>${icon("cross")}${t("question.no")}</button>`
          : nothing
      }
      <button @click=${() => found && openFace(found.face, found.photo)}>${t("question.other")}</button>
    </div>
  </li>`;
}

async function answer(question, student, proposed) {
  // Confirming the proposed student cannot conflict with photos that are still being processed.
  const yes = student !== null && student.student_id === proposed;
  const done = await attempt(() =>
    yes ? confirmFaces([question]) : nameFace(question.face_id, student?.student_id ?? null),
  );
  if (done) toast(student === null ? t("question.saidNobody") : t("question.said", { name: student.name }));
}
