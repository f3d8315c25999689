/** The crops of one page, each with its five grades; one of them is in the frame. */

import { make } from "./elements.js";
import { cropView } from "./viewer.js";

/**
 * @typedef {{id: number, box: [number, number, number, number], grade: number|null}} Crop
 */

const GAP = 14;
const GRADES_HEIGHT = 60; // with the frame's room above

export class PageView {
  #element;
  #grades;
  #ongrade;
  #onchoose;
  #cards = [];
  #slots = 1;
  #ratio = 1;
  #narrowest = 1;

  /**
   * @param {HTMLElement} element gets the crops
   * @param {{grades: string[], ongrade: (crop: number, grade: number) => void,
   *     onchoose: (crop: number) => void}} options names of the grades 1 to 5, and what is called with a crop's
   *     place on the page when it is graded or chosen by hand
   */
  constructor(element, { grades, ongrade, onchoose }) {
    this.#element = element;
    this.#grades = grades;
    this.#ongrade = ongrade;
    this.#onchoose = onchoose;
    element.classList.add("crops");
    new ResizeObserver(() => this.#arrange()).observe(element);
  }

  /** How many crops lie side by side. */
  columns = 1;

  /**
   * @param {{picture: string, width: number, height: number}} photograph
   * @param {Crop[]} crops
   * @param {number} slots crops on a full page: those of the last page of a group are shown no larger, for size
   *     would sway the grade
   */
  show(photograph, crops, slots) {
    const ratios = crops.map(({ box: [x1, y1, x2, y2] }) => (x2 - x1) / (y2 - y1));
    this.#ratio = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
    this.#narrowest = Math.min(...ratios);
    this.#slots = Math.max(slots, crops.length);
    this.#cards = crops.map((crop, place) => this.#card(photograph, crop, place, crops.length));
    this.#element.replaceChildren(...this.#cards.map(({ element }) => element));
    this.#arrange();
    crops.forEach(({ grade }, place) => this.setGrade(place, grade));
  }

  /** @param {number} place @param {number|null} grade */
  setGrade(place, grade) {
    const { element, buttons } = this.#cards[place];
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(index + 1 === grade)));
    element.classList.toggle("is-graded", grade !== null);
    const state = grade === null ? "no grade" : this.#grades[grade - 1];
    element.setAttribute("aria-label", `Crop ${place + 1} of ${this.#cards.length}: ${state}`);
  }

  /** Put a crop into the frame, and the keyboard's focus on it. */
  choose(place) {
    this.#cards.forEach(({ element }, index) => {
      element.classList.toggle("is-chosen", index === place);
      if (index === place) element.setAttribute("aria-current", "true");
      else element.removeAttribute("aria-current");
    });
    const { element } = this.#cards[place];
    if (document.activeElement !== element) element.focus({ preventScroll: true });
    element.scrollIntoView({ block: "nearest" });
  }

  #card(photograph, crop, place, count) {
    const buttons = this.#grades.map((name, index) =>
      make(
        "button",
        {
          type: "button",
          class: "grade",
          tabindex: "-1", // the keys 1 to 5 are quicker than five more stops
          "aria-label": `${index + 1}, ${name}`,
          onclick: () => this.#ongrade(place, index + 1),
        },
        make("b", {}, String(index + 1)),
        make("span", {}, name),
      ),
    );
    const name = `Crop ${place + 1} of ${count}`;
    const picture = make(
      "div",
      { class: "fit card-picture" },
      cropView(photograph.picture, photograph, crop.box, name),
    );
    const element = make(
      "section",
      {
        class: "card",
        role: "group",
        tabindex: "0",
        "aria-keyshortcuts": "1 2 3 4 5",
        onfocus: () => this.#onchoose(place),
      },
      picture,
      make("div", { class: "grades" }, ...buttons),
    );
    // Touch does not give the focus everywhere.
    picture.addEventListener("click", () => this.#onchoose(place));
    return { element, buttons };
  }

  /** Lay the crops out so that they become as large as they can. */
  #arrange() {
    const { clientWidth: width, clientHeight: height } = this.#element;
    if (!width || !height || !this.#cards.length) return;
    let [largest, row] = [0, 0];
    for (let columns = 1; columns <= this.#slots; columns += 1) {
      const rows = Math.ceil(this.#slots / columns);
      const wide = (width - GAP * (columns + 1)) / columns;
      const high = (height - GAP * (rows + 1)) / rows - GRADES_HEIGHT;
      const size = Math.min(wide, high * this.#ratio);
      // A hair more is no reason to lay out the next page of the group differently.
      if (size <= largest * 1.02) continue;
      [largest, this.columns] = [size, columns];
      row = Math.min(high, wide / this.#narrowest) + GRADES_HEIGHT;
    }
    this.#element.style.setProperty("--row", `${row}px`);
    this.#element.style.setProperty("--columns", this.columns);
    this.#element.style.setProperty("--rows", Math.ceil(this.#slots / this.columns));
  }
}
