/** The bar at the top of every page: title, progress, clock, what is saved, and who is at work. */

import { clockTime, count, make } from "./elements.js";

/**
 * @param {HTMLElement} header the page's empty `<header>`
 * @param {{title: string, noun: string, onrater: () => void}} about `noun`: what is counted, as "crops"
 * @returns {{setRater: (name: string) => void, setProgress: (done: number, total: number) => void,
 *     follow: (clock: import("./clock.js").SessionClock, queue: import("./queue.js").SaveQueue) => void,
 *     tools: HTMLElement}} `tools`: where a page puts buttons of its own
 */
export function pageHeader(header, { title, noun, onrater }) {
  document.title = title;
  const done = make("span", { class: "header-count" });
  const bar = make("progress", { "aria-label": `Progress: ${noun}`, hidden: true });
  const time = make("span", { class: "header-clock", role: "timer", "aria-label": "Time in this session" });
  const saved = make("span", { class: "header-saved", role: "status", "aria-live": "polite" });
  const name = make("button", { class: "quiet header-rater", type: "button", onclick: onrater });
  const tools = make("div", { class: "header-tools" });
  header.replaceChildren(
    make("h1", { title }, title),
    make("div", { class: "header-progress" }, bar, done),
    saved,
    time,
    name,
    tools,
  );
  return {
    tools,
    setRater(rater) {
      name.replaceChildren(make("span", {}, rater));
      name.setAttribute("aria-label", `${rater}: someone else goes on`);
      name.title = "Someone else goes on";
    },
    setProgress(value, total) {
      bar.max = Math.max(total, 1);
      bar.value = value;
      bar.hidden = false;
      done.replaceChildren(`${count(value)} of ${count(total)}`, make("span", { class: "wide" }, ` ${noun}`));
    },
    follow(clock, queue) {
      clock.onchange = () => {
        time.textContent = clockTime(clock.seconds);
        time.classList.toggle("is-resting", clock.isIdle);
        time.title = clock.isIdle ? "The clock rests while nothing is done" : "Time in this session";
      };
      queue.onchange = () => showSaved(saved, queue);
      clock.onchange();
      queue.onchange();
    },
  };
}

/** What the words say of each state; `n` writes wait. */
const SAVED = {
  saved: () => "Saved",
  saving: () => "Saving",
  offline: (n) => `Offline, ${count(n)} waiting`,
  locked: (n) => `Not let in, ${count(n)} waiting`,
  elsewhere: (n) => `Another project is open at this address. ${count(n)} waiting`,
};

const EXPLAINED = {
  saved: "The server has everything.",
  saving: "The server is being told.",
  offline: "The server does not answer. Nothing is lost: this browser keeps what waits and goes on trying.",
  locked: "The server was started anew. Open the address that it printed: what waits is sent then.",
  elsewhere: "Nothing is lost: this browser keeps what waits, and sends it when this project is served here again.",
};

/** Show the state; short moments of saving are not shown, they would flicker. */
function showSaved(element, queue) {
  clearTimeout(showSaved.timer);
  const show = () => {
    const { state, pending } = queue;
    const text = SAVED[state](pending);
    if (element.textContent !== text) element.textContent = text;
    element.dataset.state = state;
    element.title = EXPLAINED[state];
  };
  if (queue.state === "saving" && element.dataset.state === "saved") showSaved.timer = setTimeout(show, 400);
  else show();
}
