/** Screen: language, theme, waiting photos, the signed-in user. */

import { get } from "../core/api.js";
import { hasCredential, signOut } from "../core/auth.js";
import { draw } from "../core/draw.js";
import { chooseLanguage, explain, formatDateTime, LANGUAGES, language, t } from "../core/i18n.js";
import { installable, offerInstall } from "../core/install.js";
import { isSubstitute, me } from "../core/me.js";
import { queuedPhotos, sendAs } from "../core/outbox.js";
import { resetAll } from "../core/sign-out.js";
import { chooseTheme, THEMES, theme } from "../core/theme.js";
import { icon } from "../parts/icons.js";
import { closeToast } from "../parts/toast.js";
import { waitingList, waitingText } from "../parts/waiting.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";

/** @type {any} */
let training = null;
/** @type {unknown} */
let trainingProblem = null;

/** Called when the screen is opened. */
export async function enter() {
  if (isSubstitute()) return;
  try {
    training = await get("/v1/training");
    trainingProblem = null;
  } catch (error) {
    trainingProblem = error;
  }
  draw();
}

async function signOutHere() {
  const count = queuedPhotos().length;
  if (count > 0 && !confirm(waitingText("settings.signOutWaiting", queuedPhotos()))) return;
  await resetAll();
  sendAs(null);
  await signOut();
  location.hash = "#/sign-in";
}

function changeLanguage(event) {
  // A visible message would stay in the old language.
  closeToast();
  void chooseLanguage(event.target.value);
}

/** @returns the screen. */
export function settings() {
  return html`<section class="stack narrow">
    <h1 tabindex="-1">${t("settings.title")}</h1>
    ${waitingList(queuedPhotos())}
    ${me().role === "admin" ? html`<a class="button big" href="#/admin">${icon("list")}${t("admin.title")}</a>` : nothing}
    <label class="field">
      <span>${t("settings.language")}</span>
      <select @change=${changeLanguage}>
        ${Object.entries(LANGUAGES).map(
          ([code, name]) => html`<option value=${code} lang=${code} ?selected=${code === language()}>${name}</option>`,
        )}
      </select>
    </label>
    <label class="field">
      <span>${t("settings.theme")}</span>
      <select @change=${(event) => chooseTheme(event.target.value)}>
        ${THEMES.map((name) => html`<option value=${name} ?selected=${name === theme()}>${t(`theme.${name}`)}</option>`)}
      </select>
    </label>
    ${installable() ? html`<button class="big" @click=${offerInstall}>${icon("plus")}${t("settings.install")}</button>` : nothing}
    <section class="card stack-small">
      <h2>${t("settings.who")}</h2>
      <p>${me().name || me().user_id} <span class="muted">${t(isSubstitute() ? "role.substitute" : `role.${me().role}`)}</span></p>
      ${isSubstitute() ? html`<p class="muted">${t("settings.accessEnds", { time: formatDateTime(me().access_ends_at ?? "") })}</p>` : nothing}
      ${hasCredential() ? html`<button @click=${signOutHere}>${t("settings.signOut")}</button>` : nothing}
    </section>
    ${isSubstitute() ? nothing : recognition()}
    <section class="card stack-small">
      <h2>${t("settings.privacy")}</h2>
      <p>${t("settings.privacyText")}</p>
      <p>${t("settings.liveness")}</p>
    </section>
  </section>`;
}

function recognition() {
  return html`<section class="card stack-small">
    <h2>${t("settings.recognition")}</h2>
    ${trainingProblem ? html`<p class="muted">${explain(trainingProblem)}</p>` : nothing}
    ${training ? trainingState() : nothing}
  </section>`;
}

function trainingState() {
  return html`<p>${t(`training.${training.state}`)}</p>
    <p class="muted">${t(training.head === null ? "training.noHead" : "training.head")}</p>
    ${training.started_at && training.state === "running" ? html`<p class="muted small">${formatDateTime(training.started_at)}</p>` : nothing}
    <p class="muted small">${me().pack ?? ""}</p>`;
}
