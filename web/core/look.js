/** Light or dark: the phone's choice, unless the person made one. */

import { draw } from "./draw.js";

const CHOICE = "muster.look";
const NIGHT = matchMedia("(prefers-color-scheme: dark)");

export const LOOKS = ["system", "light", "dark"];

/** @returns {string} one of `LOOKS`. */
export function look() {
  return localStorage.getItem(CHOICE) ?? "system";
}

/** @param {string} chosen one of `LOOKS`; kept for the next time. */
export function chooseLook(chosen) {
  localStorage.setItem(CHOICE, chosen);
  applyLook();
  draw();
}

/** Make the page look as chosen; called once at the start. */
export function startLook() {
  NIGHT.addEventListener("change", applyLook);
  applyLook();
}

function applyLook() {
  document.documentElement.dataset.look = look() === "system" ? (NIGHT.matches ? "dark" : "light") : look();
}
