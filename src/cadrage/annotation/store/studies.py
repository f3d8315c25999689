"""The methods of a preference study, their outputs, and what people chose or said about them."""

from __future__ import annotations

import json
import secrets
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from cadrage.annotation.store.database import Store, now
from cadrage.annotation.store.projects import project_of
from cadrage.annotation.store.raters import counted_time, require_rater
from cadrage.annotation.store.stamps import Stamp, is_overtaken
from cadrage.errors import RequestError
from cadrage.geometry import Box

Question = Literal["preference", "description"]
"""``"preference"``: which output do you like the most? ``"description"``: what is on this one?"""

Sizes = Literal["area", "height"]

LONGEST_DESCRIPTION = 500
"""Letters of a description, at most."""

LEFT_OUT = "It is not in the study: some method has no output of it."
"""Why a photograph is not shown, as the file has it: voters can read it, so it names no method."""

_IDS = 2**52
"""Outputs are numbered at random below this, exact in JavaScript, so that a number says nothing of a method."""


@dataclass(frozen=True, slots=True)
class StudyProtocol:
    """How a study asks; fixed when it is made.

    ``create_project(path, "study", title, StudyProtocol(...).to_dict())`` makes such a project.

    Attributes:
        question: ``"preference"``: all outputs of a photograph are shown, and one is chosen. ``"description"``:
            one output is shown, and described in a sentence.
        sizes: whether outputs of different ratios are shown at equal area or at equal height.
        show_original: whether the whole photograph is shown beside the outputs.
        seed: of all orders.

    Raises:
        RequestError: a value is no such word, or the original is shown beside a description.
    """

    question: Question = "preference"
    sizes: Sizes = "area"
    show_original: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.question not in ("preference", "description"):
            raise RequestError(f"The question is 'preference' or 'description'; got '{self.question}'.")
        if self.sizes not in ("area", "height"):
            raise RequestError(f"Outputs are shown at equal 'area' or 'height'; got '{self.sizes}'.")
        if self.show_original and self.question == "description":
            raise RequestError(
                "Whoever sees the whole photograph would describe that: show it with a preference."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as a project keeps them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StudyProtocol:
        """The reverse of ``to_dict``."""
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as the pages show it.

    Attributes:
        size_wh: its width and height, in pixels.
        jpeg: the file.
        box: the crop's box in its frame, where it is known.
    """

    size_wh: tuple[int, int]
    jpeg: bytes
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A photograph of a study.

    Attributes:
        id: its number in the project.
        name: its name.
        sha256: of its file; empty where only crops of it are known.
        picture_wh: width and height of the picture of it whole, in pixels; ``None`` without such a picture.
    """

    id: int
    name: str
    sha256: str
    picture_wh: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Output:
    """What a method made of a photograph.

    Attributes:
        id: its number in the project, random.
        photograph: the photograph's number.
        method: the method's name.
        size_wh: of the picture that is shown, in pixels.
        box: the crop's box in its frame, where it is known.
    """

    id: int
    photograph: int
    method: str
    size_wh: tuple[int, int]
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Vote:
    """A choice among the outputs of a photograph.

    Attributes:
        rater: who chose.
        photograph: of which photograph.
        choice: the output chosen.
        shown: all outputs, as they were shown, first to last.
        milliseconds: from when they were shown.
        at: when, ISO 8601.
    """

    rater: int
    photograph: int
    choice: int
    shown: tuple[int, ...]
    milliseconds: int
    at: str


@dataclass(frozen=True, slots=True)
class Description:
    """What a person says is on an output.

    Attributes:
        rater: who says it.
        output: of which output.
        text: the sentence.
        milliseconds: from when the output was shown.
        at: when, ISO 8601.
    """

    rater: int
    output: int
    text: str
    milliseconds: int
    at: str


def study_protocol_of(store: Store) -> StudyProtocol:
    """How the study asks.

    Raises:
        DataError: the project is no study.
    """
    return StudyProtocol.from_dict(project_of(store, "study").settings)


def add_methods(store: Store, names: Sequence[str]) -> None:
    """Name the methods of a study, in the order of its reports."""
    with store.writing() as database:
        database.executemany("INSERT INTO method (name) VALUES (?)", [(name,) for name in names])


def methods(store: Store) -> tuple[str, ...]:
    """Names of the methods, in the order in which they were given."""
    with store.reading() as database:
        rows = database.execute("SELECT name FROM method ORDER BY id").fetchall()
    return tuple(row[0] for row in rows)


def add_subject(
    store: Store,
    name: str,
    outputs: Mapping[str, Shown],
    *,
    frame: tuple[int, int, str] | None = None,
    whole: Shown | None = None,
    captions: Sequence[str] = (),
) -> None:
    """Add a photograph with the outputs of all methods, whole or not at all.

    Args:
        store: a study.
        name: of the photograph.
        outputs: by name of the method.
        frame: width and height in pixels, and SHA-256 of the file, where the photograph itself is known.
        whole: the picture of the whole photograph, where it is known.
        captions: what the outputs were to show.
    """
    with store.writing() as database:
        photograph = database.execute(
            "INSERT INTO photograph (name, width, height, sha256) VALUES (?, ?, ?, ?)",
            (name, *(frame or (0, 0, ""))),
        ).lastrowid
        if whole is not None:
            database.execute(
                "INSERT INTO picture VALUES (?, ?, ?, ?)", (photograph, *whole.size_wh, whole.jpeg)
            )
        for method, one in outputs.items():
            box = one.box.as_tuple() if one.box else (None,) * 4
            database.execute(
                "INSERT INTO output VALUES (?, ?, (SELECT id FROM method WHERE name = ?), ?, ?, ?, ?, ?, ?, ?)",
                (secrets.randbelow(_IDS), photograph, method, *box, *one.size_wh, one.jpeg),
            )
        rows = [(photograph, position, text) for position, text in enumerate(captions)]
        database.executemany("INSERT INTO caption (photograph, position, text) VALUES (?, ?, ?)", rows)


def leave_out(store: Store, name: str) -> None:
    """Note a photograph that is not in the study."""
    with store.writing() as database:
        database.execute("INSERT INTO photograph (name, problem) VALUES (?, ?)", (name, LEFT_OUT))


def subjects(store: Store) -> tuple[Subject, ...]:
    """The photographs of the study, in order of their names."""
    with store.reading() as database:
        rows = database.execute(
            "SELECT id, name, sha256, picture.width, picture.height FROM photograph "
            "LEFT JOIN picture ON picture.photograph = id WHERE problem IS NULL ORDER BY name"
        ).fetchall()
    return tuple(
        Subject(row[0], row[1], row[2], None if row[3] is None else (row[3], row[4])) for row in rows
    )


def outputs(store: Store) -> tuple[Output, ...]:
    """All outputs, by photograph and method."""
    with store.reading() as database:
        rows = database.execute(
            "SELECT output.id, photograph, name, width, height, x1, y1, x2, y2 "
            "FROM output JOIN method ON method.id = method ORDER BY photograph, method"
        ).fetchall()
    return tuple(
        Output(row[0], row[1], row[2], (row[3], row[4]), None if row[5] is None else Box(*row[5:9]))
        for row in rows
    )


def output_picture(store: Store, output: int) -> bytes | None:
    """The JPEG that the pages show of an output; ``None`` if there is no such output."""
    with store.reading() as database:
        row = database.execute("SELECT jpeg FROM output WHERE id = ?", (output,)).fetchone()
    return None if row is None else bytes(row[0])


def captions_by_subject(store: Store) -> dict[int, tuple[str, ...]]:
    """The captions of each photograph that has some, by its number."""
    found: dict[int, tuple[str, ...]] = {}
    with store.reading() as database:
        rows = database.execute("SELECT photograph, text FROM caption ORDER BY photograph, position")
        for photograph, text in rows.fetchall():
            found[photograph] = (*found.get(photograph, ()), text)
    return found


def vote(
    store: Store,
    rater: int,
    photograph: int,
    choice: int | None,
    shown: Sequence[int],
    milliseconds: int,
    *,
    stamp: Stamp | None = None,
) -> None:
    """Keep a choice, in place of the rater's earlier one of the photograph; or take it back.

    Args:
        store: a study that asks for a preference.
        rater: who chooses.
        photograph: of which photograph.
        choice: the output; ``None`` takes the choice back.
        shown: all outputs of the photograph as the rater sees them, first to last.
        milliseconds: from when they were shown.
        stamp: when it was made; a choice that the same browser has written over since changes nothing.

    Raises:
        RequestError: the study asks something else, there is no such rater, or the output is not among those shown.
    """
    _check_question(store, "preference")
    if choice is not None and choice not in shown:
        raise RequestError(f"There is no output {choice} of this photograph to choose.")
    with store.writing() as database:
        require_rater(database, rater)
        if is_overtaken(database, rater, f"vote {photograph}", stamp):
            return
        if choice is None:
            database.execute("DELETE FROM vote WHERE (rater, photograph) = (?, ?)", (rater, photograph))
            return
        database.execute(
            "INSERT OR REPLACE INTO vote VALUES (?, ?, ?, ?, ?, ?)",
            (rater, photograph, choice, json.dumps(list(shown)), counted_time(milliseconds), now()),
        )


def votes(store: Store, *, rater: int | None = None) -> Iterator[Vote]:
    """All choices that stand, by rater and photograph; of one rater or of all, the excluded ones too."""
    with store.reading() as database:
        rows = database.execute(
            "SELECT rater, photograph, choice, shown, milliseconds, at FROM vote "
            "WHERE (?1 IS NULL OR rater = ?1) ORDER BY rater, photograph",
            (rater,),
        ).fetchall()
    yield from (Vote(row[0], row[1], row[2], tuple(json.loads(row[3])), row[4], row[5]) for row in rows)


def describe(
    store: Store, rater: int, output: int, text: str | None, milliseconds: int, *, stamp: Stamp | None = None
) -> None:
    """Keep a description, in place of the rater's earlier one of the output; or take it back.

    Args:
        store: a study that asks for descriptions.
        rater: who describes.
        output: what.
        text: the sentence; ``None`` takes it back.
        milliseconds: from when the output was shown.
        stamp: when it was written; a text that the same browser has written over since changes nothing.

    Raises:
        RequestError: the study asks something else, there is no such rater or output, or the text is empty, too
            long, or holds characters that cannot be shown.
    """
    _check_question(store, "description")
    tidy = None if text is None else _checked_text(text)
    with store.writing() as database:
        require_rater(database, rater)
        if not database.execute("SELECT 1 FROM output WHERE id = ?", (output,)).fetchone():
            raise RequestError(f"There is no output {output} to describe.")
        if is_overtaken(database, rater, f"description {output}", stamp):
            return
        if tidy is None:
            database.execute("DELETE FROM description WHERE (rater, output) = (?, ?)", (rater, output))
            return
        database.execute(
            "INSERT OR REPLACE INTO description VALUES (?, ?, ?, ?, ?)",
            (rater, output, tidy, counted_time(milliseconds), now()),
        )


def descriptions(store: Store, *, rater: int | None = None) -> Iterator[Description]:
    """All descriptions that stand, by rater and photograph; of one rater or of all, the excluded ones too."""
    with store.reading() as database:
        rows = database.execute(
            "SELECT rater, output, text, milliseconds, at FROM description JOIN output ON output.id = output "
            "WHERE (?1 IS NULL OR rater = ?1) ORDER BY rater, photograph, output",
            (rater,),
        ).fetchall()
    yield from (Description(*row) for row in rows)


def judged(store: Store) -> dict[int, int]:
    """How many photographs each rater has voted on or described, by their number; raters with none are left out."""
    table = "vote" if study_protocol_of(store).question == "preference" else "description"
    with store.reading() as database:
        rows = database.execute(f"SELECT rater, count(*) FROM {table} GROUP BY rater").fetchall()  # noqa: S608
    return {row[0]: row[1] for row in rows}


def _check_question(store: Store, asked: Question) -> None:
    question = study_protocol_of(store).question
    if question != asked:
        raise RequestError(f"This study asks for a {question}, not for a {asked}.")


def _checked_text(text: str) -> str:
    tidy = " ".join(unicodedata.normalize("NFC", text).split())
    unshowable = any(unicodedata.category(letter) in ("Cc", "Cs") for letter in tidy)
    if not 1 <= len(tidy) <= LONGEST_DESCRIPTION or unshowable:
        raise RequestError(f"A description is a text of 1 to {LONGEST_DESCRIPTION} letters.")
    return tidy
