/** Preparation of photos before sending: upright, no larger than recognition needs, without location data. */

import { captureTime, withCaptureTime } from "./exif.js";

/** Longest side in pixels (benchmarks/vision/photo_size.py). */
export const MAX_SIDE = 4096;
/** JPEG quality, 0 to 1 (benchmarks/vision/photo_size.py). */
const QUALITY = 0.85;
/** Qualities to try in turn while the photo exceeds the server's limit. */
const SMALLER = [0.75, 0.65];

/**
 * Prepare a photo for sending.
 * @param {Blob} file from the camera or the gallery.
 * @param {number} maxBytes of one photo.
 * @returns {Promise<Blob>} a JPEG whose only metadata is its capture time; the unchanged file if this browser cannot
 *   decode it (HEIC), which the server then turns upright.
 */
export async function preparePhoto(file, maxBytes = Infinity) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file;
  }
  try {
    const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    let blob = await jpeg(canvas, QUALITY);
    for (const quality of SMALLER) {
      if (blob.size <= maxBytes) break;
      blob = await jpeg(canvas, quality);
    }
    // iOS keeps a canvas's memory until it is resized to zero.
    canvas.width = canvas.height = 0;
    return withCaptureTime(blob, await captureTime(file));
  } finally {
    bitmap.close();
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} quality 0 to 1.
 * @returns {Promise<Blob>} the canvas as JPEG.
 */
export function jpeg(canvas, quality = 0.92) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", quality);
  });
}
