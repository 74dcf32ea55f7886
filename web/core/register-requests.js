/** Requests about registers that may have waited on the phone, other than photos and marks. */

import { send } from "./api.js";

/**
 * Add a guest; sent twice, the same guest is added once.
 * @param {any} item of the outbox; its id is the idempotency key.
 * @returns {Promise<any>} the guest.
 */
export async function sendGuest({ id, session, guest }) {
  const options = { json: guest, headers: { "Idempotency-Key": id } };
  return await (await send("POST", `/v1/sessions/${encodeURIComponent(session.id)}/guests`, options)).json();
}

/**
 * Close a register. Questions that a photo brought since then refuse it, unless `unanswered` says what they become.
 * @param {any} item of the outbox.
 * @returns {Promise<any>} the roll call.
 */
export async function sendClosing({ session, unanswered = null }) {
  const json = { unanswered };
  return await (await send("POST", `/v1/sessions/${encodeURIComponent(session.id)}/closing`, { json })).json();
}
