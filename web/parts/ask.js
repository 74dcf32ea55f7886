/** A sheet that asks for a decision. */

import { t } from "../core/i18n.js";
import { html } from "../vendor/lit-html/lit-html.js";
import { closeSheet, openSheet } from "./sheet.js";

/**
 * @typedef {object} Choice
 * @property {string} label
 * @property {string} [style] class of the button.
 * @property {() => void} run
 */

/**
 * Open a sheet that asks for a text; closing the sheet does nothing.
 * @param {string} title also of the button.
 * @param {string} label
 * @param {(text: string) => Promise<void>} run called with the text, which is not empty.
 */
export function askForText(title, label, run) {
  let text = "";
  const submit = (event) => {
    event.preventDefault();
    if (text.trim() === "") return;
    closeSheet();
    void run(text.trim());
  };
  openSheet(() => ({
    title,
    body: html`<form class="stack-small" @submit=${submit}>
      <label class="field"><span>${label}</span>
        <input type="text" required maxlength="300" @input=${(event) => (text = event.target.value)} /></label>
      <button class="big primary" type="submit">${title}</button>
      <button class="big" type="button" @click=${closeSheet}>${t("action.back")}</button>
    </form>`,
  }));
}

/**
 * Open the sheet and run the chosen action; closing the sheet does nothing.
 * @param {string} title
 * @param {string[]} sentences
 * @param {Choice[]} choices
 */
export function ask(title, sentences, choices) {
  const choose = (choice) => {
    closeSheet();
    choice.run();
  };
  openSheet(() => ({
    title,
    body: html`${sentences.map((sentence) => html`<p>${sentence}</p>`)}
      <div class="stack-small">
        ${choices.map(
          (choice) =>
            html`<button class="big ${choice.style ?? ""}" @click=${() => choose(choice)}>${choice.label}</button>`,
        )}
        <button class="big" @click=${closeSheet}>${t("action.back")}</button>
      </div>`,
  }));
}
