/** What this browser remembers between visits; forgotten without harm where storage is forbidden. */

/**
 * @param {string} key
 * @returns {any} what was remembered, `null` if nothing was
 */
export function recall(key) {
  try {
    return JSON.parse(localStorage.getItem(`cadrage:${key}`));
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {any} value
 */
export function remember(key, value) {
  try {
    localStorage.setItem(`cadrage:${key}`, JSON.stringify(value));
  } catch {
    // It is asked for again, or found out again, next time.
  }
}
