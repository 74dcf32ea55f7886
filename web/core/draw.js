/** One page, one template: whatever changes asks for the whole to be drawn again, once a frame. */

import { render } from "../vendor/lit-html/lit-html.js";

let template = () => "";
let target = null;
let asked = false;

/**
 * Say what is drawn and where.
 * @param {HTMLElement} element
 * @param {() => unknown} page gives the template of the whole page.
 */
export function mount(element, page) {
  target = element;
  template = page;
  draw();
}

/** Draw with the next frame; many calls before it are one. */
export function draw() {
  if (asked || target === null) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    render(template(), target);
  });
}
