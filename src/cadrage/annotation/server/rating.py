"""What the page of ratings asks for: a rater's programme, its visits, and a place for the grades."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import Field

from cadrage.annotation.protocol import Page, Visit, pages_of, programme
from cadrage.annotation.server.answers import Judgement, Number, described, rater_of
from cadrage.annotation.store import (
    Photograph,
    RatedCrop,
    Store,
    crops_of,
    grade,
    graded_crops,
    grades_of,
    photographs,
    project_of,
    protocol_of,
    raters,
)

SHOWN_SETTINGS = ("crops_per_page",)
"""Settings of the project that its page may know: nothing of the hidden repeats."""


class GradeGiven(Judgement):
    """A rater's grade of a crop on a visit, which is named by its key; ``None`` takes it back."""

    visit: Annotated[str, Field(max_length=64)]
    crop: Number
    grade: Annotated[int, Field(ge=1, le=5)] | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A photograph and its pages.

    Attributes:
        photograph: which.
        crops: the crops that are graded.
        pages: indices into them.
    """

    photograph: Photograph
    crops: tuple[RatedCrop, ...]
    pages: tuple[Page, ...]

    def ids(self, page: int) -> tuple[int, ...]:
        """The numbers of a page's crops."""
        return tuple(self.crops[crop].id for crop in self.pages[page].crops)


@dataclass(slots=True)
class Desk:
    """What one rater is shown, and how far they are.

    Attributes:
        visits: the rater's programme.
        keys: of each visit, the name that it keeps when photographs come or go and move it.
        crops: of each visit, how many crops it shows.
        graded: of each visit, how many of them have a grade.
    """

    visits: tuple[Visit, ...]
    keys: tuple[str, ...]
    crops: list[int]
    graded: list[int]


class Ratings:
    """A project of ratings while it is served: its pages, made once, and each rater's desk.

    The project's photographs and crops stay as they are meanwhile.
    """

    def __init__(self, store: Store) -> None:
        """Lay out the project's pages."""
        self.store = store
        self._protocol = protocol_of(store)
        self._uid = project_of(store).uid
        sheets = (self._sheet(photograph) for photograph in photographs(store))
        self._sheets = [sheet for sheet in sheets if sheet.pages]
        self._places = {
            crop: (number, page)
            for number, sheet in enumerate(self._sheets)
            for page in range(len(sheet.pages))
            for crop in sheet.ids(page)
        }
        # Now, and not when somebody waits: each takes a moment in a large project.
        self._desks = {rater.id: self._new_desk(rater.id) for rater in raters(store)}
        self._lock = threading.RLock()

    def _sheet(self, photograph: Photograph) -> Sheet:
        crops = tuple(crop for crop in crops_of(self.store, photograph.id) if crop.ratable)
        return Sheet(photograph, crops, pages_of([crop.box for crop in crops], self._protocol))

    def desk(self, rater: int) -> Desk:
        """The desk of a rater.

        Raises:
            HTTPException: 404, there is no such rater.
        """
        with self._lock:
            if rater not in self._desks:
                rater_of(self.store, rater)
                self._desks[rater] = self._new_desk(rater)
            return self._desks[rater]

    def _new_desk(self, rater: int) -> Desk:
        visits = programme([len(sheet.pages) for sheet in self._sheets], self._protocol, rater)
        crops = [
            sum(len(self._sheets[visit.photograph].pages[page].crops) for page in visit.pages)
            for visit in visits
        ]
        first = {visit.photograph: number for number, visit in enumerate(visits) if not visit.is_repeat}
        again = {
            (visit.photograph, page): number
            for number, visit in enumerate(visits)
            if visit.is_repeat
            for page in visit.pages
        }
        graded = [0] * len(visits)
        for crop, is_repeat in graded_crops(self.store, rater):
            place = self._places.get(crop)
            if place is None:
                continue
            # Photographs that came later can have moved a repeat that was graded before out of the programme.
            visit = again.get(place) if is_repeat else first[place[0]]
            if visit is not None:
                graded[visit] += 1
        keys = tuple(self._key(rater, visit) for visit in visits)
        return Desk(visits, keys, crops, graded)

    def _key(self, rater: int, visit: Visit) -> str:
        """A visit's name: it says nothing, and is made of nothing that other photographs change."""
        photograph = self._sheets[visit.photograph].photograph.id
        what = f"{self._uid}:{rater}:{photograph}:{visit.pages}:{visit.is_repeat}"
        return hashlib.sha256(what.encode()).hexdigest()[:16]

    def progress(self) -> Mapping[int, tuple[int, int]]:
        """How many crops each rater has graded, and how many they are shown, by the rater's number."""
        desks = {rater.id: self.desk(rater.id) for rater in raters(self.store)}
        return {rater: (sum(desk.graded), sum(desk.crops)) for rater, desk in desks.items()}

    def visit(self, rater: int, number: int) -> tuple[Visit, Sheet]:
        """A visit of a rater's programme, and the photograph that it goes to.

        Raises:
            HTTPException: 404, there is no such rater or visit.
        """
        visits = self.desk(rater).visits
        if number >= len(visits):
            raise HTTPException(404, f"There is no visit {number}.")
        return visits[number], self._sheets[visits[number].photograph]

    def grades(self, rater: int, visit: Visit) -> dict[int, int]:
        """A rater's grades of a visit's photograph, by crop."""
        photograph = self._sheets[visit.photograph].photograph.id
        return grades_of(self.store, rater, photograph, is_repeat=visit.is_repeat)

    def keep(self, rater: int, given: GradeGiven) -> tuple[int, int]:
        """Keep a grade.

        Returns:
            How many crops of the visit are graded now, and how many of all.

        Raises:
            HTTPException: 404, there is no such rater, or the visit does not show the crop; 409, photographs that
                came or went have taken the visit out of the rater's programme.
            DataError: the project cannot be written.
        """
        desk = self.desk(rater)
        if given.visit not in desk.keys:
            raise HTTPException(409, "The project has changed: reload the page.")
        number = desk.keys.index(given.visit)
        visit = desk.visits[number]
        photograph, page = self._places.get(given.crop, (-1, -1))
        if photograph != visit.photograph or page not in visit.pages:
            raise HTTPException(404, f"This visit shows no crop {given.crop}.")
        with self._lock:  # the count follows the grades in their order
            desk.graded[number] += grade(
                self.store,
                rater,
                given.crop,
                given.grade,
                given.milliseconds,
                is_repeat=visit.is_repeat,
                stamp=given.stamped(),
            )
            return desk.graded[number], sum(desk.graded)


