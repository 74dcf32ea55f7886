/** Capture time in a photo's EXIF data: the server asks about photos from another day. Nothing else is read. */

/** Bytes at the start of a file within which cameras write EXIF data. */
const HEAD = 262_144;
const START = 0xffd8;
const APP1 = 0xffe1;
const SCAN = 0xffda;
/** Tags of EXIF 2.32: the Exif directory, and DateTimeOriginal and OffsetTimeOriginal within it. */
const EXIF_IFD = 0x8769;
const TIME = 0x9003;
const OFFSET = 0x9011;

/**
 * @typedef {{time: string, offset: string | null}} CaptureTime as written in EXIF, `2026:11:26 08:15:00` and `+01:00`.
 */

/**
 * @param {Blob} file
 * @returns {Promise<CaptureTime | null>} null if the file has no capture time.
 */
export async function captureTime(file) {
  try {
    const found = read(new DataView(await file.slice(0, HEAD).arrayBuffer()));
    const time = found?.time ?? "";
    return found && /^\d{4}:\d\d:\d\d \d\d:\d\d:\d\d$/.test(time) ? { time, offset: found.offset } : null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** @param {CaptureTime} taken @returns {string} noon of that day, as `2026-11-26T12:00:00`: the same day in every zone. */
export function dayTaken({ time }) {
  return `${time.slice(0, 10).replaceAll(":", "-")}T12:00:00`;
}

/**
 * @param {Blob} jpeg
 * @param {CaptureTime | null} taken
 * @returns {Blob} the JPEG with its capture time and no other metadata.
 */
export function withCaptureTime(jpeg, taken) {
  if (taken === null) return jpeg;
  return new Blob([jpeg.slice(0, 2), segment(taken), jpeg.slice(2)], { type: jpeg.type });
}

function read(view) {
  if (view.getUint16(0) !== START) return null;
  let at = 2;
  for (;;) {
    const marker = view.getUint16(at);
    if (marker === SCAN || marker >> 8 !== 0xff) return null;
    if (marker === APP1 && text(view, at + 4, 4) === "Exif") return readTiff(view, at + 10);
    at += 2 + view.getUint16(at + 2);
  }
}

function readTiff(view, start) {
  const little = text(view, start, 2) === "II";
  const directory = entries(view, start, view.getUint32(start + 4, little), little);
  const pointer = directory.get(EXIF_IFD);
  if (pointer === undefined) return null;
  const tags = entries(view, start, view.getUint32(pointer + 8, little), little);
  const value = (tag) => {
    const entry = tags.get(tag);
    if (entry === undefined) return null;
    const length = view.getUint32(entry + 4, little);
    const at = length <= 4 ? entry + 8 : start + view.getUint32(entry + 8, little);
    return text(view, at, Math.min(length, 32)).replace(/[\0 ]+$/, "");
  };
  const offset = value(OFFSET);
  return { time: value(TIME), offset: /^[+-]\d\d:\d\d$/.test(offset ?? "") ? offset : null };
}

/** @returns {Map<number, number>} offsets of a directory's entries by tag. */
function entries(view, start, offset, little) {
  const found = new Map();
  const count = view.getUint16(start + offset, little);
  for (let number = 0; number < count; number += 1) {
    const at = start + offset + 2 + 12 * number;
    found.set(view.getUint16(at, little), at);
  }
  return found;
}

function text(view, at, length) {
  let read = "";
  for (let place = 0; place < length; place += 1) read += String.fromCharCode(view.getUint8(at + place));
  return read;
}

// One APP1 segment: a directory that points to the Exif directory, which has the time and, if known, its offset.
function segment({ time, offset }) {
  /** @type {[tag: number, value: string][]} */
  const values = [[TIME, `${time}\0`]];
  if (offset !== null) values.push([OFFSET, `${offset}\0`]);
  const directory = 26;
  let data = directory + 2 + 12 * values.length + 4;
  const size = data + values.reduce((sum, [, value]) => sum + value.length, 0);
  const bytes = new Uint8Array(10 + size);
  const view = new DataView(bytes.buffer);
  const write = (at, value) => bytes.set(new TextEncoder().encode(value), at);
  view.setUint16(0, APP1);
  view.setUint16(2, 8 + size);
  write(4, "Exif\0\0");
  const tiff = 10;
  write(tiff, "MM\0*");
  view.setUint32(tiff + 4, 8);
  view.setUint16(tiff + 8, 1);
  entry(view, tiff + 10, EXIF_IFD, 4, 1, directory);
  view.setUint16(tiff + directory, values.length);
  values.forEach(([tag, value], number) => {
    entry(view, tiff + directory + 2 + 12 * number, tag, 2, value.length, data);
    write(tiff + data, value);
    data += value.length;
  });
  return bytes;
}

function entry(view, at, tag, type, count, value) {
  view.setUint16(at, tag);
  view.setUint16(at + 2, type);
  view.setUint32(at + 4, count);
  view.setUint32(at + 8, value);
}
