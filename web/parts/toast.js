/** Short messages at the foot of the page, read aloud as they come. */

import { draw } from "../core/draw.js";
import { explain, t } from "../core/i18n.js";
import { Unreachable } from "../core/problem.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";

/** Milliseconds that a message without a button stays. */
const STAYS = 6_000;

let shown = null;
let timer = 0;

/**
 * @param {string} text
 * @param {{tone?: "good" | "bad", action?: {label: string, run: () => void}}} options
 */
export function say(text, { tone = "good", action } = {}) {
  shown = { text, tone, action };
  clearTimeout(timer);
  if (!action) timer = setTimeout(close, STAYS);
  draw();
}

/** Say why something was not done. @param {unknown} error */
export function sayWhy(error) {
  say(error instanceof Unreachable ? t("problem.unreachable") : explain(error), { tone: "bad" });
}

/** Run something and say why if it fails. @param {() => Promise<unknown>} work @returns {Promise<boolean>} whether it was done. */
export async function attempt(work) {
  try {
    await work();
    clearFailure();
    return true;
  } catch (error) {
    sayWhy(error);
    return false;
  }
}

/** Take away the message of a failure: it does not hold any more, or not on this page. */
export function clearFailure() {
  if (shown?.tone === "bad") close();
}

/** Take away any message. */
export function close() {
  shown = null;
  draw();
}

/** The place of the messages. */
export function toast() {
  return html`<div class="toast-place" role="status" aria-live="polite">
    ${
      shown === null
        ? nothing
        : html`<div class="toast ${shown.tone}">
            <span>${shown.text}</span>
            ${
              shown.action
                ? html`<button class="quiet" @click=${() => {
                    shown.action.run();
                    close();
                  }}>${shown.action.label}</button>`
                : nothing
            }
          </div>`
    }
  </div>`;
}
