/** The guests of a roll call: people who are there, but not in the group. */

import { get, send } from "../core/api.js";
import { draw } from "../core/draw.js";
import { t } from "../core/i18n.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { askForText } from "./ask.js";
import { icon } from "./icons.js";
import { attempt } from "./toast.js";

/** @type {{id: string, guests: any[]} | null} of the roll call on the screen; null until loaded. */
let loaded = null;

/** Load the guests of a roll call. @param {string} id */
export async function loadGuests(id) {
  if (loaded?.id !== id) loaded = null;
  try {
    const { guests } = await get(path(id));
    loaded = { id, guests };
  } catch {
    // Without a network the list stays as it was; adding a guest says what is wrong.
  }
  draw();
}

/** @param {any} view @returns the list with its buttons; nothing until it is loaded. */
export function guestList(view) {
  if (loaded === null || loaded.id !== view.id) return nothing;
  const { guests } = loaded;
  if (view.closed && guests.length === 0) return nothing;
  const add = () =>
    askForText(t("guest.add"), t("guest.name"), async (name) => {
      if (await attempt(() => send("POST", path(view.id), { json: { name } }))) await loadGuests(view.id);
    });
  return html`<section class="stack-small" aria-labelledby="guests-title">
    <h2 id="guests-title">${t("guest.title", { count: guests.length })}</h2>
    <ul class="list" data-test="guests" ?hidden=${guests.length === 0}>
      ${guests.map((guest) => entry(view, guest))}
    </ul>
    ${view.closed ? nothing : html`<button class="big" @click=${add}>${icon("plus")}${t("guest.add")}</button>`}
  </section>`;
}

function entry(view, guest) {
  const remove = async () => {
    const removed = () => send("DELETE", `${path(view.id)}/${encodeURIComponent(guest.guest_id)}`);
    if (await attempt(removed)) await loadGuests(view.id);
  };
  return html`<li class="item">
    <span class="grow"><bdi>${guest.name}</bdi></span>
    ${
      view.closed
        ? nothing
        : html`<button class="round danger" aria-label=${t("guest.remove", { name: guest.name })} @click=${() => void remove()}>${icon("bin")}</button>`
    }
  </li>`;
}

function path(id) {
  return `/v1/sessions/${encodeURIComponent(id)}/guests`;
}
