/** The camera with a face guide, where the page may use it; else the phone's own camera by a file field. */

import { draw } from "../core/draw.js";
import { t } from "../core/i18n.js";
import { jpeg } from "../core/photo.js";
import { ref } from "../vendor/lit-html/directives/ref.js";
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { icon } from "./icons.js";

let stream = null;
let video = null;
let facing = "environment";
/** Whether it shows something yet: what is taken before that is black. */
let shows = false;
/** Why there is no picture: "off" until asked for, "refused" by the person, "none" where there is no camera. */
let state = "off";

/** Whether the page may show the camera: browsers allow it over HTTPS and at this machine only. */
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
    state = error.name === "NotAllowedError" ? "refused" : "none";
  }
  draw();
}

/** Turn it off: its light must not stay on while nobody takes a picture. */
export function stopCamera() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  shows = false;
  state = "off";
}

async function turn() {
  facing = facing === "environment" ? "user" : "environment";
  stopCamera();
  await startCamera();
}

/** @returns {Promise<Blob>} what the camera sees, upright. */
async function snapshot() {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  return await jpeg(canvas);
}

function playing() {
  shows = true;
  draw();
}

function attach(element) {
  video = element ?? null;
  if (video && stream) video.srcObject = stream;
}

/** @param {(photo: Blob) => void} taken called with the photo. @returns the camera, or what stands for it. */
export function camera(taken) {
  return html`<div class="camera">
    ${
      state === "on"
        ? html`<div class="finder ${facing}">
              <video ${ref(attach)} @playing=${playing} autoplay playsinline muted aria-label=${t("camera.view")}></video>
              <svg class="guide" viewBox="0 0 100 100" preserveAspectRatio="xMidYMid meet" aria-hidden="true">
                <ellipse cx="50" cy="47" rx="24" ry="32" />
              </svg>
              <p class="guide-text">${t("camera.guide")}</p>
            </div>
            <div class="row">
              <button type="button" class="primary big grow" ?disabled=${!shows} @click=${async () => taken(await snapshot())}>${icon("camera")}${t("camera.take")}</button>
              <button type="button" class="round" aria-label=${t("camera.turn")} @click=${turn}>${icon("turn")}</button>
            </div>`
        : nothing
    }
    ${state === "starting" ? html`<p class="muted">${t("camera.starting")}</p>` : nothing}
    ${state === "refused" || state === "none" ? html`<p class="muted">${t(`camera.${state}`)}</p>` : nothing}
    ${state === "on" ? nothing : fileButton(taken)}
  </div>`;
}

function fileButton(taken) {
  return html`<label class="button primary big">
    ${icon("camera")}${t("camera.take")}
    <input type="file" accept="image/*" capture="user" class="hidden-input"
      @change=${(event) => event.target.files[0] && taken(event.target.files[0])} />
  </label>`;
}
