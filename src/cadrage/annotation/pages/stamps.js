/** When things were written in this browser, so that the server tells a late write from a newer one. */

import { recall, remember } from "./memory.js";

const BROWSER = "browser";
const NEWEST = "stamp";

let browser = null;
let newest = 0;

/**
 * A stamp that is later than all earlier ones of this browser, also where its clock does not go on.
 *
 * @returns {{browser: string, milliseconds: number}} a random name of this browser, and the time since 1970
 */
export function nextStamp() {
  newest = Math.max(Date.now(), newest + 1, (recall(NEWEST) ?? 0) + 1);
  remember(NEWEST, newest);
  browser ??= recall(BROWSER) ?? newName();
  remember(BROWSER, browser);
  return { browser, milliseconds: newest };
}

function newName() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
