/** A rater at work: where they are, and what each command does. */

import { ask, notice } from "./dialogs.js";
import { counted } from "./elements.js";
import { recall, remember } from "./memory.js";
import { saveOptions } from "./options.js";
import { PageView } from "./page.js";
import { loadPicture, patiently } from "./patience.js";
import { isComplete, missingIn } from "./programme.js";

/** Long enough to see the last grade before the next page comes, in milliseconds. */
const PAUSE_BEFORE_PAGE = 450;

/**
 * @typedef {import("./programme.js").Place} Place
 * @typedef {{visit: number, page: number, crop: number, before: number|null}} Step what undo goes back to
 */

export class RatingSession {
  #programme;
  #clock;
  #stage;
  #view;
  #grades;
  #slots;
  #options;
  #memory;
  #on;
  /** @type {import("./programme.js").Visit|null} */
  #visit = null;
  #page = 0;
  #crop = 0;
  #since = 0; // the clock's milliseconds when the next grade became possible
  #turning = true; // no grade is taken while another page is looked for, and comes
  #going = 0; // counts those, so that one that was overtaken does nothing
  #timer = 0;
  /** @type {Step[]} */
  #steps = [];

  /**
   * @param {{programme: import("./programme.js").Programme, clock: import("./clock.js").SessionClock,
   *     stage: object, grades: string[], slots: number, options: import("./options.js").Options, memory: string,
   *     on: {shown: () => void, progress: () => void, finished: () => void, help: () => void,
   *     waiting: (sentence: string|null) => void, changed: () => void}}} parts `memory`: under what the rater's place is remembered
   */
  constructor({ programme, clock, stage, grades, slots, options, memory, on }) {
    this.#programme = programme;
    this.#clock = clock;
    this.#stage = stage;
    this.#grades = grades;
    this.#slots = slots;
    this.#options = options;
    this.#memory = memory;
    this.#on = on;
    this.#view = new PageView(stage.crops, {
      grades,
      ongrade: (crop, grade) => this.#give(crop, grade),
      onchoose: (crop) => this.#choose(crop),
    });
    this.applyOptions();
    stage.setUndo(false);
    // Nothing can be graded while a dialog lies over the crops.
    document.addEventListener("close", () => (this.#since = clock.milliseconds), true);
  }

  /** Go to where the rater left: the page that this browser remembers, or the first with something to do. */
  async resume() {
    const left = recall(this.#memory);
    const number = this.#programme.numberOf(left?.visit);
    if (number >= 0) {
      const { pages } = await this.#reach(number);
      if (!isComplete(pages[left.page])) return this.#go({ visit: number, page: left.page });
    }
    const next = await this.#missing({ visit: Math.max(number, 0), page: -1 });
    return next ? this.#go(next) : this.#finish();
  }

  /** Start over, to look again. */
  restart() {
    return this.#go({ visit: 0, page: 0 });
  }

  /**
   * Do what a key or a button asks for.
   *
   * @param {string} command
   * @param {any} [about]
   */
  async run(command, about) {
    try {
      await this.#do(command, about);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error) {
    this.#turning = false;
    const isMoved = [404, 409].includes(error.status) && !error.isElsewhere;
    if (isMoved) this.#on.changed();
    else notice(error.message);
  }

  #do(command, about) {
    if (command === "help") return this.#on.help();
    if (command === "thirds" || command === "distribution") return this.#toggle(command);
    if (this.#turning) return undefined;
    if (command === "undo") return this.#undo();
    if (this.#isOver) return undefined;
    if (command === "grade") return this.#give(this.#crop, about);
    if (command === "move") return this.#move(about);
    if (command === "missing") return this.#seek();
    if (command === "go on") return this.#goOn();
    return this.#turn(command === "next" ? 1 : -1);
  }

  /** Show what the options say; they are kept. */
  applyOptions() {
    saveOptions(this.#options);
    this.#stage.setOptions(this.#options);
  }

  /** The server refused a grade: show the one that counts instead. */
  async refused(write) {
    const number = this.#programme.refused(write);
    try {
      if (number >= 0 && number === this.#visit?.visit && !this.#isOver) {
        await this.#go({ visit: number, page: this.#page });
      } else {
        await this.#programme.preload(number); // which counts it anew
        this.#on.progress();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Whether the last page, which thanks, is shown instead of crops. */
  get #isOver() {
    return !this.#stage.element.isConnected;
  }

  get #crops() {
    return this.#visit.pages[this.#page].crops;
  }

  #give(place, grade) {
    // While the page is about to turn, a key was meant for the next one.
    if (this.#turning || this.#timer) return;
    const before = this.#crops[place].grade;
    this.#steps.push({ visit: this.#visit.visit, page: this.#page, crop: place, before });
    this.#keep(place, grade);
    this.#stage.say(`Crop ${place + 1}: ${this.#grades[grade - 1]}`);
    const next = this.#nextUngraded(place);
    this.#choose(next ?? place);
    // Who changes a grade is looking around: the page stays.
    if (next === null && before === null && this.#options.advance) {
      this.#timer = setTimeout(() => {
        this.#timer = 0;
        this.run("go on");
      }, PAUSE_BEFORE_PAGE);
    }
  }

  #keep(place, grade) {
    this.#stay();
    const now = this.#clock.milliseconds;
    this.#programme.grade(this.#visit, this.#crops[place], grade, now - this.#since);
    this.#since = now;
    this.#view.setGrade(place, grade);
    this.#stage.setUndo(this.#steps.length > 0);
    this.#describe();
  }

  /** Do not turn the page by itself. */
  #stay() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  /** The next crop of the page without a grade, after a place and then from the start. */
  #nextUngraded(after) {
    const places = this.#crops.map((_, index) => (after + 1 + index) % this.#crops.length);
    return places.find((place) => this.#crops[place].grade === null) ?? null;
  }

  async #undo() {
    const step = this.#steps.pop();
    if (!step) return;
    const isHere = step.visit === this.#visit.visit && step.page === this.#page && !this.#isOver;
    if (!isHere) await this.#go(step);
    if (step.visit !== this.#visit.visit || step.page !== this.#page) return; // meanwhile another was asked for
    this.#keep(step.crop, step.before);
    this.#choose(step.crop);
    const state = step.before === null ? "no grade" : this.#grades[step.before - 1];
    this.#stage.say(`Undone. Crop ${step.crop + 1}: ${state}`);
  }

  #move(direction) {
    const columns = this.#view.columns;
    const by = { left: -1, right: 1, up: -columns, down: columns }[direction];
    const place = this.#crop + by;
    if (place >= 0 && place < this.#crops.length) this.#choose(place);
  }

  #choose(place) {
    this.#crop = place;
    this.#stage.mark(this.#crops[place].box);
    this.#view.choose(place);
  }

  async #seek() {
    const going = this.#leave();
    const next = await this.#missing({ visit: this.#visit.visit, page: this.#page - 1 });
    if (going !== this.#going) return;
    const here = next?.visit === this.#visit.visit && next?.page === this.#page;
    if (next && !here) {
      await this.#go(next);
      return;
    }
    this.#turning = false;
    if (here) this.#choose(this.#nextUngraded(this.#crop));
    else notice("Every crop has a grade.");
  }

  async #turn(by) {
    this.#stay();
    const page = this.#page + by;
    if (page >= 0 && page < this.#visit.pages.length) {
      await this.#go({ visit: this.#visit.visit, page });
      return;
    }
    if (by < 0 && this.#visit.visit === 0) return;
    if (!(await this.#mayLeave())) return;
    const visit = this.#visit.visit + by;
    if (visit === this.#programme.length) await this.#goToMissing(0);
    else await this.#go({ visit, page: by > 0 ? 0 : -1 });
  }

  /** After a page was completed: the next one with something to do. */
  async #goOn() {
    const { visit, pages } = this.#visit;
    const page = pages.findIndex((one, place) => place > this.#page && !isComplete(one));
    if (page >= 0) await this.#go({ visit, page });
    else if (await this.#mayLeave()) await this.#goToMissing((visit + 1) % this.#programme.length);
  }

  /** Ask before a photograph with ungraded crops is left; go back to them if that is the answer. */
  async #mayLeave() {
    const going = this.#leave();
    const missing = missingIn(this.#visit);
    if (!missing) return true;
    const answer = await ask({
      title: `${counted(missing, "crop")} of this photograph ${missing === 1 ? "has" : "have"} no grade yet`,
      text: "You can grade what is missing now, or leave it for later: N brings you back to it at any time.",
      answers: [
        { value: "back", label: "Go back" },
        { value: "leave", label: "Leave for later" },
      ],
    });
    if (going !== this.#going) return false;
    if (answer === "back") await this.#go(await this.#missing({ visit: this.#visit.visit, page: -1 }));
    else this.#turning = answer === "leave";
    return answer === "leave";
  }

  /** The first page with something to do, from a visit on and then from the start; or the end. */
  async #goToMissing(visit) {
    const going = this.#leave();
    const next = await this.#missing({ visit, page: -1 });
    if (going !== this.#going) return;
    if (!next) {
      this.#finish();
      return;
    }
    if (next.visit <= this.#visit.visit) notice("These crops have no grade yet.");
    await this.#go(next);
  }

  #finish() {
    this.#turning = false;
    this.#on.finished();
  }

  /** From now on no grade is taken; a number that `#going` keeps until something else is asked for. */
  #leave() {
    this.#turning = true;
    this.#stay();
    this.#going += 1;
    return this.#going;
  }

  /**
   * Show a page, with its first ungraded crop in the frame.
   *
   * @param {Place} place page -1 is a visit's last
   */
  async #go({ visit: number, page }) {
    const going = this.#leave();
    const visit = await this.#reach(number);
    if (going !== this.#going) return;
    const isOther = visit !== this.#visit;
    this.#visit = visit;
    this.#page = page < 0 ? visit.pages.length - 1 : page;
    this.#on.shown();
    if (isOther) this.#stage.showPhotograph(visit.photograph);
    this.#view.show(visit.photograph, this.#crops, this.#slots);
    this.#choose(this.#nextUngraded(-1) ?? 0);
    this.#describe();
    const { group } = visit.pages[this.#page];
    this.#stage.say(`Page ${this.#page + 1}: ${counted(this.#crops.length, "crop")} of ${group}`);
    remember(this.#memory, { visit: visit.key, page: this.#page });
    this.#since = this.#clock.milliseconds;
    this.#turning = false;
    this.#programme.preload(number + 1);
  }

  #describe() {
    this.#stage.describe(this.#visit, this.#page);
    this.#on.progress();
  }

  /** A visit with its picture, waited for. */
  #reach(number) {
    return patiently(async () => {
      const visit = await this.#programme.visit(number);
      await loadPicture(visit.photograph.picture);
      return visit;
    }, this.#on.waiting);
  }

  #missing(after) {
    return patiently(() => this.#programme.missing(after), this.#on.waiting);
  }

  #toggle(option) {
    this.#options[option] = !this.#options[option];
    this.applyOptions();
  }
}
