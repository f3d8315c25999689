/** The outputs of one photograph, side by side, of which one is liked the most. */

import { key, make } from "./elements.js";
import { arrange } from "./study-layout.js";

const GAP = 20;
const LABEL = 44;

export const QUESTION = "Which output do you like the most?";

export class PreferenceView {
  /** The part of the page. */
  element;

  /** Called with the number of the output that was clicked. */
  onanswer = (_output) => {};

  #sizes;
  #outputs = [];
  #buttons = [];
  #original;
  #arena = make("div", { class: "study-arena" });

  /** @param {{sizes: "area"|"height"}} settings whether outputs are shown at equal area or at equal height */
  constructor({ sizes }) {
    this.#sizes = sizes;
    this.#original = make("figure", { class: "study-original", hidden: true });
    const question = make("h2", { class: "study-question", id: "question" }, QUESTION);
    const outputs = make("div", { class: "study-outputs", role: "group", "aria-labelledby": question.id }, this.#arena);
    this.element = make("div", { class: "study-view" }, question, this.#original, outputs);
    new ResizeObserver(() => this.#arrange()).observe(outputs);
  }

  /** @param {import("./study-tasks.js").Task} task */
  show({ outputs, original, answer }) {
    this.#outputs = outputs;
    this.#buttons = outputs.map((output, place) => this.#button(output, place));
    this.#original.hidden = original === null;
    if (original) {
      const image = make("img", { src: original.picture, alt: "The whole photograph", draggable: "false" });
      this.#original.replaceChildren(image, make("figcaption", {}, "The photograph"));
    }
    this.element.classList.toggle("with-original", original !== null);
    this.#arrange();
    this.setAnswer(answer);
  }

  /** @param {number|null} answer number of the output */
  setAnswer(answer) {
    this.#outputs.forEach(({ id }, place) => {
      this.#buttons[place].setAttribute("aria-pressed", String(id === answer));
      this.#buttons[place].querySelector(".study-verdict").textContent = id === answer ? "Your choice" : "";
    });
  }

  /**
   * The output that a key stands for, also where the keyboard has digits only with Shift.
   *
   * @param {KeyboardEvent} event
   * @returns {number|null} its number
   */
  answerOf({ key: name, code, shiftKey }) {
    const digit = /^[1-9]$/.test(name) ? name : shiftKey ? null : /^Digit([1-9])$/.exec(code)?.[1];
    return this.#outputs[Number(digit ?? 0) - 1]?.id ?? null;
  }

  /** @param {number|null} answer @returns {string} the answer in words */
  told(answer) {
    const place = this.#outputs.findIndex(({ id }) => id === answer);
    return place < 0 ? "no choice" : `output ${place + 1}`;
  }

  #button({ id, picture }, place) {
    const name = `Output ${place + 1} of ${this.#outputs.length}`;
    return make(
      "button",
      {
        type: "button",
        class: "study-output",
        "aria-label": name,
        "aria-keyshortcuts": String(place + 1),
        onclick: () => this.onanswer(id),
      },
      make("img", { src: picture, alt: "", draggable: "false" }),
      make("span", { class: "study-label" }, key(String(place + 1)), make("span", { class: "study-verdict" })),
    );
  }

  #arrange() {
    const { clientWidth: width, clientHeight: height } = this.#arena.parentElement;
    if (!width || !height || !this.#outputs.length) return;
    const rule = { sizes: this.#sizes, gap: GAP, label: LABEL };
    const { rows, sizes } = arrange(this.#outputs, { width, height }, rule);
    this.#buttons.forEach((button, place) => {
      const { style } = button.querySelector("img");
      style.width = `${sizes[place].width}px`;
      style.height = `${sizes[place].height}px`;
    });
    const lines = rows.map((row) => make("div", { class: "study-row" }, ...row.map((place) => this.#buttons[place])));
    const focused = this.#buttons.find((button) => button === document.activeElement);
    this.#arena.replaceChildren(...lines);
    focused?.focus({ preventScroll: true });
  }
}
