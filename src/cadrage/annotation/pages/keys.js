/** What each key does on the rating page. */

/** The keys as the help shows them. */
export const KEYS = [
  { keys: ["1", "2", "3", "4", "5"], does: "Grade the crop in the frame: bad, poor, fair, good, excellent" },
  { keys: ["←", "→", "↑", "↓"], does: "Another crop of the page; Tab too" },
  { keys: ["Enter"], does: "Next page" },
  { keys: ["Page ↓", "Page ↑"], does: "Next and previous page; . and , too" },
  { keys: ["U"], does: "Undo the last grade, as many as you like; Ctrl+Z too" },
  { keys: ["N"], does: "Next crop without a grade, anywhere; ? too" },
  { keys: ["G"], does: "Thirds on the photograph and the crops" },
  { keys: ["D"], does: "Show or hide your grades for this photograph" },
  { keys: ["H"], does: "Help" },
  { keys: ["Esc"], does: "Close what is open" },
];

const COMMANDS = {
  ArrowLeft: ["move", "left"],
  ArrowRight: ["move", "right"],
  ArrowUp: ["move", "up"],
  ArrowDown: ["move", "down"],
  Enter: ["next"],
  PageDown: ["next"],
  ".": ["next"],
  PageUp: ["previous"],
  ",": ["previous"],
  u: ["undo"],
  n: ["missing"],
  "?": ["missing"],
  g: ["thirds"],
  d: ["distribution"],
  h: ["help"],
};

/**
 * @param {KeyboardEvent} event
 * @returns {[string, any?]|null} a command and what it is about; `null` if the key is not ours
 */
export function commandOf(event) {
  if (event.altKey || event.isComposing || document.querySelector("dialog[open]")) return null;
  if (event.target.closest?.("input:not([type=checkbox]), textarea, select")) return null;
  if (event.ctrlKey || event.metaKey) return event.key.toLowerCase() === "z" ? ["undo"] : null;
  // A button that has the focus is pressed by Enter.
  if (event.key === "Enter" && event.target.closest?.("button, a, summary")) return null;
  const grade = gradeOf(event);
  if (grade) return ["grade", grade];
  return COMMANDS[event.key.length === 1 ? event.key.toLowerCase() : event.key] ?? null;
}

/**
 * The grade that a key stands for, also where the keyboard has digits only with Shift.
 *
 * @param {KeyboardEvent} event
 * @returns {number|null}
 */
export function gradeOf({ key, code, shiftKey }) {
  if (/^[1-5]$/.test(key)) return Number(key);
  const place = shiftKey ? null : /^Digit([1-5])$/.exec(code);
  return place ? Number(place[1]) : null;
}
