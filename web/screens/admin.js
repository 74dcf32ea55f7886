/** Screen: administration. Its modules, texts and styles are loaded when an admin opens it, so teachers never load them. */

import { draw } from "../core/draw.js";
import { addTexts, t } from "../core/i18n.js";
import { me } from "../core/me.js";
import { resetOnSignOut } from "../core/sign-out.js";
import { html } from "../vendor/lit-html/lit-html.js";

const TEXTS = {
  en: () => import("../languages/admin/en.js"),
  de: () => import("../languages/admin/de.js"),
  hi: () => import("../languages/admin/hi.js"),
  ar: () => import("../languages/admin/ar.js"),
};

/** @type {typeof import("./admin/index.js") | null} */
let pages = null;
/** @type {Promise<void> | null} */
let loading = null;

/** Called when the screen is opened, and when another of its pages is. */
export async function enterAdmin() {
  if (me().role !== "admin") return;
  loading ??= load().catch((error) => {
    loading = null;
    throw error;
  });
  await loading;
  await pages?.enter();
}

/** Called when the screen is left. */
export function exitAdmin() {
  pages?.exit();
}

async function load() {
  const [loaded] = await Promise.all([import("./admin/index.js"), addTexts(TEXTS), loadStyles()]);
  pages = loaded;
  draw();
}

function loadStyles() {
  return new Promise((resolve, reject) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = "/styles/admin.css";
    link.onload = resolve;
    link.onerror = () => reject(new Error("the styles of administration were not loaded"));
    document.head.append(link);
  });
}

/** @returns the screen. */
export function admin() {
  if (me().role !== "admin") {
    return html`<section class="stack narrow"><h1 tabindex="-1">${t("admin.title")}</h1>
      <p class="card bad" role="alert">${t("admin.onlyAdmins")}</p></section>`;
  }
  return pages?.page() ?? html`<h1 tabindex="-1">${t("admin.title")}</h1><p class="muted">${t("state.loading")}</p>`;
}

resetOnSignOut(() => pages?.forget());
