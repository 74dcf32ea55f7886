/** Entry point of the page: loads the user, then shows the screen that the address names. */

import { onSignInEnd } from "./core/api.js";
import { configure, finishSignIn, hasCredential, hosted, substituteAccess } from "./core/auth.js";
import { draw, mount } from "./core/draw.js";
import { startLanguage, t } from "./core/i18n.js";
import { applyUpdate, startInstall } from "./core/install.js";
import { isSubstitute, loadMe } from "./core/me.js";
import { needsSignIn, onMoved, onSent, onSentElsewhere, queuedPhotos, sendAs, startOutbox } from "./core/outbox.js";
import { Problem, Unreachable } from "./core/problem.js";
import { loadGroups } from "./core/roster.js";
import { applyServerAnswer, session as currentSession, reload as reloadSession } from "./core/session.js";
import { forgetAccess, startAccess } from "./core/substitute.js";
import { startTheme } from "./core/theme.js";
import { loadGuests } from "./parts/guests.js";
import { icon } from "./parts/icons.js";
import { sheet } from "./parts/sheet.js";
import { clearErrorToast, toast, toastError, toastRegion } from "./parts/toast.js";
import { releaseSent, waitingText } from "./parts/waiting.js";
import { admin, enterAdmin, exitAdmin } from "./screens/admin.js";
import * as history from "./screens/history.js";
import * as register from "./screens/register.js";
import * as report from "./screens/report.js";
import * as reports from "./screens/reports.js";
import * as rollCall from "./screens/roll-call.js";
import * as session from "./screens/session.js";
import * as settings from "./screens/settings.js";
import * as signIn from "./screens/sign-in.js";
import { html, nothing } from "./vendor/lit-html/lit-html.js";

const CONFIG = "muster.config";
/** Prefix of the hash in a QR code's address. */
const TOKEN_HASH = "#/token/";

/**
 * @typedef {object} Screen
 * @property {() => unknown} page returns the template.
 * @property {string | null} tab the tab it belongs to; null for a screen without tabs.
 * @property {string} title key of its title.
 * @property {(argument: string) => Promise<void>} [enter] called when it is opened, with the rest of the address.
 * @property {() => void} [exit] called when it is left.
 */

/** @type {Record<string, Screen>} */
const SCREENS = {
  "": { page: rollCall.rollCall, enter: rollCall.enter, tab: "roll", title: "roll.title" },
  session: { page: session.sessionPage, enter: session.enter, exit: session.exit, tab: "roll", title: "session.title" },
  register: {
    page: register.register,
    enter: register.enter,
    exit: register.exit,
    tab: "register",
    title: "register.title",
  },
  history: { page: history.historyPage, enter: history.enter, tab: "history", title: "history.title" },
  report: { page: report.reportPage, enter: report.enter, tab: "history", title: "report.title" },
  reports: { page: reports.reportsPage, enter: reports.enter, tab: "history", title: "reports.title" },
  settings: { page: settings.settings, enter: settings.enter, tab: "settings", title: "settings.title" },
  admin: { page: admin, enter: enterAdmin, exit: exitAdmin, tab: "settings", title: "admin.title" },
  "sign-in": { page: signIn.signIn, tab: null, title: "signIn.title" },
};

/** @type {{tab: string, href: string, icon: Parameters<typeof icon>[0], label: string}[]} */
const TABS = [
  { tab: "roll", href: "#/", icon: "camera", label: "roll.title" },
  { tab: "register", href: "#/register", icon: "addPerson", label: "register.tab" },
  { tab: "history", href: "#/history", icon: "history", label: "history.title" },
  { tab: "settings", href: "#/settings", icon: "gear", label: "settings.tab" },
];

let screen = SCREENS[""];
let ready = false;

