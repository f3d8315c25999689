/** The last page: everything has a grade. */

import { clockTime, count, make } from "./elements.js";

/**
 * @param {{rater: string, queue: {pending: number}, onagain: () => void, onrater: () => void}} about
 * @returns {{element: HTMLElement, show: (facts: {crops: number, seconds: number}) => void,
 *     refresh: () => void}} `show` when it is on the page, `refresh` after the queue has changed
 */
export function ending({ rater, queue, onagain, onrater }) {
  const heading = make("h2", { id: "ending-title", tabindex: "-1" }, `Thank you, ${rater}`);
  const facts = make("dl", { class: "facts" });
  const saved = make("p", { role: "status" });
  const element = make(
    "section",
    { class: "ending surround", "aria-labelledby": heading.id },
    make(
      "div",
      { class: "ending-card" },
      heading,
      make("p", {}, "Every crop has a grade. That was all there is to do."),
      facts,
      saved,
      make(
        "div",
        { class: "answers" },
        make("button", { type: "button", class: "primary", onclick: onagain }, "Look again from the start"),
        make("button", { type: "button", onclick: onrater }, "Someone else goes on"),
      ),
    ),
  );
  const fact = (value, name) => make("div", {}, make("dt", {}, name), make("dd", {}, value));
  const refresh = () => {
    saved.textContent = queue.pending
      ? "Not everything has reached the server yet. Please leave this page open for a moment."
      : "Everything is saved. You may close this page, or look again and change grades.";
  };
  return {
    element,
    refresh,
    show({ crops, seconds }) {
      facts.replaceChildren(
        fact(count(crops), crops === 1 ? "crop graded" : "crops graded"),
        fact(clockTime(seconds), "at work"),
      );
      refresh();
      heading.focus();
    },
  };
}
