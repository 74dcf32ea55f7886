/** `<face-picture>`: one face, cut out of the photo taken here, or read from the server when it comes into view. */

import { ownPhoto, picture } from "../core/pictures.js";

/** How much of what is around a face is shown, in widths of its box on each side. */
const AROUND = 0.35;
/** Pixels of the cut-out: twice the largest size that it is shown at. */
const SIDE = 192;

class FacePicture extends HTMLElement {
  #shown = "";
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
    const photo = ownPhoto(this.getAttribute("photo"));
    if (photo?.bitmap && this.hasAttribute("box")) {
      this.replaceChildren(cutOut(photo.bitmap, this.getAttribute("box").split(",").map(Number)));
      return;
    }
    const image = new Image();
    image.alt = "";
    try {
      const address = await picture(this.getAttribute("src"));
      // The page was left, and its pictures with it.
      if (!this.isConnected) return;
      image.src = address;
    } catch {
      // The photo's time is over, or there is no network: its place stays empty, the name beside it says enough.
      return;
    }
    if (this.#shown === key) this.replaceChildren(image);
  }
}

function cutOut(bitmap, [left, top, width, height]) {
  const side = Math.max(width, height) * (1 + 2 * AROUND);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.min(SIDE, Math.ceil(side));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  const x = left + width / 2 - side / 2;
  const y = top + height / 2 - side / 2;
  context.drawImage(bitmap, x, y, side, side, 0, 0, canvas.width, canvas.height);
  return canvas;
}

customElements.define("face-picture", FacePicture);
