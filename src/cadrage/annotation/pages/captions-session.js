/** A rater who draws: where they are, and what each command does. */

import { grown, middle, moved, scaled } from "./boxes.js";
import { notice } from "./dialogs.js";
import { recall, remember } from "./memory.js";
import { loadPicture, patiently } from "./patience.js";

/** Steps of the keys, as a part of the frame's longer side: a tap, and a key that is held. */
const TAP = 0.005;
const HELD = 0.02;
const LARGER = 1.05;

/** Changes by keys that follow each other this closely, in milliseconds, are undone together. */
const ONE_CHANGE = 700;

export class DrawingSession {
  #tasks;
  #clock;
  #stage;
  #on;
  /** @type {import("./captions-tasks.js").Task|null} */
  #task = null; // null while another comes
  #wasDone = false; // whether it had a box when it came
  #earlier = []; // boxes before each change of this task
  #pressed = -Infinity; // when a key changed the box last
  #shown = 0; // the clock's milliseconds when the task came up
  #spent = new Map(); // milliseconds of earlier showings, by caption
  #going = 0;
  #thirds = recall("caption-thirds") ?? false;

  /**
   * @param {{tasks: import("./captions-tasks.js").Tasks, clock: import("./clock.js").SessionClock, stage: object,
   *     on: {progress: () => void, finished: () => void, help: () => void, waiting: (text: string|null) => void}
   *     }} parts
   */
  constructor({ tasks, clock, stage, on }) {
    this.#tasks = tasks;
    this.#clock = clock;
    this.#stage = stage;
    this.#on = on;
    stage.board.ondrag = (box) => stage.show(box, this.#task.rules);
    stage.board.ondraw = (box, before) => this.#change(box, before);
    stage.setThirds(this.#thirds);
  }

  /** Go to the first caption without a box. */
  resume() {
    const next = this.#tasks.missing(0);
    return next === null ? this.#finish() : this.#go(next);
  }

  /** Start over, to look again. */
  restart() {
    return this.#go(0);
  }

  /**
   * Do what a key or a button asks for.
   *
   * @param {string} command
   * @param {any} [about]
   * @param {boolean} [held] whether the key has been down for a while
   */
  run(command, about, held = false) {
    if (command === "help") return this.#on.help();
    if (command === "thirds") return this.#toggleThirds();
    if (this.#task === null) return undefined;
    if (this.#stage.board.cancel()) return undefined; // a key ends a drag, and does nothing else
    if (command === "keep") return this.#keep();
    if (command === "back") return this.#task.number > 0 ? this.#go(this.#task.number - 1) : undefined;
    if (command === "missing") return this.#seek();
    if (command === "undo") return this.#undo();
    if (command === "clear") return this.#change(null);
    if (command === "cancel") return undefined;
    return this.#nudge(command, about, held);
  }

  /** The server refused a box: show what counts instead. */
  refused(write) {
    const number = this.#tasks.refused(write);
    if (number >= 0 && number === this.#task?.number) this.#go(number);
  }

  /** Move, widen or scale the box by a step; without a box, begin with one. */
  #nudge(command, about, held) {
    const { box, rules } = this.#task;
    const step = Math.max(1, Math.round((held ? HELD : TAP) * Math.max(rules.width, rules.height)));
    let next = middle(rules);
    if (box !== null && command === "scale") next = scaled(box, LARGER ** about, rules);
    if (box !== null && command === "move") next = moved(box, step * about[0], step * about[1], rules);
    if (box !== null && command === "grow") next = grown(box, 2 * step * about[0], 2 * step * about[1], rules);
    const goesOn = performance.now() - this.#pressed < ONE_CHANGE && this.#earlier.length > 0;
    this.#change(next, box, goesOn);
    this.#pressed = performance.now();
  }

  #change(box, before = this.#task.box, goesOn = false) {
    this.#pressed = -Infinity;
    if (String(box) === String(before)) return;
    if (!goesOn) this.#earlier.push(before);
    this.#set(box);
  }

  #undo() {
    if (!this.#earlier.length) return;
    this.#pressed = -Infinity;
    this.#set(this.#earlier.pop());
  }

  #set(box) {
    this.#tasks.draw(this.#task, box, this.#milliseconds());
    this.#show();
    this.#on.progress();
  }

  #keep() {
    const { box, number } = this.#task;
    if (box === null) {
      notice("Draw a box first, or press N to leave this caption for later.");
      return undefined;
    }
    // Who looks again goes from one to the next; who draws something new, to what is missing.
    if (this.#wasDone && number + 1 < this.#tasks.length) return this.#go(number + 1);
    const next = this.#tasks.missing(number + 1);
    return next === null ? this.#finish() : this.#go(next);
  }

  #seek() {
    const { number } = this.#task;
    const next = this.#tasks.missing(number + 1);
    if (next === number) notice("Only this caption has no box yet.");
    else if (next === null) notice("Every caption has a box.");
    else return this.#go(next);
    return undefined;
  }

  #finish() {
    this.#leave();
    this.#on.finished();
  }

  async #go(number) {
    this.#leave();
    this.#going += 1;
    const going = this.#going;
    const task = await patiently(async () => {
      const found = await this.#tasks.task(number);
      await loadPicture(found.picture);
      return found;
    }, this.#on.waiting);
    if (going !== this.#going) return; // meanwhile another was asked for
    this.#task = task;
    this.#wasDone = task.box !== null;
    this.#earlier = [];
    this.#pressed = -Infinity;
    this.#shown = this.#clock.milliseconds;
    this.#on.progress();
    this.#stage.open(task, this.#tasks.length);
    this.#show();
    this.#tasks.preload(this.#tasks.missing(number + 1));
    this.#tasks.preload(number + 1);
  }

  #leave() {
    if (this.#task === null) return;
    this.#stage.board.close();
    this.#spent.set(this.#task.caption.id, this.#milliseconds());
    this.#task = null;
  }

  #milliseconds() {
    return (this.#spent.get(this.#task.caption.id) ?? 0) + this.#clock.milliseconds - this.#shown;
  }

  #show() {
    this.#stage.board.setBox(this.#task.box);
    this.#stage.show(this.#task.box, this.#task.rules);
    this.#stage.setUndo(this.#earlier.length > 0);
  }

  #toggleThirds() {
    this.#thirds = !this.#thirds;
    remember("caption-thirds", this.#thirds);
    this.#stage.setThirds(this.#thirds);
  }
}
