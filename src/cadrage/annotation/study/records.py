"""Every single answer of a study, as rows for JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cadrage.annotation.store import Store, raters
from cadrage.annotation.store.studies import (
    captions_by_subject,
    descriptions,
    outputs,
    study_protocol_of,
    subjects,
    votes,
)


def rows(store: Store, *, anonymous: bool = False) -> Iterator[dict[str, Any]]:
    """The answers, by voter; those of excluded voters too, marked so.

    A vote is ``{"image", "method", "shown": [methods, first to last], "position": from 1, "voter", "excluded",
    "seconds", "at"}``: the method chosen. A description is ``{"image", "method", "caption", "description", "voter",
    "excluded", "seconds", "at"}``, where the study knows one caption of the image; ``"captions"``, a list, where it
    knows several; neither where it knows none.

    Args:
        store: a study.
        anonymous: voters' numbers, in the order of their coming, for their names.

    Raises:
        DataError: the project is no study.
    """
    with store.reading():
        people = {rater.id: rater for rater in raters(store)}
        names = {subject.id: subject.name for subject in subjects(store)}
        made = {output.id: output for output in outputs(store)}

        def row(rater: int, output: int, milliseconds: int, at: str, **answer: object) -> dict[str, Any]:
            return {
                "image": names[made[output].photograph],
                "method": made[output].method,
                **answer,
                "voter": rater if anonymous else people[rater].name,
                "excluded": people[rater].excluded is not None,
                "seconds": milliseconds / 1000,
                "at": at,
            }

        if study_protocol_of(store).question == "preference":
            for vote in votes(store):
                shown = [made[output].method for output in vote.shown]
                position = 1 + vote.shown.index(vote.choice)
                yield row(vote.rater, vote.choice, vote.milliseconds, vote.at, shown=shown, position=position)
            return
        captions = captions_by_subject(store)
        for one in descriptions(store):
            texts = captions.get(made[one.output].photograph, ())
            known = {"caption": texts[0]} if len(texts) == 1 else {"captions": list(texts)} if texts else {}
            yield row(one.rater, one.output, one.milliseconds, one.at, **known, description=one.text)
