/** Elements made in one line; text goes in as text, never as markup. */

/**
 * @param {string} tag
 * @param {Object<string, any>} [attributes] `class`, `onclick` and the like are listeners, `true` an empty
 *     attribute, `false`, `null` and `undefined` none at all
 * @param {...(Node|string|null|false)} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}

/**
 * A key as it is printed on the keyboard, for hints beside buttons.
 *
 * @param {string} name
 */
export function key(name) {
  return make("kbd", {}, name);
}

/**
 * Hours, minutes and seconds of a time at work: 0:07, 12:30, 1:02:05.
 *
 * @param {number} seconds
 */
export function clockTime(seconds) {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const [, minutes, rest] = parts.map((part) => String(part).padStart(2, "0"));
  return parts[0] ? `${parts[0]}:${minutes}:${rest}` : `${parts[1]}:${rest}`;
}

const wholeNumber = new Intl.NumberFormat("en");

/**
 * A count with its thousands set off: 1,740.
 *
 * @param {number} value
 */
export function count(value) {
  return wholeNumber.format(value);
}

/**
 * A count with its noun: 1 crop, 12 crops.
 *
 * @param {number} value
 * @param {string} noun
 */
export function counted(value, noun) {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}