function page() {
  return html`<a class="skip" href="#main" @click=${skip}>${t("shell.skip")}</a>
    ${banner()}
    <main id="main" tabindex="-1">${ready ? screen.page() : html`<p class="muted">${t("state.loading")}</p>`}</main>
    ${screen.tab === null ? nothing : tabs()} ${toastRegion()} ${sheet()}`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function banner() {
  const waiting = queuedPhotos().filter((item) => item.state === "waiting");
  const refused = queuedPhotos().filter((item) => item.state === "failed");
  const count = waiting.length;
  if (needsSignIn() && screen.tab !== null && count > 0) {
    return html`<a class="banner warn" href="#/sign-in">${waitingText("shell.signIn", waiting)}</a>`;
  }
  if (!navigator.onLine) {
    return html`<a class="banner warn" href="#/settings">
      ${icon("cloudOff")}${count > 0 ? waitingText("shell.offlineWaiting", waiting) : t("shell.offline")}
    </a>`;
  }
  if (count > 0)
    return html`<a class="banner" href="#/settings">${icon("wait")}${waitingText("shell.waiting", waiting)}</a>`;
  // The roll call and registration screens list refused photos themselves.
  if (refused.length === 0 || screen.tab === "roll" || screen.tab === "register") return nothing;
  return html`<a class="banner warn" href="#/settings">${icon("question")}${waitingText("shell.refused", refused)}</a>`;
}

function tabs() {
  return html`<nav class="tabs" aria-label=${t("shell.tabs")}>
    ${TABS.filter(({ tab }) => tab !== "register" || !isSubstitute()).map(
      ({ tab, href, icon: name, label }) =>
        html`<a href=${href} aria-current=${tab === screen.tab ? "page" : nothing}>${icon(name)}<span>${t(label)}</span></a>`,
    )}
  </nav>`;
}

async function show() {
  // `start` calls this again once the user is known.
  if (!ready) return;
  const [, name = "", argument = ""] = location.hash.split("/");
  if (name === "token") {
    // This changes the address, which then names the screen to show.
    await signIn.signInWithToken(argument).catch(failed);
    await show();
    return;
  }
  clearErrorToast();
  screen.exit?.();
  screen = SCREENS[name] ?? SCREENS[""];
  document.title = `${t(screen.title)} – Muster`;
  draw();
  scrollTo(0, 0);
  // After drawing, so that screen readers announce the new screen.
  requestAnimationFrame(() =>
    requestAnimationFrame(() => document.querySelector("h1")?.focus({ preventScroll: true })),
  );
  await screen.enter?.(argument).catch(toastError);
  draw();
}

/** Load the user and their groups. */
async function begin() {
  const user = await loadMe();
  sendAs(user);
  await loadGroups();
}

function failed(error) {
  if (error instanceof Problem && error.status === 401) {
    sendAs(null);
    if (substituteAccess() !== null) void forgetAccess().then(draw);
    // A token in the address is about to be tried.
    if (!location.hash.startsWith(TOKEN_HASH)) location.hash = "#/sign-in";
  } else {
    toastError(error);
  }
}

async function readConfig() {
  try {
    const response = await fetch("/config.json", { cache: "no-store" });
    const config = await response.json();
    localStorage.setItem(CONFIG, JSON.stringify(config));
    return config;
  } catch {
    // Without a network, use the configuration of the last visit.
    return JSON.parse(localStorage.getItem(CONFIG) ?? "{}");
  }
}

async function start() {
  startTheme();
  await startLanguage();
  mount(/** @type {HTMLElement} */ (document.getElementById("app")), page);
  addEventListener("hashchange", () => void show());
  addEventListener("online", draw);
  addEventListener("offline", draw);
  onSignInEnd(() => failed(new Problem(401, "sign_in_required", "")));
  onSent((item, answer) => {
    clearErrorToast();
    releaseSent(queuedPhotos());
    void applyServerAnswer(item, answer);
    if (item.kind === "guest" && currentSession()?.id === item.session?.id) void loadGuests(item.session?.id ?? "");
    register.onRegistered(item, answer);
    if (screen === SCREENS[""]) void screen.enter?.("");
  });
  onMoved((from, to) => {
    if (location.hash === `#/session/${from}`) location.hash = `#/session/${to}`;
  });
  onSentElsewhere((sessionId) => sessionId !== null && currentSession()?.id === sessionId && void reloadSession());
  signIn.onSignedIn(begin);
  startInstall(() =>
    toast(t("shell.update"), { action: { label: t("shell.updateNow"), run: () => void applyUpdate() } }),
  );
  configure(await readConfig());
  await startOutbox();
  await startAccess(() => failed(new Problem(401, "sign_in_required", "")));
  try {
    await finishSignIn();
    if (hosted() && !hasCredential()) failed(new Problem(401, "sign_in_required", ""));
    else if (!location.hash.startsWith(TOKEN_HASH)) await begin();
  } catch (error) {
    if (error instanceof Unreachable) await loadGroups();
    failed(error);
  }
  ready = true;
  await show();
}

void start();
