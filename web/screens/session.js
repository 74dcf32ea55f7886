/** Screen: one roll call with its photos, questions, and the status of every student. */

import { loadCodes } from "../core/codes.js";
import { formatDateTime, t } from "../core/i18n.js";
import { isSubstitute } from "../core/me.js";
import { closingWaits, discard, discardClosing, isUnopened, queuedPhotos } from "../core/outbox.js";
import { releasePictures } from "../core/pictures.js";
import { groupName, loadStudents } from "../core/roster.js";
import {
  changesSettled,
  closeRegister,
  closeSession,
  everyone,
  openSession,
  reload,
  removePhoto,
  removeSession,
  reopenById,
  reopenRegister,
  session,
} from "../core/session.js";
import { ask, askForText } from "../parts/ask.js";
import { changesButton } from "../parts/change-list.js";
import { openFace } from "../parts/face-sheet.js";
import { guestList, loadGuests } from "../parts/guests.js";
import { icon } from "../parts/icons.js";
import { peopleList, resetSearch } from "../parts/people-list.js";
import { photoView } from "../parts/photo-view.js";
import { confirmable, confirmLikely, questions } from "../parts/questions.js";
import { counts } from "../parts/status.js";
import { attempt, clearUndo, toast } from "../parts/toast.js";
import { failure, waitingList, waitingText } from "../parts/waiting.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { photosInPreparation, removeFromRecent, takePhotos } from "./roll-call.js";

/** Called when the screen is opened. @param {string} id */
export async function enter(id) {
  const item = queuedFor(id)[0];
  openSession(id, item?.session ? { groupId: item.groupId, startedAt: item.session.startedAt } : {});
  void loadCodes();
  if (!isUnopened(id)) {
    void loadGuests(id);
    await reload();
  }
  const group = session()?.groupId;
  if (group) await loadStudents(group).catch(() => undefined);
}

/** Called when the screen is left. */
export function exit() {
  closeSession();
  clearUndo();
  resetSearch();
  releasePictures();
}

function queuedFor(id) {
  return queuedPhotos().filter((item) => item.session?.id === id);
}

/** @returns the screen. */
export function sessionPage() {
  const view = session();
  if (view === null) return nothing;
  const items = queuedFor(view.id);
  // The list of waiting photos explains more than a failure to load the roll call.
  const problem = items.length > 0 || photosInPreparation() > 0 ? null : view.problem;
  return html`<section class="session">
    <header class="stack-small">
      <h1 tabindex="-1">${view.groupId ? groupName(view.groupId) : t("session.title")}</h1>
      <p class="muted">${view.startedAt ? formatDateTime(view.startedAt) : nothing}</p>
      ${view.loaded || marksOf(view).length ? summary(view) : nothing}
    </header>
    ${view.closed ? closedCard(view) : questions(view)} ${closingWaits(view.id) ? waitingCard(view) : nothing}
    <div class="columns">
      <div class="stack">
        ${photosInPreparation() > 0 ? html`<p class="card">${icon("wait")} ${t("photo.preparing", { count: photosInPreparation() })}</p>` : nothing}
        ${waitingList(items)}
        ${repeat(
          view.photos,
          (photo) => photo.photo_id,
          (photo) => photoView(view.id, photo, openFace, photoActions(view, photo)),
        )}
        ${view.groupId && !view.closed ? morePhotos(view) : nothing}
      </div>
      <div class="stack">
        ${problem ? failure(problem) : nothing} ${view.groupId ? peopleList(view) : nothing}
        ${guestList(view)} ${view.loaded ? changesButton(view.id) : nothing}
        ${view.loaded && !view.closed && !isSubstitute() ? removal(view, items) : nothing}
      </div>
    </div>
    ${finishBar(view, items)}
  </section>`;
}

/** @returns {any[]} everybody who has a status, with the marks that wait on the phone. */
function marksOf(view) {
  return everyone(view).filter(({ status }) => status !== null);
}

function summary(view) {
  const counted = counts(marksOf(view));
  const always = view.taken ? ["present", "absent"] : [];
  return html`<p class="summary" role="status">
    ${view.taken ? nothing : html`<span class="count">${t("session.notTaken")}</span>`}
    ${["present", "late", "absent", "excused", "review"]
      .filter((status) => counted[status] > 0 || always.includes(status))
      .map((status) => html`<span class="count ${status}"><b>${counted[status]}</b> ${t(`status.${status}`)}</span>`)}
  </p>`;
}

function photoActions(view, photo) {
  const remove = () =>
    ask(
      t("photo.delete"),
      [t("photo.deleteText")],
      [{ label: t("photo.deleteNow"), style: "danger", run: () => void attempt(() => removePhoto(photo.photo_id)) }],
    );
  const replace = async (event) => {
    const files = [...event.target.files];
    event.target.value = "";
    if (files.length === 0) return;
    // The new photo is stored before the old one is deleted.
    await takePhotos(files, { id: view.id, startedAt: view.startedAt, isOpen: view.loaded }, view.groupId);
    await attempt(() => removePhoto(photo.photo_id));
  };
  return { remove, replace: (event) => void replace(event) };
}

