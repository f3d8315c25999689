/** How long someone has been at work. */

import { send } from "./api.js";

const REPORT_EVERY = 15_000;
const IDLE_AFTER = 120_000;
const SIGNS_OF_LIFE = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

/**
 * Counts while the tab can be seen and its user has done something in the last two minutes.
 *
 * The server is told how long this session has lasted so far, every 15 seconds and when the tab is left.
 */
export class SessionClock {
  /** Called about once a second while the clock runs, and when it stops or starts. */
  onchange = () => {};

  #path;
  #session = newName();
  #milliseconds = 0;
  #since = performance.now(); // up to here all is counted
  #alive = performance.now();
  #reported = 0;

  /** @param {number} raterId */
  constructor(raterId) {
    this.#path = `/api/raters/${raterId}/time`;
    for (const sign of SIGNS_OF_LIFE) addEventListener(sign, () => this.#live(), { passive: true });
    document.addEventListener("visibilitychange", () => this.#turn());
    addEventListener("pagehide", () => this.report());
    setInterval(() => this.#tick(), 1000);
    setInterval(() => this.report(), REPORT_EVERY);
  }

  /** Seconds of work in this session. */
  get seconds() {
    return this.milliseconds / 1000;
  }

  /** The same in milliseconds. */
  get milliseconds() {
    this.#count();
    return this.#milliseconds;
  }

  /** Whether the clock stands because nothing was done for a while. */
  get isIdle() {
    return performance.now() - this.#alive >= IDLE_AFTER;
  }

  /** Tell the server, unless it knows; what does not arrive is part of the next report. */
  report() {
    const seconds = Math.round(this.seconds * 10) / 10;
    if (seconds === this.#reported) return;
    const session = this.#session;
    send("PUT", this.#path, { session, seconds }).then(
      () => (this.#reported = seconds),
      () => {},
    );
  }

  #tick() {
    if (document.visibilityState === "hidden") return;
    this.#count();
    this.onchange();
  }

  #live() {
    this.#count();
    this.#alive = performance.now();
  }

  /** The tab was hidden or shown: what went by in the dark is not counted. */
  #turn() {
    if (document.visibilityState === "hidden") {
      this.#advance();
      this.report();
    } else {
      this.#since = performance.now();
      this.#alive = performance.now();
    }
    this.onchange();
  }

  #count() {
    if (document.visibilityState !== "hidden") this.#advance();
  }

  #advance() {
    const now = performance.now();
    const end = Math.min(now, this.#alive + IDLE_AFTER);
    this.#milliseconds += Math.max(0, end - this.#since);
    this.#since = now;
  }
}

/** A name for this session that no other has. */
function newName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
