/** Icons: 24 x 24 units, drawn as lines in the colour of the text. */

import { svg } from "../vendor/lit-html/lit-html.js";

const PATHS = {
  camera: svg`<path d="M4 8h3l2-3h6l2 3h3v11H4z"/><circle cx="12" cy="13" r="3.6"/>`,
  gallery: svg`<rect x="3.5" y="4.5" width="17" height="15" rx="2"/><circle cx="9" cy="10" r="1.7"/><path d="m5 18 5-4 3 2 4-4 3 3"/>`,
  check: svg`<path d="m5 12.5 4.6 4.6L19.5 7"/>`,
  cross: svg`<path d="M6 6l12 12M18 6 6 18"/>`,
  question: svg`<path d="M8.5 9a3.6 3.6 0 1 1 5.4 3.1c-1.2.7-1.9 1.4-1.9 2.9"/><path d="M12 18.6v.2"/>`,
  clock: svg`<circle cx="12" cy="12" r="8.2"/><path d="M12 7.5V12l3 2"/>`,
  note: svg`<path d="M6 3.5h9l4 4v13H6z"/><path d="M9 11h7M9 15h5"/>`,
  person: svg`<circle cx="12" cy="8.2" r="3.7"/><path d="M4.8 20c.7-4 3.6-6 7.2-6s6.5 2 7.2 6"/>`,
  addPerson: svg`<circle cx="10" cy="8.2" r="3.7"/><path d="M3 20c.7-4 3.4-6 7-6 1.5 0 2.9.4 4 1.100M18.5 14v7M15 17.500h7"/>`,
  list: svg`<path d="M8.5 6.500H20M8.5 12H20M8.5 17.500H20"/><path d="M4.3 6.500h.1M4.3 12h.1M4.3 17.500h.1"/>`,
  history: svg`<path d="M4 12a8 8 0 1 0 2.6-5.900L4 8.5"/><path d="M4 4v4.500h4.500M12 8v4.300l3 1.8"/>`,
  gear: svg`<circle cx="12" cy="12" r="3.2"/><path d="M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.600l2.2 2.200M16.2 16.200l2.2 2.200M18.4 5.600l-2.2 2.200M7.8 16.200l-2.2 2.2"/>`,
  back: svg`<path d="M14.5 5.5 8 12l6.5 6.5"/>`,
  next: svg`<path d="m9.5 5.5 6.5 6.5-6.5 6.5"/>`,
  share: svg`<path d="M12 15V4M8 7.5 12 3.500l4 4M5 12v8h14v-8"/>`,
  cloudOff: svg`<path d="M7.5 18H17a4 4 0 0 0 1.5-7.700M15.5 7.300A6 6 0 0 0 6.2 10 4 4 0 0 0 7.5 18M4 4l16 16"/>`,
  wait: svg`<path d="M7 4h10M7 20h10M8 4c0 5 8 5 8 16M16 4c0 5-8 5-8 16"/>`,
  plus: svg`<path d="M12 5v14M5 12h14"/>`,
  minus: svg`<path d="M5 12h14"/>`,
  bin: svg`<path d="M5 7h14M9.5 7V4.500h5V7M7 7l.8 13h8.400L17 7"/>`,
  repeat: svg`<path d="M4 12a8 8 0 0 1 14-5.300L20 9M20 4v5h-5M20 12a8 8 0 0 1-14 5.300L4 15M4 20v-5h5"/>`,
  turn: svg`<path d="M4 8h3l1.5-2h7L17 8h3v11H4z"/><path d="M9 15a3.2 3.2 0 0 0 5.8-.6M15 11.500a3.2 3.2 0 0 0-5.8.6M15.2 9.700v2h-2M8.8 16.800v-2h2"/>`,
};

/** Icons that point along the line, and therefore the other way where lines run from right to left. */
const POINTING = new Set(["back", "next", "list"]);

/** @param {keyof typeof PATHS} name @returns an icon hidden from screen readers; the label of its button is read instead. */
export function icon(name) {
  const pointing = POINTING.has(name) ? "icon icon--pointing" : "icon";
  return svg`<svg class=${pointing} viewBox="0 0 24 24" aria-hidden="true" focusable="false">${PATHS[name]}</svg>`;
}
