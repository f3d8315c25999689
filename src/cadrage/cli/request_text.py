"""Requests as people type them: options and JSON files to one ``CropRequest``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cadrage.errors import RequestError
from cadrage.geometry import Box
from cadrage.imaging.photo import printable, reason_of
from cadrage.request import CropRequest, Region


def build_request(
    file: Path | None = None,
    *,
    ratios: Sequence[str] | None = None,
    size: str | None = None,
    min_size: str | None = None,
    keep: Sequence[str] | None = None,
    prefer: Sequence[str] | None = None,
    avoid: Sequence[str] | None = None,
    focus: str | None = None,
    **others: Any,  # noqa: ANN401
) -> CropRequest:
    """The request of a command line.

    Args:
        file: JSON as of ``CropRequest.to_dict``; what is given beside it replaces its fields.
        ratios: as typed; ``None`` or empty is not given, here as in the others.
        size: ``"1200x630"``.
        min_size: ``"0.5"`` or ``"800x600"``.
        keep: ``"x1,y1,x2,y2"`` each.
        prefer: ``"x1,y1,x2,y2"`` or ``"x1,y1,x2,y2,weight"`` each.
        avoid: as ``prefer``.
        focus: ``"x,y"``.
        others: fields of ``CropRequest`` that need no reading.

    Raises:
        RequestError: the file cannot be read, an option is malformed, or they make no request.
    """
    fields: dict[str, Any] = read_request_file(file) if file else {}
    typed = {
        "ratios": tuple(ratios) if ratios else None,
        "size": None if size is None else _size(size, "--size"),
        "min_size": None if min_size is None else _min_size(min_size),
        "keep": tuple(Box(*_numbers(text, "--keep", 4)) for text in keep or ()) or None,
        "prefer": tuple(_region(text, "--prefer") for text in prefer or ()) or None,
        "avoid": tuple(_region(text, "--avoid") for text in avoid or ()) or None,
        "focus": None if focus is None else tuple(_numbers(focus, "--focus", 2)),
    }
    fields |= {name: value for name, value in (typed | others).items() if value is not None}
    return CropRequest.from_dict(fields)


def read_request_file(file: Path) -> dict[str, Any]:
    """The fields of a request in a JSON file, checked.

    Raises:
        RequestError: it cannot be read, or is no request.
    """
    name = printable(str(file))
    try:
        fields = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RequestError(f"{name} cannot be read: {reason_of(error)}.") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{name} is not JSON: {error}.") from error
    try:
        CropRequest.from_dict(fields)
    except RequestError as error:
        raise RequestError(f"{name}: {error}") from error
    return dict(fields)


def _numbers(text: str, option: str, *counts: int) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in counts:
        expected = {2: "x,y", 4: "x1,y1,x2,y2", 5: "x1,y1,x2,y2,weight"}
        forms = " or ".join(expected[count] for count in counts)
        raise RequestError(f"{option} takes numbers, {forms}, not {text!r}.")
    # Whole pixels stay whole, so that the request reads as it was typed wherever it is shown.
    return [int(value) if value.is_integer() else value for value in values]


def _region(text: str, option: str) -> Region:
    x1, y1, x2, y2, *weight = _numbers(text, option, 4, 5)
    return Region(Box(x1, y1, x2, y2), *weight)


def _size(text: str, option: str) -> tuple[int, int]:
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal() and len(text) <= 20):
        raise RequestError(f"{option} takes width and height in pixels, such as 1200x630, not {text!r}.")
    return int(width), int(height)


def _min_size(text: str) -> float | tuple[int, int]:
    if "x" in text.lower():
        return _size(text, "--min-size")
    try:
        return float(text)
    except ValueError as error:
        raise RequestError(
            f"--min-size takes a share, such as 0.5, or pixels, such as 800x600, not {text!r}."
        ) from error
