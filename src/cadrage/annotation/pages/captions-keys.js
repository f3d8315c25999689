/** What each key does on the page of captions. */

/** The keys as the help shows them. */
export const KEYS = [
  { keys: ["←", "→", "↑", "↓"], does: "Move the box; without one, begin with one in the middle" },
  { keys: ["Shift", "← →"], does: "Narrower, wider" },
  { keys: ["Shift", "↑ ↓"], does: "Less tall, taller" },
  { keys: ["+", "−"], does: "Larger, smaller" },
  { keys: ["Enter"], does: "Keep the box and go on" },
  { keys: ["Backspace"], does: "Clear the box" },
  { keys: ["U"], does: "Undo, as often as you like; Ctrl+Z too" },
  { keys: ["N"], does: "Next caption without a box" },
  { keys: ["P"], does: "Back to the caption before" },
  { keys: ["G"], does: "Thirds in the box" },
  { keys: ["H"], does: "This help" },
  { keys: ["Esc"], does: "Give up a drag; close what is open" },
];

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const COMMANDS = {
  "+": ["scale", 1],
  "=": ["scale", 1], // + without Shift
  "-": ["scale", -1],
  "_": ["scale", -1],
  Enter: ["keep"],
  Backspace: ["clear"],
  Delete: ["clear"],
  Escape: ["cancel"],
  u: ["undo"],
  n: ["missing"],
  p: ["back"],
  g: ["thirds"],
  h: ["help"],
  "?": ["help"],
};

/**
 * @param {KeyboardEvent} event
 * @returns {[string, any?]|null} a command and what it is about: of "move" and "grow" the direction [x, y], of
 *     "scale" 1 or -1; `null` if the key is not ours
 */
export function commandOf(event) {
  if (event.altKey || event.isComposing || document.querySelector("dialog[open]")) return null;
  if (event.ctrlKey || event.metaKey) return event.key.toLowerCase() === "z" ? ["undo"] : null;
  // A button that has the focus is pressed by Enter.
  if (event.key === "Enter" && event.target.closest?.("button, a")) return null;
  const arrow = ARROWS[event.key];
  if (arrow) return [event.shiftKey ? "grow" : "move", arrow];
  return COMMANDS[event.key.length === 1 ? event.key.toLowerCase() : event.key] ?? null;
}
