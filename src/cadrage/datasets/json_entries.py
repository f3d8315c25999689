"""Label files of JSON, entry by entry, each with the line that it begins in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cadrage.atomic import replacing
from cadrage.datasets.folders import found_in
from cadrage.errors import DataError
from cadrage.geometry import FloatArray
from cadrage.numbers import is_number

BLANKS = " \t\r\n"
LARGEST = 2**53
"""Coordinates and scores beyond this are no numbers of pixels or people: neither is infinity."""

DECIMALS = 6
"""Of coordinates that people wrote; those with more are taken as they are."""

NOISE = 1e-11
"""What a sum of two coordinates may be off, as a share of it, because decimals have no exact binary form."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An element of a JSON array, or a value of a JSON object.

    Attributes:
        place: file, line and number or name of the entry, as messages name them.
        key: its name in the object; ``""`` in an array.
        value: what it holds.
        offset: where its text begins in the file.
    """

    place: str
    key: str
    value: Any
    offset: int

    def error(self, sentence: str) -> DataError:
        """A ``DataError`` that begins with the place."""
        return DataError(f"{self.place}: {sentence}")

    def field(self, name: str) -> Any:  # noqa: ANN401
        """What an object holds under a name.

        Raises:
            DataError: the entry is no object, or has no such field.
        """
        if not isinstance(self.value, dict) or name not in self.value:
            raise self.error(f'expected an object with "{name}"; got {shown(self.value)}.')
        return self.value[name]

    def text(self, name: str) -> str:
        """A field that must be a text and not empty."""
        value = self.field(name)
        if not isinstance(value, str) or not value.strip():
            raise self.error(f'"{name}" must be a text; got {shown(value)}.')
        return value

    def whole(self, name: str, least: int = 0) -> int:
        """A field that must be a whole number."""
        value = self.field(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value < LARGEST:
            raise self.error(f'"{name}" must be a whole number from {least}; got {shown(value)}.')
        return value

    def numbers(self, name: str, columns: int) -> FloatArray:
        """A field that must be a list of rows of numbers, as an array of shape (K, ``columns``)."""
        return rows_of(self.field(name), columns, f'{self.place}: "{name}"')


def text_lines(file: Path) -> list[str]:
    """The lines of a text in UTF-8, divided at line feeds alone: captions may hold other line ends.

    Raises:
        DataError: it cannot be read, or is no such text.
    """
    return _decoded(file, "utf-8").split("\n")


def rows_of(value: object, columns: int, what: str) -> FloatArray:
    """Rows of numbers as float64, shape (K, columns).

    Raises:
        DataError: they are something else; the message begins with ``what``.
    """
    is_table = isinstance(value, list) and all(isinstance(row, list) and len(row) == columns for row in value)
    if not is_table or not all(is_meant(one) for row in value for one in row):  # type: ignore[attr-defined]
        raise DataError(f"{what} must be a list of rows of {columns} numbers; got {shown(value)}.")
    return np.array(value, dtype=np.float64).reshape(-1, columns)


def corners_of(value: object, what: str) -> FloatArray:
    """A box ``[x, y, w, h]`` as its corners x1, y1, x2, y2, shape (1, 4).

    Raises:
        DataError: it is no list of four numbers; the message begins with ``what``.
    """
    if not isinstance(value, list) or len(value) != 4 or not all(map(is_meant, value)):
        raise DataError(f"{what} must be four numbers x, y, w, h; got {shown(value)}.")
    x, y, w, h = value
    return np.array([[x, y, _rounded(x + w), _rounded(y + h)]], dtype=np.float64)


def sides_of(box: FloatArray) -> list[float]:
    """A box of corners, shape (4,), as ``x, y, w, h`` for JSON; ``corners_of`` makes the same corners of it."""
    x1, y1, x2, y2 = box.tolist()
    return plain([x1, y1, _rounded(x2 - x1), _rounded(y2 - y1)])


def _rounded(value: float) -> float:
    """A sum or difference of coordinates, without what floating point added to their decimals."""
    short = round(value, DECIMALS)
    return short if abs(short - value) < NOISE * max(1.0, abs(value)) else value


def is_meant(value: object) -> bool:
    """Whether a value of JSON is a finite number of a size that can be meant."""
    return is_number(value) and abs(value) < LARGEST


def shown(value: object) -> str:
    """The beginning of a value, as a message shows it."""
    text = json.dumps(value, ensure_ascii=False)
    return f"'{text[:60]}...'" if len(text) > 60 else f"'{text}'"


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        DataError: it is not there, cannot be read, or is no text in UTF-8.
    """
    return _decoded(path, "utf-8-sig")


