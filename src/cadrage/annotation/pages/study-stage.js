/** The study page's parts: the question with its pictures, and the buttons below; and what its keys do. */

import { openDialog } from "./dialogs.js";
import { count, key, make } from "./elements.js";

const TOOLS = [
  ["previous", "Previous", "←"],
  ["undo", "Undo", "U"],
  ["missing", "Missing", "N"],
  ["next", "Next", "→"],
];

const COMMANDS = {
  ArrowLeft: "previous",
  PageUp: "previous",
  ",": "previous",
  ArrowRight: "next",
  PageDown: "next",
  ".": "next",
  Enter: "next",
  u: "undo",
  n: "missing",
  h: "help",
  "?": "help",
};

const MOVING = [
  { keys: ["←", "→"], does: "Back, and on" },
  { keys: ["U"], does: "Undo, as often as you like; Ctrl+Z too" },
  { keys: ["N"], does: "The next one without an answer" },
  { keys: ["H"], does: "This help" },
];

const HELP = {
  preference: {
    advice:
      "Look at all of them, then choose the one that you like the most as a picture. There is no right answer, and their order means nothing.",
    keys: [{ keys: ["1", "2", "…"], does: "Choose an output; a click too" }, ...MOVING],
  },
  description: {
    advice:
      "Say in one plain sentence what the picture shows, as if you told somebody who cannot see it. Only what is in the picture counts.",
    keys: [
      { keys: ["Enter"], does: "Keep the sentence and go on" },
      { keys: ["Tab"], does: "From the sentence to the buttons, where these keys work:" },
      ...MOVING,
    ],
  },
};

/**
 * @param {HTMLElement} view shows the task
 * @param {(command: string) => void} run called with the command of a button that was pressed
 */
export function studyStage(view, run) {
  const where = make("p", { class: "study-where" });
  const buttons = Object.fromEntries(
    TOOLS.map(([command, label, name]) => [command, button(command, label, name, run)]),
  );
  const bar = make("div", { class: "study-bar", role: "toolbar", "aria-label": "Tasks" }, where, ...Object.values(buttons));
  const said = make("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
  const element = make("div", { class: "study-stage surround" }, view, bar, said);
  return {
    element,
    /** Say where the voter is. */
    describe({ task, tasks, isDone, mayUndo }) {
      where.textContent = `${count(task + 1)} of ${count(tasks)}`;
      buttons.previous.disabled = task === 0;
      buttons.undo.disabled = !mayUndo;
      buttons.next.classList.toggle("primary", isDone);
    },
    /** Tell those who listen. */
    say(sentence) {
      said.textContent = sentence;
    },
  };
}

/**
 * @param {KeyboardEvent} event
 * @returns {string|null} a command; `null` if the key is not ours
 */
export function commandOf(event) {
  if (!isOurs(event)) return null;
  if (event.ctrlKey || event.metaKey) return event.key.toLowerCase() === "z" ? "undo" : null;
  // A button that has the focus is pressed by Enter.
  if (event.key === "Enter" && event.target.closest?.("button, a")) return null;
  return COMMANDS[event.key.length === 1 ? event.key.toLowerCase() : event.key] ?? null;
}

/** Whether a key is for the page, and not for a text or a dialog. */
export function isOurs(event) {
  if (event.altKey || event.isComposing || document.querySelector("dialog[open]")) return false;
  return !event.target.closest?.("input, textarea");
}

/**
 * Show the help over the page.
 *
 * @param {"preference"|"description"} question
 * @returns {Promise<void>} when it is closed
 */
export async function openHelp(question) {
  const { advice, keys } = HELP[question];
  const rows = keys.map(({ keys: names, does }) =>
    make("div", {}, make("dt", {}, ...names.map(key)), make("dd", {}, does)),
  );
  const close = make("button", { type: "button", class: "primary", autofocus: true, onclick: () => dialog.close() }, "Got it");
  const dialog = openDialog({
    title: question === "preference" ? "Choose the one you like" : "Describe what you see",
    class: "help",
    body: [
      make("p", { class: "lead" }, advice),
      make("dl", { class: "keys" }, ...rows),
      make("div", { class: "answers" }, close),
    ],
  });
  await dialog.closed;
}

function button(command, label, name, run) {
  return make(
    "button",
    { type: "button", class: `study-tool study-${command}`, onclick: () => run(command) },
    make("span", {}, label),
    key(name),
  );
}
