/** Elements that the pages of administration share. */

import { explain, t } from "../../core/i18n.js";
import { Problem } from "../../core/problem.js";
import { ask } from "../../parts/ask.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";

/** Identifiers that the server accepts (`muster.domain.identifiers`). */
export const IDENTIFIER = "[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}";

/**
 * A table that becomes a list of cards on a phone. The roles keep it a table for screen readers, which browsers forget
 * when styles change how rows are displayed.
 * @template T
 * @param {string} caption
 * @param {string[]} titles of the columns.
 * @param {T[]} items
 * @param {(item: T) => string} key
 * @param {(item: T) => unknown[]} cells of a row; the first is its header.
 */
export function table(caption, titles, items, key, cells) {
  return html`<table class="cards" role="table" aria-label=${caption}>
    <thead role="rowgroup">
      <tr role="row">${titles.map((title) => html`<th role="columnheader" scope="col">${title}</th>`)}</tr>
    </thead>
    <tbody role="rowgroup">
      ${repeat(items, key, (item) => row(titles, cells(item)))}
    </tbody>
  </table>`;
}

function row(titles, content) {
  const [first, ...others] = content;
  return html`<tr role="row">
    <th role="rowheader" scope="row">${first}</th>
    ${others.map((cell, place) => html`<td role="cell" data-title=${titles[place + 1]}><div>${cell}</div></td>`)}
  </tr>`;
}

/** Focus the heading of the page after the next drawing: what had the focus is gone. */
export function focusHeading() {
  requestAnimationFrame(() =>
    requestAnimationFrame(() => document.querySelector("h1")?.focus({ preventScroll: true })),
  );
}

/**
 * @param {string} label
 * @param {{value: string, name: string}[]} options
 * @param {Set<string>} chosen changed by the boxes.
 */
export function checkboxes(label, options, chosen) {
  const toggle = (value) => (event) => (event.target.checked ? chosen.add(value) : chosen.delete(value));
  return html`<fieldset class="consent">
    <legend>${label}</legend>
    ${options.length === 0 ? html`<p class="muted">${t("admin.none")}</p>` : nothing}
    <div class="choices">
      ${options.map(
        ({ value, name }) =>
          html`<label class="check"><input type="checkbox" .checked=${chosen.has(value)} @change=${toggle(value)} /><span>${name}</span></label>`,
      )}
    </div>
  </fieldset>`;
}

/**
 * Ask before something is removed.
 * @param {string} title
 * @param {string} text
 * @param {string} label of the button.
 * @param {() => void} run
 */
export function confirmRemoval(title, text, label, run) {
  ask(title, [text], [{ label, style: "danger", run }]);
}

/** @param {unknown} error @returns {string} the reason, in words for administration where it differs. */
export function reasonOf(error) {
  if (error instanceof Problem && error.detail && ADMIN_DETAILS.includes(error.code)) return error.detail;
  return explain(error);
}

/** Codes whose general text is written for a class photo; the server's own sentence fits better here. */
const ADMIN_DETAILS = ["group_not_found", "invalid_request"];
