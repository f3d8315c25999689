/** How often each grade was given, as five small bars. */

import { make } from "./elements.js";

/** Grades of one kind that fill a bar, at least: the first few are no towers. */
const LOWEST_TOP = 4;

/**
 * @param {string[]} grades names of the grades 1 to 5
 * @returns {{element: HTMLElement, show: (given: (number|null)[]) => void}}
 */
export function distribution(grades) {
  const bars = grades.map(() => make("i"));
  const numbers = grades.map(() => make("span", { class: "bar-number" }));
  const columns = grades.map((name, index) =>
    make(
      "div",
      { class: "bar" },
      make("div", { class: "bar-room" }, numbers[index], bars[index]),
      make("span", { class: "bar-name" }, make("b", {}, String(index + 1)), ` ${name}`),
    ),
  );
  const element = make("div", { class: "distribution", role: "img" }, ...columns);
  return {
    element,
    show(given) {
      const counts = grades.map((_, index) => given.filter((grade) => grade === index + 1).length);
      const most = Math.max(...counts, LOWEST_TOP);
      counts.forEach((times, index) => {
        bars[index].style.flexBasis = `${(100 * times) / most}%`;
        numbers[index].textContent = times || "";
      });
      const words = grades.map((name, index) => `${name} ${counts[index]}`).join(", ");
      element.setAttribute("aria-label", `Your grades for this photograph: ${words}`);
    },
  };
}
