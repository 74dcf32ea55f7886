/** What the phone keeps: photos that wait to be sent, and what was last read, for the time without a network. */

import { openDB } from "../vendor/idb.js";

const NAME = "muster";
const VERSION = 1;

/** Photos that wait, by id; each leaves when the server has it. */
export const OUTBOX = "outbox";
/** Answers last read from the server, by path. */
export const READ = "read";

let opening = null;

/** @returns {Promise<import("../vendor/idb.js").IDBPDatabase>} the one open database. */
export function database() {
  opening ??= openDB(NAME, VERSION, {
    upgrade(made) {
      made.createObjectStore(OUTBOX, { keyPath: "id" });
      made.createObjectStore(READ);
    },
    blocking(_current, _blocked, event) {
      // Another tab brings a newer version: let it, and open again when asked next.
      event.target.close();
      opening = null;
    },
    terminated() {
      opening = null;
    },
  }).catch((error) => {
    opening = null;
    throw error;
  });
  return opening;
}