function closedCard(view) {
  const reopen = () =>
    askForText(t("session.reopen"), t("session.reopenText"), async (reason) => {
      if (await attempt(() => reopenRegister(reason))) toast(t("session.reopened"));
    });
  return html`<div class="card row wrap">
    <p class="grow">${t("session.closed", { time: formatDateTime(view.closed) })}</p>
    <button @click=${reopen}>${icon("repeat")}${t("session.reopen")}</button>
  </div>`;
}

function waitingCard(view) {
  return html`<div class="card row wrap">
    <p class="grow">${t("session.closingWaits")}</p>
    <button @click=${() => void discardClosing(view.id)}>${icon("repeat")}${t("session.finishAnyway")}</button>
  </div>`;
}

function removal(view, items) {
  const remove = async () => {
    if (!(await attempt(removeSession))) return;
    // Photos sent later would create the roll call again.
    for (const item of items) await discard(item.id);
    removeFromRecent(view.id);
    toast(t("session.deleted"));
    location.hash = "#/history";
  };
  return html`<button class="danger" @click=${() =>
    ask(
      t("session.delete"),
      [t("session.deleteText")],
      [{ label: t("session.deleteNow"), style: "danger", run: () => void remove() }],
    )}>${icon("bin")}${t("session.delete")}</button>`;
}

function morePhotos(view) {
  const add = (event) => {
    void takePhotos(event.target.files, { id: view.id, startedAt: view.startedAt, isOpen: view.loaded }, view.groupId);
    event.target.value = "";
  };
  return html`<div class="row wrap">
    <label class="button grow">
      ${icon("camera")}${t("session.more")}
      <input type="file" accept="image/*" capture="environment" class="hidden-input" @change=${add} />
    </label>
    <label class="button grow">
      ${icon("gallery")}${t("roll.choose")}
      <input type="file" accept="image/*" multiple class="hidden-input" @change=${add} />
    </label>
  </div>`;
}

function finishBar(view, items) {
  if ((!view.loaded && items.length === 0) || view.closed || closingWaits(view.id)) return nothing;
  // The bar sticks to the bottom of the screen, except while there are questions: it would cover their buttons.
  return html`<div class="bar ${view.questions.length > 0 ? "still" : ""}">
    <button class="primary big grow" @click=${() => void finishOrAsk(view, items)}>
      ${icon("check")}${t("session.finish")}
    </button>
  </div>`;
}

async function finishOrAsk(view, items) {
  // Answers given a moment ago may still be in flight.
  await changesSettled();
  if (session() !== view) return;
  const open = marksOf(view).filter((mark) => mark.status === "review");
  const sentences = [
    ...(open.length > 0
      ? [t("session.open", { count: open.length, names: open.map((mark) => mark.name ?? mark.student_id).join(", ") })]
      : []),
    ...(view.taken || items.length > 0 ? [] : [t("session.notTakenText")]),
  ];
  if (sentences.length === 0) {
    await closeAndFinish(view);
    return;
  }
  const absent = { label: t("session.finishAbsent"), run: () => void closeAndFinish(view, "absent") };
  const anyway = { label: t("session.finishAnyway"), run: () => finish(view, items) };
  ask(t("session.finishTitle"), sentences, [
    ...confirmation(view, items),
    ...(open.length > 0 && view.taken && items.length === 0 ? [absent] : []),
    anyway,
  ]);
}

function confirmation(view, items) {
  const likely = confirmable(view);
  if (likely.length === 0) return [];
  const label = t("session.finishConfirm", { count: likely.length, name: likely[0].candidates[0].name });
  const run = async () => {
    if (!(await confirmLikely(view))) return;
    // Doubtful students stay to review, and the register stays open with them.
    if (marksOf(view).some((mark) => mark.status === "review")) finish(view, items);
    else await closeAndFinish(view);
  };
  return [{ label, style: "primary", run: () => void run() }];
}

// What waits on the phone is sent first, then the closing. A refused closing stays in the list with its reason.
/** @param {any} view @param {string | null} unanswered */
async function closeAndFinish(view, unanswered = null) {
  if (!(await attempt(() => closeRegister(unanswered)))) return;
  finish(view, queuedFor(view.id));
}

function finish(view, items) {
  const counted = counts(marksOf(view));
  const finished = { present: counted.present + counted.late, all: marksOf(view).length };
  const said = view.taken ? t("session.finished", finished) : t("session.finishedNotTaken");
  const text = items.length > 0 ? waitingText("session.finishedWaiting", items) : said;
  const { id } = view;
  const waits = closingWaits(id);
  const closed = view.closed || waits;
  const run = () => void attempt(() => (waits ? discardClosing(id) : undoClosing(id)));
  // After the app has left this screen, which takes back its offers to undo.
  const show = () => toast(text, closed ? { action: { label: t("action.undo"), run }, passing: true } : {});
  addEventListener("hashchange", show, { once: true });
  location.hash = "#/";
}

async function undoClosing(id) {
  await reopenById(id, t("action.undo"));
  location.hash = `#/session/${id}`;
}
