/** Upload of a photo above the gateway's size limit: directly to the store, then polling for the result. */

import { get, send, sendForm } from "./api.js";
import { Problem, Unreachable } from "./problem.js";

/** Milliseconds between polls, and how many to make before retrying later. */
const POLL_INTERVAL = 1_500;
const MAX_POLLS = 80;

/**
 * @param {import("./outbox.js").Item} item
 * @param {(share: number) => void} onProgress
 * @param {(uploadId: string) => Promise<void>} onUploaded stores the upload's id, so that a reopened page polls for its
 *   result instead of sending the photo again.
 * @returns {Promise<any>} the response that a direct request would have had.
 */
export async function uploadThroughStore(item, onProgress, onUploaded) {
  if (item.uploadId) {
    try {
      return await pollResult(item.uploadId);
    } catch (error) {
      // The photo never arrived, or the upload expired: start again.
      const isLost = error instanceof Unreachable || (error instanceof Problem && error.code === "upload_not_found");
      if (!isLost) throw error;
    }
  }
  const response = await send("POST", "/v1/uploads", { json: uploadRequest(item) });
  const permit = await response.json();
  const form = new FormData();
  for (const [name, value] of Object.entries(permit.fields)) form.append(name, value);
  form.append("file", item.blob);
  await sendForm(permit.url, form, { authenticate: false, onProgress });
  await onUploaded(permit.upload_id);
  return await pollResult(permit.upload_id);
}

function uploadRequest(item) {
  const file = { kind: item.kind, content_type: item.blob.type || "image/heic", size: item.blob.size };
  if (item.kind === "detect") {
    return { ...file, group_id: item.groupId, session_id: item.session.id, use_anyway: item.useAnyway === true };
  }
  if (item.kind === "replace") {
    const { id, version, allowLookalike } = item.student;
    return { ...file, student_id: id, version, allow_lookalike: allowLookalike };
  }
  return {
    ...file,
    student_id: item.student.id,
    name: item.student.name,
    group_ids: [item.groupId],
    consent: true,
    renew_consent: item.student.renewConsent ?? false,
    allow_lookalike: item.student.allowLookalike,
  };
}

async function pollResult(uploadId) {
  for (let poll = 0; poll < MAX_POLLS; poll += 1) {
    const upload = await get(`/v1/uploads/${uploadId}`);
    if (upload.problem) throw new Problem(upload.problem.status, upload.problem.code, upload.problem.detail);
    if (upload.answer) return upload.answer;
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL));
  }
  throw new Unreachable("The photo has not been read yet.");
}
