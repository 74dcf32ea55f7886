/** Administration: its navigation, and the page that the address names. */

import { t } from "../../core/i18n.js";
import { icon } from "../../parts/icons.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import * as absences from "./absences.js";
import * as calendar from "./calendar.js";
import * as changes from "./changes.js";
import * as codes from "./codes.js";
import * as groups from "./groups.js";
import * as lessons from "./lessons.js";
import * as notTaken from "./not-taken.js";
import * as notices from "./notices.js";
import { focusHeading } from "./parts.js";
import * as photos from "./photos.js";
import * as retention from "./retention.js";
import * as rosterImport from "./roster-import.js";
import * as student from "./student.js";
import * as students from "./students.js";
import * as substitutes from "./substitutes.js";
import * as tokens from "./tokens.js";
import * as users from "./users.js";

/**
 * @typedef {object} AdminPage
 * @property {() => unknown} page returns the template.
 * @property {(argument: string) => Promise<void>} [enter]
 * @property {() => void} [exit]
 * @property {() => void} [forget] called at sign-out.
 */

/** Pages by the second part of the address. @type {Record<string, AdminPage>} */
const PAGES = {
  students,
  student,
  groups,
  lessons,
  calendar,
  absences,
  "not-taken": notTaken,
  changes,
  users,
  import: rosterImport,
  photos,
  codes,
  notices,
  retention,
  tokens,
  substitutes,
};

/** @type {{name: string, icon: Parameters<typeof icon>[0], label: string}[]} */
const LINKS = [
  { name: "students", icon: "person", label: "admin.students" },
  { name: "groups", icon: "list", label: "admin.groups" },
  { name: "lessons", icon: "clock", label: "admin.lessons" },
  { name: "calendar", icon: "history", label: "admin.calendar" },
  { name: "absences", icon: "note", label: "admin.absences" },
  { name: "not-taken", icon: "question", label: "admin.notTaken" },
  { name: "changes", icon: "history", label: "admin.changes" },
  { name: "users", icon: "addPerson", label: "admin.users" },
  { name: "substitutes", icon: "person", label: "admin.substitutes" },
  { name: "import", icon: "note", label: "admin.import" },
  { name: "photos", icon: "gallery", label: "admin.photos" },
  { name: "codes", icon: "check", label: "admin.codes" },
  { name: "notices", icon: "note", label: "admin.notices" },
  { name: "tokens", icon: "share", label: "admin.tokens" },
  { name: "retention", icon: "clock", label: "admin.retention" },
];
const FIRST = "students";

let current = FIRST;

/** Open the page that the address names. */
export async function enter() {
  const [, , name = "", argument = ""] = location.hash.split("/");
  current = name in PAGES ? name : FIRST;
  const link = LINKS.find(({ name: linked }) => linked === shownLink());
  if (link) document.title = `${t(link.label)} – Muster`;
  focusHeading();
  // On a phone the navigation is wider than the screen.
  requestAnimationFrame(() =>
    document.querySelector(".admin-nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }),
  );
  await PAGES[current].enter?.(decodeURIComponent(argument));
}

/** Leave the page. */
export function exit() {
  PAGES[current].exit?.();
}

/** Drop what the pages know about people. */
export function forget() {
  for (const page of Object.values(PAGES)) page.forget?.();
}

function shownLink() {
  return current === "student" ? "students" : current;
}

/** @returns the navigation and the page. */
export function page() {
  const shown = shownLink();
  return html`<div class="admin">
    <nav class="admin-nav" aria-label=${t("admin.pages")}>
      <ul>
        ${LINKS.map(
          ({ name, icon: symbol, label }) =>
            html`<li><a href="#/admin/${name}" aria-current=${name === shown ? "page" : nothing}>${icon(symbol)}<span>${t(label)}</span></a></li>`,
        )}
      </ul>
    </nav>
    <div class="admin-page">${PAGES[current].page()}</div>
  </div>`;
}
