/** The rating page: who rates, their programme, and the parts that show it. */

import { project, projectKey } from "./api.js";
import { SessionClock } from "./clock.js";
import { notice } from "./dialogs.js";
import { make } from "./elements.js";
import { ending } from "./ending.js";
import { pageHeader } from "./header.js";
import { openHelp } from "./help.js";
import { commandOf } from "./keys.js";
import { recall, remember } from "./memory.js";
import { loadOptions } from "./options.js";
import { patiently } from "./patience.js";
import { chooseRater } from "./people.js";
import { Programme } from "./programme.js";
import { SaveQueue } from "./queue.js";
import { RatingSession } from "./session.js";
import { ratingStage } from "./stage.js";
import { openTutorial } from "./tutorial.js";

/** Milliseconds that what is left from last time has for reaching the server, before it is asked what it has. */
const PATIENCE_WITH_LEFTOVERS = 3000;

const main = document.querySelector("main");

async function start() {
  const { title, settings, grades } = await patiently(project, showWaiting);
  const projectId = await projectKey();
  const header = pageHeader(document.querySelector("header"), { title, noun: "crops", onrater: changeRater });
  const rater = await patiently(
    () => chooseRater({ about: "You will see photographs, each cropped in many ways: how good is each crop?" }),
    showWaiting,
  );
  header.setRater(rater.name);
  const clock = new SessionClock(rater.id);
  const queue = new SaveQueue(projectId);
  header.follow(clock, queue);
  await queue.settled(PATIENCE_WITH_LEFTOVERS);
  const programme = await patiently(() => Programme.load(rater.id, queue), showWaiting);
  if (!programme.total) {
    showProblem("There is nothing to rate: the project holds no photographs.");
    return;
  }
  const seen = `tutorial:${projectId}:${rater.id}`;
  const tutorial = async () => {
    const { photograph } = await programme.visit(0);
    await openTutorial({ photograph, grades });
    remember(seen, true);
  };
  const session = rate({ rater, clock, queue, programme, grades, settings, header, tutorial, projectId });
  if (!programme.graded && !recall(seen)) await patiently(tutorial, showWaiting);
  await session.resume();
}

/** Put the parts together. */
function rate({ rater, clock, queue, programme, grades, settings, header, tutorial, projectId }) {
  const options = loadOptions();
  const stage = ratingStage(grades, (command) => session.run(command));
  const help = () => openHelp({ options, onoptions: () => session.applyOptions(), ontutorial: tutorial });
  const end = ending({ rater: rater.name, queue, onagain: () => session.restart(), onrater: changeRater });
  const session = new RatingSession({
    programme,
    clock,
    stage,
    grades,
    slots: settings.crops_per_page,
    options,
    memory: `place:${projectId}:${rater.id}`,
    on: {
      shown: () => main.replaceChildren(stage.element),
      progress: () => header.setProgress(programme.graded, programme.total),
      finished: () => {
        header.setProgress(programme.graded, programme.total);
        main.replaceChildren(end.element);
        end.show({ crops: programme.total, seconds: rater.seconds + clock.seconds });
      },
      help,
      waiting: showWaiting,
    },
  });
  header.tools.append(
    make("button", { type: "button", class: "quiet", title: "Help (H)", onclick: help }, "Help"),
  );
  const showSaved = queue.onchange;
  queue.onchange = () => {
    showSaved();
    end.refresh();
  };
  queue.onrefused = (_id, sentence, body) => {
    programme.refused(body);
    session.refresh();
    notice(sentence);
  };
  document.addEventListener("keydown", (event) => {
    const command = commandOf(event);
    if (!command) return;
    event.preventDefault();
    if (!event.repeat || command[0] === "move") session.run(...command);
  });
  return session;
}

/** Someone else goes on: the page starts anew, with their programme. */
async function changeRater() {
  try {
    if (await chooseRater({ again: true })) location.reload();
  } catch (error) {
    notice(error.message);
  }
}

function showWaiting(sentence) {
  document.querySelector(".waiting")?.remove();
  if (sentence) document.body.append(make("p", { class: "waiting", role: "alert" }, sentence));
}

function showProblem(sentence) {
  main.replaceChildren(make("p", { class: "trouble", role: "alert" }, sentence));
}

start().catch((error) => {
  showProblem(error.message);
  throw error;
});
