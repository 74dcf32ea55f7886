/** Light or dark theme: the phone's setting, unless the person chose one. */

import { draw } from "./draw.js";

const CHOICE = "muster.look";
const DARK = matchMedia("(prefers-color-scheme: dark)");

export const THEMES = ["system", "light", "dark"];

/** @returns {string} one of `THEMES`. */
export function theme() {
  return localStorage.getItem(CHOICE) ?? "system";
}

/** @param {string} chosen one of `THEMES`; remembered for the next visit. */
export function chooseTheme(chosen) {
  localStorage.setItem(CHOICE, chosen);
  applyTheme();
  draw();
}

/** Apply the theme, and follow changes of the phone's setting; call once at the start. */
export function startTheme() {
  DARK.addEventListener("change", applyTheme);
  applyTheme();
}

function applyTheme() {
  const phone = DARK.matches ? "dark" : "light";
  document.documentElement.dataset.theme = theme() === "system" ? phone : theme();
}
