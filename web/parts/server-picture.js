/** `<server-picture src>`: a picture that needs authentication, which an `img` alone cannot send. */

import { t } from "../core/i18n.js";
import { picture } from "../core/pictures.js";

class ServerPicture extends HTMLElement {
  #shown = "";

  static get observedAttributes() {
    return ["src"];
  }

  attributeChangedCallback() {
    queueMicrotask(() => this.#show());
  }

  async #show() {
    const source = this.getAttribute("src");
    if (source === this.#shown || source === null) return;
    this.#shown = source;
    if (!this.firstChild) this.textContent = t("photo.loading");
    const image = new Image();
    image.alt = "";
    image.decoding = "async";
    try {
      const address = await picture(source);
      // The page was left during loading, and its pictures were freed.
      if (!this.isConnected) return;
      image.src = address;
      await image.decode();
    } catch {
      if (this.#shown === source) this.textContent = t("photo.gone");
      return;
    }
    if (this.#shown === source) this.replaceChildren(image);
  }
}

customElements.define("server-picture", ServerPicture);
