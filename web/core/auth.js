/**
 * Who signed in: by a token on one machine, by the hosted pages (authorization code with PKCE, RFC 7636) in the cloud.
 * What is kept lies in this origin's local storage, so that photos can still be sent after the page was closed.
 */

import { Problem, Unreachable } from "./problem.js";
import { randomId } from "./random.js";

const TOKEN = "muster.token";
const SESSION = "muster.session";
const PENDING = "muster.sign-in";
/** Begin of the address of the page that leads to the hosted ones. */
const HERE = "#/sign-in";
/** Seconds before its end at which an access token is renewed. */
const EARLY = 60;

let config = { stage: "local", sign_in: null, client_id: null };

/** @param {{stage: string, sign_in: string | null, client_id: string | null}} read the server's `config.json`. */
export function configure(read) {
  config = { ...config, ...read };
}

/** Whether the hosted pages sign people in. */
export function hosted() {
  return Boolean(config.sign_in);
}

/** @param {string} token of one machine's user. */
export function keepToken(token) {
  localStorage.setItem(TOKEN, token.trim());
}

/** Forget the token of one machine's user, which the server does not know. */
export function dropToken() {
  localStorage.removeItem(TOKEN);
}

/** Whether something is kept that a request can be signed with. */
export function hasCredential() {
  return localStorage.getItem(hosted() ? SESSION : TOKEN) !== null;
}

/**
 * @returns {Promise<string | null>} what to send as bearer; null on a machine that asks for none.
 * @throws {Problem} the sign-in ended.
 * @throws {Unreachable} it must be renewed and the sign-in pages are not reached.
 */
export async function bearer() {
  if (!hosted()) return localStorage.getItem(TOKEN);
  const session = readSession();
  if (session === null) throw ended();
  if (session.expires_at - EARLY > Date.now() / 1000) return session.access_token;
  return await renew(session.access_token);
}

/**
 * Get another access token for one that was refused or is about to end. Many callers at once renew once.
 * @param {string | null} refused
 */
export async function renew(refused) {
  if (!hosted()) throw ended();
  return await exclusively(async () => {
    const session = readSession();
    if (session === null) throw ended();
    if (session.access_token !== refused) return session.access_token;
    const answer = await tokens({ grant_type: "refresh_token", refresh_token: session.refresh_token });
    return keepSession({ refresh_token: session.refresh_token, ...answer });
  });
}

/** Leave for the hosted sign-in pages; they come back to this address. */
export async function goToSignIn() {
  const hash = location.hash.startsWith(HERE) ? "" : location.hash;
  const pending = { state: randomId(), verifier: randomId() + randomId(), hash };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: config.client_id,
    redirect_uri: home(),
    scope: "openid email",
    state: pending.state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  });
  location.assign(`${config.sign_in}/oauth2/authorize?${query}`);
}

/** Take what the hosted pages came back with, if they did, and clear it from the address. */
export async function finishSignIn() {
  const query = new URLSearchParams(location.search);
  const kept = sessionStorage.getItem(PENDING);
  if (!query.has("state") || kept === null) return;
  sessionStorage.removeItem(PENDING);
  const pending = JSON.parse(kept);
  history.replaceState(null, "", `${location.pathname}${pending.hash}`);
  if (!query.has("code") || query.get("state") !== pending.state) throw ended();
  keepSession(
    await tokens({
      grant_type: "authorization_code",
      code: query.get("code"),
      redirect_uri: home(),
      code_verifier: pending.verifier,
    }),
  );
}

/** Forget the sign-in here and, in the cloud, end it there. */
export async function signOut() {
  const session = readSession();
  localStorage.removeItem(TOKEN);
  localStorage.removeItem(SESSION);
  if (!hosted()) return;
  if (session?.refresh_token) {
    const body = new URLSearchParams({ token: session.refresh_token, client_id: config.client_id });
    // Without a network the token lives on for its time; the pages' own sign-out below ends the rest.
    await fetch(`${config.sign_in}/oauth2/revoke`, { method: "POST", body }).catch(() => undefined);
  }
  location.assign(
    `${config.sign_in}/logout?${new URLSearchParams({ client_id: config.client_id, logout_uri: home() })}`,
  );
}

async function tokens(fields) {
  const body = new URLSearchParams({ client_id: config.client_id, ...fields });
  let response;
  try {
    response = await fetch(`${config.sign_in}/oauth2/token`, { method: "POST", body });
  } catch (error) {
    throw new Unreachable("The sign-in pages are not reached.", { cause: error });
  }
  if (response.status >= 500) throw new Unreachable("The sign-in pages do not answer.");
  if (!response.ok) {
    localStorage.removeItem(SESSION);
    throw ended();
  }
  return await response.json();
}

function keepSession({ access_token, refresh_token, expires_in }) {
  const session = { access_token, refresh_token, expires_at: Date.now() / 1000 + expires_in };
  localStorage.setItem(SESSION, JSON.stringify(session));
  return access_token;
}

function readSession() {
  const kept = localStorage.getItem(SESSION);
  return kept === null ? null : JSON.parse(kept);
}

function ended() {
  return new Problem(401, "sign_in_required", "");
}

function home() {
  return `${location.origin}/`;
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

/** Run one at a time over all tabs, where the browser can. */
async function exclusively(work) {
  return navigator.locks ? await navigator.locks.request("muster.renew", work) : await work();
}
