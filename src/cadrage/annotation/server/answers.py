"""What the routes of all kinds of projects share."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field

from cadrage.annotation.store import Photograph, Rater, Store, raters
from cadrage.annotation.store.stamps import Stamp

LARGEST_NUMBER = 2**53 - 1
"""Of what a page can tell apart."""

Number = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]
"""A number of a thing, or a count, as pages send it."""


class Body(BaseModel):
    """What a page sends: exactly the fields that are asked for, nothing taken for something else."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


class Stamped(Body):
    """When something was written in a browser, see ``Stamp``."""

    browser: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    milliseconds: Number


class Judgement(Body):
    """What somebody thinks of something.

    Attributes:
        milliseconds: that it took them.
        stamp: when the page wrote it; without one it counts as newer than all that stands.
    """

    milliseconds: Number
    stamp: Stamped | None = None

    def stamped(self) -> Stamp | None:
        """The stamp as the store takes it."""
        return None if self.stamp is None else Stamp(self.stamp.browser, self.stamp.milliseconds)


def rater_of(store: Store, number: int) -> Rater:
    """The rater of a number.

    Raises:
        HTTPException: 404, there is none.
    """
    for rater in raters(store):
        if rater.id == number:
            return rater
    raise HTTPException(404, f"There is no rater {number}.")


def described(photograph: Photograph) -> dict[str, Any]:
    """A photograph as pages get it; the address of its picture is never another picture's, in any project."""
    return {
        "id": photograph.id,
        "width": photograph.size_wh[0],
        "height": photograph.size_wh[1],
        "picture": f"/pictures/{photograph.id}.jpg?v={photograph.sha256[:16]}",
    }
