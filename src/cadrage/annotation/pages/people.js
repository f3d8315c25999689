/** Who is at work: the welcome dialog, and the name that this browser remembers. */

import { get, project, projectId, send } from "./api.js";
import { openDialog } from "./dialogs.js";
import { count, make } from "./elements.js";
import { recall, remember } from "./memory.js";

/**
 * @typedef {{id: number, name: string, done: number, total: number, seconds: number}} Rater
 */

/**
 * The rater that this browser remembers, or the one who now gives a name.
 *
 * @param {{again?: boolean, about?: string}} [options] `again`: ask even if a rater is remembered, and let Esc keep
 *     that one; `about`: a sentence on what is to be done
 * @returns {Promise<Rater|null>} `null` only after Esc
 */
export async function chooseRater({ again = false, about = "" } = {}) {
  const place = `rater:${projectId}`;
  const raters = await get("/api/raters");
  const remembered = raters.find(({ id }) => id === recall(place));
  if (remembered && !again) return remembered;
  const rater = await welcome(raters, { about, current: remembered });
  if (rater) remember(place, rater.id);
  return rater;
}

async function welcome(raters, { about, current }) {
  const { title } = await project();
  const problem = make("p", { class: "problem", id: "name-problem", role: "alert" });
  const field = make("input", {
    id: "rater-name",
    name: "name",
    required: true,
    maxlength: 60,
    autofocus: true,
    autocomplete: "name",
    spellcheck: "false",
    "aria-describedby": "name-problem",
  });
  const enter = async (name) => {
    problem.textContent = "";
    try {
      dialog.close(await send("POST", "/api/raters", { name }));
    } catch (error) {
      problem.textContent = error.message;
      field.focus();
    }
  };
  const form = make(
    "form",
    { class: "name-form", novalidate: true },
    make("label", { for: field.id }, "Your name"),
    make("div", { class: "name-row" }, field, make("button", { class: "primary" }, "Start")),
    problem,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    enter(field.value);
  });
  const others = raters.filter((rater) => rater !== current);
  const dialog = openDialog({
    title: current ? "Who goes on?" : title,
    class: "welcome",
    mustAnswer: !current,
    body: [
      about && !current ? make("p", { class: "lead" }, about) : "",
      form,
      others.length ? make("h3", {}, "Or go on as") : "",
      others.length ? make("ul", { class: "rater-list" }, ...others.map((one) => choice(one, enter))) : "",
    ],
  });
  return dialog.closed;
}

function choice(rater, enter) {
  const share = `${count(rater.done)} of ${count(rater.total)}`;
  return make(
    "li",
    {},
    make(
      "button",
      { type: "button", class: "rater", onclick: () => enter(rater.name) },
      make("span", { class: "rater-name" }, rater.name),
      make("span", { class: "rater-share" }, share),
      make("progress", { max: Math.max(rater.total, 1), value: rater.done, "aria-label": share }),
    ),
  );
}
