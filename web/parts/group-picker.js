/** The select field for a group. */

import { t } from "../core/i18n.js";
import { chooseGroup, chosenGroup, knownGroups } from "../core/roster.js";
import { html } from "../vendor/lit-html/lit-html.js";

/** @param {(id: string) => void} [onChoice] called with the id of the chosen group. */
export function groupPicker(onChoice = () => undefined) {
  const current = chosenGroup();
  return html`<label class="field">
    <span>${t("group.label")}</span>
    <select
      @change=${(event) => {
        chooseGroup(event.target.value);
        onChoice(event.target.value);
      }}
    >
      ${(knownGroups() ?? []).map(
        (group) =>
          html`<option value=${group.group_id} ?selected=${group.group_id === current}>
            ${group.name || group.group_id}
          </option>`,
      )}
    </select>
  </label>`;
}
