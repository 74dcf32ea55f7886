/** Days and hours at the school, whose time zone may differ from the phone's. */

import { me } from "./me.js";

/** @param {Date} [moment] now, unless given. @returns {string} the day at the school, such as `2026-11-26`. */
export function schoolDay(moment = new Date()) {
  const { year, month, day } = partsOf(moment);
  return `${year}-${month}-${day}`;
}

/** @param {Date} moment @returns {number} the hour at the school, 0 to 23. */
export function schoolHour(moment) {
  return Number(partsOf(moment).hour);
}

/** @param {Date} moment @returns {Record<string, string>} */
function partsOf(moment) {
  return Object.fromEntries(
    formatter()
      .formatToParts(moment)
      .map(({ type, value }) => [type, value]),
  );
}

function formatter() {
  const digits = /** @type {const} */ ({ month: "2-digit", day: "2-digit", hour: "2-digit" });
  const options = { ...digits, year: /** @type {const} */ ("numeric"), hourCycle: /** @type {const} */ ("h23") };
  try {
    return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: me().time_zone ?? undefined });
  } catch {
    // The phone does not know the zone.
    return new Intl.DateTimeFormat("en-GB", options);
  }
}
