/** The help: all keys, what can be set, and the way to the tutorial. */

import { openDialog } from "./dialogs.js";
import { key, make } from "./elements.js";
import { KEYS } from "./keys.js";

/**
 * @param {{options: import("./options.js").Options, onoptions: () => void, ontutorial: () => void}} about
 *     `onoptions` is called when one of `options` was changed
 */
export function openHelp({ options, onoptions, ontutorial }) {
  const option = (name, text) =>
    make(
      "label",
      { class: "option" },
      make("input", {
        type: "checkbox",
        checked: options[name],
        onchange: (event) => {
          options[name] = event.target.checked;
          onoptions();
        },
      }),
      text,
    );
  const dialog = openDialog({
    title: "Help",
    class: "help",
    body: [
      keyTable(),
      make("h3", {}, "As you like it"),
      option("advance", "The next page comes by itself when all crops of a page have a grade"),
      option("thirds", "Show thirds"),
      option("distribution", "Show how often I gave each grade to this photograph"),
      make(
        "div",
        { class: "answers" },
        make(
          "button",
          { type: "button", class: "primary", autofocus: true, onclick: () => dialog.close() },
          "Close",
        ),
        make("button", { type: "button", onclick: () => dialog.close("tutorial") }, "See the tutorial"),
      ),
    ],
  });
  dialog.closed.then((answer) => answer === "tutorial" && ontutorial());
}

/** All keys with what they do. */
export function keyTable() {
  const rows = KEYS.map(({ keys, does }) =>
    make("div", {}, make("dt", {}, ...keys.map(key)), make("dd", {}, does)),
  );
  return make("dl", { class: "keys" }, ...rows);
}
