/** The parts of the page of captions: sentence, photograph, the crop as it would be, its figures, buttons. */

import { ratioName, share } from "./boxes.js";
import { DrawingBoard } from "./drawing.js";
import { count, key, make } from "./elements.js";

/** Buttons: command, text, key. */
const TOOLS = [
  ["undo", "Undo", "U"],
  ["clear", "Clear", "⌫"],
  ["thirds", "Thirds", "G"],
];
const WAYS = [
  ["keep", "Keep and go on", "Enter"],
  ["back", "Back", "P"],
  ["missing", "Missing", "N"],
];

/**
 * @param {(command: string) => void} run called with the command of a button that was pressed
 */
export function captionStage(run) {
  const sentence = make("p", { class: "sentence", id: "sentence" });
  const ground = make(
    "div",
    {
      class: "ground surround",
      tabindex: "0",
      role: "application",
      "aria-label": "Photograph with your box; the arrow keys move it",
      "aria-describedby": "sentence",
    },
    make("div", { class: "fit" }),
  );
  const canvas = make("canvas", { role: "img", "aria-label": "The crop in your box" });
  const frame = make("div", { class: "framed preview-frame", hidden: true }, canvas);
  const place = make("div", { class: "fit" }, frame);
  const hint = make("p", { class: "hint" }, "Drag on the photograph, or press an arrow key.");
  const figures = make("output", { class: "figures" });
  const number = make("p", { class: "number" });
  const buttons = Object.fromEntries(
    [...TOOLS, ...WAYS].map(([command, label, name]) => [command, button(run, command, label, name)]),
  );
  const row = (name, commands) => make("div", { class: name }, ...commands.map(([command]) => buttons[command]));
  const element = make(
    "div",
    { class: "stage" },
    make("div", { class: "sentence-row" }, number, sentence),
    ground,
    make(
      "aside",
      { class: "panel", "aria-label": "Your box" },
      make("div", { class: "preview surround" }, place, hint),
      figures,
      row("tools", TOOLS),
      row("ways", WAYS),
    ),
  );
  const board = new DrawingBoard(ground);
  let repaint = () => {};
  new ResizeObserver(() => repaint()).observe(place);

  return {
    element,
    board,
    /**
     * Put a task on the stage.
     *
     * @param {import("./captions-tasks.js").Task} task
     * @param {number} total
     */
    open(task, total) {
      number.textContent = `Caption ${count(task.number + 1)} of ${count(total)}`;
      sentence.textContent = task.caption.text;
      board.open(task.picture, task.rules, task.box);
      board.image.addEventListener("load", () => repaint());
      buttons.back.disabled = task.number === 0;
      ground.focus({ preventScroll: true });
    },
    /**
     * Show what a box keeps.
     *
     * @param {import("./boxes.js").Box|null} box
     * @param {import("./boxes.js").Rules} rules
     */
    show(box, rules) {
      frame.hidden = box === null;
      hint.hidden = box !== null;
      buttons.clear.disabled = box === null;
      buttons.keep.classList.toggle("primary", box !== null);
      if (box === null) {
        figures.replaceChildren(figure("–", "ratio"), figure("–", "of the frame"), figure("–", "pixels"));
        repaint = () => {};
        return;
      }
      const [x1, y1, x2, y2] = box;
      const part = Math.max(1, Math.round(100 * share(box, rules)));
      figures.replaceChildren(
        figure(ratioName(box), rules.ratio ? "fixed ratio" : "ratio"),
        figure(`${part}%`, "of the frame"),
        figure(`${x2 - x1} × ${y2 - y1}`, "pixels"),
      );
      frame.style.setProperty("--ratio", (x2 - x1) / (y2 - y1));
      repaint = () => paint(canvas, board.image, box, rules);
      repaint();
    },
    setUndo(possible) {
      buttons.undo.disabled = !possible;
    },
    setThirds(on) {
      ground.classList.toggle("with-thirds", on);
      buttons.thirds.setAttribute("aria-pressed", String(on));
    },
  };
}

function paint(canvas, image, [x1, y1, x2, y2], rules) {
  if (!image.complete || !image.naturalWidth) return;
  canvas.width = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
  canvas.height = Math.max(1, Math.round(canvas.clientHeight * devicePixelRatio));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  const scale = image.naturalWidth / rules.width; // the picture is smaller than the frame
  const source = [x1, y1, x2 - x1, y2 - y1].map((length) => length * scale);
  context.drawImage(image, ...source, 0, 0, canvas.width, canvas.height);
}

function figure(value, name) {
  return make("span", { class: "figure" }, make("b", {}, value), make("span", {}, name));
}

function button(run, command, label, name) {
  const element = make(
    "button",
    { type: "button", class: `tool tool-${command}`, onclick: () => run(command) },
    make("span", {}, label),
    key(name),
  );
  // The photograph keeps the focus: Enter after a click must not press the button again.
  element.addEventListener("mousedown", (event) => event.preventDefault());
  return element;
}