def routes(ratings: Ratings) -> APIRouter:
    """The routes of a project of ratings. Nothing in the answers tells a hidden repeat from a first showing."""
    router = APIRouter(prefix="/api/raters/{rater}")

    @router.get("/programme")
    def get_programme(rater: Number) -> dict[str, Any]:
        """The visits' keys, how many crops each shows to the rater, and how many are graded."""
        desk = ratings.desk(rater)
        visits = [
            {"key": key, "crops": crops, "graded": graded}
            for key, crops, graded in zip(desk.keys, desk.crops, desk.graded, strict=True)
        ]
        return {"visits": visits, "crops": sum(desk.crops), "graded": sum(desk.graded)}

    @router.get("/visits/{number}")
    def get_visit(rater: Number, number: Number) -> dict[str, Any]:
        """A visit: the photograph, and the pages of crops with the rater's grades."""
        visit, sheet = ratings.visit(rater, number)
        grades = ratings.grades(rater, visit)
        pages = []
        for page in (sheet.pages[index] for index in visit.pages):
            crops = [sheet.crops[index] for index in page.crops]
            shown = [
                {"id": crop.id, "box": crop.box.as_tuple(), "grade": grades.get(crop.id)} for crop in crops
            ]
            pages.append({"group": page.group, "crops": shown})
        key = ratings.desk(rater).keys[number]
        return {"visit": number, "key": key, "photograph": described(sheet.photograph), "pages": pages}

    @router.put("/grades")
    def put_grade(rater: Number, given: GradeGiven) -> dict[str, Any]:
        """Keep a grade of the rater's, or take it back."""
        of_visit, of_all = ratings.keep(rater, given)
        return {"crop": given.crop, "grade": given.grade, "graded": of_visit, "total_graded": of_all}

    return router
