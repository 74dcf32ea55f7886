/** Requests to the server, each signed and each failure a `Problem` or `Unreachable`. */

import { bearer, hosted, renew } from "./auth.js";
import { database, READ } from "./database.js";
import { Problem, problemOf, Unreachable } from "./problem.js";

/** Milliseconds after which a request without a photo counts as not answered. */
const PATIENCE = 20_000;
/** Milliseconds for a photo: a slow network needs a minute for it, and the server some seconds. */
const PHOTO_PATIENCE = 180_000;

let onSignInEnded = () => undefined;

/** @param {() => void} listener called when the server no longer takes what requests are signed with. */
export function whenSignInEnds(listener) {
  onSignInEnded = listener;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {{json?: unknown, headers?: Record<string, string>}} options
 * @returns {Promise<Response>} an answer of success.
 */
export async function send(method, path, { json, headers = {} } = {}) {
  const body = json === undefined ? undefined : JSON.stringify(json);
  const typed = json === undefined ? headers : { ...headers, "Content-Type": "application/json" };
  return await signed(async (authorization) => {
    let response;
    try {
      response = await fetch(path, {
        method,
        body,
        headers: { ...typed, ...authorization },
        signal: AbortSignal.timeout(PATIENCE),
        cache: "no-store",
      });
    } catch (error) {
      throw new Unreachable("The server is not reached.", { cause: error });
    }
    if (!response.ok) throw problemOf(response.status, await response.text(), response.headers.get("Retry-After"));
    return response;
  });
}

/** @returns {Promise<any>} the JSON of an answer of success. */
export async function get(path) {
  return await (await send("GET", path)).json();
}

/** @returns {Promise<{document: any, etag: string | null}>} the document with the version to change it by. */
export async function getVersioned(path) {
  const response = await send("GET", path);
  return { document: await response.json(), etag: response.headers.get("ETag") };
}

/** @returns {Promise<any[]>} the items of all pages of a list. */
export async function getAll(path) {
  const items = [];
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit: "500", ...(cursor ? { cursor } : {}) });
    const page = await get(`${path}${path.includes("?") ? "&" : "?"}${query}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
}

/**
 * Read, and keep what was read; without a network, what was read last.
 * @template T
 * @param {string} key
 * @param {() => Promise<T>} read
 * @returns {Promise<T>}
 */
export async function remembered(key, read) {
  try {
    const value = await read();
    const store = await database().catch(() => null);
    await store?.put(READ, value, key).catch(() => undefined);
    return value;
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    const kept = await (await database()).get(READ, key);
    if (kept === undefined) throw error;
    return kept;
  }
}

/** Forget everything that was read: names of students do not stay on a phone that signed out. */
export async function forgetRead() {
  await (await database()).clear(READ);
}

/**
 * Send a form with a photo.
 * @param {string} url
 * @param {FormData} form
 * @param {{headers?: Record<string, string>, sign?: boolean, onProgress?: (share: number) => void}} options
 *   `sign`: false for a store that takes the form by its own fields.
 * @returns {Promise<any>} the JSON answer; null where there is none.
 */
export async function sendForm(url, form, { headers = {}, sign = true, onProgress = () => undefined } = {}) {
  const once = (authorization) => transfer(url, form, { ...headers, ...authorization }, onProgress);
  return sign ? await signed(once) : await once({});
}

/** Run a request with the sign-in; renew it once where the server says that it ended. */
async function signed(request) {
  const token = await bearer().catch((error) => {
    if (error instanceof Problem) onSignInEnded();
    throw error;
  });
  try {
    return await request(token === null ? {} : { Authorization: `Bearer ${token}` });
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    try {
      if (!hosted()) throw error;
      return await request({ Authorization: `Bearer ${await renew(token)}` });
    } catch (again) {
      if (again instanceof Problem && again.status === 401) onSignInEnded();
      throw again;
    }
  }
}

// `fetch` tells nothing of how far an upload is.
function transfer(url, form, headers, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.timeout = PHOTO_PATIENCE;
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(parsed(request.responseText));
      else reject(problemOf(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    };
    const lost = () => reject(new Unreachable("The server is not reached."));
    request.onerror = lost;
    request.ontimeout = lost;
    request.onabort = lost;
    request.send(form);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
