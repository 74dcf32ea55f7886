/** Who uses the page, as the server knows them. */

import { get, remembered } from "./api.js";

/** What holds until the server has said otherwise. */
const UNKNOWN = {
  user_id: "",
  role: "teacher",
  name: null,
  uploads: false,
  max_photos: 10,
  max_photo_bytes: 25_000_000,
  consent_wording: null,
  time_zone: null,
  pack: null,
};

let known = UNKNOWN;

/** @returns {typeof UNKNOWN} */
export function me() {
  return known;
}

/** Ask the server; without a network, what it said last. */
export async function loadMe() {
  known = await remembered("/v1/me", () => get("/v1/me"));
  return known;
}

/** Forget them. */
export function forgetMe() {
  known = UNKNOWN;
}
