/** A photo with a button around each face. It can be zoomed, since faces at the back are small. */

import { draw } from "../core/draw.js";
import { hasText, t } from "../core/i18n.js";
import { ownPhoto } from "../core/pictures.js";
import { photoPath } from "../core/session.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icon } from "./icons.js";
import "./server-picture.js";

const MAX_ZOOM = 6;
const ZOOM_STEP = 1.5;

/** Zoom of each photo by its id; 1 shows the whole photo. */
const zoomLevels = new Map();

function zoomBy(photoId, factor) {
  const current = zoomLevels.get(photoId) ?? 1;
  zoomLevels.set(photoId, Math.min(MAX_ZOOM, Math.max(1, current * factor)));
  draw();
}

function label(face) {
  const who = face.name ?? t("face.nobody");
  return t("face.label", { who, decision: t(`status.${face.decision}`) });
}

function frame(photo, face, open) {
  const [left, top, width, height] = face.box;
  // Percentages of the photo; both sides of the box are relative to the photo's width. Set as a property, since the
  // page's content security policy forbids style attributes.
  const place = [
    `--left:${(100 * (left + width / 2)) / photo.width}`,
    `--top:${(100 * (top + height / 2)) / photo.height}`,
    `--width:${(100 * width) / photo.width}`,
    `--height:${(100 * height) / photo.width}`,
  ].join(";");
  return html`<button class="frame ${face.decision}" .style=${place} aria-label=${label(face)}
    @click=${() => open(face, photo)}>
    ${face.decision === "present" ? html`<span class="frame-name" aria-hidden="true">${face.name}</span>` : nothing}
  </button>`;
}

/**
 * @param {string} sessionId
 * @param {any} photo of the server's response.
 * @param {(face: any, photo: any) => void} open called with the tapped face.
 * @param {{remove: () => void, replace: (event: Event) => void}} actions `remove` deletes the photo; `replace` is called
 *   with the change event of a file input to replace it.
 */
export function photoView(sessionId, photo, open, actions) {
  const zoom = zoomLevels.get(photo.photo_id) ?? 1;
  const own = ownPhoto(photo.photo_id);
  const found = t("photo.faces", { count: photo.faces.length });
  return html`<figure class="photo">
    <div class="photo-scroll" tabindex="0" role="group" aria-label=${t("photo.label", { found })}>
      <div class="photo-stage"
        .style=${`width:${100 * zoom}%;aspect-ratio:${photo.width}/${photo.height}`}>
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
      <span class="zoom">
        <button class="round" aria-label=${t("photo.delete")} @click=${actions.remove}>${icon("bin")}</button>
        <button class="round" aria-label=${t("photo.zoomOut")} ?disabled=${zoom <= 1}
          @click=${() => zoomBy(photo.photo_id, 1 / ZOOM_STEP)}>${icon("minus")}</button>
        <button class="round" aria-label=${t("photo.zoomIn")} ?disabled=${zoom >= MAX_ZOOM}
          @click=${() => zoomBy(photo.photo_id, ZOOM_STEP)}>${icon("plus")}</button>
      </span>
    </figcaption>
  </figure>`;
}

function noticeCard(notice, actions) {
  const key = `notice.${notice.code}`;
  return html`<div class="notice" role="alert" data-notice=${notice.code}>
    <p>${icon("question")} ${hasText(key) ? t(key) : notice.message}</p>
    <div class="row wrap">
      <label class="button grow">
        ${icon("camera")}${t("photo.again")}
        <input type="file" accept="image/*" capture="environment" class="hidden-input" @change=${actions.replace} />
      </label>
      <button class="grow danger" @click=${actions.remove}>${icon("bin")}${t("photo.delete")}</button>
    </div>
  </div>`;
}
