/** A photo with its faces framed, each frame a button; it can be brought nearer, since faces at the back are small. */

import { draw } from "../core/draw.js";
import { has, t } from "../core/i18n.js";
import { ownPhoto } from "../core/pictures.js";
import { photoPath } from "../core/session.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icon } from "./icons.js";
import "./server-picture.js";

const NEAREST = 6;
const STEP = 1.5;

/** How near each photo is looked at, by its id; 1 shows it whole. */
const nearness = new Map();

function near(photoId, factor) {
  const now = nearness.get(photoId) ?? 1;
  nearness.set(photoId, Math.min(NEAREST, Math.max(1, now * factor)));
  draw();
}

/** @returns {string} who a face is, for its button. */
function spoken(face) {
  const who = face.name ?? t("face.nobody");
  return t("face.spoken", { who, decision: t(`status.${face.decision}`) });
}

function frame(photo, face, open) {
  const [left, top, width, height] = face.box;
  // In percent of the photo; the face's own sides both of the photo's width. Set as a property: the page's policy allows no style attribute.
  const place = [
    `--left:${(100 * (left + width / 2)) / photo.width}`,
    `--top:${(100 * (top + height / 2)) / photo.height}`,
    `--width:${(100 * width) / photo.width}`,
    `--height:${(100 * height) / photo.width}`,
  ].join(";");
  return html`<button class="frame ${face.decision}" .style=${place} aria-label=${spoken(face)}
    @click=${() => open(face, photo)}>
    ${face.decision === "present" ? html`<span class="frame-name" aria-hidden="true">${face.name}</span>` : nothing}
  </button>`;
}

/**
 * @param {string} sessionId
 * @param {any} photo as the server describes it.
 * @param {(face: any, photo: any) => void} open called with the face that was tapped.
 * @param {{remove: () => void, replace: (event: Event) => void}} actions called to delete the photo, or with the change
 *   of a file input to put another photo in its place.
 */
export function photoView(sessionId, photo, open, actions) {
  const nearer = nearness.get(photo.photo_id) ?? 1;
  const own = ownPhoto(photo.photo_id);
  const found = t("photo.faces", { count: photo.faces.length });
  return html`<figure class="photo">
    <div class="photo-scroll" tabindex="0" role="group" aria-label=${t("photo.label", { found })}>
      <div class="photo-stage" 
        .style=${`width:${100 * nearer}%;aspect-ratio:${photo.width}/${photo.height}`}>
        ${
          own
            ? html`<img src=${own.url} alt="" decoding="async" />`
            : html`<server-picture src=${photoPath(sessionId, photo.photo_id)}></server-picture>`
        }
        ${repeat(
          photo.faces,
          (face) => face.face_id,
          (face) => frame(photo, face, open),
        )}
      </div>
    </div>
    ${(photo.notices ?? []).map((notice) => noticeCard(notice, actions))}
    <figcaption>
      <span>${found}${photo.turned ? html`. ${t("photo.turned")}` : nothing}</span>
      <span class="nearness">
        <button class="round" aria-label=${t("photo.delete")} @click=${actions.remove}>${icon("bin")}</button>
        <button class="round" aria-label=${t("photo.farther")} ?disabled=${nearer <= 1}
          @click=${() => near(photo.photo_id, 1 / STEP)}>${icon("minus")}</button>
        <button class="round" aria-label=${t("photo.nearer")} ?disabled=${nearer >= NEAREST}
          @click=${() => near(photo.photo_id, STEP)}>${icon("plus")}</button>
      </span>
    </figcaption>
  </figure>`;
}

/** What the teacher should know about a photo, and what can be done about it. */
function noticeCard(notice, actions) {
  const key = `notice.${notice.code}`;
  return html`<div class="notice" role="alert" data-notice=${notice.code}>
    <p>${icon("question")} ${has(key) ? t(key) : notice.message}</p>
    <div class="row wrap">
      <label class="button grow">
        ${icon("camera")}${t("photo.again")}
        <input type="file" accept="image/*" capture="environment" class="hidden-input" @change=${actions.replace} />
      </label>
      <button class="grow danger" @click=${actions.remove}>${icon("bin")}${t("photo.delete")}</button>
    </div>
  </div>`;
}
