/** The signed-in user. */

import { cached, get } from "./api.js";
import { resetOnSignOut } from "./sign-out.js";

/**
 * @typedef {object} User the response of `/v1/me`.
 * @property {string} user_id
 * @property {string} role
 * @property {string | null} name
 * @property {boolean} uploads whether large photos can be sent through the store.
 * @property {boolean} [manages_users] whether the API has the users; otherwise the command line manages accounts.
 * @property {number} max_photos per roll call.
 * @property {number} max_photo_bytes of one photo in a direct request.
 * @property {string | null} consent_wording version of the text that students agree to.
 * @property {string | null} time_zone
 * @property {string | null} pack
 * @property {boolean} [substitutes] whether codes for substitutes can be made.
 * @property {string | null} [access_ends_at] when a substitute's access ends; null for everybody else.
 */

/** @type {User} used until the server has answered. */
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

/** @returns {User} */
export function me() {
  return known;
}

/** Whether the user is a substitute, who keeps the registers of one day only. */
export function isSubstitute() {
  return Boolean(known.access_ends_at);
}

/** Load the user; without a network, the cached one. */
export async function loadMe() {
  known = await cached("/v1/me", () => get("/v1/me"));
  return known;
}

resetOnSignOut(() => {
  known = UNKNOWN;
});
