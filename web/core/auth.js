/**
 * Sign-in: with a token on a local server, or through hosted pages (authorization code with PKCE, RFC 7636) in the
 * cloud. Credentials are stored in local storage so that photos can still be sent after the page was closed.
 *
 * In the cloud the API gets the ID token: unlike the access token it has the user's name and address, and the roles that
 * the school's own sign-in gives. Its audience is this client, whose only API this is.
 */

import { Problem, Unreachable } from "./problem.js";
import { randomId } from "./random.js";

const TOKEN = "muster.token";
const SESSION = "muster.session";
const SUBSTITUTE = "muster.substitute";
const PENDING = "muster.sign-in";
/** Hash of the screen that links to the hosted pages. */
const SIGN_IN_HASH = "#/sign-in";
/** Seconds before its expiry at which an access token is renewed. */
const RENEW_EARLY = 60;

/**
 * @typedef {object} Config the server's `config.json`.
 * @property {string} stage
 * @property {string | null} sign_in address of the hosted sign-in pages; null on a local server.
 * @property {string | null} client_id
 * @property {string | null} [substitutes] prefix of the API's paths for substitutes; null if the stage has none.
 *
 * @typedef {object} SubstituteAccess what a substitute's code was exchanged for.
 * @property {string} token
 * @property {string} name
 * @property {string} expires_at
 */

/** @type {Config} */
let config = { stage: "local", sign_in: null, client_id: null, substitutes: null };

/** @param {Partial<Config>} read */
export function configure(read) {
  config = { ...config, ...read };
}

/** Whether people sign in through the hosted pages. */
export function hosted() {
  return Boolean(config.sign_in);
}

/** @param {string} token of a local server's user. */
export function keepToken(token) {
  dropSubstitute();
  localStorage.setItem(TOKEN, token.trim());
}

/** Delete a token that the server does not know. */
export function dropToken() {
  localStorage.removeItem(TOKEN);
}

/** Whether substitutes can sign in with a code. */
export function takesCodes() {
  return !hosted() || Boolean(config.substitutes);
}

/** @returns {SubstituteAccess | null} the access of the substitute who is signed in here. */
export function substituteAccess() {
  const kept = localStorage.getItem(SUBSTITUTE);
  return kept === null ? null : JSON.parse(kept);
}

/** Sign a substitute in, instead of the user before. @param {SubstituteAccess} access */
export function keepSubstitute({ token, name, expires_at }) {
  localStorage.removeItem(TOKEN);
  localStorage.removeItem(SESSION);
  localStorage.setItem(SUBSTITUTE, JSON.stringify({ token, name, expires_at }));
}

/** Delete the access of a substitute. */
export function dropSubstitute() {
  localStorage.removeItem(SUBSTITUTE);
}

/**
 * @param {string} path on the server.
 * @param {boolean} [asSubstitute]
 * @returns {string} where the requests of the signed-in user go: in the cloud, those of substitutes have an API of their
 *   own.
 */
export function apiPath(path, asSubstitute = substituteAccess() !== null) {
  return hosted() && asSubstitute && path.startsWith("/") ? `${config.substitutes ?? ""}${path}` : path;
}

/** Whether credentials are stored. */
export function hasCredential() {
  if (substituteAccess() !== null) return true;
  return localStorage.getItem(hosted() ? SESSION : TOKEN) !== null;
}

/**
 * @returns {Promise<string | null>} the bearer token; null on a local server without users.
 * @throws {Problem} the sign-in has expired.
 * @throws {Unreachable} the token must be renewed and the sign-in pages could not be reached.
 */
export async function bearer() {
  const access = substituteAccess();
  if (access !== null) return access.token;
  if (!hosted()) return localStorage.getItem(TOKEN);
  const session = readSession();
  if (session === null) throw signInRequired();
  if (session.expires_at - RENEW_EARLY > Date.now() / 1000) return tokenOf(session);
  return await renew(tokenOf(session));
}

