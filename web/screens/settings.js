/** Language, look, what waits in the phone, who is signed in. */

import { forgetRead, get } from "../core/api.js";
import { hasCredential, signOut } from "../core/auth.js";
import { draw } from "../core/draw.js";
import { chooseLanguage, explain, LANGUAGES, language, moment, t } from "../core/i18n.js";
import { installable, offerInstall } from "../core/install.js";
import { chooseLook, LOOKS, look } from "../core/look.js";
import { forgetMe, me } from "../core/me.js";
import { sendAs, waiting } from "../core/outbox.js";
import { forgetPictures } from "../core/pictures.js";
import { forgetRoster } from "../core/roster.js";
import { icon } from "../parts/icons.js";
import { close as closeToast } from "../parts/toast.js";
import { waitingList } from "../parts/waiting.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { forget as forgetHistory } from "./history.js";
import { forget as forgetReport } from "./report.js";

let training = null;
let trainingProblem = null;

/** Called when the page is opened. */
export async function enter() {
  try {
    training = await get("/v1/training");
    trainingProblem = null;
  } catch (error) {
    trainingProblem = error;
  }
  draw();
}

async function leaveHere() {
  const count = waiting().length;
  if (count > 0 && !confirm(t("settings.signOutWaiting", { count }))) return;
  await forgetRead();
  forgetMe();
  forgetRoster();
  forgetPictures();
  forgetHistory();
  forgetReport();
  sendAs(null);
  await signOut();
  location.hash = "#/sign-in";
}

function changeLanguage(event) {
  // A message stays in the language that it came in.
  closeToast();
  void chooseLanguage(event.target.value);
}

/** The page. */
export function settings() {
  return html`<section class="stack narrow">
    <h1 tabindex="-1">${t("settings.title")}</h1>
    ${waitingList(waiting())}
    <label class="field">
      <span>${t("settings.language")}</span>
      <select @change=${changeLanguage}>
        ${Object.entries(LANGUAGES).map(
          ([code, name]) => html`<option value=${code} lang=${code} ?selected=${code === language()}>${name}</option>`,
        )}
      </select>
    </label>
    <label class="field">
      <span>${t("settings.look")}</span>
      <select @change=${(event) => chooseLook(event.target.value)}>
        ${LOOKS.map((one) => html`<option value=${one} ?selected=${one === look()}>${t(`look.${one}`)}</option>`)}
      </select>
    </label>
    ${installable() ? html`<button class="big" @click=${offerInstall}>${icon("plus")}${t("settings.install")}</button>` : nothing}
    <section class="card stack-small">
      <h2>${t("settings.who")}</h2>
      <p>${me().name || me().user_id} <span class="muted">${t(`role.${me().role}`)}</span></p>
      ${hasCredential() ? html`<button @click=${leaveHere}>${t("settings.signOut")}</button>` : nothing}
    </section>
    <section class="card stack-small">
      <h2>${t("settings.recognition")}</h2>
      ${trainingProblem ? html`<p class="muted">${explain(trainingProblem)}</p>` : nothing}
      ${training ? trainingState() : nothing}
    </section>
    <section class="card stack-small">
      <h2>${t("settings.privacy")}</h2>
      <p>${t("settings.privacyText")}</p>
      <p>${t("settings.liveness")}</p>
    </section>
  </section>`;
}

function trainingState() {
  return html`<p>${t(`training.${training.state}`)}</p>
    <p class="muted">${t(training.head === null ? "training.noHead" : "training.head")}</p>
    ${training.started_at && training.state === "running" ? html`<p class="muted small">${moment(training.started_at)}</p>` : nothing}
    <p class="muted small">${me().pack ?? ""}</p>`;
}
