"""What a rater is shown, and in which order: groups of crops, pages, visits, hidden repeats.

The grouping and the pages are those of the annotation program of GAIC (CVPR 2019; TPAMI 2020): the grid anchors
of a photograph, grouped by the nearest common ratio, the widest first in each, at most four of a group to a page.
Orders and hidden repeats are our own.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from cadrage.candidates import RELEASED_LABELS_GRID, GridSpec
from cadrage.errors import RequestError
from cadrage.geometry import AspectRatio, Box

GRADES = ("bad", "poor", "fair", "good", "excellent")
"""What the grades 1 to 5 are called."""

GROUPS = ("16:9", "3:2", "4:3", "1:1", "3:4", "2:3", "9:16")
"""The ratios of the paper; the authors' program lacks 3:4."""

Order = Literal["balanced", "random"]


@dataclass(frozen=True, slots=True)
class RatingProtocol:
    """How the crops of a project are rated; fixed when the project is made.

    Attributes:
        grid: which grid anchors are rated.
        groups: common ratios that crops are grouped by, in the order in which they are shown.
        crops_per_page: most crops on a page, from 1 to 6.
        order: of the photographs. ``"random"``: each rater has an order of their own. ``"balanced"``: all have one
            shuffled order but start at places spread evenly over it, so that raters who stop half-way leave every
            photograph with about as many ratings.
        repeats: share of a rater's pages that come a second time, unannounced, from 0 to 0.5.
        repeat_gap: photographs, at least, between a page and its repeat, as far as there are so many.
        seed: of all that is drawn.

    Raises:
        RequestError: a value is outside its range, or a group is no ratio.
    """

    grid: GridSpec = field(default=RELEASED_LABELS_GRID)
    groups: tuple[str, ...] = GROUPS
    crops_per_page: int = 4
    order: Order = "balanced"
    repeats: float = 0.05
    repeat_gap: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.groups or len(set(self.groups)) < len(self.groups):
            raise RequestError("Crops are grouped by one or more ratios, each given once.")
        for group in self.groups:
            AspectRatio.parse(group)
        if not 1 <= self.crops_per_page <= 6:
            raise RequestError(f"A page shows 1 to 6 crops; got {self.crops_per_page}.")
        if self.order not in ("balanced", "random"):
            raise RequestError(f"The order is 'balanced' or 'random'; got '{self.order}'.")
        if not 0 <= self.repeats <= 0.5:
            raise RequestError(f"The share of repeated pages is from 0 to 0.5; got {self.repeats:g}.")
        if self.repeat_gap < 0:
            raise RequestError(f"The gap before a repeat is at least 0; got {self.repeat_gap}.")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as a project keeps them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RatingProtocol:
        """The reverse of ``to_dict``, also of what JSON made of it."""
        return cls(**{**values, "grid": GridSpec(**values["grid"]), "groups": tuple(values["groups"])})


@dataclass(frozen=True, slots=True)
class Page:
    """Crops that are graded beside each other.

    Attributes:
        group: the common ratio they are nearest to.
        crops: their indices in the photograph's crops, the widest first.
    """

    group: str
    crops: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Visit:
    """A photograph in a rater's programme.

    Attributes:
        photograph: its index in the project's photographs.
        pages: indices of its pages that are shown.
        is_repeat: whether they were shown before.
    """

    photograph: int
    pages: tuple[int, ...]
    is_repeat: bool = False