def _decoded(path: Path, encoding: str) -> str:
    try:
        return path.read_text(encoding=encoding)
    except OSError as error:
        there = f"; {found_in(path.parent)}" if isinstance(error, FileNotFoundError) else ""
        raise DataError(f"{path} cannot be read: {error.strerror}{there}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8.") from error


def read_entries(path: Path) -> Iterator[Entry]:
    """The elements of the JSON array that a file holds, or the values of its object, in the order of the file.

    Raises:
        DataError: the file cannot be read, is no JSON array or object, or names something twice; the message
            names file and line.
    """
    text = read_text(path)
    return entries_in(path, text, _over_blanks(text, 0))


def entries_in(path: Path, text: str, start: int) -> Iterator[Entry]:
    """The entries of the array or object that begins at an offset of a file's text; see ``read_entries``."""
    decoder = json.JSONDecoder()
    line, counted = 1 + text.count("\n", 0, start), start
    closing = {"[": "]", "{": "}"}.get(text[start : start + 1])
    if closing is None:
        raise DataError(f"{path}, line {line}: expected a JSON array or object.")
    keys: set[str] = set()
    number = 0
    position = _over_blanks(text, start + 1)
    if text[position : position + 1] == closing:
        return
    while True:
        line, counted = line + text.count("\n", counted, position), position
        number, key = number + 1, ""
        at_line = f"{path}, line {line}"
        place = f"{at_line}, entry {number}"
        try:
            if closing == "}":
                key, position = _key(decoder, text, position)
                place = f"{at_line}, '{key}'"
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            raise DataError(f"{at_line}: this is no JSON.") from None
        if key in keys and closing == "}":
            raise DataError(f"{at_line}: '{key}' is there twice.")
        keys.add(key)
        yield Entry(place, key, value, position)
        position = _over_blanks(text, end)
        mark = text[position : position + 1]
        if mark == closing:
            return
        if mark != ",":
            line = 1 + text.count("\n", 0, position)
            raise DataError(f"{path}, line {line}: this is no JSON: expected ',' or '{closing}'.")
        position = _over_blanks(text, position + 1)


def _key(decoder: json.JSONDecoder, text: str, position: int) -> tuple[str, int]:
    """A name in an object, and where its value begins; a ``ValueError`` where there is none."""
    key, end = decoder.raw_decode(text, position)
    colon = _over_blanks(text, end)
    if not isinstance(key, str) or text[colon : colon + 1] != ":":
        raise ValueError("no name")
    return key, _over_blanks(text, colon + 1)


def _over_blanks(text: str, position: int) -> int:
    while text[position : position + 1] in BLANKS and position < len(text):
        position += 1
    return position


def plain(values: Sequence[float]) -> list[float]:
    """Numbers as JSON is to hold them: whole ones without a fraction."""
    return [int(value) if float(value).is_integer() else float(value) for value in values]


def write_json(path: Path, rows: Sequence[str], brackets: str = "[]") -> None:
    """Write JSON with one entry a line, whole or not at all.

    Args:
        path: the file to make or to replace; its folder is made.
        rows: each entry as JSON; for an object with its key.
        brackets: of an array or of an object.

    Raises:
        DataError: the file cannot be written.
    """
    text = f"{brackets[0]}\n" + ",\n".join(rows) + f"\n{brackets[1]}\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as new:
            new.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.") from error
