/** Screen: sign-in through hosted pages in the cloud, or with a token or its QR code on a local server. */

import { dropToken, goToSignIn, hasCredential, hosted, keepToken, takesCodes } from "../core/auth.js";
import { draw } from "../core/draw.js";
import { explain, t } from "../core/i18n.js";
import { queuedPhotos } from "../core/outbox.js";
import { Problem } from "../core/problem.js";
import { hasEnded, signInWithCode } from "../core/substitute.js";
import { icon } from "../parts/icons.js";
import { attempt } from "../parts/toast.js";
import { waitingText } from "../parts/waiting.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";

let token = "";
/** Whether the server did not know the last token. */
let unknown = false;
let code = "";
/** Whether the form for codes is shown. */
let asksForCode = false;
/** @type {unknown} why the last code was refused. */
let refused = null;
/** @type {() => Promise<void>} */
let onSignIn = async () => undefined;

/** @param {() => Promise<void>} listener loads the user; throws a 401 `Problem` if the token is unknown. */
export function onSignedIn(listener) {
  onSignIn = listener;
}

/** Sign in with the token of a QR code's address, and remove it from the address. @param {string} scanned */
export async function signInWithToken(scanned) {
  history.replaceState(null, "", "#/");
  // Otherwise a link could make a teacher work in somebody else's name without noticing.
  if (hasCredential() && !confirm(t("signIn.replace"))) return;
  await tryToken(scanned);
}

/** @returns {Promise<boolean>} whether the server knows the token. */
async function tryToken(typed) {
  keepToken(typed);
  unknown = false;
  try {
    await onSignIn();
    return true;
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    dropToken();
    unknown = true;
    location.hash = "#/sign-in";
    return false;
  }
}

async function submit(event) {
  event.preventDefault();
  const typed = token;
  token = "";
  await attempt(async () => {
    if (await tryToken(typed)) location.hash = "#/";
  });
  draw();
}

async function submitCode(event) {
  event.preventDefault();
  if (hasCredential() && !confirm(t("signIn.replace"))) return;
  refused = null;
  try {
    await signInWithCode(code);
    code = "";
    asksForCode = false;
    await onSignIn();
    location.hash = "#/";
  } catch (error) {
    refused = error;
  }
  draw();
}

function substitute() {
  const show = () => {
    asksForCode = true;
    draw();
    requestAnimationFrame(() => document.getElementById("substitute-code")?.focus());
  };
  if (!asksForCode) return html`<button class="big" @click=${show}>${icon("clock")}${t("signIn.substitute")}</button>`;
  const type = (event) => {
    code = event.target.value;
  };
  return html`<form class="stack card" @submit=${submitCode}>
    <h2>${t("signIn.substitute")}</h2>
    <label class="field">
      <span>${t("signIn.code")}</span>
      <input id="substitute-code" class="code-input" required maxlength="40" dir="ltr" autocomplete="off" autocapitalize="characters"
        autocorrect="off" spellcheck="false" aria-describedby="substitute-help" .value=${code} @input=${type} />
    </label>
    <p id="substitute-help" class="muted">${t("signIn.codeText")}</p>
    ${refused ? html`<p class="bad" role="alert">${explain(refused)}</p>` : nothing}
    <button class="primary big" type="submit">${t("signIn.title")}</button>
  </form>`;
}

/** @returns the screen. */
export function signIn() {
  const unsent = queuedPhotos().length;
  return html`<section class="stack narrow">
    <h1 tabindex="-1">${t("signIn.title")}</h1>
    ${hasEnded() ? html`<p class="card" role="status">${t("signIn.accessEnded")}</p>` : nothing}
    ${unsent > 0 ? html`<p class="card">${icon("wait")} ${waitingText("signIn.unsent", queuedPhotos())}</p>` : nothing}
    ${
      hosted()
        ? html`<p>${t("signIn.hosted")}</p>
            <button class="primary big" @click=${() => attempt(goToSignIn)}>${icon("person")}${t("signIn.go")}</button>`
        : html`<p>${t("signIn.local")}</p>
            <form class="stack" @submit=${submit}>
              <label class="field">
                <span>${t("signIn.token")}</span>
                <input required type="password" autocomplete="current-password" autocapitalize="off" spellcheck="false" .value=${token}
                  @input=${(event) => (token = event.target.value)} />
              </label>
              ${unknown ? html`<p class="bad" role="alert">${t("signIn.unknownToken")}</p>` : nothing}
              <button class="primary big" type="submit">${t("signIn.title")}</button>
            </form>`
    }
    ${takesCodes() ? substitute() : nothing}
  </section>`;
}
