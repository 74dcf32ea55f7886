/** Unique identifiers. `crypto.randomUUID` exists in secure contexts only, and the page must also work without HTTPS. */

/** @returns {string} 128 random bits, as 32 hexadecimal digits. */
export function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
