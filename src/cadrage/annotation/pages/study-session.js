/** A voter at work: which task they see, and what each command does. */

import { notice } from "./dialogs.js";
import { loadPicture, patiently } from "./patience.js";
import { picturesOf } from "./study-tasks.js";

/** Long enough to see one's choice before the next task comes, in milliseconds. */
const PAUSE_AFTER_CHOICE = 450;

export class StudySession {
  #tasks;
  #clock;
  #stage;
  #view;
  #pause;
  #on;
  /** @type {import("./study-tasks.js").Task|null} */
  #task = null; // null while another comes
  #since = 0; // the clock's milliseconds when the task was shown
  #timer = 0;
  #going = 0;
  /** @type {{task: number, before: number|string|null}[]} what undo goes back to */
  #steps = [];

  /**
   * @param {{tasks: import("./study-tasks.js").Tasks, clock: import("./clock.js").SessionClock, stage: object,
   *     view: object, on: {progress: () => void, finished: () => void, help: () => void,
   *     waiting: (text: string|null) => void}}} parts `view`: a `PreferenceView` or a `DescriptionView`
   */
  constructor({ tasks, clock, stage, view, on }) {
    this.#tasks = tasks;
    this.#clock = clock;
    this.#stage = stage;
    this.#view = view;
    this.#pause = view.draft === undefined ? PAUSE_AFTER_CHOICE : 0;
    this.#on = on;
    view.onanswer = (answer) => this.#give(answer);
  }

  /** Go to the first task without an answer. */
  resume() {
    const next = this.#tasks.missing(0);
    return next === null ? this.#finish() : this.#go(next);
  }

  /** Start over, to look again. */
  restart() {
    return this.#go(0);
  }

  /** Do what a key or a button asks for: "next", "previous", "missing", "undo" or "help". */
  run(command) {
    if (command === "help") return this.#on.help();
    if (this.#task === null) return undefined;
    clearTimeout(this.#timer);
    if (command === "undo") return this.#undo();
    this.#keepDraft();
    if (command === "missing") return this.#seek();
    return this.#turn(command === "next" ? 1 : -1);
  }

  /** A key was pressed that may stand for an answer; whether it did. */
  press(event) {
    const answer = this.#task === null ? null : this.#view.answerOf(event);
    if (answer === null) return false;
    this.#give(answer);
    return true;
  }

  /** The server refused an answer: show the one that counts instead. */
  async refused(write) {
    const number = this.#tasks.refused(write);
    if (number < 0) return;
    if (number === this.#task?.task) await this.#go(number);
    else await this.#tasks.preload(number); // which counts it anew
  }

  #give(answer) {
    if (this.#task === null) return;
    const { task, answer: before } = this.#task;
    if (answer !== before) {
      this.#steps.push({ task, before });
      this.#keep(answer);
    }
    clearTimeout(this.#timer);
    // Whoever changes an answer is looking through all of them; whoever gives one goes to the next that is open.
    this.#timer = setTimeout(() => (before === null ? this.#advance() : this.#turn(1)), this.#pause);
  }

  #keep(answer) {
    this.#tasks.answer(this.#task, answer, this.#clock.milliseconds - this.#since);
    this.#view.setAnswer(answer);
    this.#stage.say(`Task ${this.#task.task + 1}: ${this.#view.told(answer)}`);
    this.#describe();
  }

  /** What was typed counts also if the task is left by another way than the button. */
  #keepDraft() {
    const draft = this.#view.draft;
    if (!draft) return;
    this.#steps.push({ task: this.#task.task, before: this.#task.answer });
    this.#keep(draft);
  }

  async #undo() {
    const step = this.#steps.pop();
    if (!step) return;
    if (step.task !== this.#task.task) await this.#go(step.task);
    if (this.#task?.task === step.task) this.#keep(step.before);
  }

  /** To the next task without an answer. */
  #advance() {
    const { task } = this.#task;
    const next = this.#tasks.missing(task + 1);
    if (next === null) return this.#finish();
    if (next < task) notice("This one has no answer yet.");
    return this.#go(next);
  }

  #turn(by) {
    if (this.#task === null) return undefined;
    const number = this.#task.task + by;
    if (number < 0) return undefined;
    return number < this.#tasks.length ? this.#go(number) : this.#end();
  }

  #seek() {
    const { task } = this.#task;
    const next = this.#tasks.missing(task + 1);
    if (next === null) notice("Everything is answered.");
    else if (next === task) notice("Only this one has no answer yet.");
    else return this.#go(next);
    return undefined;
  }

  /** After the last task: the end, or back to what was left out. */
  #end() {
    const next = this.#tasks.missing(0);
    if (next === null) return this.#finish();
    notice("This one has no answer yet.");
    return this.#go(next);
  }

  #finish() {
    this.#task = null;
    this.#on.finished();
  }

  async #go(number) {
    clearTimeout(this.#timer);
    this.#task = null;
    this.#going += 1;
    const going = this.#going;
    const task = await patiently(async () => {
      const found = await this.#tasks.task(number);
      await Promise.all(picturesOf(found).map(loadPicture));
      return found;
    }, this.#on.waiting);
    if (going !== this.#going) return; // meanwhile another was asked for
    this.#task = task;
    this.#describe();
    this.#view.show(task);
    this.#stage.say(`Task ${number + 1} of ${this.#tasks.length}`);
    this.#since = this.#clock.milliseconds;
    this.#tasks.preload(number + 1);
  }

  #describe() {
    this.#on.progress();
    const { task, answer } = this.#task;
    this.#stage.describe({ task, tasks: this.#tasks.length, isDone: answer !== null, mayUndo: this.#steps.length > 0 });
  }
}
