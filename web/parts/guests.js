/** The guests of a roll call: people who are there, but not in the group. Without a network new ones wait on the phone. */

import { get, send } from "../core/api.js";
import { draw } from "../core/draw.js";
import { t } from "../core/i18n.js";
import { closingWaits, discard, queuedPhotos } from "../core/outbox.js";
import { addGuest } from "../core/session.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { openGuestSheet } from "./guest-sheet.js";
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
    // Without a network the list stays as it was.
  }
  draw();
}

/** @param {any} view @returns the list with its buttons; nothing for a closed register without guests. */
export function guestList(view) {
  const known = loaded !== null && loaded.id === view.id ? loaded.guests : [];
  const waiting = queuedPhotos().filter(({ kind, session }) => kind === "guest" && session?.id === view.id);
  const count = known.length + waiting.length;
  if (view.groupId === null || (view.closed && count === 0)) return nothing;
  const add = async (guest) => {
    if (await attempt(() => addGuest(guest))) await loadGuests(view.id);
  };
  const open = () => openGuestSheet(view.groupId, (guest) => void add(guest));
  return html`<section class="stack-small" aria-labelledby="guests-title">
    <h2 id="guests-title">${t("guest.title", { count })}</h2>
    <ul class="list" data-test="guests" ?hidden=${count === 0}>
      ${known.map((guest) => entry(view, guest.name, () => void remove(view, guest)))}
      ${waiting.map((item) => entry(view, item.guest?.name ?? "", () => void discard(item.id), t("mark.waiting")))}
    </ul>
    ${view.closed || closingWaits(view.id) ? nothing : html`<button class="big" @click=${open}>${icon("plus")}${t("guest.add")}</button>`}
  </section>`;
}

function entry(view, name, remove, note = "") {
  return html`<li class="item">
    <span class="grow"><bdi>${name}</bdi> ${note ? html`<span class="muted small">${note}</span>` : nothing}</span>
    ${
      view.closed
        ? nothing
        : html`<button class="round danger" aria-label=${t("guest.remove", { name })} @click=${remove}>${icon("bin")}</button>`
    }
  </li>`;
}

async function remove(view, guest) {
  const removed = () => send("DELETE", `${path(view.id)}/${encodeURIComponent(guest.guest_id)}`);
  if (await attempt(removed)) await loadGuests(view.id);
}

function path(id) {
  return `/v1/sessions/${encodeURIComponent(id)}/guests`;
}
