/** The page of a study: who votes, their tasks, and the parts that show them. */

import { get, project, projectKey } from "./api.js";
import { SessionClock } from "./clock.js";
import { notice } from "./dialogs.js";
import { clockTime, count, make } from "./elements.js";
import { pageHeader } from "./header.js";
import { recall, remember } from "./memory.js";
import { patiently } from "./patience.js";
import { chooseRater } from "./people.js";
import { SaveQueue } from "./queue.js";
import { DescriptionView } from "./study-description.js";
import { PreferenceView } from "./study-preference.js";
import { StudySession } from "./study-session.js";
import { commandOf, isOurs, openHelp, studyStage } from "./study-stage.js";
import { Tasks } from "./study-tasks.js";

/** Milliseconds that what is left from last time has for reaching the server, before it is asked what it has. */
const PATIENCE_WITH_LEFTOVERS = 3000;

const ABOUT = {
  preference: "You will see several versions of each photograph, side by side, and choose the one you like the most.",
  description: "You will see one picture at a time, and say in a sentence what it shows.",
};

const main = document.querySelector("main");

async function start() {
  const { title, settings } = await patiently(project, showWaiting);
  const projectId = await projectKey();
  const header = pageHeader(document.querySelector("header"), { title, noun: "photographs", onrater: changeRater });
  const rater = await patiently(() => chooseRater({ about: ABOUT[settings.question] }), showWaiting);
  header.setRater(rater.name);
  const clock = new SessionClock(rater.id);
  const queue = new SaveQueue(projectId);
  header.follow(clock, queue);
  await queue.settled(PATIENCE_WITH_LEFTOVERS);
  const tasks = await patiently(() => Tasks.load(rater.id, queue, settings.question), showWaiting);
  const session = ask({ rater, clock, queue, tasks, settings, header });
  await session.resume();
  const seen = `study-help:${projectId}:${rater.id}`;
  if (!tasks.done && !recall(seen)) {
    await openHelp(settings.question);
    remember(seen, true);
  }
}

/** Put the parts together. */
function ask({ rater, clock, queue, tasks, settings, header }) {
  const view = settings.question === "preference" ? new PreferenceView(settings) : new DescriptionView();
  const stage = studyStage(view.element, (command) => session.run(command));
  const help = () => openHelp(settings.question);
  const session = new StudySession({
    tasks,
    clock,
    stage,
    view,
    on: {
      progress: () => {
        if (!stage.element.isConnected) main.replaceChildren(stage.element);
        header.setProgress(tasks.done, tasks.length);
      },
      finished: () => finish({ rater, clock, queue, tasks, session, header }),
      help,
      waiting: showWaiting,
    },
  });
  header.tools.append(make("button", { type: "button", class: "quiet", title: "Help (H)", onclick: help }, "Help"));
  queue.onrefused = (_id, sentence, body) => {
    notice(sentence);
    session.refused(body);
  };
  document.addEventListener("keydown", (event) => {
    if (event.repeat) return;
    const command = commandOf(event);
    const isAnswer = !command && !event.ctrlKey && !event.metaKey && isOurs(event) && session.press(event);
    if (command) session.run(command);
    if (command || isAnswer) event.preventDefault();
  });
  return session;
}

async function finish({ rater, clock, queue, tasks, session, header }) {
  header.setProgress(tasks.done, tasks.length);
  const people = await get("/api/raters").catch(() => []);
  const { seconds } = people.find(({ id }) => id === rater.id) ?? rater;
  const fact = (value, name) => make("div", {}, make("dt", {}, name), make("dd", {}, value));
  const heading = make("h2", { tabindex: "-1" }, `Thank you, ${rater.name}`);
  const saved = make("p", { class: "ending-saved", role: "status" });
  const again = make("button", { type: "button", class: "primary", onclick: () => session.restart() }, "Look again from the start");
  const card = make(
    "div",
    { class: "ending-card" },
    heading,
    make("p", {}, "Every photograph has your answer. That was all there is to do."),
    make(
      "dl",
      { class: "facts" },
      fact(count(tasks.length), tasks.length === 1 ? "photograph" : "photographs"),
      fact(clockTime(Math.max(seconds, rater.seconds + clock.seconds)), "at work"),
    ),
    saved,
    make("div", { class: "answers" }, again, make("button", { type: "button", onclick: changeRater }, "Someone else goes on")),
  );
  main.replaceChildren(make("section", { class: "ending surround" }, card));
  heading.focus();
  const refresh = () => {
    saved.textContent = queue.pending
      ? "Not everything has reached the server yet. Please leave this page open for a moment."
      : "Everything is saved. You may close this page, or look again and change your answers.";
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
  const text = "The server does not answer. Your answers are kept; this page goes on by itself.";
  document.body.append(make("p", { class: "waiting", role: "alert" }, text));
}

function showProblem(sentence) {
  main.replaceChildren(make("p", { class: "trouble", role: "alert" }, sentence));
}

start().catch((error) => {
  showProblem(error.message);
  throw error;
});
