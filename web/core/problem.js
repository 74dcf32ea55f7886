/** Errors of requests. */

/** A problem document: the server refused the request (RFC 9457). */
export class Problem extends Error {
  /**
   * @param {number} status HTTP status.
   * @param {string} code stable error code; the catalogues translate it.
   * @param {string} detail the server's message, in English.
   * @param {number | null} retryAfter seconds, if the server sent `Retry-After`.
   */
  constructor(status, code, detail, retryAfter = null) {
    super(detail);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later, unchanged. */
  get retryable() {
    return this.status >= 500 || this.status === 429 || this.code === "request_under_way";
  }
}

/** The server could not be reached: no network, or the server is down. */
export class Unreachable extends Error {}

const CODES = { 401: "sign_in_required", 413: "image_too_large", 429: "too_many_requests" };

/**
 * Parse an error response, including those that a gateway or proxy writes in its own format.
 * @param {number} status
 * @param {string} body
 * @param {string | null} retryAfter value of the header.
 * @returns {Problem}
 */
export function problemOf(status, body, retryAfter = null) {
  const document = jsonOrNull(body);
  const code = document?.code ?? CODES[status] ?? (status >= 500 ? "internal_error" : "failed");
  const seconds = Number.parseInt(retryAfter ?? "", 10);
  return new Problem(status, code, document?.detail ?? document?.message ?? "", Number.isNaN(seconds) ? null : seconds);
}

/** @param {string} text @returns {any} the parsed JSON; null if it is not JSON. */
export function jsonOrNull(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
