"""The photographs of a project: taken in once, shown from the project's own small copies."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from cadrage.annotation.store.database import Store
from cadrage.errors import CadrageError
from cadrage.imaging import open_photo, preview
from cadrage.imaging.photo import printable

SHOWN_SIDE = 1440
"""Longer side of the pictures that the pages show, in pixels: GAIC's raters saw 1024."""

SHOWN_QUALITY = 88


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph of a project.

    Attributes:
        id: its number in the project.
        name: its path below the project's folder, with ``/``.
        size_wh: width and height of the frame, in pixels.
        sha256: of the file it was taken from.
    """

    id: int
    name: str
    size_wh: tuple[int, int]
    sha256: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file.

    Attributes:
        name: of the file.
        photograph: what it became; ``None`` if it could not be read.
        problem: why it could not.
        is_new: whether the project lacked it.
    """

    name: str
    photograph: Photograph | None
    problem: str | None = None
    is_new: bool = True


def take_in(store: Store, files: Iterable[tuple[str, Path]]) -> Iterator[Taken]:
    """Add photographs to a project, each in a transaction of its own, so that a run that was stopped goes on.

    A file that cannot be read is noted with the reason, and tried again next time. A photograph that the project
    has keeps its picture, also if its file has changed.

    Args:
        store: the project.
        files: names within the project, and where each file is.

    Yields:
        What became of each file, in order.

    Raises:
        DataError: the project cannot be written.
    """
    known = {photograph.name: photograph for photograph in photographs(store)}
    for name, path in files:
        if name in known:
            yield Taken(name, known[name], is_new=False)
            continue
        try:
            row, picture = _read(path)
        except CadrageError as error:
            problem = str(error).replace(
                printable(str(path)), name
            )  # raters see it, and not where the folder is
            with store.writing() as database:
                database.execute(
                    "INSERT INTO photograph (name, problem) VALUES (?, ?) "
                    "ON CONFLICT (name) DO UPDATE SET problem = excluded.problem",
                    (name, problem),
                )
            yield Taken(name, None, problem)
            continue
        with store.writing() as database:
            database.execute("DELETE FROM photograph WHERE name = ?", (name,))
            added = database.execute(
                "INSERT INTO photograph (name, width, height, sha256) VALUES (?, ?, ?, ?)", (name, *row)
            ).lastrowid
            assert added is not None  # noqa: S101  (an insertion has a row)
            database.execute("INSERT INTO picture VALUES (?, ?, ?, ?)", (added, *picture))
        yield Taken(name, Photograph(added, name, row[:2], row[2]))


def _read(path: Path) -> tuple[tuple[int, int, str], tuple[int, int, bytes]]:
    """Frame and checksum of a file, and the picture that is shown of it."""
    photo = open_photo(path)
    shown = preview(photo, (SHOWN_SIDE, SHOWN_SIDE))
    with path.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    return (*photo.size_wh, checksum), (*shown.size, jpeg_of(shown))


def jpeg_of(image: Image.Image) -> bytes:
    """A picture as the pages get it, without metadata of the photograph."""
    file = BytesIO()
    # Of all metadata, Pillow would keep a comment unasked.
    image.save(file, "JPEG", quality=SHOWN_QUALITY, optimize=True, progressive=True, comment=b"")
    return file.getvalue()


def photographs(store: Store) -> tuple[Photograph, ...]:
    """The photographs that can be shown, in the order in which they were taken in."""
    with store.reading() as database:
        rows = database.execute(
            "SELECT id, name, width, height, sha256 FROM photograph WHERE problem IS NULL ORDER BY id"
        ).fetchall()
    return tuple(_photograph(row) for row in rows)


def reject(store: Store, photograph: Photograph, problem: str) -> None:
    """Note that a photograph that nobody has judged cannot be used, and why; its file is tried again next time."""
    with store.writing() as database:
        database.execute("DELETE FROM photograph WHERE id = ?", (photograph.id,))
        database.execute("INSERT INTO photograph (name, problem) VALUES (?, ?)", (photograph.name, problem))


def broken(store: Store) -> dict[str, str]:
    """The files that could not be read, by name, with the reason."""
    with store.reading() as database:
        rows = database.execute(
            "SELECT name, problem FROM photograph WHERE problem IS NOT NULL ORDER BY name"
        ).fetchall()
    return {row["name"]: row["problem"] for row in rows}


def picture(store: Store, photograph: int) -> bytes | None:
    """The JPEG that the pages show of a photograph; ``None`` if there is no such photograph."""
    with store.reading() as database:
        row = database.execute("SELECT jpeg FROM picture WHERE photograph = ?", (photograph,)).fetchone()
    return None if row is None else bytes(row["jpeg"])


def _photograph(row: sqlite3.Row) -> Photograph:
    return Photograph(row["id"], row["name"], (row["width"], row["height"]), row["sha256"])
