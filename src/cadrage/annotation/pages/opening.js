/** What the pages of all kinds share: how they begin, wait, change raters, and say what is wrong. */

import { project, projectId } from "./api.js";
import { SessionClock } from "./clock.js";
import { notice } from "./dialogs.js";
import { make } from "./elements.js";
import { pageHeader } from "./header.js";
import { patiently } from "./patience.js";
import { chooseRater } from "./people.js";
import { SaveQueue } from "./queue.js";

/** Milliseconds that what is left from last time has for reaching the server, before it is asked what it has. */
const PATIENCE_WITH_LEFTOVERS = 3000;

export const main = document.querySelector("main");

/**
 * Learn what the project is, ask who is there, and start the clock and the queue.
 *
 * @param {string} noun what the header counts, such as "crops"
 * @param {(settings: Object) => string} about what a newcomer is told
 */
export async function begin(noun, about) {
  const { title, settings, grades } = await patiently(project, showWaiting);
  const header = pageHeader(document.querySelector("header"), { title, noun, onrater: changeRater });
  const rater = await patiently(() => chooseRater({ about: about(settings) }), showWaiting);
  header.setRater(rater.name);
  const clock = new SessionClock(rater.id);
  const queue = new SaveQueue(projectId);
  header.follow(clock, queue);
  await queue.settled(PATIENCE_WITH_LEFTOVERS);
  return { settings, grades, header, rater, clock, queue };
}

/**
 * Start a page; what stops it is said on it.
 *
 * @param {() => Promise<void>} start
 */
export function openPage(start) {
  start().catch((error) => {
    showProblem(error.message);
    throw error;
  });
}

/** @param {() => void} help opens it */
export function helpButton(help) {
  return make("button", { type: "button", class: "quiet", title: "Help (H)", onclick: help }, "Help");
}

/** Someone else goes on: the page starts anew, with what they have to do. */
export async function changeRater() {
  try {
    if (await chooseRater({ again: true })) location.reload();
  } catch (error) {
    notice(error.message);
  }
}

/** @param {string|null} sentence what is waited for; `null` when it is over */
export function showWaiting(sentence) {
  document.querySelector(".waiting")?.remove();
  if (sentence) document.body.append(make("p", { class: "waiting", role: "alert" }, sentence));
}

/** @param {string} sentence why there is nothing to do here */
export function showProblem(sentence) {
  main.replaceChildren(make("p", { class: "trouble", role: "alert" }, sentence));
}
