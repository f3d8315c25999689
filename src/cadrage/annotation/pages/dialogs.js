/** Dialogs that a keyboard can use, and short notices. */

import { make } from "./elements.js";

/**
 * Show a dialog over the page; Esc closes it.
 *
 * @param {{title: string, body: (Node|string)[], class?: string, mustAnswer?: boolean}} what `mustAnswer`: Esc does
 *     not close it
 * @returns {{element: HTMLDialogElement, close: (value?: any) => void, closed: Promise<any>}} `closed` gives what
 *     `close` was called with, `null` after Esc
 */
export function openDialog({ title, body, class: name = "", mustAnswer = false }) {
  const heading = make("h2", { id: `dialog-${openDialog.count++}` }, title);
  const element = make("dialog", { class: name, "aria-labelledby": heading.id }, heading, ...body);
  let answer = null;
  const closed = new Promise((resolve) => {
    element.addEventListener("close", () => {
      element.remove();
      resolve(answer);
    });
  });
  if (mustAnswer) element.addEventListener("cancel", (event) => event.preventDefault());
  element.addEventListener("keydown", (event) => {
    // The page's own keys rest while a dialog is open.
    event.stopPropagation();
    if (mustAnswer && event.key === "Escape") event.preventDefault();
  });
  document.body.append(element);
  element.showModal();
  element.scrollTop = 0; // what gets the focus may lie far below
  const close = (value = null) => {
    answer = value;
    element.close();
  };
  return { element, close, closed };
}
openDialog.count = 0;

/**
 * Ask a question with a button for each answer; the first is what Enter gives.
 *
 * @param {{title: string, text: string, answers: {value: any, label: string}[]}} question
 * @returns {Promise<any>} the value of the answer, `null` after Esc
 */
export function ask({ title, text, answers }) {
  const buttons = answers.map(({ value, label }, place) =>
    make(
      "button",
      {
        type: "button",
        class: place ? "" : "primary",
        autofocus: !place,
        onclick: () => dialog.close(value),
      },
      label,
    ),
  );
  const dialog = openDialog({
    title,
    class: "question",
    body: [make("p", {}, text), make("div", { class: "answers" }, ...buttons)],
  });
  return dialog.closed;
}

/**
 * Say something for a few seconds, to ears as well.
 *
 * @param {string} text
 */
export function notice(text) {
  document.querySelector(".notice")?.remove();
  const element = make("div", { class: "notice", role: "status" }, text);
  document.body.append(element);
  setTimeout(() => element.remove(), 4000);
}
