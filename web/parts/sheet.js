/** A sheet that comes up from the foot of the page; the rest waits behind it. Built on `dialog`, which keeps the focus. */

import { draw } from "../core/draw.js";
import { t } from "../core/i18n.js";
import { ref } from "../vendor/lit-html/directives/ref.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icon } from "./icons.js";

let content = null;
let element = null;

/** @param {() => {title: string, body: unknown}} template of the sheet, drawn anew with the page. */
export function openSheet(template) {
  content = template;
  draw();
}

/** Close it; the focus goes back to where it was. */
export function closeSheet() {
  element?.close();
}

function attach(dialog) {
  element = dialog ?? null;
  // It is given before it stands in the page, where alone it can be shown.
  queueMicrotask(() => element?.isConnected && !element.open && element.showModal());
}

function closed() {
  content = null;
  draw();
}

/** The place of the sheet. */
export function sheet() {
  if (content === null) return nothing;
  const { title, body } = content();
  return html`<dialog class="sheet" aria-labelledby="sheet-title" ${ref(attach)} @close=${closed}
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
