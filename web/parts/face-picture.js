/** `<face-picture>`: one face, cropped from a photo taken here, or loaded from the server when it scrolls into view. */

import { ownPhoto, picture } from "../core/pictures.js";

/** Margin around a face on each side, in widths of its box. */
const MARGIN = 0.35;
/** Maximum side of the crop in pixels: twice the largest displayed size. */
const SIDE = 192;

class FacePicture extends HTMLElement {
  #shown = "";
  /** @type {IntersectionObserver | null} */
  #watch = null;

  static get observedAttributes() {
    return ["src", "box", "photo"];
  }

  connectedCallback() {
    this.#watch = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this.#show());
    this.#watch.observe(this);
  }

  disconnectedCallback() {
    this.#watch?.disconnect();
    this.#watch = null;
  }

  attributeChangedCallback() {
    if (this.#shown !== "" && this.#shown !== this.#key()) this.#show();
  }

  #key() {
    return [this.getAttribute("photo"), this.getAttribute("box"), this.getAttribute("src")].join(" ");
  }

  async #show() {
    const key = this.#key();
    if (this.#shown === key) return;
    this.#shown = key;
    const photo = ownPhoto(this.getAttribute("photo") ?? "");
    const box = this.getAttribute("box");
    if (photo?.bitmap && box !== null) {
      this.replaceChildren(crop(photo.bitmap, box));
      return;
    }
    const image = new Image();
    image.alt = "";
    try {
      const address = await picture(this.getAttribute("src") ?? "");
      // The page was left during loading, and its pictures were freed.
      if (!this.isConnected) return;
      image.src = address;
    } catch {
      // The photo has expired or there is no network: the name beside the empty place is enough.
      return;
    }
    if (this.#shown === key) this.replaceChildren(image);
  }
}

/** @param {ImageBitmap} bitmap @param {string} box left, top, width and height in pixels. */
function crop(bitmap, box) {
  const [left = 0, top = 0, width = 0, height = 0] = box.split(",").map(Number);
  const side = Math.max(width, height) * (1 + 2 * MARGIN);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.min(SIDE, Math.ceil(side));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.imageSmoothingQuality = "high";
  const x = left + width / 2 - side / 2;
  const y = top + height / 2 - side / 2;
  context.drawImage(bitmap, x, y, side, side, 0, 0, canvas.width, canvas.height);
  return canvas;
}

customElements.define("face-picture", FacePicture);
