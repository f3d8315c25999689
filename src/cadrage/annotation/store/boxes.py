"""The captions of a project of captions, and the boxes that were drawn for them."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cadrage.annotation.protocol import Order, photograph_order
from cadrage.annotation.store.database import Store, now
from cadrage.annotation.store.photographs import Photograph, photographs
from cadrage.annotation.store.projects import project_of
from cadrage.annotation.store.raters import counted_time, require_rater
from cadrage.annotation.store.stamps import Stamp, is_overtaken
from cadrage.errors import DataError, RequestError
from cadrage.geometry import AspectRatio, Box

LONGEST_CAPTION = 1000
"""Letters of a caption, at most."""

STEEPEST = 4.0
"""A fixed ratio is at most this, and at least one over this: with ``SMALLEST_SIDES`` every frame has such a box."""

SMALLEST_SIDES = (0.01, 0.25)
"""Range of ``CaptionProtocol.smallest_side``."""


@dataclass(frozen=True, slots=True)
class CaptionProtocol:
    """How boxes are drawn in a project of captions; fixed when the project is made.

    ``create_project(path, "captions", title, CaptionProtocol(...).to_dict())`` makes such a project.

    Attributes:
        ratio: width to height of every box, such as ``"3:2"``, from 1:4 to 4:1; ``None`` leaves it to the rater.
        smallest_side: least width and height of a box, as a fraction of the frame's shorter side, 0.01 to 0.25.
        captions_per_photograph: how many captions of each photograph are used, the first in the file; by default
            all.
        order: of the photographs, as in ``RatingProtocol.order``.
        seed: of that order.

    Raises:
        RequestError: a value is outside its range.
    """

    ratio: str | None = None
    smallest_side: float = 0.05
    captions_per_photograph: int | None = None
    order: Order = "balanced"
    seed: int = 0

    def __post_init__(self) -> None:
        low, high = SMALLEST_SIDES
        if self.ratio is not None and not 1 / STEEPEST <= AspectRatio.parse(self.ratio).value <= STEEPEST:
            raise RequestError(f"Boxes for captions have a ratio from 1:4 to 4:1; got {self.ratio}.")
        if not low <= self.smallest_side <= high:
            raise RequestError(
                f"The smallest side is from {low} to {high} of the shorter side; got {self.smallest_side:g}."
            )
        if self.captions_per_photograph is not None and self.captions_per_photograph < 1:
            raise RequestError(
                f"At least 1 caption of a photograph is used; got {self.captions_per_photograph}."
            )
        if self.order not in ("balanced", "random"):
            raise RequestError(f"The order is 'balanced' or 'random'; got '{self.order}'.")

    def smallest(self, size_wh: tuple[int, int]) -> float:
        """Least width and height of a box in a frame, in its pixels, at least 1."""
        return max(1.0, self.smallest_side * min(size_wh))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as a project keeps them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CaptionProtocol:
        """The reverse of ``to_dict``."""
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Caption:
    """A sentence that describes a crop of a photograph.

    Attributes:
        id: its number in the project.
        photograph: the photograph's number.
        position: its place among the photograph's captions, from 0.
        text: the sentence, as it was written.
    """

    id: int
    photograph: int
    position: int
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A box that a rater drew for a caption.

    Attributes:
        rater: who drew it.
        caption: for which caption.
        box: in frame pixels.
        milliseconds: from when the caption was shown.
        at: when, ISO 8601.
    """

    rater: int
    caption: int
    box: Box
    milliseconds: int
    at: str


@dataclass(frozen=True, slots=True)
class CaptionsTaken:
    """What became of the captions of a file.

    Attributes:
        added: how many captions the project lacked and has now.
        unknown: names in the file that the project has no photograph of.
        uncaptioned: names of the project's photographs that have no caption: nobody is shown them.
    """

    added: int
    unknown: tuple[str, ...]
    uncaptioned: tuple[str, ...]


def caption_protocol_of(store: Store) -> CaptionProtocol:
    """How boxes are drawn in a project.

    Raises:
        DataError: it is no project of captions.
    """
    return CaptionProtocol.from_dict(project_of(store, "captions").settings)


