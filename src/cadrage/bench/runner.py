"""Methods put through a protocol, picture by picture; answers that are known are not asked for again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cadrage.bench.cache import AnswerCache
from cadrage.bench.methods import Method, Picture
from cadrage.bench.origin import Making, Origin
from cadrage.bench.protocols import BenchProtocol, Question
from cadrage.bench.results import Cell, Ground
from cadrage.geometry import FloatArray


def pictures_of(protocol: BenchProtocol) -> tuple[Picture, ...]:
    """What methods may see of a protocol's images; headers are read where sizes are not known.

    Raises:
        ImageError: a picture cannot be read.
    """
    return tuple(
        Picture.of(image.name, image.path, getattr(image, "size_wh", None)) for image in protocol.images
    )


def run_method(
    protocol: BenchProtocol,
    ground: Ground,
    pictures: Sequence[Picture],
    method: Method,
    *,
    cache: AnswerCache,
    command: str,
    advance: Callable[[], None] = lambda: None,
) -> Cell:
    """Measure a method.

    Every answer is kept as soon as it is there: a run that is stopped goes on where it was.

    Args:
        protocol: what to ask and how to measure.
        ground: what it is, for the record.
        pictures: of the protocol's images, from ``pictures_of``.
        method: the method.
        cache: of answers.
        command: the command line, for the record.
        advance: called after each picture.

    Returns:
        The method's numbers. Its time for an image is the median over images of what computing took when it was
        computed, by whichever run, decoding included; its origin says by which versions, when, and in how many
        threads.

    Raises:
        DataError: an answer is malformed, or the cache cannot be written.
        ImageError: a picture cannot be read.
    """
    answers: list[FloatArray] = []
    seconds: list[float] = []
    makings: list[Making] = []
    for at, picture in enumerate(pictures):
        answer, took, made = ask(method, picture, protocol.question(at), cache)
        answers.append(answer)
        seconds.append(took)
        makings += made
        advance()
    measured = protocol.measure(pictures, answers)
    return Cell(
        ground=ground,
        method=method.name,
        version=method.version,
        images=tuple(picture.name for picture in pictures),
        pictures=tuple(str(picture.path.resolve()) for picture in pictures),
        sizes_wh=np.array([picture.size_wh for picture in pictures], dtype=np.float64),
        metrics=measured.metrics,
        chosen_xyxy=measured.chosen_xyxy,
        references_xyxy=tuple(protocol.reference(at) for at in range(len(pictures))),
        seconds=float(np.median(seconds)),
        origin=Origin.of(command, makings),
        weights=measured.weights,
    )


def ask(
    method: Method, picture: Picture, question: Question, cache: AnswerCache
) -> tuple[FloatArray, float, list[Making]]:
    """A method's answer to a question, the seconds it took when it was computed (for several boxes, one), and how.

    Errors as for ``run_method``.
    """
    if question.boxes_xyxy is not None:
        scored = cache.scores(method, picture, question.boxes_xyxy)
        return scored.value, scored.seconds, [scored.making]
    boxes = [cache.box(method, picture, ratio) for ratio in question.ratios]
    answer = np.array([box.value.as_tuple() for box in boxes], dtype=np.float64).reshape(-1, 4)
    return answer, float(np.mean([box.seconds for box in boxes])), [box.making for box in boxes]
