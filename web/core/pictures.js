/** Pictures of this roll call: of photos just taken from the phone's memory, of others from the server. */

import { send } from "./api.js";

/** Milliseconds after which the address of a picture that is no longer shown ends. */
const REVOKED_AFTER = 1_000;

/** @type {Map<string, {url: string, bitmap: ImageBitmap | null}>} photos taken here, by the photo's id. */
const own = new Map();
/** @type {Map<string, Promise<string>>} addresses of pictures that came from the server, by path. */
const fetched = new Map();

/** Keep the photo that was sent for as long as it is looked at. @param {string} photoId @param {Blob} blob */
export async function keepOwn(photoId, blob) {
  if (own.has(photoId)) return;
  const bitmap = await createImageBitmap(blob).catch(() => null);
  own.set(photoId, { url: URL.createObjectURL(blob), bitmap });
}

/** @returns {{url: string, bitmap: ImageBitmap | null} | null} a photo that was taken here. */
export function ownPhoto(photoId) {
  return own.get(photoId) ?? null;
}

// An image that was given the address a moment ago still reads it.
function revokeLater(url) {
  setTimeout(() => URL.revokeObjectURL(url), REVOKED_AFTER);
}

/** Let go of all photos and pictures. */
export function forgetPictures() {
  for (const { url, bitmap } of own.values()) {
    revokeLater(url);
    bitmap?.close();
  }
  own.clear();
  for (const address of fetched.values()) address.then(revokeLater).catch(() => undefined);
  fetched.clear();
}

/**
 * @param {string} path of a picture on the server, which wants the sign-in that an `img` does not send.
 * @returns {Promise<string>} an address that an `img` can show.
 */
export function picture(path) {
  if (!fetched.has(path)) {
    const address = send("GET", path).then(async (response) => URL.createObjectURL(await response.blob()));
    address.catch(() => fetched.delete(path));
    fetched.set(path, address);
  }
  return fetched.get(path);
}
