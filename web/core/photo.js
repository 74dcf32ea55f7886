/** Photos made ready to send: upright, no larger than recognition needs, and without the place they were taken at. */

import { captureTime, withCaptureTime } from "./exif.js";

/** Longest side in pixels that is sent (benchmarks/vision/photo_size.py). */
export const LONGEST_SIDE = 4096;
/** Quality of the JPEG, 0 to 1 (benchmarks/vision/photo_size.py). */
const QUALITY = 0.85;
/** What is tried in turn where a photo is still larger than the server takes. */
const SMALLER = [0.75, 0.65];

/**
 * Make a photo ready to send.
 * @param {Blob} file as the camera or the gallery gave it.
 * @param {number} mostBytes of one photo.
 * @returns {Promise<Blob>} a JPEG that says when it was taken and nothing else; the file itself where this browser cannot read it (HEIC), which the
 *   server then turns upright itself.
 */
export async function prepared(file, mostBytes = Infinity) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file;
  }
  try {
    const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    const context = canvas.getContext("2d", { alpha: false });
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    let blob = await jpeg(canvas, QUALITY);
    for (const quality of SMALLER) {
      if (blob.size <= mostBytes) break;
      blob = await jpeg(canvas, quality);
    }
    // iOS counts the memory of canvases until they are emptied.
    canvas.width = canvas.height = 0;
    return withCaptureTime(blob, await captureTime(file));
  } finally {
    bitmap.close();
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} quality 0 to 1.
 * @returns {Promise<Blob>} its picture as JPEG.
 */
export function jpeg(canvas, quality = 0.92) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", quality);
  });
}
