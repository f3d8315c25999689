/** The page of captions: who draws, their tasks, and the parts that show them. */

import { project, projectKey } from "./api.js";
import { openHelp } from "./captions-help.js";
import { commandOf } from "./captions-keys.js";
import { DrawingSession } from "./captions-session.js";
import { captionStage } from "./captions-stage.js";
import { Tasks } from "./captions-tasks.js";
import { SessionClock } from "./clock.js";
import { notice } from "./dialogs.js";
import { clockTime, count, make } from "./elements.js";
import { pageHeader } from "./header.js";
import { recall, remember } from "./memory.js";
import { patiently } from "./patience.js";
import { chooseRater } from "./people.js";
import { SaveQueue } from "./queue.js";

/** Milliseconds that what is left from last time has for reaching the server, before it is asked what it has. */
const PATIENCE_WITH_LEFTOVERS = 3000;

const HELD_COMMANDS = ["move", "grow", "scale", "undo"];

const main = document.querySelector("main");

async function start() {
  const { title } = await patiently(project, showWaiting);
  const projectId = await projectKey();
  const header = pageHeader(document.querySelector("header"), { title, noun: "captions", onrater: changeRater });
  const about = "You will see photographs, each with a sentence, and draw the crop that the sentence describes.";
  const rater = await patiently(() => chooseRater({ about }), showWaiting);
  header.setRater(rater.name);
  const clock = new SessionClock(rater.id);
  const queue = new SaveQueue(projectId);
  header.follow(clock, queue);
  await queue.settled(PATIENCE_WITH_LEFTOVERS);
  const tasks = await patiently(() => Tasks.load(rater.id, queue), showWaiting);
  if (!tasks.length) {
    showProblem("There is nothing to draw: no photograph of the project has a caption.");
    return;
  }
  const session = draw({ rater, clock, queue, tasks, header });
  await session.resume();
  const seen = `captions-help:${projectId}:${rater.id}`;
  if (!tasks.done && !recall(seen)) {
    await openHelp();
    remember(seen, true);
  }
}

/** Put the parts together. */
function draw({ rater, clock, queue, tasks, header }) {
  const stage = captionStage((command) => session.run(command));
  const session = new DrawingSession({
    tasks,
    clock,
    stage,
    on: {
      progress: () => {
        if (!stage.element.isConnected) main.replaceChildren(stage.element);
        header.setProgress(tasks.done, tasks.length);
      },
      finished: () => finish({ rater, clock, queue, tasks, session, header }),
      help: openHelp,
      waiting: showWaiting,
    },
  });
  header.tools.append(
    make("button", { type: "button", class: "quiet", title: "Help (H)", onclick: openHelp }, "Help"),
  );
  queue.onrefused = (_id, sentence, body) => {
    notice(sentence);
    session.refused(body);
  };
  document.addEventListener("keydown", (event) => {
    const command = commandOf(event);
    if (!command) return;
    event.preventDefault();
    if (!event.repeat || HELD_COMMANDS.includes(command[0])) session.run(command[0], command[1], event.repeat);
  });
  return session;
}

function finish({ rater, clock, queue, tasks, session, header }) {
  header.setProgress(tasks.done, tasks.length);
  const fact = (value, name) => make("div", {}, make("dt", {}, name), make("dd", {}, value));
  const heading = make("h2", { tabindex: "-1" }, `Thank you, ${rater.name}`);
  const saved = make("p", { role: "status" });
  main.replaceChildren(
    make(
      "section",
      { class: "ending surround" },
      make(
        "div",
        { class: "ending-card" },
        heading,
        make("p", {}, "Every caption has your box. That was all there is to do."),
        make(
          "dl",
          { class: "facts" },
          fact(count(tasks.length), tasks.length === 1 ? "box" : "boxes"),
          fact(clockTime(rater.seconds + clock.seconds), "at work"),
        ),
        saved,
        make(
          "div",
          { class: "answers" },
          make("button", { class: "primary", onclick: () => session.restart() }, "Look again from the start"),
          make("button", { onclick: changeRater }, "Someone else goes on"),
        ),
      ),
    ),
  );
  heading.focus();
  const refresh = () => {
    saved.textContent = queue.pending
      ? "Not everything has reached the server yet. Please leave this page open for a moment."
      : "Everything is saved. You may close this page, or look again and change your boxes.";
  };
  const shown = queue.onchange;
  queue.onchange = () => {
    shown();
    refresh();
  };
  refresh();
}

/** Someone else goes on: the page starts anew, with their tasks. */
async function changeRater() {
  try {
    if (await chooseRater({ again: true })) location.reload();
  } catch (error) {
    notice(error.message);
  }
}

function showWaiting(sentence) {
  document.querySelector(".waiting")?.remove();
  if (sentence === null) return;
  const text = "The server does not answer. Your boxes are kept; this page goes on by itself.";
  document.body.append(make("p", { class: "waiting", role: "alert" }, text));
}

function showProblem(sentence) {
  main.replaceChildren(make("p", { class: "trouble", role: "alert" }, sentence));
}

start().catch((error) => {
  showProblem(error.message);
  throw error;
});
