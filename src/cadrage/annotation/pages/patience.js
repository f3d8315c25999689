/** Going on asking while the server is away. */

import { ApiError } from "./api.js";

const PAUSE = 1500;

/** A browser that draws nothing just now may never say that a picture is decoded; then it is shown as it is. */
const LONGEST_DECODING = 2000;

/**
 * @template T
 * @param {() => Promise<T>} ask
 * @param {(sentence: string|null) => void} tell called with what is wrong while waiting, and with `null` at last
 * @returns {Promise<T>}
 * @throws {ApiError} the server says no
 */
export async function patiently(ask, tell) {
  for (let waited = false; ; waited = true) {
    try {
      const answer = await ask();
      if (waited) tell(null);
      return answer;
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status > 0 && error.status < 500)) throw error;
      tell("The server does not answer. What you did is kept; this page goes on by itself.");
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}

/**
 * Wait until a picture can be shown.
 *
 * @param {string} url
 * @throws {ApiError} it cannot be loaded now
 */
export async function loadPicture(url) {
  const image = new Image();
  const loaded = new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = reject;
  });
  image.src = url;
  try {
    await loaded;
    await Promise.race([image.decode(), new Promise((resolve) => setTimeout(resolve, LONGEST_DECODING))]);
  } catch {
    throw new ApiError(0, "The picture cannot be loaded.");
  }
}
