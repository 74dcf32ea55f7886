/** Short messages at the bottom of the page, which screen readers announce. */

import { draw } from "../core/draw.js";
import { explain, t } from "../core/i18n.js";
import { Unreachable } from "../core/problem.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";

/** Milliseconds until a message without a button disappears. */
const DURATION = 6_000;
/** Milliseconds for which a passing message offers its action; the list of marks offers the same for longer. */
const ACTION_DURATION = 10_000;

/** @type {{text: string, tone: "good" | "bad", action?: {label: string, run: () => void}, passing: boolean} | null} */
let shown = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/**
 * @param {string} text
 * @param {{tone?: "good" | "bad", action?: {label: string, run: () => void}, passing?: boolean}} options `passing`: a
 *   message with an action that disappears after some seconds, too.
 */
export function toast(text, { tone = "good", action, passing = false } = {}) {
  shown = { text, tone, action, passing };
  clearTimeout(timer);
  if (!action || passing) timer = setTimeout(closeToast, passing ? ACTION_DURATION : DURATION);
  draw();
}

/** Show an error. @param {unknown} error */
export function toastError(error) {
  toast(error instanceof Unreachable ? t("problem.unreachable") : explain(error), { tone: "bad" });
}

/** Run an action and show its error, if any. @param {() => Promise<unknown>} work @returns {Promise<boolean>} whether it succeeded. */
export async function attempt(work) {
  try {
    await work();
    clearErrorToast();
    return true;
  } catch (error) {
    toastError(error);
    return false;
  }
}

/** Remove an error message: it no longer applies, or not on this page. */
export function clearErrorToast() {
  if (shown?.tone === "bad") closeToast();
}

/** Remove an offer to undo: the screen that it belongs to was left. */
export function clearUndo() {
  if (shown?.passing) closeToast();
}

/** Remove the message. */
export function closeToast() {
  shown = null;
  draw();
}

/** @returns the live region with the message. */
export function toastRegion() {
  return html`<div class="toast-place" role="status" aria-live="polite">
    ${
      shown === null
        ? nothing
        : html`<div class="toast ${shown.tone}">
            <span>${shown.text}</span>
            ${shown.action ? actionButton(shown.action) : nothing}
          </div>`
    }
  </div>`;
}

function actionButton({ label, run }) {
  const runAndClose = () => {
    closeToast();
    run();
  };
  return html`<button class="quiet" @click=${runAndClose}>${label}</button>`;
}
