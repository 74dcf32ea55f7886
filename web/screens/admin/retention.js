/** Administration: how long data is kept, and what is deleted soon. */

import { get } from "../../core/api.js";
import { draw } from "../../core/draw.js";
import { t } from "../../core/i18n.js";
import { groupName } from "../../core/roster.js";
import { failure } from "../../parts/waiting.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { table } from "./parts.js";

/** @type {any} */
let retention = null;
/** @type {unknown} */
let problem = null;

/** Called when the page is opened. */
export async function enter() {
  try {
    retention = await get("/v1/retention");
    problem = null;
  } catch (error) {
    problem = error;
  }
  draw();
}

/** Called at sign-out. */
export function forget() {
  retention = null;
}

/** @returns the page. */
export function page() {
  return html`<section class="stack">
    <h1 tabindex="-1">${t("admin.retention")}</h1>
    ${problem ? failure(problem) : nothing} ${retention === null ? nothing : content()}
  </section>`;
}

function content() {
  const { session_photos_days: photos, sessions_days: sessions, days_ahead: days, expiring } = retention;
  const kept = [
    [t("admin.keptPhotos"), photos === null ? t("admin.keptByStorage") : t("admin.keptDays", { count: photos })],
    [t("admin.keptSessions"), sessions === null ? t("admin.keptForever") : t("admin.keptDays", { count: sessions })],
    [t("admin.keptStudents"), t("admin.keptUntilErased")],
  ];
  return html`${table(
    t("admin.retention"),
    [t("admin.what"), t("admin.kept")],
    kept,
    ([what]) => what,
    (row) => row,
  )}
    <p class="muted">${t("admin.keptHow")}</p>
    <h2>${t("admin.expiring", { days })}</h2>
    ${
      expiring.length === 0
        ? html`<p>${t("admin.expiringNothing")}</p>`
        : table(
            t("admin.expiring", { days }),
            [t("group.label"), t("admin.expiringPhotos"), t("admin.expiringSessions")],
            expiring,
            (each) => each.group_id,
            (each) => [groupName(each.group_id), each.session_photos, each.sessions],
          )
    }`;
}