/**
 * Replace a token that was refused or is about to expire. Concurrent callers share one renewal.
 * @param {string | null} refused
 * @returns {Promise<string>}
 * @throws {Problem} the sign-in has expired.
 * @throws {Unreachable} the sign-in pages could not be reached.
 */
export async function renew(refused) {
  if (!hosted() || substituteAccess() !== null) throw signInRequired();
  return await withRenewLock(async () => {
    const session = readSession();
    if (session === null) throw signInRequired();
    if (tokenOf(session) !== refused) return tokenOf(session);
    const answer = await requestTokens({ grant_type: "refresh_token", refresh_token: session.refresh_token });
    return keepSession({ refresh_token: session.refresh_token, ...answer });
  });
}

/** Go to the hosted sign-in pages, which return to this address. */
export async function goToSignIn() {
  const hash = location.hash.startsWith(SIGN_IN_HASH) ? "" : location.hash;
  const pending = { state: randomId(), verifier: randomId() + randomId(), hash };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: config.client_id ?? "",
    redirect_uri: home(),
    scope: "openid email profile",
    state: pending.state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  });
  location.assign(`${config.sign_in}/oauth2/authorize?${query}`);
}

/** Complete a sign-in if the hosted pages have just returned, and remove their parameters from the address. */
export async function finishSignIn() {
  const query = new URLSearchParams(location.search);
  const kept = sessionStorage.getItem(PENDING);
  if (!query.has("state") || kept === null) return;
  sessionStorage.removeItem(PENDING);
  const pending = JSON.parse(kept);
  history.replaceState(null, "", `${location.pathname}${pending.hash}`);
  const code = query.get("code");
  if (code === null || query.get("state") !== pending.state) throw signInRequired();
  keepSession(
    await requestTokens({
      grant_type: "authorization_code",
      code,
      redirect_uri: home(),
      code_verifier: pending.verifier,
    }),
  );
}

/** Delete the stored credentials and, in the cloud, end the session of the hosted pages. */
export async function signOut() {
  if (substituteAccess() !== null) {
    dropSubstitute();
    return;
  }
  const session = readSession();
  localStorage.removeItem(TOKEN);
  localStorage.removeItem(SESSION);
  if (!hosted()) return;
  if (session?.refresh_token) {
    const body = new URLSearchParams({ token: session.refresh_token, client_id: config.client_id ?? "" });
    // Without a network the token stays valid until it expires.
    await fetch(`${config.sign_in}/oauth2/revoke`, { method: "POST", body }).catch(() => undefined);
  }
  location.assign(
    `${config.sign_in}/logout?${new URLSearchParams({ client_id: config.client_id ?? "", logout_uri: home() })}`,
  );
}

/** @param {Record<string, string>} fields @returns {Promise<any>} */
async function requestTokens(fields) {
  const body = new URLSearchParams({ client_id: config.client_id ?? "", ...fields });
  let response;
  try {
    response = await fetch(`${config.sign_in}/oauth2/token`, { method: "POST", body });
  } catch (error) {
    throw new Unreachable("The sign-in pages could not be reached.", { cause: error });
  }
  if (response.status >= 500) throw new Unreachable("The sign-in pages do not answer.");
  if (!response.ok) {
    localStorage.removeItem(SESSION);
    throw signInRequired();
  }
  return await response.json();
}

function keepSession({ id_token, access_token, refresh_token, expires_in }) {
  const session = { id_token, access_token, refresh_token, expires_at: Date.now() / 1000 + expires_in };
  localStorage.setItem(SESSION, JSON.stringify(session));
  return tokenOf(session);
}

// Sessions of earlier versions have an access token only, until it is renewed.
function tokenOf({ id_token, access_token }) {
  return id_token ?? access_token;
}

function readSession() {
  const kept = localStorage.getItem(SESSION);
  return kept === null ? null : JSON.parse(kept);
}

function signInRequired() {
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

// One renewal at a time across all tabs, if the browser supports locks.
async function withRenewLock(work) {
  return navigator.locks ? await navigator.locks.request("muster.renew", work) : await work();
}
