/** The phone's database: photos waiting to be sent, and cached responses for use without a network. */

import { openDB } from "../vendor/idb.js";

const NAME = "muster";
const VERSION = 1;

/** Photos waiting to be sent, by id. Each is deleted once the server has it. */
export const OUTBOX = "outbox";
/** Latest responses of the server, by path. */
export const CACHE = "read";

/** @type {Promise<import("../vendor/idb.js").IDBPDatabase> | null} */
let opening = null;

/** @returns {Promise<import("../vendor/idb.js").IDBPDatabase>} the one open database. */
export function database() {
  opening ??= openDB(NAME, VERSION, {
    upgrade(created) {
      created.createObjectStore(OUTBOX, { keyPath: "id" });
      created.createObjectStore(CACHE);
    },
    blocking(_current, _blocked, event) {
      // Another tab upgrades the database: close it here, and open it again at the next call.
      /** @type {IDBDatabase} */ (event.target).close();
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
