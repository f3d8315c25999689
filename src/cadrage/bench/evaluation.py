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
from cadrage.datasets.pictures import SLACK
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError
from cadrage.geometry import FloatArray
from cadrage.metrics import RankingReport, ranking_report

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


def require_writable(path: Path) -> None:
    """Find out before photographs are scored whether ``write_predictions`` can write there; its folder is made.

    Raises:
        DataError: it cannot.
    """
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
    writes them, scores are matched to the rated crops by their boxes (to half a pixel); without, they must be in
    the order of the rated crops of the label file. Lines of other images do no harm.

    Raises:
        DataError: a line is malformed, or an image or a crop has no score; the message names file and line.
    """
    lines = _prediction_lines(path, {image.name for image in images})
    missing = [image.name for image in images if image.name not in lines]
    if missing:
        shown = ", ".join(missing[:3]) + (" and others" if len(missing) > 3 else "")
        raise DataError(f"{path} has no scores for {len(missing)} of {len(images)} images: {shown}.")

    def method(image: RatedImage) -> FloatArray:
        number, line = lines[image.name]
        return _matched(f"{path}, line {number}", line, image)

    return method


def _prediction_lines(path: Path, known: Collection[str]) -> dict[str, tuple[int, Mapping[str, Any]]]:
    """Number and content of the line of each image."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a file of JSON lines.") from error
    lines: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for number, row in enumerate(text.split("\n"), start=1):
        if not row.strip():
            continue
        try:
            line = json.loads(row)
            given = Path(line["image"])
            _numbers(line["scores"], 1)
        except (ValueError, TypeError, KeyError, RecursionError):
            raise DataError(
                f'{path}, line {number}: expected {{"image": name, "scores": [numbers]}}; got \'{row[:80]}\'.'
            ) from None
        name = given.name if given.name in known else given.stem  # a name may hold a dot
        if name in lines:
            raise DataError(
                f"{path}, line {number}: image '{name}' has scores in line {lines[name][0]} already."
            )
        lines[name] = (number, line)
    return lines


def _numbers(values: object, dimensions: int) -> FloatArray:
    """Finite numbers as an array; a ``ValueError`` or ``TypeError`` where they are something else."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != dimensions or not np.isfinite(array).all():
        raise ValueError(f"not {dimensions} dimensions of finite numbers")
    return array


def _matched(place: str, line: Mapping[str, Any], image: RatedImage) -> FloatArray:
    scores = _numbers(line["scores"], 1)
    if "boxes" not in line:
        if len(scores) != len(image.mos):
            raise DataError(f"{place}: '{image.name}' has {len(image.mos)} rated crops, not {len(scores)}.")
        return scores
    try:
        boxes = _numbers(line["boxes"], 2)
    except (ValueError, TypeError):
        boxes = np.zeros((0, 0))
    if boxes.shape != (len(scores), 4):
        raise DataError(f"{place}: expected one box of four numbers for each of the {len(scores)} scores.")
    distances = np.abs(image.boxes_xyxy[:, None] - boxes[None]).max(axis=2)
    nearest = distances.argmin(axis=1)
    if (distances[np.arange(len(nearest)), nearest] > SLACK).any():  # so much may be cut off a label's box
        raise DataError(f"{place}: some rated crops of '{image.name}' have no box in this line.")
    matched: FloatArray = scores[nearest]
    return matched


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
