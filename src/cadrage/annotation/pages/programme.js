/** A rater's programme: visits of photographs in their order, the grades on them, what is still missing. */

import { ApiError, get } from "./api.js";

/**
 * @typedef {{id: number, box: [number, number, number, number], grade: number|null}} Crop
 * @typedef {{group: string, crops: Crop[]}} Page
 * @typedef {{visit: number, key: string, photograph: {id: number, width: number, height: number, picture: string},
 *     pages: Page[]}} Visit
 * @typedef {{visit: number, page: number}} Place
 */

/** Grades go into the queue at once; what the server says of a crop yields to what waits there. */
export class Programme {
  #rater;
  #queue;
  #counts; // {key, crops, graded} of every visit
  #visits = new Map();

  /**
   * @param {number} rater
   * @param {import("./queue.js").SaveQueue} queue
   */
  static async load(rater, queue) {
    const { visits } = await get(`/api/raters/${rater}/programme`);
    return new Programme(rater, queue, visits);
  }

  /** Use `load`. */
  constructor(rater, queue, counts) {
    this.#rater = rater;
    this.#queue = queue;
    this.#counts = counts;
  }

  /** How many visits there are. */
  get length() {
    return this.#counts.length;
  }

  /** Crops to grade, in all visits. */
  get total() {
    return this.#counts.reduce((sum, { crops }) => sum + crops, 0);
  }

  /** Crops that have a grade. */
  get graded() {
    return this.#counts.reduce((sum, { graded }) => sum + graded, 0);
  }

  /** The number of the visit of a key, which it keeps when photographs are added; -1 if there is none. */
  numberOf(key) {
    return this.#counts.findIndex((one) => one.key === key);
  }

  /**
   * @param {number} number of the visit
   * @returns {Promise<Visit>} fetched once; its crops' grades are kept up to date
   * @throws {ApiError} 409 if photographs were added since the programme was loaded, and visits have moved
   */
  visit(number) {
    if (!this.#visits.has(number)) {
      const coming = this.#fetch(number);
      coming.catch(() => this.#visits.delete(number));
      this.#visits.set(number, coming);
    }
    return this.#visits.get(number);
  }

  /** Fetch a visit and its picture ahead of time; trouble shows when it is needed. */
  async preload(number) {
    if (number < 0 || number >= this.length) return;
    try {
      const { photograph } = await this.visit(number);
      new Image().src = photograph.picture;
    } catch {
      // It is fetched again when it is its turn.
    }
  }

  /**
   * Give a crop a grade, or take it back with `null`.
   *
   * @param {Visit} visit
   * @param {Crop} crop one of the visit's
   * @param {number|null} grade
   * @param {number} milliseconds from when the crop could be graded
   */
  grade(visit, crop, grade, milliseconds) {
    crop.grade = grade;
    this.#recount(visit);
    const body = { visit: visit.key, crop: crop.id, grade, milliseconds: Math.round(milliseconds) };
    this.#queue.put(this.#name(visit.key, crop.id), "PUT", this.#path, body);
  }

  /**
   * Forget a grade that the server refused: the one it has counts.
   *
   * @param {{path: string, body: object}} write what was sent
   * @returns {number} of the visit; -1 if it was left by another rater, or is none of the programme
   */
  refused({ path, body }) {
    const number = path === this.#path ? this.numberOf(body.visit) : -1;
    this.#visits.delete(number);
    return number;
  }

  /**
   * The next page with a crop that has no grade: after the place in its visit, then in the visits that follow,
   * then from the start; `null` if nothing is missing.
   *
   * @param {Place} after a page -1 counts its visit as a whole
   * @returns {Promise<Place|null>}
   */
  async missing({ visit, page }) {
    for (let step = 0; step <= this.length; step += 1) {
      const number = (visit + step) % this.length;
      const { crops, graded } = this.#counts[number];
      if (graded >= crops) continue;
      const { pages } = await this.visit(number); // which counts anew
      const from = step === 0 ? page + 1 : 0;
      const found = pages.findIndex((one, place) => place >= from && !isComplete(one));
      if (found >= 0) return { visit: number, page: found };
    }
    return null;
  }

  async #fetch(number) {
    const visit = await get(`/api/raters/${this.#rater}/visits/${number}`);
    if (visit.key !== this.#counts[number].key) throw new ApiError(409, "The project has changed: reload the page.");
    for (const crop of visit.pages.flatMap(({ crops }) => crops)) {
      const waiting = this.#queue.waiting(this.#name(visit.key, crop.id));
      if (waiting) crop.grade = waiting.grade;
    }
    this.#recount(visit);
    return visit;
  }

  #recount(visit) {
    const crops = visit.pages.flatMap((page) => page.crops);
    const graded = crops.filter(({ grade }) => grade !== null).length;
    this.#counts[visit.visit] = { key: visit.key, crops: crops.length, graded };
  }

  get #path() {
    return `/api/raters/${this.#rater}/grades`;
  }

  #name(key, crop) {
    return `${this.#rater}:${key}:${crop}`;
  }
}

/** @param {Page} page */
export function isComplete(page) {
  return page.crops.every(({ grade }) => grade !== null);
}

/** How many crops of a visit have no grade. */
export function missingIn(visit) {
  return visit.pages.flatMap(({ crops }) => crops).filter(({ grade }) => grade === null).length;
}