def pages_of(boxes: Sequence[Box], protocol: RatingProtocol) -> tuple[Page, ...]:
    """Divide a photograph's rated crops into pages.

    Args:
        boxes: the crops, in frame pixels.
        protocol: groups and crops per page.

    Returns:
        Every crop once: groups in the protocol's order, in a group by falling width / height, equal ones in the
        order given; the nearest group is the one whose width / height differs least, the first of equals.
    """
    ratios = [AspectRatio.parse(group).value for group in protocol.groups]
    aspects = [box.width / box.height for box in boxes]
    groups: list[list[int]] = [[] for _ in ratios]
    for crop, aspect in enumerate(aspects):
        distances = [abs(aspect - ratio) for ratio in ratios]
        groups[distances.index(min(distances))].append(crop)
    pages: list[Page] = []
    for name, members in zip(protocol.groups, groups, strict=True):
        members.sort(key=lambda crop: -aspects[crop])
        starts = range(0, len(members), protocol.crops_per_page)
        pages += [Page(name, tuple(members[first : first + protocol.crops_per_page])) for first in starts]
    return tuple(pages)


def programme(page_counts: Sequence[int], protocol: RatingProtocol, rater: int) -> tuple[Visit, ...]:
    """All that a rater is shown, in order: the same on every call, whatever was rated meanwhile.

    Args:
        page_counts: how many pages each photograph of the project has.
        protocol: order, repeats and seed.
        rater: the rater's number, from 1.

    Returns:
        Every photograph once with all of its pages, and a number of single pages again: hidden repeats, each at
        least ``repeat_gap`` photographs after its first showing, or at the end.
    """
    order = photograph_order(len(page_counts), protocol.order, protocol.seed, rater)
    due: dict[int, list[tuple[int, int]]] = {}
    for place, page in _repeated_pages(order, page_counts, protocol, rater):
        last = len(order) - 1
        first = min(place + protocol.repeat_gap, last)
        later = _fraction(protocol.seed, "place", rater, order[place], page) * (last - first + 1)
        due.setdefault(first + int(later), []).append((place, page))
    visits = []
    for place, photograph in enumerate(order):
        visits.append(Visit(photograph, tuple(range(page_counts[photograph]))))
        repeats = sorted(due.get(place, []))
        visits.extend(Visit(order[shown], (page,), is_repeat=True) for shown, page in repeats)
    return tuple(visits)


def _repeated_pages(
    order: Sequence[int], page_counts: Sequence[int], protocol: RatingProtocol, rater: int
) -> list[tuple[int, int]]:
    """The pages that come again, each as the place of its photograph in the order, and its number there."""
    pages = []
    for place, photograph in enumerate(order):
        # One hash for all of a photograph's pages: a large project has a hundred thousand.
        drawn = hashlib.shake_256(_text(protocol.seed, "repeat", rater, photograph))
        keys = drawn.digest(8 * page_counts[photograph])
        pages += [(keys[8 * page : 8 * page + 8], place, page) for page in range(page_counts[photograph])]
    wanted = round(protocol.repeats * len(pages))
    return [(place, page) for _, place, page in heapq.nsmallest(wanted, pages)]


def photograph_order(count: int, order: Order, seed: int, rater: int) -> tuple[int, ...]:
    """The order in which a rater meets the photographs.

    Args:
        count: number of photographs.
        order: of which kind, see ``RatingProtocol``.
        seed: of the shuffling.
        rater: the rater's number, from 1.

    Returns:
        The indices 0 to count - 1, each once.
    """
    stream = rater if order == "random" else 0
    shuffled = sorted(range(count), key=lambda photograph: _draw(seed, "order", stream, photograph))
    if order == "random":
        return tuple(shuffled)
    start = int(_spread(rater - 1) * count)
    return tuple(shuffled[start:] + shuffled[:start])


def _spread(number: int) -> float:
    """The van der Corput sequence: 0, 1/2, 1/4, 3/4, 1/8, ...; any first few lie evenly in 0..1."""
    value, part = 0.0, 0.5
    while number:
        value += part * (number & 1)
        number >>= 1
        part /= 2
    return value


def _draw(*what: object) -> bytes:
    """A hash to sort by: the same on every machine and in every version of Python."""
    return hashlib.sha256(_text(*what)).digest()


def _fraction(*what: object) -> float:
    return int.from_bytes(_draw(*what)[:6]) / 2**48


def _text(*what: object) -> bytes:
    return ":".join(map(str, what)).encode()
