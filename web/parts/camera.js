/** The camera with a face guide; where the page may not use it, a file field that opens the phone's camera. */

import { draw } from "../core/draw.js";
import { t } from "../core/i18n.js";
import { jpeg } from "../core/photo.js";
import { ref } from "../vendor/lit-html/directives/ref.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icon } from "./icons.js";

/** @type {MediaStream | null} */
let stream = null;
/** @type {HTMLVideoElement | null} */
let video = null;
let facing = "environment";
/** Whether the video is playing: a picture taken before that is black. */
let playing = false;
/** @type {"off" | "starting" | "on" | "refused" | "none"} `none`: there is no camera. */
let state = "off";

/** Whether the page may use the camera: browsers allow it only over HTTPS and on localhost. */
export function cameraPossible() {
  return Boolean(navigator.mediaDevices?.getUserMedia);
}

/** Turn the camera on. */
export async function startCamera() {
  if (!cameraPossible() || state === "starting" || state === "on") return;
  state = "starting";
  draw();
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: facing, width: { ideal: 1920 }, height: { ideal: 1440 } },
    });
    state = "on";
    if (video) video.srcObject = stream;
  } catch (error) {
    state = error instanceof DOMException && error.name === "NotAllowedError" ? "refused" : "none";
  }
  draw();
}

/** Turn the camera off, and with it the phone's indicator light. */
export function stopCamera() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  playing = false;
  state = "off";
}

async function switchCamera() {
  facing = facing === "environment" ? "user" : "environment";
  stopCamera();
  await startCamera();
}

/** @param {HTMLVideoElement} video @returns {Promise<Blob>} the current frame, upright. */
async function snapshot(video) {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).drawImage(video, 0, 0);
  return await jpeg(canvas);
}

function onPlaying() {
  playing = true;
  draw();
}

function attach(element) {
  video = element ?? null;
  if (video && stream) video.srcObject = stream;
}

/** @param {(photo: Blob) => void} onPhoto called with the photo. @returns the camera, or the file field. */
export function camera(onPhoto) {
  return html`<div class="camera">
    ${
      state === "on"
        ? html`<div class="finder ${facing}">
              <video ${ref(attach)} @playing=${onPlaying} autoplay playsinline muted aria-label=${t("camera.view")}></video>
              <svg class="guide" viewBox="0 0 100 100" preserveAspectRatio="xMidYMid meet" aria-hidden="true">
                <ellipse cx="50" cy="47" rx="24" ry="32" />
              </svg>
              <p class="guide-text">${t("camera.guide")}</p>
            </div>
            <div class="row">
              <button type="button" class="primary big grow" ?disabled=${!playing} @click=${async () => video && onPhoto(await snapshot(video))}>${icon("camera")}${t("camera.take")}</button>
              <button type="button" class="round" aria-label=${t("camera.turn")} @click=${switchCamera}>${icon("turn")}</button>
            </div>`
        : nothing
    }
    ${state === "starting" ? html`<p class="muted">${t("camera.starting")}</p>` : nothing}
    ${state === "refused" || state === "none" ? html`<p class="muted">${t(`camera.${state}`)}</p>` : nothing}
    ${state === "on" ? nothing : fileButton(onPhoto)}
  </div>`;
}

function fileButton(onPhoto) {
  return html`<label class="button primary big">
    ${icon("camera")}${t("camera.take")}
    <input type="file" accept="image/*" capture="user" class="hidden-input"
      @change=${(event) => event.target.files[0] && onPhoto(event.target.files[0])} />
  </label>`;
}
