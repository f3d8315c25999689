"""What the page of captions asks for: a rater's tasks, and a place for the boxes they draw."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import Field

from cadrage.annotation.server.answers import Judgement, Number, described, rater_of
from cadrage.annotation.store import Store, photographs, raters
from cadrage.annotation.store.boxes import (
    Caption,
    boxes_drawn,
    caption_protocol_of,
    captions,
    draw,
    drawn,
    tasks,
)
from cadrage.geometry import AspectRatio, Box

SHOWN_SETTINGS = ("ratio", "smallest_side")
"""Which of the project's settings the page may know."""


class BoxDrawn(Judgement):
    """A rater's box for a caption, in frame pixels x1, y1, x2, y2; no box takes an earlier one back."""

    caption: Number
    box: Annotated[list[float], Field(min_length=4, max_length=4)] | None


def routes(store: Store) -> APIRouter:
    """The routes of a project of captions.

    A rater is told of their own boxes only: what the others drew must not lead them.
    """
    router = APIRouter(prefix="/api/raters/{rater}")
    protocol = caption_protocol_of(store)
    ratio = None if protocol.ratio is None else AspectRatio.parse(protocol.ratio).value
    shown = {photograph.id: photograph for photograph in photographs(store)}

    @lru_cache(maxsize=32)  # while it is served, a project's captions stay as they are
    def tasks_of(rater: int) -> tuple[Caption, ...]:
        rater_of(store, rater)
        return tasks(store, rater)

    @router.get("/tasks")
    def list_tasks(rater: Number) -> dict[str, Any]:
        """All captions in the rater's order, and which of them have their box."""
        order = tasks_of(rater)
        done = {drawing.caption for drawing in drawn(store, rater=rater)}
        return {"tasks": [{"caption": caption.id, "done": caption.id in done} for caption in order]}

    @router.get("/tasks/{number}")
    def one_task(rater: Number, number: Number) -> dict[str, Any]:
        """The photograph, the caption, the rater's box and the rules of one task, by its place from 0.

        ``ratio`` is the width / height that every box has, if that is fixed; ``smallest`` the least side.
        """
        order = tasks_of(rater)
        if number >= len(order):
            raise HTTPException(404, f"There is no task {number}.")
        caption = order[number]
        photograph = shown[caption.photograph]
        drawing = next(drawn(store, rater=rater, caption=caption.id), None)
        return {
            "task": number,
            "photograph": described(photograph),
            "caption": {"id": caption.id, "text": caption.text},
            "box": None if drawing is None else drawing.box.as_tuple(),
            "ratio": ratio,
            "smallest": protocol.smallest(photograph.size_wh),
        }

    @router.put("/boxes")
    def put_box(rater: Number, body: BoxDrawn) -> dict[str, Any]:
        """Keep the rater's box for a caption, or take it back."""
        rater_of(store, rater)
        box = None if body.box is None else Box(*body.box)
        draw(store, rater, body.caption, box, body.milliseconds, stamp=body.stamped())
        return {"caption": body.caption, "box": body.box, "drawn": boxes_drawn(store).get(rater, 0)}

    return router


def progress(store: Store) -> Mapping[int, tuple[int, int]]:
    """How many boxes each rater has drawn, and how many captions there are, by the rater's number."""
    done, total = boxes_drawn(store), len(captions(store))
    return {rater.id: (done.get(rater.id, 0), total) for rater in raters(store)}
