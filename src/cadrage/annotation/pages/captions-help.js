/** What raters of captions are told: what to draw, and with which keys. */

import { KEYS } from "./captions-keys.js";
import { openDialog } from "./dialogs.js";
import { key, make } from "./elements.js";
import { photographView } from "./viewer.js";

const EXAMPLE = { url: "/static/captions-example.svg", width: 480, height: 320 };
const EXAMPLE_CAPTION = "A dog leaps for a red ball on the beach.";

const ADVICE = [
  ["Everything the sentence names", " is in the crop, and can be recognised."],
  ["No more than it needs:", " what the sentence leaves out stays out where it can."],
  ["Pleasing to look at:", " room where things move or look, nothing cut in an odd place."],
  ["", "There is no right answer. Trust your eye, and take a few seconds for each."],
];

const EXAMPLES = [
  { box: [176, 126, 322, 272], name: "Too little", text: "The ball and the beach are named, and are not there." },
  { box: [0, 0, 480, 320], name: "Too much", text: "Nobody named the sailing boat or all that sky." },
  { box: [142, 68, 400, 298], name: "Just right", text: "Dog, ball and beach, with room for the leap." },
];

/**
 * Show the help over the page.
 *
 * @returns {Promise<void>} when it is closed
 */
export async function openHelp() {
  const dialog = openDialog({
    title: "Draw the crop that the caption describes",
    class: "help",
    body: [
      make(
        "ul",
        { class: "advice" },
        ...ADVICE.map(([what, why]) => make("li", {}, make("b", {}, what), why)),
      ),
      make("p", { class: "example-caption" }, `“${EXAMPLE_CAPTION}”`),
      make("div", { class: "examples" }, ...EXAMPLES.map(example)),
      make("h3", {}, "With a mouse, a finger or a pen"),
      make("p", {}, "Drag to draw a box. Drag in it to move it, at a corner or an edge to change its size."),
      make("h3", {}, "With the keyboard"),
      make(
        "dl",
        { class: "keys" },
        ...KEYS.map(({ keys, does }) => make("div", {}, make("dt", {}, ...keys.map(key)), make("dd", {}, does))),
      ),
      make(
        "div",
        { class: "answers" },
        make("button", { class: "primary", autofocus: true, onclick: () => dialog.close() }, "Got it"),
      ),
    ],
  });
  dialog.element.scrollTop = 0; // the button that has the focus is at the end
  await dialog.closed;
}

function example({ box, name, text }) {
  const view = photographView(EXAMPLE.url, EXAMPLE, `${name}: ${text}`);
  view.setBox(box);
  return make(
    "figure",
    {},
    make("div", { class: "fit" }, view.element),
    make("figcaption", {}, make("b", {}, name), " ", text),
  );
}
