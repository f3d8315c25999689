"""The best crop of each photograph, from what ``cadrage crop`` records of a run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cadrage.annotation.study.naming import key_of
from cadrage.errors import CadrageError, DataError, RequestError
from cadrage.geometry import Box


@dataclass(frozen=True, slots=True)
class Recorded:
    """A photograph's line in a manifest.

    Attributes:
        source: its file.
        size_wh: width and height of its frame, in pixels.
        box: the best crop, in frame pixels; ``None`` if there is none.
        problem: why there is none.
    """

    source: Path
    size_wh: tuple[int, int] = (0, 0)
    box: Box | None = None
    problem: str = ""


def read_manifest(file: Path, ratio: str | None, photographs: Path | None = None) -> dict[str, Recorded]:
    """Read the JSON Lines that ``cadrage crop --manifest``, ``--out`` or ``--json`` write.

    Args:
        file: the manifest, with its header or without; of several lines of a photograph the last counts.
        ratio: whose best crop is taken of photographs with several, as results name it.
        photographs: the photographs' folder, if it is known.

    Returns:
        By name of the photograph: its path below that folder, or below the one that all are in, less the suffix.

    Raises:
        DataError: the file cannot be read, or is no manifest.
        RequestError: photographs have crops of several ratios and none is chosen, or two have one name.
    """
    found: dict[str, Recorded] = {}
    for where, record in _lines(file):
        try:
            found[record["source"]] = _recorded(record, _place_of(file, record["source"]), ratio, where)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise DataError(f"{where} is no result of cadrage.") from error
    if not found:
        raise DataError(f"{file} holds no photograph.")
    base = _folder_of(list(found))
    known = photographs.resolve() if photographs else None
    named: dict[str, Recorded] = {}
    for source, one in found.items():
        place = one.source.resolve()
        is_below = known is not None and place.is_relative_to(known)
        name = key_of(place.relative_to(known) if is_below and known else Path(os.path.relpath(source, base)))
        if name in named:
            raise RequestError(
                f"{file}: two photographs are called '{name}'; study them one after the other."
            )
        named[name] = one
    return named


def _lines(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and content of each line but the header; a last line that was torn by a kill is passed over."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is no manifest of cadrage.") from error
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        where = f"{file}, line {number}"
        try:
            record = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError) as error:
            if number == len(lines) > 1:
                return
            raise DataError(f"{where} is no JSON.") from error
        if record is None or (number == 1 and isinstance(record, dict) and "manifest" in record):
            continue
        if not isinstance(record, dict) or not isinstance(record.get("source"), str):
            raise DataError(f"{where} is no result of cadrage.")
        yield where, record


def _recorded(record: dict[str, Any], source: Path, ratio: str | None, where: str) -> Recorded:
    if "error" in record:
        return Recorded(source, problem=str(record["error"]).removesuffix("."))
    groups = {group["ratio"]: group["crops"] for group in record["ratios"]}
    if ratio is None and len(groups) > 1:
        raise RequestError(f"{where} has crops of several ratios ({', '.join(groups)}): choose with --ratio.")
    crops = groups.get(ratio or "") if len(groups) > 1 else next(iter(groups.values()), None)
    if not crops:
        return Recorded(source, problem=f"no {ratio} crop of it" if ratio else "no crop of it")
    best = min(crops, key=lambda crop: int(crop["rank"]))
    width, height = record["size"]
    return Recorded(source, (int(width), int(height)), _box_of(best["box"], where))


def _box_of(numbers: Any, where: str) -> Box:  # noqa: ANN401
    try:
        return Box(*(float(number) for number in numbers))
    except CadrageError as error:
        raise DataError(f"{where}: {error}") from error


def _place_of(file: Path, source: str) -> Path:
    """Where a photograph is: as the run was told, or the same below the manifest's folder or the one above."""
    told = Path(source)
    places = [told, file.parent / told, file.parent.parent / told]
    return next((place for place in places if place.is_file()), told)


def _folder_of(sources: list[str]) -> str:
    """The folder that holds all photographs."""
    if len({Path(source).is_absolute() for source in sources}) > 1:
        return str(Path.cwd())
    return os.path.commonpath([Path(source).parent for source in sources])
