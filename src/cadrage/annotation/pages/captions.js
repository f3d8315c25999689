/** The page of captions: who draws, their tasks, and the parts that show them. */

import { projectId } from "./api.js";
import { openHelp } from "./captions-help.js";
import { commandOf } from "./captions-keys.js";
import { DrawingSession } from "./captions-session.js";
import { captionStage } from "./captions-stage.js";
import { Tasks } from "./captions-tasks.js";
import { notice } from "./dialogs.js";
import { count } from "./elements.js";
import { ending } from "./ending.js";
import { recall, remember } from "./memory.js";
import { begin, changeRater, helpButton, main, openPage, showProblem, showWaiting } from "./opening.js";
import { patiently } from "./patience.js";

const HELD_COMMANDS = ["move", "grow", "scale", "undo"];

async function start() {
  const { header, rater, clock, queue } = await begin(
    "captions",
    () => "You will see photographs, each with a sentence, and draw the crop that the sentence describes.",
  );
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
  const end = ending({
    rater: rater.name,
    queue,
    done: "Every caption has your box.",
    changes: "your boxes",
    onagain: () => session.restart(),
    onrater: changeRater,
  });
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
      finished: () => {
        header.setProgress(tasks.done, tasks.length);
        main.replaceChildren(end.element);
        end.show([count(tasks.length), tasks.length === 1 ? "box" : "boxes"], rater.seconds + clock.seconds);
      },
      help: openHelp,
      waiting: showWaiting,
    },
  });
  header.tools.append(helpButton(openHelp));
  queue.onrefused = (write) => {
    notice(write.sentence);
    session.refused(write);
  };
  document.addEventListener("keydown", (event) => {
    const command = commandOf(event);
    if (!command) return;
    event.preventDefault();
    if (!event.repeat || HELD_COMMANDS.includes(command[0])) session.run(command[0], command[1], event.repeat);
  });
  return session;
}

openPage(start);