def read_captions(path: Path) -> dict[str, tuple[str, ...]]:
    """Read a file of captions.

    Args:
        path: a text file with one JSON object a line: ``{"image": "name.jpg", "captions": ["...", ...]}`` or
            ``{"image": "name.jpg", "caption": "..."}``; other keys are passed over, as are empty lines. Several
            lines may name one image.

    Returns:
        The captions by name of the image, both in the file's order, spaces put in order, equal ones once.

    Raises:
        DataError: the file cannot be read, or a line is something else; the message names file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8.") from error
    found: dict[str, dict[str, None]] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            name, texts = _line(line, f"{path}, line {number}")
            found.setdefault(name, {}).update(dict.fromkeys(texts))
    if not found:
        raise DataError(f"{path} holds no caption.")
    return {name: tuple(texts) for name, texts in found.items()}


def _line(line: str, where: str) -> tuple[str, list[str]]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} is no JSON.") from error
    if not isinstance(entry, dict) or not isinstance(entry.get("image"), str):
        raise DataError(f'{where} is no object with "image" and "captions".')
    texts = entry.get("captions", [entry["caption"]] if "caption" in entry else None)
    if not isinstance(texts, list) or not texts:
        raise DataError(f'{where} needs "captions", a list of texts, or "caption", a text.')
    return entry["image"], [_checked(text, where) for text in texts]


def _checked(text: object, where: str) -> str:
    tidy = " ".join(unicodedata.normalize("NFC", text).split()) if isinstance(text, str) else ""
    unshowable = any(unicodedata.category(letter) in ("Cc", "Cs") for letter in tidy)
    if not 1 <= len(tidy) <= LONGEST_CAPTION or unshowable:
        raise DataError(f"{where}: a caption is a text of 1 to {LONGEST_CAPTION} letters.")
    return tidy


def take_captions(store: Store, captions: Mapping[str, Sequence[str]]) -> CaptionsTaken:
    """Add captions to the project's photographs; call it after ``take_in``, as often as there is something new.

    A photograph keeps the captions that it has, with their boxes; those it lacks come behind them, as far as
    the protocol uses so many.

    Args:
        store: a project of captions.
        captions: by name of the photograph within the project, as ``read_captions`` gives them.

    Raises:
        DataError: it is no project of captions, or it cannot be written.
    """
    limit = caption_protocol_of(store).captions_per_photograph
    added = 0
    with store.writing() as database:
        names = {row[0] for row in database.execute("SELECT name FROM photograph").fetchall()}
        for photograph in photographs(store):
            known = database.execute("SELECT text FROM caption WHERE photograph = ?", (photograph.id,))
            texts = [row[0] for row in known.fetchall()]
            new = [text for text in dict.fromkeys(captions.get(photograph.name, ())) if text not in texts]
            rows = [(photograph.id, position, text) for position, text in enumerate(new, len(texts))][
                : None if limit is None else max(0, limit - len(texts))
            ]
            database.executemany("INSERT INTO caption (photograph, position, text) VALUES (?, ?, ?)", rows)
            added += len(rows)
        bare = database.execute(
            "SELECT name FROM photograph WHERE problem IS NULL AND id NOT IN (SELECT photograph FROM caption) "
            "ORDER BY id"
        ).fetchall()
    unknown = tuple(name for name in captions if name not in names)
    return CaptionsTaken(added, unknown, tuple(row[0] for row in bare))


def captions(store: Store) -> tuple[Caption, ...]:
    """All captions, by photograph and position: as many tasks has every rater."""
    with store.reading() as database:
        rows = database.execute(
            "SELECT id, photograph, position, text FROM caption ORDER BY photograph, position"
        ).fetchall()
    return tuple(Caption(*row) for row in rows)


def tasks(store: Store, rater: int) -> tuple[Caption, ...]:
    """All captions in the order in which a rater meets them: the same on every call.

    The photographs come in the rater's order, each with its first caption; then again with the second, and so on:
    what a rater drew for one caption is no longer before their eyes at the next, and raters who stop half-way
    have met the same captions.
    """
    protocol = caption_protocol_of(store)
    groups = [texts for _, texts in captioned(store)]
    order = photograph_order(len(groups), protocol.order, protocol.seed, rater)
    rounds = range(max((len(group) for group in groups), default=0))
    return tuple(groups[at][turn] for turn in rounds for at in order if turn < len(groups[at]))


def draw(
    store: Store, rater: int, caption: int, box: Box | None, milliseconds: int, *, stamp: Stamp | None = None
) -> None:
    """Keep a box, in place of the rater's earlier one for the caption; or take it back.

    Args:
        store: a project of captions.
        rater: who draws.
        caption: for which caption.
        box: in frame pixels; ``None`` takes the box back.
        milliseconds: from when the caption was shown.
        stamp: when it was drawn; a box that the same browser has written over since changes nothing.

    Raises:
        RequestError: there is no such rater or caption, or the box leaves the frame, is too small, or has
            another ratio than the protocol fixes.
        DataError: it is no project of captions, or it cannot be written.
    """
    protocol = caption_protocol_of(store)
    with store.writing() as database:
        require_rater(database, rater)
        size_wh = _frame_of(database, caption)
        if box is not None:
            check_box(box, size_wh, protocol)
        if is_overtaken(database, rater, f"box {caption}", stamp):
            return
        if box is None:
            database.execute("DELETE FROM drawn_box WHERE (rater, caption) = (?, ?)", (rater, caption))
            return
        database.execute(
            "INSERT OR REPLACE INTO drawn_box VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (rater, caption, *box.as_tuple(), counted_time(milliseconds), now()),
        )


def check_box(box: Box, size_wh: tuple[int, int], protocol: CaptionProtocol) -> None:
    """Refuse a box that cannot be drawn in a frame.

    A fixed ratio counts as kept if it would be but for the rounding of the edges to whole pixels.

    Raises:
        RequestError: the box leaves the frame, is too small, or has another ratio than the protocol fixes.
    """
    width, height = size_wh
    shown = ", ".join(f"{edge:g}" for edge in box.as_tuple())
    if box.x1 < 0 or box.y1 < 0 or box.x2 > width or box.y2 > height:
        raise RequestError(f"The box {shown} leaves the frame of {width} x {height} pixels.")
    smallest = protocol.smallest(size_wh)
    if min(box.width, box.height) < smallest:
        raise RequestError(f"The box {shown} is too small: each side is at least {smallest:g} pixels.")
    if protocol.ratio is not None:
        ratio = AspectRatio.parse(protocol.ratio).value
        if abs(box.width - ratio * box.height) > 1 + ratio:
            raise RequestError(f"The box {shown} has another ratio than {protocol.ratio}.")


def _frame_of(database: sqlite3.Connection, caption: int) -> tuple[int, int]:
    row = database.execute(
        "SELECT width, height FROM photograph JOIN caption ON photograph.id = caption.photograph "
        "WHERE caption.id = ?",
        (caption,),
    ).fetchone()
    if row is None:
        raise RequestError(f"There is no caption {caption}.")
    return row[0], row[1]


def drawn(store: Store, *, rater: int | None = None, caption: int | None = None) -> Iterator[Drawing]:
    """All boxes that stand, by caption and rater.

    Args:
        store: a project of captions.
        rater: whose; by default everybody's, the excluded ones' too.
        caption: for which caption; by default all.
    """
    with store.reading() as database:
        rows = database.execute(
            "SELECT rater, caption, x1, y1, x2, y2, milliseconds, at FROM drawn_box "
            "WHERE (?1 IS NULL OR rater = ?1) AND (?2 IS NULL OR caption = ?2) ORDER BY caption, rater",
            (rater, caption),
        ).fetchall()
    for row in rows:
        yield Drawing(row[0], row[1], Box(*row[2:6]), row[6], row[7])


def boxes_drawn(store: Store) -> Mapping[int, int]:
    """How many boxes each rater has drawn who has drawn any, by the rater's number."""
    with store.reading() as database:
        rows = database.execute("SELECT rater, count(*) FROM drawn_box GROUP BY rater").fetchall()
    return {row[0]: row[1] for row in rows}


def captioned(store: Store) -> tuple[tuple[Photograph, tuple[Caption, ...]], ...]:
    """The photographs that have captions, each with them, in the order in which they were taken in."""
    of: dict[int, list[Caption]] = {}
    for caption in captions(store):
        of.setdefault(caption.photograph, []).append(caption)
    return tuple((photo, tuple(of[photo.id])) for photo in photographs(store) if photo.id in of)
