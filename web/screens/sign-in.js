/** The way in: the hosted pages in the cloud, a token or its QR code on one machine. */

import { dropToken, goToSignIn, hasCredential, hosted, keepToken } from "../core/auth.js";
import { draw } from "../core/draw.js";
import { t } from "../core/i18n.js";
import { waiting } from "../core/outbox.js";
import { Problem } from "../core/problem.js";
import { icon } from "../parts/icons.js";
import { attempt } from "../parts/toast.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";

let token = "";
/** Whether the server did not know the token that was tried last. */
let unknown = false;
/** @type {() => Promise<void>} */
let begin = async () => undefined;

/** @param {() => Promise<void>} start what the application does once somebody is signed in. */
export function whenSignedIn(start) {
  begin = start;
}

/** Take a token out of the address that a QR code leads to; it does not stay there. @param {string} read */
export async function takeToken(read) {
  history.replaceState(null, "", "#/");
  // Whoever sends a link could otherwise let a teacher work in the sender's name without noticing.
  if (hasCredential() && !confirm(t("signIn.replace"))) return;
  await enter(read);
}

async function enter(typed) {
  keepToken(typed);
  unknown = false;
  try {
    await begin();
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
    if (await enter(typed)) location.hash = "#/";
  });
  draw();
}

/** The page. */
export function signIn() {
  const unsent = waiting().length;
  return html`<section class="stack narrow">
    <h1 tabindex="-1">${t("signIn.title")}</h1>
    ${unsent > 0 ? html`<p class="card">${icon("wait")} ${t("signIn.unsent", { count: unsent })}</p>` : nothing}
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
  </section>`;
}
