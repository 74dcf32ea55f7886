/** Pictures of a roll call: from memory for photos just taken here, otherwise from the server. */

import { send } from "./api.js";
import { resetOnSignOut } from "./sign-out.js";

/** Milliseconds until the URL of a picture that is no longer shown is revoked. */
const REVOKE_DELAY = 1_000;

/** @type {Map<string, {url: string, bitmap: ImageBitmap | null}>} photos taken here, by the photo's id. */
const own = new Map();
/** @type {Map<string, Promise<string>>} addresses of pictures that came from the server, by path. */
const fetched = new Map();

/** Keep a sent photo in memory while its roll call is open. @param {string} photoId @param {Blob} blob */
export async function keepOwnPhoto(photoId, blob) {
  if (own.has(photoId)) return;
  const bitmap = await createImageBitmap(blob).catch(() => null);
  own.set(photoId, { url: URL.createObjectURL(blob), bitmap });
}

/** @param {string} photoId @returns {{url: string, bitmap: ImageBitmap | null} | null} a photo taken here. */
export function ownPhoto(photoId) {
  return own.get(photoId) ?? null;
}

// An image whose `src` was just set still reads the URL.
function revokeLater(url) {
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_DELAY);
}

/** Free all photos and pictures. */
export function releasePictures() {
  for (const { url, bitmap } of own.values()) {
    revokeLater(url);
    bitmap?.close();
  }
  own.clear();
  for (const address of fetched.values()) address.then(revokeLater).catch(() => undefined);
  fetched.clear();
}

resetOnSignOut(releasePictures);

/**
 * @param {string} path of a picture on the server; it needs authentication, which an `img` does not send.
 * @returns {Promise<string>} a URL for an `img`.
 */
export function picture(path) {
  let address = fetched.get(path);
  if (address === undefined) {
    address = send("GET", path).then(async (response) => URL.createObjectURL(await response.blob()));
    address.catch(() => fetched.delete(path));
    fetched.set(path, address);
  }
  return address;
}
