/** The page of a study: who votes, their tasks, and the parts that show them. */

import { projectId } from "./api.js";
import { notice } from "./dialogs.js";
import { count } from "./elements.js";
import { ending } from "./ending.js";
import { recall, remember } from "./memory.js";
import { begin, changeRater, helpButton, main, openPage, showWaiting } from "./opening.js";
import { patiently } from "./patience.js";
import { DescriptionView } from "./study-description.js";
import { PreferenceView } from "./study-preference.js";
import { StudySession } from "./study-session.js";
import { commandOf, isOurs, openHelp, studyStage } from "./study-stage.js";
import { Tasks } from "./study-tasks.js";

const ABOUT = {
  preference: "You will see several versions of each photograph, side by side, and choose the one you like the most.",
  description: "You will see one picture at a time, and say in a sentence what it shows.",
};

async function start() {
  const { settings, header, rater, clock, queue } = await begin(
    "photographs",
    (asked) => ABOUT[asked.question],
  );
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
  const end = ending({
    rater: rater.name,
    queue,
    done: "Every photograph has your answer.",
    changes: "your answers",
    onagain: () => session.restart(),
    onrater: changeRater,
  });
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
      finished: () => {
        header.setProgress(tasks.done, tasks.length);
        main.replaceChildren(end.element);
        const made = [count(tasks.length), tasks.length === 1 ? "photograph" : "photographs"];
        end.show(made, rater.seconds + clock.seconds);
      },
      help,
      waiting: showWaiting,
    },
  });
  header.tools.append(helpButton(help));
  queue.onrefused = (write) => {
    notice(write.sentence);
    session.refused(write);
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

openPage(start);
