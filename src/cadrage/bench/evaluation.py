"""One method on one rated data set: who said what about which photographs, and every metric of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cadrage.atomic import replacing, require_replaceable
from cadrage.datasets.gaicd import FOLDERS
from cadrage.datasets.json_entries import shown
from cadrage.datasets.pictures import SLACK
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError
from cadrage.geometry import FloatArray
from cadrage.metrics import RankingReport, ranking_report
from cadrage.numbers import is_number

EXPECTED = '{"image": name, "scores": [numbers]}'

ScoreImage = Callable[[RatedImage], FloatArray]
"""A method: the scores, shape (K,), of an image's rated crops."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A method's metrics together with what they were measured on.

    Attributes:
        method: the model and its version, or the file of scores.
        data_set: name of the data set.
        release: which release of it, as detected from its files.
        split: which part, and how it was drawn if it was.
        report: the metrics, with their tie rule.
    """

    method: str
    data_set: str
    release: str
    split: str
    report: RankingReport

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "method": self.method,
            "data_set": self.data_set,
            "release": self.release,
            "split": self.split,
            **self.report.to_dict(),
        }


def score_images(images: Iterable[RatedImage], method: ScoreImage) -> list[tuple[FloatArray, FloatArray]]:
    """Pairs of ratings and a method's scores, one for each image, in the order of the label file.

    Raises:
        DataError: a method's scores are not one finite number for each crop.
    """
    pairs = []
    for image in images:
        scores = np.asarray(method(image), dtype=np.float64)
        if scores.shape != image.mos.shape:
            raise DataError(f"Image '{image.name}' needs {len(image.mos)} scores; got {scores.size}.")
        if not np.isfinite(scores).all():
            raise DataError(f"Image '{image.name}' has a score that is not a finite number.")
        pairs.append((image.mos, scores))
    return pairs


def write_predictions(path: Path, images: Sequence[RatedImage], scores: Sequence[FloatArray]) -> None:
    """Write scores as JSON lines that ``read_predictions`` reads: image, boxes and scores.

    Raises:
        DataError: the file cannot be written.
    """
    with _writable(path), replacing(path) as part, part.open("w", encoding="utf-8") as stream:
        for image, row in zip(images, scores, strict=True):
            line = {"image": image.name, "boxes": image.boxes_xyxy.tolist(), "scores": row.tolist()}
            stream.write(json.dumps(line) + "\n")


def require_writable(path: Path, data_set: Path) -> None:
    """Find out before photographs are scored whether ``write_predictions`` can write there; its folder is made.

    Args:
        path: the file.
        data_set: root of the data set, no picture or label of which is overwritten.

    Raises:
        DataError: it cannot.
    """
    inside = any(path.resolve().is_relative_to((data_set / part).resolve()) for part in FOLDERS)
    if inside and path.exists():
        raise DataError(f"{path} belongs to the data set and is not overwritten: choose another name.")
    with _writable(path):
        require_replaceable(path)


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    """Make the folder of a file, and turn what the system says against writing into a sentence."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.") from error


def read_predictions(path: Path, images: Sequence[RatedImage]) -> ScoreImage:
    """Use scores that were made elsewhere as a method.

    Each line of the file is ``{"image": NAME or path, "scores": [...]}``. With ``"boxes"``, as ``cadrage score``
    writes them, the score of a rated crop is that of the nearest box, no edge of which may be more than ``SLACK``
    from the crop's; without, there must be one score for each rated crop, in the order of the label file. Lines
    of other images do no harm.

    Raises:
        DataError: a line is malformed, or an image or a crop has no score; the message names file and line.
    """
    lines = _prediction_lines(path, {image.name for image in images})
    missing = [image.name for image in images if image.name not in lines]
    if missing:
        shown = ", ".join(missing[:3]) + (" and others" if len(missing) > 3 else "")
        raise DataError(f"{path} has no scores for {len(missing)} of {len(images)} images: {shown}.")

    def method(image: RatedImage) -> FloatArray:
        line = lines[image.name]
        return _matched(f"{path}, line {line.number}", line, image)

    return method


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a file of predictions.

    Attributes:
        number: of the line in the file, from 1.
        content: the whole JSON object.
        scores: shape (K,).
    """

    number: int
    content: Mapping[str, Any]
    scores: FloatArray


def _prediction_lines(path: Path, known: Collection[str]) -> dict[str, _Line]:
    """The line of each known image."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a file of JSON lines.") from error
    lines: dict[str, _Line] = {}
    for number, row in enumerate(text.split("\n"), start=1):
        if not row.strip():
            continue
        place = f"{path}, line {number}"
        try:
            name, content = _prediction(row, known)
            if name not in known:
                continue
            if name in lines:
                raise DataError(f"{place}: image '{name}' has scores in line {lines[name].number} already.")
            lines[name] = _Line(number, content, _scores(content))
        except ValueError as fault:
            raise DataError(f"{place}: {fault}; expected {EXPECTED}; got '{row[:80]}'.") from None
    return lines


