/** What a rater has set for this browser. */

import { recall, remember } from "./memory.js";

const USUAL = { advance: true, thirds: false, distribution: true };

/**
 * @typedef {{advance: boolean, thirds: boolean, distribution: boolean}} Options the next page comes by itself; thirds
 *     are shown; the rater's grades for the photograph are shown
 */

/** @returns {Options} */
export function loadOptions() {
  return { ...USUAL, ...recall("options") };
}

/** @param {Options} options */
export function saveOptions(options) {
  remember("options", options);
}
