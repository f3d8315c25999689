/** Writes that wait in this browser until the server has taken them. */

import { ApiError, send } from "./api.js";

const SHORTEST_WAIT = 500;
const LONGEST_WAIT = 15_000;

/** Answers after which the same write may be taken later; after any other 4xx it never will. */
const PASSING = new Set([0, 401, 403, 408, 425, 429]);

/**
 * Keeps the newest write of each id and sends them one after the other, the oldest first.
 *
 * They lie in `localStorage`, so that a closed tab loses nothing: the next page with the same key sends what is
 * left. Two pages with one key share what waits, and never send at the same time.
 */
export class SaveQueue {
  /** Called after each change of `pending` or `state`. */
  onchange = () => {};

  /** Called with id, sentence and body of a write that the server will never take; it is dropped. */
  onrefused = (_id, _sentence, _body) => {};

  #prefix;
  #unkept = new Map(); // where the browser keeps nothing: storage is full or forbidden
  #working = false;
  #failures = 0;
  #trouble = null; // null, "offline" or "locked"
  #timer = 0;
  #last = 0;

  /** @param {string} key what the writes belong to, such as `await projectKey()` */
  constructor(key) {
    this.#prefix = `cadrage:queue:${key}:`;
    addEventListener("online", () => this.#work());
    addEventListener("storage", () => {
      this.#changed();
      this.#work();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#work();
    });
    this.#work();
  }

  /** How many writes wait. */
  get pending() {
    return this.#ids().length;
  }

  /** "saved", "saving", "offline" (the server is away) or "locked" (it takes nothing from this page). */
  get state() {
    return this.pending ? this.#trouble ?? "saving" : "saved";
  }

  /**
   * Keep a write, in place of a waiting one of the same id, and send it.
   *
   * @param {string} id
   * @param {string} method
   * @param {string} path
   * @param {object} body
   */
  put(id, method, path, body) {
    // Stamps rise even where the clock does not.
    this.#last = Math.max(Date.now(), this.#last + 1);
    const write = { stamp: this.#last, method, path, body };
    try {
      localStorage.setItem(this.#prefix + id, JSON.stringify(write));
      this.#unkept.delete(id);
    } catch {
      this.#unkept.set(id, write);
    }
    this.#changed();
    this.#work();
  }

  /**
   * The body of a write that waits; `undefined` if none does.
   *
   * @param {string} id
   */
  waiting(id) {
    return this.#read(id)?.body;
  }

  /**
   * Wait until nothing waits, or the server turns out to be away.
   *
   * @param {number} milliseconds at most
   * @returns {Promise<boolean>} whether all is saved
   */
  async settled(milliseconds) {
    const end = performance.now() + milliseconds;
    while (this.state === "saving" && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    return this.pending === 0;
  }

  async #work() {
    if (this.#working) return;
    this.#working = true;
    clearTimeout(this.#timer);
    try {
      let goesOn = true;
      while (goesOn && this.pending) goesOn = await alone(this.#prefix, () => this.#deliver());
    } finally {
      this.#working = false;
    }
    this.#changed();
  }

  /** Send the oldest write; whether the next may follow. */
  async #deliver() {
    const id = this.#oldest();
    if (id === undefined) return true; // another page was quicker
    const { stamp, method, path, body } = this.#read(id);
    try {
      await send(method, path, body);
      this.#drop(id, stamp);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (PASSING.has(error.status) || error.status >= 500) {
        this.#wait(error.status);
        return false;
      }
      this.#drop(id, stamp);
      this.onrefused(id, error.message, body);
    }
    this.#failures = 0;
    this.#trouble = null;
    this.#changed();
    return true;
  }

  #wait(status) {
    this.#trouble = status === 401 || status === 403 ? "locked" : "offline";
    const wait = Math.min(SHORTEST_WAIT * 2 ** this.#failures, LONGEST_WAIT);
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#work(), wait);
  }

  /** Forget a write, unless a newer one has taken its place meanwhile. */
  #drop(id, stamp) {
    if (this.#read(id)?.stamp !== stamp) return;
    if (!this.#unkept.delete(id)) localStorage.removeItem(this.#prefix + id);
  }

  #read(id) {
    return this.#unkept.get(id) ?? JSON.parse(stored(this.#prefix + id) ?? "null") ?? undefined;
  }

  #oldest() {
    const stamps = this.#ids().map((id) => [this.#read(id).stamp, id]);
    return stamps.sort(([one], [other]) => one - other)[0]?.[1];
  }

  #ids() {
    const kept = storedKeys().filter((key) => key.startsWith(this.#prefix));
    return [...new Set([...kept.map((key) => key.slice(this.#prefix.length)), ...this.#unkept.keys()])];
  }

  #changed() {
    this.onchange();
  }
}

/** Run something while no other page of this browser runs it; where locks are not to be had, just run it. */
function alone(name, run) {
  return navigator.locks ? navigator.locks.request(name, run) : run();
}

function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function storedKeys() {
  try {
    return Object.keys(localStorage);
  } catch {
    return [];
  }
}
