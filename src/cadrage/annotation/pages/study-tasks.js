/** A voter's tasks in their order, and the answers to them. */

import { get } from "./api.js";

/**
 * @typedef {{id: number, picture: string, width: number, height: number}} Output
 * @typedef {{task: number, outputs: Output[], original: {picture: string, width: number, height: number}|null,
 *     answer: number|string|null}} Task the answer is the number of the chosen output, or a description
 */

/** Answers go into the queue at once; what the server says of a task yields to what waits there. */
export class Tasks {
  #rater;
  #queue;
  #done;
  #field;
  #path;
  #tasks = new Map();

  /**
   * @param {number} rater
   * @param {import("./queue.js").SaveQueue} queue
   * @param {"preference"|"description"} question
   */
  static async load(rater, queue, question) {
    const { tasks } = await get(`/api/raters/${rater}/tasks`);
    return new Tasks(rater, queue, question, tasks.map(({ done }) => done));
  }

  /** Use `load`. */
  constructor(rater, queue, question, done) {
    this.#rater = rater;
    this.#queue = queue;
    this.#done = done;
    const [field, place] = question === "preference" ? ["output", "votes"] : ["text", "descriptions"];
    this.#field = field;
    this.#path = `/api/raters/${rater}/${place}`;
    done.forEach((_, number) => {
      const waiting = this.#waiting(number);
      if (waiting) done[number] = waiting[this.#field] !== null;
    });
  }

  /** How many tasks there are. */
  get length() {
    return this.#done.length;
  }

  /** How many have an answer. */
  get done() {
    return this.#done.filter(Boolean).length;
  }

  /**
   * @param {number} number
   * @returns {Promise<Task>} fetched once; its answer is kept up to date
   */
  task(number) {
    if (!this.#tasks.has(number)) {
      const coming = this.#fetch(number);
      coming.catch(() => this.#tasks.delete(number));
      this.#tasks.set(number, coming);
    }
    return this.#tasks.get(number);
  }

  /** Fetch a task and its pictures ahead of time; trouble shows when they are needed. */
  async preload(number) {
    if (number >= this.length) return;
    try {
      const task = await this.task(number);
      for (const picture of picturesOf(task)) new Image().src = picture;
    } catch {
      // They are fetched again when it is their turn.
    }
  }

  /**
   * Answer a task, or take the answer back with `null`.
   *
   * @param {Task} task
   * @param {number|string|null} answer
   * @param {number} milliseconds from when the task was shown
   */
  answer(task, answer, milliseconds) {
    this.#set(task, answer);
    const body = { task: task.task, [this.#field]: answer, milliseconds: Math.round(milliseconds) };
    this.#queue.put(this.#name(task.task), "PUT", this.#path, body);
  }

  /**
   * Forget an answer that the server refused: the one it has counts.
   *
   * @param {{path: string, body: object}} write what was sent
   * @returns {number} of the task; -1 if it was left by another voter
   */
  refused({ path, body }) {
    if (path !== this.#path) return -1;
    this.#tasks.delete(body.task);
    return body.task;
  }

  /** The first task without an answer, at or after a number and then from the start; `null` if there is none. */
  missing(from) {
    const numbers = this.#done.map((_, step) => (from + step) % this.length);
    return numbers.find((number) => !this.#done[number]) ?? null;
  }

  async #fetch(number) {
    const task = await get(`/api/raters/${this.#rater}/tasks/${number}`);
    const waiting = this.#waiting(number);
    this.#set(task, waiting ? waiting[this.#field] : task.answer);
    return task;
  }

  #set(task, answer) {
    task.answer = answer;
    this.#done[task.task] = answer !== null;
  }

  #waiting(number) {
    return this.#queue.waiting(this.#name(number));
  }

  #name(number) {
    return `${this.#rater}:task:${number}`;
  }
}

/**
 * Addresses of all pictures of a task.
 *
 * @param {Task} task
 */
export function picturesOf({ outputs, original }) {
  return [...outputs, ...(original ? [original] : [])].map(({ picture }) => picture);
}
