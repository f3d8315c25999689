/** Writes that wait in this browser until the server has taken them. */

import { ApiError, send } from "./api.js";
import { nextStamp } from "./stamps.js";

const SHORTEST_WAIT = 500;
const LONGEST_WAIT = 15_000;

/** Answers after which the same write may be taken later; after any other 4xx of the project's server it never will. */
const PASSING = new Set([0, 401, 403, 408, 425, 429]);

/**
 * Keeps the newest write of each id and sends them one after the other, the oldest first.
 *
 * They lie in `localStorage`, so that a closed tab loses nothing: the next page with the same key sends what is
 * left. Two pages with one key share what waits. They take turns where the browser has locks; over plain http in a
 * network it has none, and a write may also arrive long after it was given up: so every write has a stamp, and the
 * server passes over one that it has a newer one for from this browser.
 */
export class SaveQueue {
  /** Called after each change of `pending` or `state`. */
  onchange = () => {};

  /** Called with a write that the server will never take, and was dropped; `path` tells whose it was. */
  onrefused = (/** @type {{path: string, body: object, status: number, sentence: string}} */ _write) => {};

  #prefix;
  #unkept = new Map(); // where the browser keeps nothing: storage is full or forbidden
  #working = false;
  #failures = 0;
  #trouble = null; // null, "offline", "locked" or "elsewhere"
  #timer = 0;

  /** @param {string} key what the writes belong to: the project's id */
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

  /**
   * "saved", "saving", "offline" (the server is away), "locked" (it takes nothing from this page) or "elsewhere"
   * (another project is at its address).
   */
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
    const write = { method, path, body: { ...body, stamp: nextStamp() } };
    try {
      localStorage.setItem(this.#prefix + id, JSON.stringify(write));
      this.#unkept.delete(id);
    } catch {
      // What is full has still room to forget: an older write would be sent again after this one.
      forget(this.#prefix + id);
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
    const { method, path, body } = this.#read(id);
    try {
      await send(method, path, body);
      this.#drop(id, body.stamp);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.isElsewhere || PASSING.has(error.status) || error.status >= 500) {
        this.#wait(error);
        return false;
      }
      this.#drop(id, body.stamp);
      this.onrefused({ path, body, status: error.status, sentence: error.message });
    }
    this.#failures = 0;
    this.#trouble = null;
    this.#changed();
    return true;
  }

  #wait({ status, isElsewhere }) {
    this.#trouble = status === 401 || status === 403 ? "locked" : "offline";
    if (isElsewhere) this.#trouble = "elsewhere";
    const wait = Math.min(SHORTEST_WAIT * 2 ** this.#failures, LONGEST_WAIT);
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#work(), wait);
  }

  /** Forget a write, unless a newer one has taken its place meanwhile. */
  #drop(id, stamp) {
    if (this.#read(id)?.body.stamp.milliseconds !== stamp.milliseconds) return;
    this.#unkept.delete(id);
    forget(this.#prefix + id);
  }

  #read(id) {
    return this.#unkept.get(id) ?? JSON.parse(stored(this.#prefix + id) ?? "null") ?? undefined;
  }

  #oldest() {
    const stamps = this.#ids().map((id) => [this.#read(id).body.stamp.milliseconds, id]);
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

function forget(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // Where storage is forbidden nothing lies in it.
  }
}

function storedKeys() {
  try {
    return Object.keys(localStorage);
  } catch {
    return [];
  }
}
