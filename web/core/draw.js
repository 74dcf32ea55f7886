/** Rendering: one template for the whole page, drawn at most once per frame. */

import { render } from "../vendor/lit-html/lit-html.js";

/** @type {() => unknown} */
let template = () => "";
/** @type {HTMLElement | null} */
let target = null;
let scheduled = false;

/**
 * Set what is drawn and where.
 * @param {HTMLElement} element
 * @param {() => unknown} page returns the template of the whole page.
 */
export function mount(element, page) {
  target = element;
  template = page;
  draw();
}

/** Draw in the next frame. Further calls before that frame have no effect. */
export function draw() {
  if (scheduled || target === null) return;
  const element = target;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    render(template(), element);
  });
}
