/** Failures as the page knows them. */

/** The server's answer to a request that it refused (RFC 9457). */
export class Problem extends Error {
  /**
   * @param {number} status of HTTP.
   * @param {string} code stable; the catalogues translate it.
   * @param {string} detail the server's own sentence.
   * @param {number | null} retryAfter seconds, if the server named them.
   */
  constructor(status, code, detail, retryAfter = null) {
    super(detail);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later without anybody changing it. */
  get passing() {
    return this.status >= 500 || this.status === 429 || this.code === "request_under_way";
  }
}

/** The server was not reached: no network, or the server is down. */
export class Unreachable extends Error {}

/**
 * Read a problem out of an answer, also out of one that a gateway or proxy wrote in its own form.
 * @param {number} status
 * @param {string} body
 * @param {string | null} retryAfter value of the header.
 */
export function problemOf(status, body, retryAfter = null) {
  let document = {};
  try {
    document = JSON.parse(body);
  } catch {
    document = {};
  }
  const known = { 401: "sign_in_required", 413: "image_too_large", 429: "too_many_requests" };
  const code = document?.code ?? known[status] ?? (status >= 500 ? "internal_error" : "failed");
  const seconds = Number.parseInt(retryAfter ?? "", 10);
  return new Problem(status, code, document?.detail ?? document?.message ?? "", Number.isNaN(seconds) ? null : seconds);
}
