/** The last page: everything is done. */

import { clockTime, make } from "./elements.js";

/**
 * @param {{rater: string, queue: SaveQueue, done: string, changes: string, onagain: () => void, onrater: () => void}} about
 *     `done` says that everything has what it needs, `changes` what may still be changed
 * @returns {{element: HTMLElement, show: (made: [string, string], seconds: number) => void}} `show` when it is on the
 *     page, with how much was made of what
 */
export function ending({ rater, queue, done, changes, onagain, onrater }) {
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
      make("p", {}, `${done} That was all there is to do.`),
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
      : `Everything is saved. You may close this page, or look again and change ${changes}.`;
  };
  const showSaved = queue.onchange;
  queue.onchange = () => {
    showSaved();
    refresh();
  };
  return {
    element,
    show(made, seconds) {
      facts.replaceChildren(fact(...made), fact(clockTime(seconds), "at work"));
      refresh();
      heading.focus();
    },
  };
}
