/** The tutorial: what a good crop is, the grades, the keys, and a page to try them on. */

import { openDialog } from "./dialogs.js";
import { make } from "./elements.js";
import { keyTable } from "./help.js";
import { gradeOf } from "./keys.js";
import { PageView } from "./page.js";
import { cropView, photographView } from "./viewer.js";

/** What the grades mean, from 1 to 5. */
const MEANINGS = [
  "Spoilt: what matters is cut off, or the picture makes no sense.",
  "Clear faults: one would rather not show it.",
  "Acceptable: nothing is wrong, nothing is special.",
  "A good picture: one would gladly show it.",
  "The crop one would choose: nothing to improve.",
];

/** What makes a good crop; the name is of the illustration. */
const QUALITIES = [
  {
    name: "content",
    title: "What matters is kept",
    text: "Heads, hands, wheels, tips of towers: nothing that tells the story is cut off.",
  },
  {
    name: "distractions",
    title: "What distracts is gone",
    text: "Poles, strangers and half things at the edges are left out.",
  },
  {
    name: "balance",
    title: "It is in balance",
    text: "Weights, lines and empty areas hold each other; nothing seems to tip over.",
  },
  {
    name: "room",
    title: "There is room to breathe",
    text: "Things do not touch the edges, and looks and movements have somewhere to go.",
  },
];

/** Shares of a photograph's width and height: places to try on, none of them a crop that is rated. */
const EXAMPLES = [
  [0.06, 0.06, 0.94, 0.94],
  [0.02, 0.3, 0.7, 0.98],
  [0.2, 0.1, 0.8, 0.9],
  [0.34, 0.02, 0.98, 0.66],
];

/**
 * Show the tutorial until it is closed.
 *
 * @param {{photograph: {picture: string, width: number, height: number}, grades: string[]}} about
 * @returns {Promise<void>}
 */
export async function openTutorial({ photograph, grades }) {
  const examples = EXAMPLES.map(([x1, y1, x2, y2], id) => ({
    id,
    grade: null,
    box: [x1 * photograph.width, y1 * photograph.height, x2 * photograph.width, y2 * photograph.height],
  }));
  const steps = [
    purpose(photograph, examples),
    qualities(),
    meanings(grades),
    keys(),
    tryOut(photograph, examples, grades),
  ];
  await walk(steps);
}

/** Lead through the steps; Esc leaves. */
async function walk(steps) {
  const content = make("div", { class: "tutorial-step" });
  const dots = make("ol", { class: "dots", "aria-hidden": "true" }, ...steps.map(() => make("li")));
  const back = make("button", { type: "button", onclick: () => show(step - 1) }, "Back");
  const on = make("button", { type: "button", class: "primary", onclick: () => go() });
  const skip = make("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Skip");
  const dialog = openDialog({
    title: "",
    class: "tutorial",
    body: [content, make("div", { class: "tutorial-foot" }, skip, dots, back, on)],
  });
  const heading = dialog.element.querySelector("h2");
  let step = 0;

  function show(place) {
    step = place;
    heading.textContent = steps[step].title;
    content.replaceChildren(...steps[step].body);
    content.scrollTop = 0;
    back.hidden = step === 0;
    skip.hidden = step === steps.length - 1;
    on.textContent = step === steps.length - 1 ? "Start rating" : "Next";
    [...dots.children].forEach((dot, index) => dot.classList.toggle("is-here", index === step));
    on.focus();
    steps[step].begin?.();
  }

  function go() {
    if (step === steps.length - 1) dialog.close();
    else show(step + 1);
  }

  dialog.element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.target.closest("button")) go();
    else steps[step].onkey?.(event);
  });
  show(0);
  await dialog.closed;
}

function purpose(photograph, examples) {
  const whole = photographView(photograph.picture, photograph, "A photograph with a place marked");
  const { box } = examples[2];
  whole.setBox(box);
  return {
    title: "How good is each crop?",
    body: [
      lead(
        "You will see one photograph after the other, each cropped in many ways. Judge every crop as a " +
          "picture of its own: how good is it to look at? The photograph beside it shows where it was taken.",
      ),
      make(
        "div",
        { class: "tutorial-pair" },
        make("div", { class: "fit" }, whole.element),
        make("div", { class: "fit" }, cropView(photograph.picture, photograph, box, "The crop")),
      ),
    ],
  };
}

function qualities() {
  const items = QUALITIES.map(({ name, title, text }) =>
    make(
      "li",
      {},
      make("img", { src: `/static/tutorial-${name}.svg`, alt: "", width: 248, height: 80 }),
      make("h3", {}, title),
      make("p", {}, text),
    ),
  );
  return {
    title: "What makes a good crop",
    body: [make("ul", { class: "qualities" }, ...items)],
  };
}

function meanings(grades) {
  const rows = grades.map((name, index) =>
    make("div", {}, make("dt", {}, make("b", {}, String(index + 1)), name), make("dd", {}, MEANINGS[index])),
  );
  return {
    title: "Five grades",
    body: [
      make("dl", { class: "meanings" }, ...rows),
      lead(
        "Use the whole scale. Trust your first impression: a few seconds a crop are enough. " +
          "There are no right answers, your own taste is what is asked for.",
      ),
    ],
  };
}

function keys() {
  return {
    title: "Keys",
    body: [lead("Everything works by mouse and touch as well. H shows this list again."), keyTable()],
  };
}

/** A page of crops whose grades go nowhere. */
function tryOut(photograph, examples, grades) {
  const room = make("div", { role: "group", "aria-label": "Crops to try on" });
  const whole = photographView(photograph.picture, photograph, "The whole photograph");
  let chosen = 0;
  const choose = (place) => {
    chosen = place;
    whole.setBox(examples[place].box);
    view.choose(place);
  };
  const give = (place, grade) => {
    examples[place].grade = grade;
    view.setGrade(place, grade);
    const next = examples.findIndex((example) => example.grade === null);
    choose(next < 0 ? place : next);
  };
  const view = new PageView(room, { grades, ongrade: give, onchoose: choose });
  return {
    title: "Try it",
    body: [
      lead("Grade these with the keys 1 to 5, or with the buttons. Nothing here is saved. Enter starts."),
      make("div", { class: "try-out surround" }, make("div", { class: "fit" }, whole.element), room),
    ],
    begin: () => {
      view.show(photograph, examples, examples.length);
      choose(0);
    },
    onkey: (event) => {
      const grade = gradeOf(event);
      const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -view.columns, ArrowDown: view.columns }[event.key];
      if (grade) give(chosen, grade);
      else if (by && examples[chosen + by]) choose(chosen + by);
      else return;
      event.preventDefault();
    },
  };
}

function lead(text) {
  return make("p", { class: "lead" }, text);
}
