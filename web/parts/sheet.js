/** A modal sheet at the bottom of the page, built on `dialog`, which traps the focus. */

import { draw } from "../core/draw.js";
import { t } from "../core/i18n.js";
import { ref } from "../vendor/lit-html/directives/ref.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icon } from "./icons.js";

/** @type {(() => {title: string, body: unknown}) | null} */
let content = null;
/** @type {HTMLDialogElement | null} */
let element = null;

/** @param {() => {title: string, body: unknown}} template called each time the page is drawn. */
export function openSheet(template) {
  content = template;
  draw();
}

/** Close the sheet; the focus returns to where it was. */
export function closeSheet() {
  element?.close();
}

function attach(dialog) {
  element = dialog ?? null;
  // lit-html calls this before it inserts the element, and only an inserted dialog can be shown.
  queueMicrotask(() => element?.isConnected && !element.open && element.showModal());
}

function onClose() {
  content = null;
  draw();
}

/** @returns the open sheet, or nothing. */
export function sheet() {
  if (content === null) return nothing;
  const { title, body } = content();
  return html`<dialog class="sheet" aria-labelledby="sheet-title" ${ref(attach)} @close=${onClose}
    @click=${(event) => event.target === element && closeSheet()}>
    <div class="sheet-inside">
      <header>
        <h2 id="sheet-title">${title}</h2>
        <button class="round" aria-label=${t("action.close")} @click=${closeSheet}>${icon("cross")}</button>
      </header>
      ${body}
    </div>
  </dialog>`;
}
