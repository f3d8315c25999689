/** The rating page: who rates, their programme, and the parts that show it. */

import { projectId } from "./api.js";
import { ask, notice } from "./dialogs.js";
import { count } from "./elements.js";
import { ending } from "./ending.js";
import { openHelp } from "./help.js";
import { commandOf } from "./keys.js";
import { recall, remember } from "./memory.js";
import { begin, changeRater, helpButton, main, openPage, showProblem, showWaiting } from "./opening.js";
import { loadOptions } from "./options.js";
import { patiently } from "./patience.js";
import { Programme } from "./programme.js";
import { RatingSession } from "./session.js";
import { ratingStage } from "./stage.js";
import { openTutorial } from "./tutorial.js";

async function start() {
  const { settings, grades, header, rater, clock, queue } = await begin(
    "crops",
    () => "You will see photographs, each cropped in many ways: how good is each crop?",
  );
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
  const session = rate({ rater, clock, queue, programme, grades, settings, header, tutorial });
  if (!programme.graded && !recall(seen)) await patiently(tutorial, showWaiting);
  await session.resume();
}

/** Put the parts together. */
function rate({ rater, clock, queue, programme, grades, settings, header, tutorial }) {
  const options = loadOptions();
  const stage = ratingStage(grades, (command) => session.run(command));
  const help = () => openHelp({ options, onoptions: () => session.applyOptions(), ontutorial: tutorial });
  const end = ending({
    rater: rater.name,
    queue,
    done: "Every crop has a grade.",
    changes: "grades",
    onagain: () => session.restart(),
    onrater: changeRater,
  });
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
        const made = [count(programme.total), programme.total === 1 ? "crop graded" : "crops graded"];
        end.show(made, rater.seconds + clock.seconds);
      },
      help,
      waiting: showWaiting,
      changed: startAnew,
    },
  });
  header.tools.append(helpButton(help));
  queue.onrefused = (write) => {
    notice(write.sentence);
    session.refused(write);
    if (write.status === 409) startAnew();
  };
  document.addEventListener("keydown", (event) => {
    const command = commandOf(event);
    if (!command) return;
    event.preventDefault();
    if (!event.repeat || command[0] === "move") session.run(...command);
  });
  return session;
}

/** Photographs were added, and the order is another: nothing that was done is lost by loading the page anew. */
async function startAnew() {
  if (document.querySelector("dialog.question")) return;
  await ask({
    title: "The project has changed",
    text: "There are other photographs to rate than before, in another order. Your grades are kept.",
    answers: [{ value: true, label: "Go on" }],
  });
  location.reload();
}

openPage(start);
