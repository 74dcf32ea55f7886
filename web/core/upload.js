/** A photo that is larger than the gateway takes: announced, sent to the store directly, its answer waited for. */

import { get, send, sendForm } from "./api.js";
import { Problem, Unreachable } from "./problem.js";

/** Milliseconds between two questions whether the photo has been read, and how many are asked before trying later. */
const PAUSE = 1_500;
const QUESTIONS = 80;

/**
 * @param {import("./outbox.js").Item} item
 * @param {(share: number) => void} onProgress
 * @param {(uploadId: string) => Promise<void>} begun keeps the upload, so that a page opened again asks for its answer
 *   and does not send the photo once more.
 * @returns {Promise<any>} the answer that the direct request would have had.
 */
export async function deliverByStore(item, onProgress, begun) {
  if (item.uploadId) {
    try {
      return await answerOf(item.uploadId);
    } catch (error) {
      // Announced, but the photo never arrived, or the upload expired: announce it again.
      if (!(error instanceof Unreachable) && error.code !== "upload_not_found") throw error;
    }
  }
  const response = await send("POST", "/v1/uploads", { json: announcement(item) });
  const permit = await response.json();
  const form = new FormData();
  for (const [name, value] of Object.entries(permit.fields)) form.append(name, value);
  form.append("file", item.blob);
  await sendForm(permit.url, form, { sign: false, onProgress });
  await begun(permit.upload_id);
  return await answerOf(permit.upload_id);
}

function announcement(item) {
  const file = { kind: item.kind, content_type: item.blob.type || "image/heic", size: item.blob.size };
  if (item.kind === "detect") {
    return { ...file, group_id: item.groupId, session_id: item.session.id, use_anyway: item.useAnyway === true };
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

async function answerOf(uploadId) {
  for (let asked = 0; asked < QUESTIONS; asked += 1) {
    const upload = await get(`/v1/uploads/${uploadId}`);
    if (upload.problem) throw new Problem(upload.problem.status, upload.problem.code, upload.problem.detail);
    if (upload.answer) return upload.answer;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  throw new Unreachable("The photo has not been read yet.");
}
