"""The crops of a project of ratings, and every grade that was given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cadrage.annotation.protocol import RatingProtocol
from cadrage.annotation.store.database import Store, now
from cadrage.annotation.store.photographs import Photograph
from cadrage.annotation.store.projects import project_of
from cadrage.annotation.store.raters import counted_time, require_rater
from cadrage.annotation.store.stamps import Stamp, is_overtaken
from cadrage.candidates import GridSpec, anchor_bins, feasible_bins, grid_anchors
from cadrage.errors import RequestError
from cadrage.geometry import Box, FloatArray


@dataclass(frozen=True, slots=True)
class RatedCrop:
    """A crop that raters grade.

    Attributes:
        id: its number in the project.
        box: in pixels of the frame.
        ratable: whether it lies within the aspect bounds; nobody grades the others.
        imported_mos: the MOS of the data set that it was imported with.
    """

    id: int
    box: Box
    ratable: bool = True
    imported_mos: float | None = None


@dataclass(frozen=True, slots=True)
class Grading:
    """One grade.

    Attributes:
        rater: who gave it.
        crop: to which crop.
        is_repeat: whether on the hidden repeat.
        grade: 1 (bad) to 5 (excellent).
        milliseconds: from when the crop could be graded.
        at: when, ISO 8601.
    """

    rater: int
    crop: int
    is_repeat: bool
    grade: int
    milliseconds: int
    at: str


def protocol_of(store: Store) -> RatingProtocol:
    """How the project's crops are rated.

    Raises:
        DataError: it is no project of ratings.
    """
    return RatingProtocol.from_dict(project_of(store, "ratings").settings)


def grid_crops(size_wh: tuple[int, int], spec: GridSpec) -> tuple[FloatArray, NDArray[np.bool_]]:
    """The crops of a frame as the released labels of GAIC have them: in whole pixels, in the grid's order.

    Args:
        size_wh: width and height of the frame, in pixels.
        spec: the grid.

    Returns:
        All boxes that the area rule allows, shape (K, 4), and which of them lie within the aspect bounds,
        shape (K,).

    Raises:
        RequestError: the frame is too small for the grid's bins to be told apart.
    """
    if size_wh[0] < 2 * spec.bins_x or size_wh[1] < 2 * spec.bins_y:
        raise RequestError(f"A frame of {size_wh[0]} x {size_wh[1]} pixels is too small for the grid.")
    unbounded = GridSpec(spec.bins_x, spec.bins_y, spec.corner_x, spec.corner_y, spec.min_area, 1e-6, 1e6)
    ratable = {tuple(bins) for bins in anchor_bins(size_wh, spec).tolist()}
    within = np.array([tuple(bins) in ratable for bins in feasible_bins(spec).tolist()])
    return grid_anchors(size_wh, unbounded, corners="rounded"), within


def add_crops(
    store: Store,
    photograph: Photograph,
    boxes_xyxy: FloatArray,
    ratable: Sequence[bool] | NDArray[np.bool_],
    imported_mos: Sequence[float | None] | None = None,
) -> None:
    """Give a photograph its crops, once: later calls for the same photograph change nothing.

    Args:
        store: the project.
        photograph: whose they are.
        boxes_xyxy: shape (K, 4), in frame pixels.
        ratable: which of them are graded, length K.
        imported_mos: their MOS in the data set they come from, length K; ``None`` where there is none.
    """
    mos = imported_mos or [None] * len(boxes_xyxy)
    rows = zip(boxes_xyxy.tolist(), ratable, mos, strict=True)
    with store.writing() as database:
        database.executemany(
            "INSERT INTO crop (photograph, position, x1, y1, x2, y2, ratable, imported_mos) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [
                (photograph.id, position, *box, int(allowed), score)
                for position, (box, allowed, score) in enumerate(rows)
            ],
        )


def crops_of(store: Store, photograph: int) -> tuple[RatedCrop, ...]:
    """The crops of a photograph, in order."""
    with store.reading() as database:
        rows = database.execute(
            "SELECT id, x1, y1, x2, y2, ratable, imported_mos FROM crop WHERE photograph = ? ORDER BY position",
            (photograph,),
        ).fetchall()
    return tuple(RatedCrop(row[0], Box(*row[1:5]), bool(row[5]), row[6]) for row in rows)


def grade(
    store: Store,
    rater: int,
    crop: int,
    value: int | None,
    milliseconds: int,
    *,
    is_repeat: bool,
    stamp: Stamp | None = None,
) -> int:
    """Keep a grade, in place of an earlier one; or take it back.

    Args:
        store: the project.
        rater: who grades.
        crop: what.
        value: 1 (bad) to 5 (excellent); ``None`` takes the grade back.
        milliseconds: from when the crop could be graded.
        is_repeat: whether this is the hidden repeat.
        stamp: when it was given; a grade that the same browser has written over since changes nothing.

    Returns:
        How many more grades the rater has now: 1, 0 or -1.

    Raises:
        RequestError: there is no such rater, no such crop to grade, or no such grade.
    """
    if value not in (None, 1, 2, 3, 4, 5):
        raise RequestError(f"A grade is a whole number from 1 to 5; got {value!r}.")
    key = (rater, crop, int(is_repeat))
    spent = (counted_time(milliseconds), now())
    with store.writing() as database:
        require_rater(database, rater)
        if not database.execute("SELECT 1 FROM crop WHERE id = ? AND ratable", (crop,)).fetchone():
            raise RequestError(f"There is no crop {crop} to grade.")
        if is_overtaken(database, rater, f"{'repeat' if is_repeat else 'grade'} {crop}", stamp):
            return 0
        stood = database.execute("SELECT 1 FROM rating WHERE (rater, crop, pass) = (?, ?, ?)", key).fetchone()
        if value is None:
            database.execute("DELETE FROM rating WHERE (rater, crop, pass) = (?, ?, ?)", key)
        else:
            database.execute("INSERT OR REPLACE INTO rating VALUES (?, ?, ?, ?, ?, ?)", (*key, value, *spent))
        database.execute(
            "INSERT INTO rating_log (rater, crop, pass, grade, milliseconds, at) VALUES (?, ?, ?, ?, ?, ?)",
            (*key, value, *spent),
        )
    return int(value is not None) - int(stood is not None)


def graded_crops(store: Store, rater: int) -> tuple[tuple[int, bool], ...]:
    """The crops that a rater has graded, each with whether it was on the hidden repeat."""
    with store.reading() as database:
        rows = database.execute("SELECT crop, pass FROM rating WHERE rater = ?", (rater,)).fetchall()
    return tuple((row[0], bool(row[1])) for row in rows)


def grades_of(store: Store, rater: int, photograph: int, *, is_repeat: bool) -> dict[int, int]:
    """A rater's grades of a photograph's crops, by crop: those of the first showing, or of the hidden repeats."""
    with store.reading() as database:
        rows = database.execute(
            "SELECT crop.id, grade FROM crop CROSS JOIN rating ON rating.crop = crop.id "
            "WHERE crop.photograph = ? AND rating.rater = ? AND rating.pass = ?",
            (photograph, rater, int(is_repeat)),
        ).fetchall()
    return {row[0]: row[1] for row in rows}


def gradings(store: Store, *, rater: int | None = None, photograph: int | None = None) -> Iterator[Grading]:
    """All grades that stand, by crop, rater and pass.

    Args:
        store: the project.
        rater: whose; by default everybody's, the excluded ones' too.
        photograph: of which photograph's crops; by default all.
    """
    wanted = {"rating.rater = ?": rater, "crop.photograph = ?": photograph}
    given = {condition: value for condition, value in wanted.items() if value is not None}
    # "? IS NULL OR ..." would be shorter, and would read all ratings for those of one photograph.
    where = " AND ".join(given) or "TRUE"
    with store.reading() as database:
        rows = database.execute(
            "SELECT rating.rater, crop, pass, grade, milliseconds, at "  # noqa: S608  (no text of a user's)
            f"FROM rating JOIN crop ON crop.id = crop WHERE {where} ORDER BY crop, rating.rater, pass",
            tuple(given.values()),
        ).fetchall()
    for row in rows:
        yield Grading(row[0], row[1], bool(row[2]), *row[3:])
