"""All grades of a project as arrays: what every figure of quality is made from."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cadrage.annotation.store import Photograph, Rater, Store, photographs, project_of, raters
from cadrage.geometry import FloatArray

IntArray = NDArray[np.int64]

EDGES = ("x1", "y1", "x2", "y2")


@dataclass(frozen=True, slots=True, eq=False)
class GivenGrades:
    """The G grades that stand, hidden repeats among them, in the order in which they were given.

    Attributes:
        rater: place in the table's raters, shape (G,).
        crop: place in the table's crops, shape (G,).
        is_repeat: whether it was given on the hidden repeat, shape (G,).
        grade: 1 (bad) to 5 (excellent), shape (G,).
        milliseconds: from when the crop could be graded, shape (G,); NaN where that was not measured.
    """

    rater: IntArray
    crop: IntArray
    is_repeat: NDArray[np.bool_]
    grade: IntArray
    milliseconds: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class RatingTable:
    """The grades of R raters for C crops of P photographs; a value, apart from the file that it was read from.

    Attributes:
        photographs: length P.
        raters: length R, the excluded ones too.
        crop_ids: numbers of the crops in the project, shape (C,); only crops that can be graded.
        photograph_of: place of each crop's photograph, shape (C,), rising.
        boxes_xyxy: the crops in frame pixels, shape (C, 4).
        imported_mos: MOS of the data set that a crop was imported with, shape (C,); NaN where there is none.
        given: every grade.
    """

    photographs: tuple[Photograph, ...]
    raters: tuple[Rater, ...]
    crop_ids: IntArray
    photograph_of: IntArray
    boxes_xyxy: FloatArray
    imported_mos: FloatArray
    given: GivenGrades

    def grades(self) -> FloatArray:
        """Grades on first showing, shape (C, R); NaN where a rater has not graded a crop."""
        return self._matrix(is_repeat=False)

    def repeats(self) -> FloatArray:
        """Grades on the hidden repeat, shape (C, R); NaN where there is none."""
        return self._matrix(is_repeat=True)

    def _matrix(self, *, is_repeat: bool) -> FloatArray:
        matrix = np.full((len(self.crop_ids), len(self.raters)), np.nan)
        chosen = self.given.is_repeat == is_repeat
        matrix[self.given.crop[chosen], self.given.rater[chosen]] = self.given.grade[chosen]
        return matrix


def read_table(store: Store) -> RatingTable:
    """Read all grades of a project of ratings, as it is at one moment.

    Raises:
        DataError: it is no project of ratings.
    """
    project_of(store, "ratings")
    with store.reading() as database:
        shown, people = photographs(store), raters(store)
        crops = _rows(
            database.execute(
                "SELECT id, photograph, x1, y1, x2, y2, coalesce(imported_mos, 9e999) FROM crop "
                "WHERE ratable ORDER BY photograph, position"
            ),
            [("id", "i8"), ("photograph", "i8"), *((edge, "f8") for edge in EDGES), ("mos", "f8")],
        )
        ratings = _rows(
            database.execute("SELECT rater, crop, pass, grade, milliseconds FROM rating"),
            [("rater", "i8"), ("crop", "i8"), ("pass", "i8"), ("grade", "i8"), ("milliseconds", "f8")],
        )
        log = _rows(
            database.execute("SELECT rater, crop, pass FROM rating_log ORDER BY id"),
            [("rater", "i8"), ("crop", "i8"), ("pass", "i8")],
        )
    photograph_ids = np.array([photograph.id for photograph in shown], dtype=np.int64)
    rater_ids = np.array([rater.id for rater in people], dtype=np.int64)
    return RatingTable(
        photographs=shown,
        raters=people,
        crop_ids=crops["id"],
        photograph_of=np.searchsorted(photograph_ids, crops["photograph"]),
        boxes_xyxy=np.stack([crops[edge] for edge in EDGES], axis=1),
        imported_mos=np.where(np.isfinite(crops["mos"]), crops["mos"], np.nan),
        given=_in_order(ratings, log, rater_ids, crops["id"]),
    )


def _rows(cursor: sqlite3.Cursor, columns: Sequence[tuple[str, str]]) -> NDArray[np.void]:
    """What a query finds, as a structured array."""
    cursor.row_factory = None  # plain tuples: what numpy takes, and sooner than named rows
    return np.fromiter(cursor, dtype=np.dtype(list(columns)))


def _in_order(
    ratings: NDArray[np.void], log: NDArray[np.void], rater_ids: IntArray, crop_ids: IntArray
) -> GivenGrades:
    """The grades, by the last time that each was given; those that no log knows come first."""
    places = np.argsort(crop_ids)

    def keys(rows: NDArray[np.void]) -> tuple[IntArray, IntArray, IntArray]:
        crop = places[np.searchsorted(crop_ids, rows["crop"], sorter=places)]
        rater = np.searchsorted(rater_ids, rows["rater"])
        return rater, crop, (rater * len(crop_ids) + crop) * 2 + rows["pass"]

    rater, crop, key = keys(ratings)
    by_key = np.argsort(key)
    last = np.full(len(ratings), -1, dtype=np.int64)
    if len(ratings):
        logged = keys(log)[2]
        where = by_key[np.searchsorted(key, logged, sorter=by_key).clip(max=len(key) - 1)]
        stands = key[where] == logged  # a grade that was taken back is in the log only
        np.maximum.at(last, where[stands], np.flatnonzero(stands))
    order = np.lexsort((key, last))
    spent = ratings["milliseconds"]
    return GivenGrades(
        rater=rater[order],
        crop=crop[order],
        is_repeat=ratings["pass"][order] == 1,
        grade=ratings["grade"][order],
        milliseconds=np.where(spent > 0, spent, np.nan)[order],
    )
