/** Where the page begins: it finds out who uses it, then shows the screen that the address names. */

import { whenSignInEnds } from "./core/api.js";
import { configure, finishSignIn, hasCredential, hosted } from "./core/auth.js";
import { draw, mount } from "./core/draw.js";
import { startLanguage, t } from "./core/i18n.js";
import { startInstall, takeUpdate } from "./core/install.js";
import { startLook } from "./core/look.js";
import { loadMe } from "./core/me.js";
import { sendAs, startOutbox, waiting, waitsForSignIn, whenSent, whenSentElsewhere } from "./core/outbox.js";
import { Problem, Unreachable } from "./core/problem.js";
import { loadGroups } from "./core/roster.js";
import { session as currentSession, reload as reloadSession, takeIn } from "./core/session.js";
import { icon } from "./parts/icons.js";
import { sheet } from "./parts/sheet.js";
import { clearFailure, say, sayWhy, toast } from "./parts/toast.js";
import { releaseSent } from "./parts/waiting.js";
import * as history from "./screens/history.js";
import * as register from "./screens/register.js";
import * as report from "./screens/report.js";
import * as rollCall from "./screens/roll-call.js";
import * as session from "./screens/session.js";
import * as settings from "./screens/settings.js";
import * as signIn from "./screens/sign-in.js";
import { html, nothing } from "./vendor/lit-html/lit-html.js";

const CONFIG = "muster.config";
/** Begin of the address that a QR code leads to. */
const TOKEN = "#/token/";

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
  settings: { page: settings.settings, enter: settings.enter, tab: "settings", title: "settings.title" },
  "sign-in": { page: signIn.signIn, tab: null, title: "signIn.title" },
};

const TABS = [
  { tab: "roll", href: "#/", sign: "camera", label: "roll.title" },
  { tab: "register", href: "#/register", sign: "addPerson", label: "register.tab" },
  { tab: "history", href: "#/history", sign: "history", label: "history.title" },
  { tab: "settings", href: "#/settings", sign: "gear", label: "settings.tab" },
];

let screen = SCREENS[""];
let ready = false;

function page() {
  return html`<a class="skip" href="#main" @click=${skip}>${t("shell.skip")}</a>
    ${banner()}
    <main id="main" tabindex="-1">${ready ? screen.page() : html`<p class="muted">${t("state.loading")}</p>`}</main>
    ${screen.tab === null ? nothing : tabs()} ${toast()} ${sheet()}`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

function banner() {
  const count = waiting().filter((item) => item.state === "waiting").length;
  const refused = waiting().length - count;
  if (waitsForSignIn() && screen.tab !== null && count > 0) {
    return html`<a class="banner warn" href="#/sign-in">${t("shell.signIn", { count })}</a>`;
  }
  if (!navigator.onLine) {
    return html`<a class="banner warn" href="#/settings">
      ${icon("cloudOff")}${count > 0 ? t("shell.offlineWaiting", { count }) : t("shell.offline")}
    </a>`;
  }
  if (count > 0) return html`<a class="banner" href="#/settings">${icon("wait")}${t("shell.waiting", { count })}</a>`;
  // The screens of the roll call and of registering show what was refused themselves.
  if (refused === 0 || ["roll", "register"].includes(screen.tab)) return nothing;
  return html`<a class="banner warn" href="#/settings">${icon("question")}${t("shell.refused", { count: refused })}</a>`;
}

function tabs() {
  return html`<nav class="tabs" aria-label=${t("shell.tabs")}>
    ${TABS.map(
      ({ tab, href, sign, label }) =>
        html`<a href=${href} aria-current=${tab === screen.tab ? "page" : nothing}>${icon(sign)}<span>${t(label)}</span></a>`,
    )}
  </nav>`;
}

async function show() {
  // The start shows what the address names once it knows who uses the page.
  if (!ready) return;
  const [, name = "", argument = ""] = location.hash.split("/");
  if (name === "token") {
    // The address is another afterwards, and says which screen comes.
    await signIn.takeToken(argument).catch(failed);
    await show();
    return;
  }
  clearFailure();
  screen.exit?.();
  screen = SCREENS[name] ?? SCREENS[""];
  document.title = `${t(screen.title)} – Muster`;
  draw();
  scrollTo(0, 0);
  // After the drawing: whoever cannot see the page hears what it is now.
  requestAnimationFrame(() =>
    requestAnimationFrame(() => document.querySelector("h1")?.focus({ preventScroll: true })),
  );
  await screen.enter?.(argument).catch(sayWhy);
  draw();
}

/** Find out who uses the page, and read what they see. */
async function begin() {
  const user = await loadMe();
  sendAs(user);
  await loadGroups();
}

function failed(error) {
  if (error instanceof Problem && error.status === 401) {
    sendAs(null);
    // A token that was just scanned is about to be tried.
    if (!location.hash.startsWith(TOKEN)) location.hash = "#/sign-in";
  } else {
    sayWhy(error);
  }
}

async function readConfig() {
  try {
    const response = await fetch("/config.json", { cache: "no-store" });
    const config = await response.json();
    localStorage.setItem(CONFIG, JSON.stringify(config));
    return config;
  } catch {
    // Without a network the page starts with what it was told the last time.
    return JSON.parse(localStorage.getItem(CONFIG) ?? "{}");
  }
}

async function start() {
  startLook();
  await startLanguage();
  mount(document.getElementById("app"), page);
  addEventListener("hashchange", () => void show());
  addEventListener("online", draw);
  addEventListener("offline", draw);
  whenSignInEnds(() => failed(new Problem(401, "sign_in_required", "")));
  whenSent((item, answer) => {
    clearFailure();
    releaseSent(waiting());
    void takeIn(item, answer);
    register.registered(item, answer);
    if (screen === SCREENS[""]) void screen.enter();
  });
  whenSentElsewhere((sessionId) => sessionId !== null && currentSession()?.id === sessionId && void reloadSession());
  signIn.whenSignedIn(begin);
  startInstall(() => say(t("shell.update"), { action: { label: t("shell.updateNow"), run: () => void takeUpdate() } }));
  configure(await readConfig());
  await startOutbox();
  try {
    await finishSignIn();
    if (hosted() && !hasCredential()) failed(new Problem(401, "sign_in_required", ""));
    else if (!location.hash.startsWith(TOKEN)) await begin();
  } catch (error) {
    if (error instanceof Unreachable) await loadGroups();
    failed(error);
  }
  ready = true;
  await show();
}

void start();