def _prediction(row: str, known: Collection[str]) -> tuple[str, Mapping[str, Any]]:
    """The image and the content of a line; a ``ValueError`` says what is wrong with it."""
    try:
        content = json.loads(row)
    except (ValueError, RecursionError):
        raise ValueError("this is not JSON") from None
    if not isinstance(content, dict):
        raise ValueError("this is not a JSON object")  # noqa: TRY004
    if "image" not in content:
        raise ValueError("no 'image'")
    image = content["image"]
    if not isinstance(image, str):
        raise ValueError("'image' is not a text")  # noqa: TRY004
    given = Path(image)
    return given.name if given.name in known else given.stem, content  # a name may hold a dot


def _scores(content: Mapping[str, Any]) -> FloatArray:
    """The scores of a line, NaN where one beside boxes is null; a ``ValueError`` says what is wrong with them."""
    if "scores" not in content:
        if "error" in content:  # as ``cadrage score`` writes it of a photograph that it could not score
            raise ValueError(f"the line reports an error: {str(content['error'])[:200].rstrip('.')}")
        raise ValueError("no 'scores'")
    scores = content["scores"]
    if not isinstance(scores, list):
        raise ValueError("'scores' is not a list")  # noqa: TRY004
    for number, score in enumerate(scores, start=1):
        if score is None and "boxes" in content:
            continue  # of a crop that nobody rated it is not read
        if not is_number(score):
            raise ValueError(
                f"score {number} is {'null' if score is None else f'not a finite number but {shown(score)}'}"
            )
    return np.array(scores, dtype=np.float64)


def _matched(place: str, line: _Line, image: RatedImage) -> FloatArray:
    scores = line.scores
    if "boxes" not in line.content:
        if len(scores) != len(image.mos):
            raise DataError(f"{place}: '{image.name}' has {len(image.mos)} rated crops, not {len(scores)}.")
        return scores
    boxes = _box_rows(line.content["boxes"])
    if boxes is None or boxes.shape != (len(scores), 4):
        raise DataError(f"{place}: expected one box of four numbers for each of the {len(scores)} scores.")
    distances = np.abs(image.boxes_xyxy[:, None] - boxes[None]).max(axis=2)
    nearest = distances.argmin(axis=1)
    if (distances[np.arange(len(nearest)), nearest] > SLACK).any():  # so much may be cut off a label's box
        raise DataError(f"{place}: some rated crops of '{image.name}' have no box in this line.")
    matched: FloatArray = scores[nearest]
    if np.isnan(matched).any():
        number = int(nearest[np.isnan(matched)][0]) + 1
        raise DataError(f"{place}: score {number} is null, and '{image.name}' has a rated crop there.")
    return matched


def _box_rows(boxes: object) -> FloatArray | None:
    """Boxes as an array of shape (K, 4), K from 1; ``None`` where they are something else."""
    rows = boxes if isinstance(boxes, list) else []
    are_boxes = all(isinstance(row, list) and len(row) == 4 and all(map(is_number, row)) for row in rows)
    return np.array(rows, dtype=np.float64) if rows and are_boxes else None


def evaluate_ranking(
    images: Sequence[RatedImage],
    method: ScoreImage,
    *,
    name: str,
    data_set: str,
    release: str,
    split: str,
    strict: bool = False,
) -> tuple[Evaluation, list[FloatArray]]:
    """Score every image and report every ranking metric.

    Args:
        images: with rated crops only.
        method: the scorer.
        name: of the method, as printed.
        data_set: as printed.
        release: as printed.
        split: as printed.
        strict: membership of the best N by position, without credit for ties.

    Returns:
        The evaluation, and the scores of each image.
    """
    pairs = score_images(images, method)
    report = ranking_report(pairs, tie_rule="strict" if strict else "credit")
    return Evaluation(name, data_set, release, split, report), [scores for _, scores in pairs]
