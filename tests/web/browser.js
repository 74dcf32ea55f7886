/** The parts of a browser that the modules under test use, for Node.js. Import this before them. */

import { mock } from "node:test";

/** @returns {Storage} */
function storage() {
  /** @type {Map<string, string>} */
  const values = new Map();
  return {
    get length() {
      return values.size;
    },
    clear: () => values.clear(),
    getItem: (key) => values.get(key) ?? null,
    key: (index) => [...values.keys()][index] ?? null,
    removeItem: (key) => void values.delete(key),
    setItem: (key, value) => void values.set(key, String(value)),
  };
}

const globals = {
  addEventListener: () => undefined,
  document: { addEventListener: () => undefined, documentElement: { lang: "" }, visibilityState: "visible" },
  history: { replaceState: () => undefined },
  localStorage: storage(),
  location: { hash: "", origin: "https://school.example", pathname: "/", search: "" },
  sessionStorage: storage(),
};
for (const [name, value] of Object.entries(globals)) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

// An open channel would keep the test process alive.
Reflect.deleteProperty(globalThis, "BroadcastChannel");

/** @param {string} path of a module under web/. @returns {string} its URL. */
export function web(path) {
  return new URL(`../../web/${path}`, import.meta.url).href;
}

/** Number of drawings that the modules asked for. */
export const draw = mock.fn();
mock.module(web("core/draw.js"), { exports: { draw, mount: () => undefined } });

/** @param {string[]} languages that the phone prefers. */
export function setLanguages(...languages) {
  Object.defineProperty(navigator, "languages", { value: languages, configurable: true });
}
