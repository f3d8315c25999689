"""What the page of a study asks for: a voter's questions, the pictures of the outputs, and a place for answers.

Nothing in the answers names a method: outputs have random numbers, and come in an order of the voter's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import Field
from starlette.responses import Response

from cadrage.annotation.server.answers import Judgement, Number, rater_of
from cadrage.annotation.store import Store, raters
from cadrage.annotation.store.studies import (
    LONGEST_DESCRIPTION,
    Output,
    Subject,
    describe,
    descriptions,
    judged,
    methods,
    output_picture,
    outputs,
    study_protocol_of,
    subjects,
    vote,
    votes,
)
from cadrage.annotation.study.programme import description_tasks, preference_tasks

SHOWN_SETTINGS = ("question", "sizes", "show_original")


class ChoiceGiven(Judgement):
    """The output that a voter likes the most, of a task; ``None`` takes the choice back."""

    task: Number
    output: Number | None


class DescriptionGiven(Judgement):
    """What a person says is on the output of a task; ``None`` takes it back."""

    task: Number
    text: Annotated[str, Field(max_length=2 * LONGEST_DESCRIPTION)] | None


class Study:
    """A study while it is served: its photographs and outputs, which stay as they are, and each voter's tasks."""

    def __init__(self, store: Store) -> None:
        """Read what is shown."""
        self.store = store
        self.protocol = study_protocol_of(store)
        self._subjects = subjects(store)
        self._methods = methods(store)
        self._outputs = {(output.photograph, output.method): output for output in outputs(store)}
        self._tasks: dict[int, tuple[tuple[Subject, tuple[Output, ...]], ...]] = {}

    def tasks(self, voter: int) -> tuple[tuple[Subject, tuple[Output, ...]], ...]:
        """The voter's tasks in order: photographs, each with the outputs shown, first to last.

        Raises:
            HTTPException: 404, there is no such voter.
        """
        if voter not in self._tasks:
            rater_of(self.store, voter)
            draw = preference_tasks if self.protocol.question == "preference" else description_tasks
            names = [subject.name for subject in self._subjects]
            tasks = []
            for task in draw(names, self._methods, self.protocol.seed, voter):
                subject = self._subjects[task.photograph]
                shown = tuple(self._outputs[subject.id, self._methods[place]] for place in task.shown)
                tasks.append((subject, shown))
            self._tasks[voter] = tuple(tasks)
        return self._tasks[voter]

    def task(self, voter: int, number: int) -> tuple[Subject, tuple[Output, ...]]:
        """One of the voter's tasks.

        Raises:
            HTTPException: 404, there is no such voter or task.
        """
        tasks = self.tasks(voter)
        if number >= len(tasks):
            raise HTTPException(404, f"There is no task {number}.")
        return tasks[number]

    def answers(self, voter: int) -> Mapping[int, Any]:
        """The voter's choices by photograph, or descriptions by output."""
        if self.protocol.question == "preference":
            return {one.photograph: one.choice for one in votes(self.store, rater=voter)}
        return {one.output: one.text for one in descriptions(self.store, rater=voter)}

    def answer(self, voter: int, number: int) -> int | str | None:
        """The voter's answer to a task."""
        subject, shown = self.task(voter, number)
        key = subject.id if self.protocol.question == "preference" else shown[0].id
        answer: int | str | None = self.answers(voter).get(key)
        return answer


def progress(store: Store) -> Mapping[int, tuple[int, int]]:
    """How many photographs each voter has judged, and how many are asked of them, by the voter's number."""
    done, total = judged(store), len(subjects(store))
    return {rater.id: (done.get(rater.id, 0), total) for rater in raters(store)}


def routes(store: Store) -> APIRouter:
    """The routes of a study."""
    router = APIRouter()
    study = Study(store)

    @router.get("/outputs/{output}.jpg")
    def get_output(output: Number) -> Response:
        """The picture of an output; its number is never another's, in any project."""
        jpeg = output_picture(store, output)
        if jpeg is None:
            raise HTTPException(404, f"There is no output {output}.")
        caching = {"Cache-Control": "private, max-age=31536000, immutable"}
        return Response(jpeg, media_type="image/jpeg", headers=caching)

    @router.get("/api/raters/{rater}/tasks")
    def get_tasks(rater: Number) -> dict[str, Any]:
        """Which of the voter's tasks are done, in order."""
        answers = study.answers(rater)
        done = [subject.id in answers or shown[0].id in answers for subject, shown in study.tasks(rater)]
        return {"tasks": [{"done": one} for one in done], "done": sum(done)}

    @router.get("/api/raters/{rater}/tasks/{number}")
    def get_task(rater: Number, number: Number) -> dict[str, Any]:
        """One task: the outputs in the voter's order, the whole photograph if it is shown, the voter's answer."""
        subject, shown = study.task(rater, number)
        return {
            "task": number,
            "outputs": [_picture(f"/outputs/{one.id}.jpg", one.size_wh) | {"id": one.id} for one in shown],
            "original": _original(subject) if study.protocol.show_original else None,
            "answer": study.answer(rater, number),
        }

    @router.put("/api/raters/{rater}/votes")
    def put_vote(rater: Number, given: ChoiceGiven) -> dict[str, Any]:
        """Keep the voter's choice of a task, or take it back."""
        subject, shown = study.task(rater, given.task)
        ids = [output.id for output in shown]
        vote(store, rater, subject.id, given.output, ids, given.milliseconds, stamp=given.stamped())
        return {"task": given.task, "answer": given.output, "done": judged(store).get(rater, 0)}

    @router.put("/api/raters/{rater}/descriptions")
    def put_description(rater: Number, given: DescriptionGiven) -> dict[str, Any]:
        """Keep what the person says of a task's output, or take it back."""
        _, shown = study.task(rater, given.task)
        describe(store, rater, shown[0].id, given.text, given.milliseconds, stamp=given.stamped())
        return {
            "task": given.task,
            "answer": study.answer(rater, given.task),
            "done": judged(store).get(rater, 0),
        }

    return router


def _picture(url: str, size_wh: tuple[int, int]) -> dict[str, Any]:
    return {"picture": url, "width": size_wh[0], "height": size_wh[1]}


def _original(subject: Subject) -> dict[str, Any] | None:
    if subject.picture_wh is None:
        return None
    return _picture(f"/pictures/{subject.id}.jpg?v={subject.sha256[:16]}", subject.picture_wh)
