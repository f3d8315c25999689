/** A rater's tasks: captions in their order, the boxes drawn for them, what is still missing. */

import { get } from "./api.js";

/**
 * @typedef {import("./boxes.js").Box} Box
 * @typedef {{number: number, caption: {id: number, text: string}, picture: string,
 *     rules: import("./boxes.js").Rules, box: Box|null}} Task
 */

/** Boxes go into the queue at once; what the server says of a caption yields to what waits there. */
export class Tasks {
  #rater;
  #queue;
  #list; // {caption, done} of every task
  #loaded = new Map();

  /**
   * @param {number} rater
   * @param {import("./queue.js").SaveQueue} queue
   */
  static async load(rater, queue) {
    const { tasks } = await get(`/api/raters/${rater}/tasks`);
    return new Tasks(rater, queue, tasks);
  }

  /** Use `load`. */
  constructor(rater, queue, list) {
    this.#rater = rater;
    this.#queue = queue;
    this.#list = list.map(({ caption, done }) => {
      const waiting = queue.waiting(this.#name(caption));
      return { caption, done: waiting ? waiting.box !== null : done };
    });
  }

  /** How many tasks there are. */
  get length() {
    return this.#list.length;
  }

  /** How many of them have a box. */
  get done() {
    return this.#list.filter(({ done }) => done).length;
  }

  /**
   * @param {number} number
   * @returns {Promise<Task>} fetched once; its box is kept up to date
   */
  task(number) {
    if (!this.#loaded.has(number)) {
      const coming = this.#fetch(number);
      coming.catch(() => this.#loaded.delete(number));
      this.#loaded.set(number, coming);
    }
    return this.#loaded.get(number);
  }

  /** Fetch a task and its picture ahead of time; trouble shows when it is needed. */
  async preload(number) {
    if (number === null || number >= this.length) return;
    try {
      const { picture } = await this.task(number);
      new Image().src = picture;
    } catch {
      // It is fetched again when it is its turn.
    }
  }

  /**
   * Give a caption a box, or take it back with `null`.
   *
   * @param {Task} task
   * @param {Box|null} box
   * @param {number} milliseconds from when the caption was shown
   */
  draw(task, box, milliseconds) {
    task.box = box;
    const { id } = task.caption;
    this.#list[task.number].done = box !== null;
    const body = { caption: id, box, milliseconds: Math.round(milliseconds) };
    this.#queue.put(this.#name(id), "PUT", this.#path, body);
  }

  /**
   * Forget a box that the server refused: the one it has counts.
   *
   * @param {{path: string, body: object}} write what was sent
   * @returns {number} of the task; -1 if it was left by another rater
   */
  refused({ path, body }) {
    if (path !== this.#path) return -1;
    const number = this.#list.findIndex((one) => one.caption === body.caption);
    this.#loaded.delete(number);
    return number;
  }

  /** The first task without a box from one on, wrapping around; `null` if every caption has one. */
  missing(from) {
    const numbers = this.#list.map((_, index) => (from + index) % this.length);
    return numbers.find((number) => !this.#list[number].done) ?? null;
  }

  async #fetch(number) {
    const { photograph, caption, box, ratio, smallest } = await get(`/api/raters/${this.#rater}/tasks/${number}`);
    const { width, height, picture } = photograph;
    const waiting = this.#queue.waiting(this.#name(caption.id));
    const known = waiting ? waiting.box : box;
    this.#list[number].done = known !== null;
    return { number, caption, picture, rules: { width, height, ratio, smallest }, box: known };
  }

  get #path() {
    return `/api/raters/${this.#rater}/boxes`;
  }

  #name(caption) {
    return `box:${this.#rater}:${caption}`;
  }
}
