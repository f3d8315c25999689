"""``cadrage score``: score given boxes of photographs, a line of JSON for each photograph."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cadrage.atomic import replacing
from cadrage.cli.console import Progress
from cadrage.cropper import Cropper
from cadrage.errors import CadrageError, DataError, RequestError
from cadrage.geometry import FloatArray, as_boxes
from cadrage.imaging.photo import printable, reason_of
from cadrage.imaging.saving import same_file
from cadrage.numbers import is_number
from cadrage.runtime import Features
from cadrage.selection import rounded

app = typer.Typer(rich_markup_mode=None, add_completion=False)

STANDARD_OUTPUT = "-"
EXPECTED = '{"image": "beach.jpg", "boxes": [[x1, y1, x2, y2], ...]}'


@app.command()
def score(
    *,
    boxes: Annotated[
        Path, typer.Option(metavar="FILE.jsonl", help="A line of JSON for each photograph and its boxes.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE.jsonl", help="Where to write the lines; - is the output.")
    ],
    model: Annotated[str | None, typer.Option(metavar="NAME|DIR", help="Another model.")] = None,
    threads: Annotated[
        int | None, typer.Option(metavar="N", help="Threads to use; by default as many as CPUs may be used.")
    ] = None,
) -> None:
    """Score given boxes of photographs.

    Each line of the box file names a photograph and boxes in pixels of the upright photograph, right and bottom
    edge excluded. The same line comes back with "scores" added, one for each box: what people would give the
    crop on average, from 1, bad, to 5, excellent. Other keys are kept. A line whose photograph cannot be scored
    gets "error" instead. A relative path counts from the current folder or, if there is no such file, from the
    folder of the box file.

    \b
    Example:
      echo '{"image": "beach.jpg", "boxes": [[0, 0, 800, 600], [90, 40, 730, 520]]}' > boxes.jsonl
      cadrage score --boxes boxes.jsonl --out scores.jsonl
      cadrage score --boxes boxes.jsonl --out -

    \b
    Exit code:
      0  every line was scored
      1  some could not be; each is named with the reason
      2  none could be, or an option or a line is malformed (then nothing is written)
    """
    lines = read_lines(boxes)
    if out.exists() and any(same_file(out, _locate(line.image, boxes.parent)) for line in lines):
        raise RequestError(
            f"{printable(str(out))} is a photograph and is not overwritten: choose another name."
        )
    cropper = Cropper(model, threads=threads)
    failed = 0
    quiet = str(out) == STANDARD_OUTPUT and sys.stdout.isatty()
    with _writer(out) as write, Progress("scoring", len(lines), quiet=quiet) as progress:
        for line, answer in zip(lines, _answers(cropper, lines, boxes.parent), strict=True):
            if isinstance(answer, CadrageError):
                failed += 1
                progress.complain(f"{printable(str(boxes))}, line {line.number}: {answer}")
                write(line.content | {"error": str(answer)})
            else:
                write(line.content | {"scores": answer})
            progress.advance()
    raise typer.Exit((1 if failed < len(lines) else 2) if failed else 0)


@dataclass(frozen=True, slots=True)
class BoxLine:
    """A line of a box file.

    Attributes:
        number: of the line in the file, from 1.
        content: the whole JSON object, without what an earlier call added.
        image: path of the photograph as written.
        boxes_xyxy: shape (K, 4), in frame pixels; may be empty.
    """

    number: int
    content: dict[str, Any]
    image: str
    boxes_xyxy: FloatArray


def read_lines(file: Path) -> list[BoxLine]:
    """Read a box file; empty lines are skipped.

    Raises:
        DataError: the file cannot be read, or a line is malformed.
    """
    name = printable(str(file))
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8 text.") from error
    except OSError as error:
        raise DataError(f"{name} cannot be read: {reason_of(error)}.") from error
    lines = []
    for number, row in enumerate(text.split("\n"), start=1):
        if row.strip():
            try:
                lines.append(_parse(number, row))
            except (ValueError, RequestError) as error:
                reason = str(error).rstrip(".")
                raise DataError(f"{name}, line {number}: {reason}; expected {EXPECTED}.") from error
    return lines


def _parse(number: int, row: str) -> BoxLine:
    """Parse a line; the ``ValueError`` or ``RequestError`` says what is wrong with it."""
    try:
        content = json.loads(row, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        raise ValueError("this is not JSON") from None
    if not isinstance(content, dict):
        raise ValueError("this is not a JSON object")  # noqa: TRY004
    image, boxes = content.get("image"), content.get("boxes")
    if not isinstance(image, str) or not image:
        raise ValueError("'image' must be the path of a photograph")
    if not isinstance(boxes, list) or not all(_is_box(box) for box in boxes):
        raise ValueError("'boxes' must be a list of boxes, each a list of four numbers")
    kept = {key: value for key, value in content.items() if key not in ("scores", "error")}
    return BoxLine(number, kept, image, as_boxes(boxes))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):  # it would be written as Infinity, which is not JSON
        raise RequestError(f"the number {text[:20]} is too large")
    return value


def _is_box(value: object) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(map(is_number, value))


def _answers(
    cropper: Cropper, lines: Iterable[BoxLine], folder: Path
) -> Iterator[list[float] | CadrageError]:
    """The scores of each line, or why there are none; a photograph on consecutive lines is encoded once."""
    for image, group in itertools.groupby(lines, key=lambda line: line.image):
        try:
            features = cropper.encode(cropper.open(_locate(image, folder)))
        except CadrageError as error:
            yield from (error for _ in group)
            continue
        yield from (_scores(cropper, features, line.boxes_xyxy) for line in group)


def _locate(image: str, folder: Path) -> Path:
    """The photograph as seen from the current folder or else from ``folder``."""
    # Unlike Path.exists this does not raise for names that no file can have.
    return Path(image) if os.path.exists(image) else folder / image  # noqa: PTH110


def _scores(cropper: Cropper, features: Features, boxes_xyxy: FloatArray) -> list[float] | CadrageError:
    try:
        scores: list[float] = rounded(cropper.scorer.score(features, boxes_xyxy)).tolist()
    except RequestError as error:
        return error
    return scores


@contextlib.contextmanager
def _writer(out: Path) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that writes one line; a file is there when all lines are, and not at all if the block raises."""
    if str(out) == STANDARD_OUTPUT:
        yield lambda record: print(json.dumps(record, allow_nan=False), flush=True)
        return
    name = printable(str(out))
    try:
        if out.is_dir():
            raise DataError(f"--out {name} is a folder; a file is needed.")
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out) as part, part.open("w", encoding="utf-8") as stream:
            yield lambda record: print(json.dumps(record, allow_nan=False), file=stream)
    except OSError as error:
        raise DataError(f"{name} cannot be written: {reason_of(error)}.") from error
