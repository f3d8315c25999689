/** The rating page's parts: the photograph, what is known about it, buttons, and room for the crops. */

import { distribution } from "./distribution.js";
import { key, make } from "./elements.js";
import { isComplete } from "./programme.js";
import { photographView } from "./viewer.js";

/**
 * @param {string[]} grades names of the grades 1 to 5
 * @param {(command: string) => void} run called with the command of a button that was pressed
 */
export function ratingStage(grades, run) {
  const photograph = make("div", { class: "fit whole" });
  const shape = make("i", { "aria-hidden": "true" });
  const group = make("h2", { class: "group" });
  const where = make("p", { class: "where" });
  const strip = make("ol", { class: "strip", "aria-hidden": "true" });
  const bars = distribution(grades);
  const buttons = Object.fromEntries(
    [
      ["previous", "Previous", "Page ↑"],
      ["next", "Next", "Enter"],
      ["undo", "Undo", "U"],
      ["missing", "Missing", "N"],
      ["thirds", "Thirds", "G"],
    ].map(([command, label, name]) => [command, button(command, label, name, run)]),
  );
  const panel = make(
    "aside",
    { class: "panel", "aria-label": "This photograph" },
    make("div", { class: "about" }, make("span", { class: "shape" }, shape), group, where),
    strip,
    bars.element,
    make("div", { class: "tools" }, ...Object.values(buttons)),
  );
  const crops = make("div", { "aria-label": "Crops of one ratio", role: "group" });
  const said = make("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
  const element = make("div", { class: "stage surround" }, photograph, panel, crops, said);
  let view = null;

  return {
    element,
    crops,
    /** Show a visit's photograph. */
    showPhotograph({ picture, width, height }) {
      view = photographView(picture, { width, height }, "The whole photograph");
      photograph.replaceChildren(view.element);
    },
    /** Mark the place of a crop. */
    mark: (box) => view.setBox(box),
    /**
     * Say where the rater is.
     *
     * @param {import("./programme.js").Visit} visit
     * @param {number} page
     */
    describe(visit, page) {
      const name = visit.pages[page].group;
      group.textContent = name;
      const [wide, high] = name.split(":").map(Number);
      shape.style.aspectRatio = `${wide} / ${high}`;
      shape.style.width = `${(100 * wide) / Math.max(wide, high)}%`;
      where.textContent = `Page ${page + 1} of ${visit.pages.length}`;
      strip.replaceChildren(
        ...visit.pages.map((one, place) => {
          const state = [isComplete(one) && "is-complete", place === page && "is-here"];
          return make("li", { class: state.filter(Boolean).join(" ") });
        }),
      );
      bars.show(visit.pages.flatMap((one) => one.crops.map(({ grade }) => grade)));
      buttons.next.classList.toggle("primary", isComplete(visit.pages[page]));
      buttons.previous.disabled = visit.visit === 0 && page === 0;
    },
    /** @param {import("./options.js").Options} options */
    setOptions(options) {
      element.classList.toggle("with-thirds", options.thirds);
      buttons.thirds.setAttribute("aria-pressed", String(options.thirds));
      bars.element.hidden = !options.distribution;
    },
    setUndo(possible) {
      buttons.undo.disabled = !possible;
    },
    /** Tell those who listen. */
    say(sentence) {
      said.textContent = sentence;
    },
  };
}

function button(command, label, name, run) {
  return make(
    "button",
    { type: "button", class: `tool tool-${command}`, onclick: () => run(command) },
    make("span", {}, label),
    key(name),
  );
}
