/** One output, and a line for what is on it. */

import { key, make } from "./elements.js";

const LONGEST = 500;

export const QUESTION = "What does this picture show?";

export class DescriptionView {
  /** The part of the page. */
  element;

  /** Called with a description. */
  onanswer = (_text) => {};

  #kept = null;
  #picture = make("div", { class: "study-picture" });
  #field = make("textarea", {
    id: "description",
    class: "study-text",
    rows: 2,
    maxlength: LONGEST,
    placeholder: "Describe it in one sentence",
    autocomplete: "off",
    enterkeyhint: "done",
    "aria-describedby": "description-hint",
  });
  #button = make("button", { class: "primary" }, "Keep", key("Enter"));

  constructor() {
    const form = make(
      "form",
      { class: "study-form" },
      make("label", { for: this.#field.id, class: "study-question" }, QUESTION),
      make("div", { class: "study-line" }, this.#field, this.#button),
      make("p", { class: "study-hint", id: "description-hint" }, "As if you told somebody who cannot see it."),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#give();
    });
    this.#field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#give();
    });
    this.#field.addEventListener("input", () => this.#update());
    // A dialog that closes gives the focus back, but not the caret: nothing could be typed.
    this.#field.addEventListener("focus", () => {
      this.#field.setSelectionRange(this.#field.value.length, this.#field.value.length);
    });
    this.element = make("div", { class: "study-view study-described" }, this.#picture, form);
  }

  /** A text that was typed and not yet kept. */
  get draft() {
    const text = tidy(this.#field.value);
    return text && text !== this.#kept ? text : null;
  }

  /** @param {import("./study-tasks.js").Task} task */
  show({ outputs: [output], answer }) {
    const image = make("img", { src: output.picture, alt: "The picture to describe", draggable: "false" });
    image.style.aspectRatio = `${output.width} / ${output.height}`;
    image.style.setProperty("--ratio", output.width / output.height);
    image.style.setProperty("--width", `${2 * output.width}px`);
    this.#picture.replaceChildren(image);
    this.setAnswer(answer);
    this.#field.focus({ preventScroll: true });
  }

  /** @param {string|null} answer */
  setAnswer(answer) {
    this.#kept = answer;
    this.#field.value = answer ?? "";
    this.#update();
  }

  /** No key stands for a description. */
  answerOf() {
    return null;
  }

  /** @param {string|null} answer @returns {string} the answer in words */
  told(answer) {
    return answer === null ? "no description" : answer;
  }

  #give() {
    const text = tidy(this.#field.value);
    if (text) this.onanswer(text);
    else this.#field.focus();
  }

  #update() {
    this.#button.disabled = !tidy(this.#field.value);
  }
}

function tidy(text) {
  return text.normalize("NFC").split(/\s+/).filter(Boolean).join(" ");
}
