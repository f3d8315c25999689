/** A photograph that a box is drawn on, with a mouse, a finger or a pen. */

import { between, moved, resized } from "./boxes.js";
import { make } from "./elements.js";
import { photographView, thirds } from "./viewer.js";

/** How far a pointer goes, in pixels of the screen, before a press becomes a drag. */
const SLACK = 4;

const HANDLES = ["n", "e", "s", "w", "nw", "ne", "se", "sw"];

/**
 * Shows one photograph at a time. A drag on the open ground draws a box, a drag in the box moves it, a drag at a
 * handle resizes it; a drag that begins beside the photograph counts from its edge.
 */
export class DrawingBoard {
  /** Called with the box at every step of a drag. */
  ondrag = (_box) => {};

  /** Called with the box that a drag led to, and the one before it. */
  ondraw = (_box, _before) => {};

  #ground;
  #view = null;
  #mark = null;
  #rules = null;
  #box = null;
  #gesture = null;

  /** @param {HTMLElement} ground what pointers are followed on: the photograph's place and some room around it */
  constructor(ground) {
    this.#ground = ground;
    ground.addEventListener("pointerdown", (event) => this.#press(event));
    ground.addEventListener("pointermove", (event) => this.#drag(event));
    ground.addEventListener("pointerup", (event) => this.#release(event));
    ground.addEventListener("pointercancel", (event) => this.cancel(event.pointerId));
    ground.addEventListener("dragstart", (event) => event.preventDefault());
    // Else the browser takes the end of a swift stroke for a fling, and swallows the next tap.
    ground.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  }

  /** The picture on the board. */
  get image() {
    return this.#view?.image;
  }

  /**
   * Put another photograph on the board.
   *
   * @param {string} url
   * @param {import("./boxes.js").Rules} rules
   * @param {import("./boxes.js").Box|null} box
   */
  open(url, rules, box) {
    this.#gesture = null;
    this.#rules = rules;
    this.#view = photographView(url, rules);
    // With a fixed ratio an edge alone cannot be moved.
    const handles = HANDLES.filter((name) => !rules.ratio || name.length === 2);
    this.#mark = make(
      "div",
      { class: "drawn", hidden: true },
      thirds(),
      ...handles.map((name) => make("i", { class: `handle handle-${name}`, "data-handle": name })),
    );
    this.#ground.firstElementChild.replaceChildren(
      make("div", { class: "board" }, this.#view.element, this.#mark),
    );
    this.setBox(box);
  }

  /** @param {import("./boxes.js").Box|null} box */
  setBox(box) {
    this.#box = box;
    this.#view.setBox(box);
    this.#mark.hidden = box === null;
    if (box === null) return;
    const [x1, y1, x2, y2] = box;
    const { width, height } = this.#rules;
    this.#mark.style.left = `${(100 * x1) / width}%`;
    this.#mark.style.top = `${(100 * y1) / height}%`;
    this.#mark.style.width = `${(100 * (x2 - x1)) / width}%`;
    this.#mark.style.height = `${(100 * (y2 - y1)) / height}%`;
  }

  /** Take no more drags, until the next photograph comes. */
  close() {
    this.cancel();
    this.#rules = null;
  }

  /** Give up a drag, so that the box is what it was before; whether there was one. */
  cancel(pointer = this.#gesture?.pointer) {
    if (this.#gesture === null || pointer !== this.#gesture.pointer) return false;
    const { begun, before } = this.#gesture;
    this.#end();
    if (begun) {
      this.setBox(before);
      this.ondrag(before);
    }
    return begun;
  }

  #press(event) {
    if (this.#rules === null || this.#gesture !== null || event.button !== 0) return;
    const handle = event.target.closest(".handle")?.dataset.handle;
    const kind = handle ? "resize" : event.target.closest(".drawn") ? "move" : "draw";
    this.#gesture = {
      kind,
      handle,
      pointer: event.pointerId,
      before: this.#box,
      from: this.#pointOf(event),
      pressed: { x: event.clientX, y: event.clientY },
      begun: false,
    };
    this.#ground.setPointerCapture(event.pointerId);
    this.#ground.dataset.gesture = handle ?? kind;
  }

  #drag(event) {
    const gesture = this.#gesture;
    if (gesture?.pointer !== event.pointerId) return;
    const far = Math.hypot(event.clientX - gesture.pressed.x, event.clientY - gesture.pressed.y);
    gesture.begun ||= far >= SLACK;
    if (!gesture.begun) return;
    this.setBox(this.#reached(gesture, this.#pointOf(event)));
    this.ondrag(this.#box);
  }

  #reached({ kind, handle, before, from }, point) {
    const dx = point.x - from.x;
    const dy = point.y - from.y;
    if (kind === "draw") return between(this.#within(from), this.#within(point), this.#rules);
    if (kind === "move") return moved(before, dx, dy, this.#rules);
    // From where the handle was, not from where the finger hit it.
    const [x1, y1, x2, y2] = before;
    const corner = { x: (handle.includes("w") ? x1 : x2) + dx, y: (handle.includes("n") ? y1 : y2) + dy };
    return resized(before, handle, this.#within(corner), this.#rules);
  }

  #release(event) {
    const gesture = this.#gesture;
    if (gesture?.pointer !== event.pointerId) return;
    this.#drag(event);
    this.#end();
    if (gesture.begun) this.ondraw(this.#box, gesture.before);
  }

  #end() {
    this.#gesture = null;
    delete this.#ground.dataset.gesture;
  }

  /** Where a pointer is, in frame pixels; it may be beside the frame. */
  #pointOf(event) {
    const place = this.#view.element.getBoundingClientRect();
    return {
      x: ((event.clientX - place.left) / place.width) * this.#rules.width,
      y: ((event.clientY - place.top) / place.height) * this.#rules.height,
    };
  }

  #within({ x, y }) {
    const { width, height } = this.#rules;
    return { x: Math.min(Math.max(x, 0), width), y: Math.min(Math.max(y, 0), height) };
  }
}
