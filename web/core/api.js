/** Authenticated requests to the server. Every failure is a `Problem` or `Unreachable`. */

import { apiPath, bearer, hosted, renew } from "./auth.js";
import { CACHE, database } from "./database.js";
import { jsonOrNull, Problem, problemOf, Unreachable } from "./problem.js";
import { resetOnSignOut } from "./sign-out.js";

/** Milliseconds after which a request without a photo times out. */
const REQUEST_TIMEOUT = 20_000;
/** Milliseconds for a photo: a slow network needs a minute to send it, and the server some seconds to read it. */
const UPLOAD_TIMEOUT = 180_000;

/** @type {() => void} */
let onSignInEnded = () => undefined;

/** @param {() => void} listener called when the server no longer accepts the sign-in. */
export function onSignInEnd(listener) {
  onSignInEnded = listener;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {{json?: unknown, headers?: Record<string, string>}} options
 * @returns {Promise<Response>} a successful response.
 */
export async function send(method, path, { json, headers = {} } = {}) {
  return await withAuthorization((authorization) =>
    request(method, apiPath(path), { json, headers: { ...headers, ...authorization } }),
  );
}

/** Send a substitute's code, which needs no sign-in. @param {string} path @param {unknown} json @returns {Promise<any>} */
export async function sendAsSubstitute(path, json) {
  return await (await request("POST", apiPath(path, true), { json, headers: {} })).json();
}

async function request(method, path, { json, headers }) {
  const body = json === undefined ? undefined : JSON.stringify(json);
  const typed = json === undefined ? headers : { ...headers, "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(path, {
      method,
      body,
      headers: typed,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT),
      cache: "no-store",
    });
  } catch (error) {
    throw new Unreachable("The server could not be reached.", { cause: error });
  }
  if (!response.ok) throw problemOf(response.status, await response.text(), response.headers.get("Retry-After"));
  return response;
}

/** @param {string} path @returns {Promise<any>} the JSON of a successful response. */
export async function get(path) {
  return await (await send("GET", path)).json();
}

/** @param {string} path @returns {Promise<{document: any, etag: string | null}>} a document and its version. */
export async function getVersioned(path) {
  const response = await send("GET", path);
  return { document: await response.json(), etag: response.headers.get("ETag") };
}

/** @param {string} path @returns {Promise<any[]>} the items of all pages of a list. */
export async function getAll(path) {
  const items = [];
  /** @type {string | null} */
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit: "500" });
    if (cursor) query.set("cursor", cursor);
    const page = await get(`${path}${path.includes("?") ? "&" : "?"}${query}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
}

/**
 * Read a value and cache it. Without a network, return the cached value.
 * @template T
 * @param {string} key
 * @param {() => Promise<T>} read
 * @returns {Promise<T>}
 */
export async function cached(key, read) {
  try {
    const value = await read();
    const store = await database().catch(() => null);
    await store?.put(CACHE, value, key).catch(() => undefined);
    return value;
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    const kept = await (await database()).get(CACHE, key);
    if (kept === undefined) throw error;
    return kept;
  }
}

// Students' names must not stay on a phone after sign-out.
resetOnSignOut(async () => await (await database()).clear(CACHE));

/**
 * Send a form with a photo.
 * @param {string} url
 * @param {FormData} form
 * @param {{method?: string, headers?: Record<string, string>, authenticate?: boolean, onProgress?: (share: number) => void}} options
 *   `authenticate`: false for a store whose form fields are the permission. `onProgress`: called with the fraction
 *   sent, 0 to 1.
 * @returns {Promise<any>} the JSON of the response; null if it has none.
 */
export async function sendForm(
  url,
  form,
  { method = "POST", headers = {}, authenticate = true, onProgress = () => undefined } = {},
) {
  const address = authenticate ? apiPath(url) : url;
  const sent = (authorization) => transfer(method, address, form, { ...headers, ...authorization }, onProgress);
  return authenticate ? await withAuthorization(sent) : await sent({});
}

// Renews the sign-in once if the server answers 401.
async function withAuthorization(work) {
  const token = await bearer().catch((error) => {
    if (error instanceof Problem) onSignInEnded();
    throw error;
  });
  try {
    return await work(token === null ? {} : { Authorization: `Bearer ${token}` });
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    try {
      if (!hosted()) throw error;
      return await work({ Authorization: `Bearer ${await renew(token)}` });
    } catch (second) {
      if (second instanceof Problem && second.status === 401) onSignInEnded();
      throw second;
    }
  }
}

// `fetch` reports no upload progress.
function transfer(method, url, form, headers, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.timeout = UPLOAD_TIMEOUT;
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(jsonOrNull(request.responseText));
      else reject(problemOf(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    };
    const fail = () => reject(new Unreachable("The server could not be reached."));
    request.onerror = fail;
    request.ontimeout = fail;
    request.onabort = fail;
    request.send(form);
  });
}
