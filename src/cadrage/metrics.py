"""How well predictions rank the crops of an image, and how near boxes lie to reference boxes.

The ranking metrics are those of GAIC (CVPR 2019; TPAMI 2020, section "evaluation"), ties exactly as in the
authors' evaluation code: among equal predictions the crop that comes first in the label file is returned
first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cadrage.errors import DataError, RequestError
from cadrage.geometry import FloatArray, as_boxes, boundary_displacement, iou_matrix

IntArray = NDArray[np.int64]

TieRule = Literal["credit", "strict"]
Reduce = Literal["best", "mean"]

RETURNED = (1, 2, 3, 4)
"""K: how many best predicted crops are returned."""

ACCEPTED = (5, 10)
"""N: how many crops best by MOS are accepted."""

LARGE = 1e100
"""Scores beyond it are divided by the largest: the difference of two might be no number any more."""


def pcc(mos: ArrayLike, predictions: ArrayLike) -> float:
    """Pearson's linear correlation of one image's predictions with its MOS.

    Args:
        mos: mean opinion scores, shape (K,).
        predictions: predicted scores on any scale, shape (K,).

    Returns:
        In [-1, 1]. 0 where all predictions are equal: such a model tells nothing. NaN where all MOS are
        equal: there is nothing to tell.

    Raises:
        DataError: the shapes differ, there is no crop, or a value is not finite.
    """
    return _correlation(*_checked(mos, predictions))


def srcc(mos: ArrayLike, predictions: ArrayLike) -> float:
    """Spearman's rank correlation of one image's predictions with its MOS, ties with their average rank.

    Arguments, constant inputs and errors as for ``pcc``.
    """
    first, second = _checked(mos, predictions)
    return _correlation(average_ranks(first), average_ranks(second))


def average_ranks(values: FloatArray) -> FloatArray:
    """Ascending ranks from 1 of values of shape (K,); equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    result: FloatArray = (last - (counts - 1) / 2)[inverse]
    return result


def _correlation(mos: FloatArray, predictions: FloatArray) -> float:
    if np.ptp(mos) == 0:
        return math.nan
    if (largest := np.abs(predictions).max()) > LARGE:
        predictions = predictions / largest
    if np.ptp(predictions) == 0:
        return 0.0
    # Brought to one scale first: squares of very small differences would underflow.
    first, second = ((values - values.mean()) / np.ptp(values) for values in (mos, predictions))
    return float(np.clip(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)), -1.0, 1.0))


def acc(mos: ArrayLike, predictions: ArrayLike, k: int, n: int, tie_rule: TieRule = "credit") -> float:
    """Acc K/N of one image: the share of the K best predicted crops that are among the N best by MOS.

    Args:
        mos: mean opinion scores, shape (C,).
        predictions: predicted scores, shape (C,).
        k: how many crops are returned, at least 1; all of them where the image has fewer.
        n: how many crops are accepted, at least 1.
        tie_rule: ``"credit"`` accepts every crop whose MOS reaches that of the N-th best, as the official
            code does; ``"strict"`` only N crops, the first in file order among equals.

    Returns:
        In [0, 1].

    Raises:
        DataError: the shapes differ, there is no crop, or a value is not finite.
        RequestError: ``k``, ``n`` or ``tie_rule`` is out of range.
    """
    _check_rule(tie_rule, k, n)
    return _hit_share(*_checked(mos, predictions), k, n, tie_rule)


def acc_w(mos: ArrayLike, predictions: ArrayLike, k: int, n: int, beta: float = 1.0) -> float:
    """Rank-weighted Acc K/N of one image: a hit counts ``exp(-beta * (r - j) / n)``.

    The K returned crops are put in order of their MOS; r is the position of the j-th of them among all
    crops in descending order of MOS, ties in file order. It is a hit if r <= n: ties across that border get
    no credit, whatever the tie rule of ``acc``.

    Args:
        mos: mean opinion scores, shape (C,).
        predictions: predicted scores, shape (C,).
        k: how many crops are returned, at least 1; all of them where the image has fewer.
        n: how many crops are accepted, at least 1.
        beta: how fast the weight falls; 1 in the paper and the official code.

    Returns:
        In [0, 1].

    Raises:
        DataError: the shapes differ, there is no crop, or a value is not finite.
        RequestError: ``k`` or ``n`` is below 1.
    """
    _check_rule("strict", k, n)
    return _weighted_share(*_checked(mos, predictions), k, n, beta)


def regret(mos: ArrayLike, predictions: ArrayLike) -> float:
    """What the top-ranked crop of one image lacks to the best MOS of the image, at least 0.

    Raises:
        DataError: the shapes differ, there is no crop, or a value is not finite.
    """
    scores, predicted = _checked(mos, predictions)
    return float(scores.max() - scores[np.argmax(predicted)])


def _descending(values: FloatArray) -> IntArray:
    return np.argsort(-values, kind="stable")


def _positions(mos: FloatArray) -> IntArray:
    """Position of each crop in descending order of MOS, from 0."""
    positions = np.empty(len(mos), dtype=np.int64)
    positions[_descending(mos)] = np.arange(len(mos))
    return positions


def _hit_share(mos: FloatArray, predictions: FloatArray, k: int, n: int, tie_rule: TieRule) -> float:
    returned = _descending(predictions)[:k]
    if tie_rule == "strict":
        return float((_positions(mos)[returned] < n).mean())
    threshold = np.sort(mos)[-min(n, len(mos))]
    return float((mos[returned] >= threshold).mean())


def _weighted_share(mos: FloatArray, predictions: FloatArray, k: int, n: int, beta: float) -> float:
    positions = np.sort(_positions(mos)[_descending(predictions)[:k]])
    weights = np.exp(-beta * (positions - np.arange(len(positions))) / n)
    return float(np.where(positions < n, weights, 0.0).mean())


def _checked(mos: ArrayLike, predictions: ArrayLike) -> tuple[FloatArray, FloatArray]:
    try:
        scores, predicted = np.asarray(mos, dtype=np.float64), np.asarray(predictions, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError("MOS and predictions must be lists of numbers.") from error
    if scores.ndim != 1 or scores.shape != predicted.shape:
        raise DataError(
            f"One prediction for each rated crop is needed; got shapes {predicted.shape} and {scores.shape}."
        )
    if not len(scores):
        raise DataError("An image without rated crops cannot be evaluated.")
    for values, what in ((scores, "MOS"), (predicted, "prediction")):
        if not np.isfinite(values).all():
            index = int(np.flatnonzero(~np.isfinite(values))[0])
            raise DataError(f"The {what} of crop {index} is {values[index]}; a finite number is needed.")
    return scores, predicted


def _check_rule(tie_rule: TieRule, k: int, n: int) -> None:
    if tie_rule not in ("credit", "strict"):
        raise RequestError(f"The tie rule must be 'credit' or 'strict'; got '{tie_rule}'.")
    if k < 1 or n < 1:
        raise RequestError(f"Acc K/N needs K and N of at least 1; got {k} and {n}.")


@dataclass(frozen=True, slots=True, eq=False)
class ImageScores:
    """The ranking metrics of each of T images, for averages, paired comparisons and bootstraps.

    Attributes:
        tie_rule: how ``acc`` treats ties; see the function ``acc``.
        srcc: shape (T,), in [-1, 1]; NaN where all MOS of an image are equal.
        pcc: shape (T,), likewise.
        acc: shape (T, 4, 2), in [0, 1]: K = 1 to 4 and N = 5, 10.
        acc_w: shape (T, 4, 2), in [0, 1], weighted by rank with beta = 1.
        regret: shape (T,), in MOS.
    """

    tie_rule: TieRule
    srcc: FloatArray
    pcc: FloatArray
    acc: FloatArray
    acc_w: FloatArray
    regret: FloatArray

    def report(self) -> RankingReport:
        """The averages over the images."""
        acc_mean, acc_w_mean = 100 * self.acc.mean(axis=0), 100 * self.acc_w.mean(axis=0)
        return RankingReport(
            images=len(self.regret),
            tie_rule=self.tie_rule,
            srcc=_defined_mean(self.srcc),
            pcc=_defined_mean(self.pcc),
            acc5=tuple(acc_mean[:, 0].tolist()),
            acc10=tuple(acc_mean[:, 1].tolist()),
            acc5_w=tuple(acc_w_mean[:, 0].tolist()),
            acc10_w=tuple(acc_w_mean[:, 1].tolist()),
            regret=float(self.regret.mean()),
            without_correlation=int(np.isnan(self.srcc).sum()),
        )


def _defined_mean(values: FloatArray) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else math.nan


@dataclass(frozen=True, slots=True)
class RankingReport:
    """Ranking metrics averaged over images; accuracies in percent, as the papers print them.

    Attributes:
        images: how many images were evaluated.
        tie_rule: how Acc treats ties: ``"credit"`` as the official code, or ``"strict"``.
        srcc: mean Spearman correlation per image.
        pcc: mean Pearson correlation per image.
        acc5: Acc K/5 for K = 1 to 4, in percent.
        acc10: Acc K/10 for K = 1 to 4, in percent.
        acc5_w: rank-weighted Acc K/5, in percent.
        acc10_w: rank-weighted Acc K/10, in percent.
        regret: mean of best MOS less MOS of the top-ranked crop.
        without_correlation: images whose crops all have one MOS; they are left out of ``srcc`` and ``pcc``.
    """

    images: int
    tie_rule: TieRule
    srcc: float
    pcc: float
    acc5: tuple[float, ...]
    acc10: tuple[float, ...]
    acc5_w: tuple[float, ...]
    acc10_w: tuple[float, ...]
    regret: float
    without_correlation: int

    @property
    def means(self) -> dict[str, float]:
        """The four kinds of Acc averaged over K ("Acc-bar" of CVPR 2019), in percent."""
        return {name: float(np.mean(getattr(self, name))) for name in ("acc5", "acc10", "acc5_w", "acc10_w")}

    def to_dict(self) -> dict[str, Any]:
        """All fields and the means over K (``acc5_mean`` ...); None for an undefined correlation."""
        fields = asdict(self) | {f"{name}_mean": mean for name, mean in self.means.items()}
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in fields.items()
        }


def image_scores(pairs: Iterable[tuple[ArrayLike, ArrayLike]], tie_rule: TieRule = "credit") -> ImageScores:
    """Evaluate predictions image by image.

    Args:
        pairs: MOS and predictions of each image, two arrays of one shape (K,).
        tie_rule: ``"credit"`` as the official code, or ``"strict"``; see ``acc``.

    Raises:
        DataError: there is no image, or the arrays of one are malformed; the message has its number from 1.
        RequestError: the tie rule is unknown.
    """
    _check_rule(tie_rule, 1, 1)
    rows = []
    for number, (mos, predictions) in enumerate(pairs, start=1):
        try:
            rows.append(_row(*_checked(mos, predictions), tie_rule))
        except DataError as error:
            raise DataError(f"Image {number}: {error}") from None
    if not rows:
        raise DataError("There is no image to evaluate.")
    return ImageScores(tie_rule, *(np.array(column) for column in zip(*rows, strict=True)))


def _row(mos: FloatArray, predictions: FloatArray, tie_rule: TieRule) -> tuple[ArrayLike, ...]:
    hits = [[_hit_share(mos, predictions, k, n, tie_rule) for n in ACCEPTED] for k in RETURNED]
    weighted = [[_weighted_share(mos, predictions, k, n, beta=1.0) for n in ACCEPTED] for k in RETURNED]
    return srcc(mos, predictions), pcc(mos, predictions), hits, weighted, regret(mos, predictions)


def ranking_report(
    pairs: Iterable[tuple[ArrayLike, ArrayLike]], tie_rule: TieRule = "credit"
) -> RankingReport:
    """Evaluate predictions and average over the images; arguments and errors as for ``image_scores``.

    Example:
        >>> report = ranking_report([([4.0, 3.0, 2.0], [0.9, 0.1, 0.5])])
        >>> round(report.srcc, 3), report.acc5, report.regret
        (0.5, (100.0, 100.0, 100.0, 100.0), 0.0)
    """
    return image_scores(pairs, tie_rule).report()


def reference_iou(box_xyxy: ArrayLike, references_xyxy: ArrayLike, reduce: Reduce = "best") -> float:
    """Intersection over union of a box with the reference boxes of its image.

    Args:
        box_xyxy: shape (4,), in frame pixels.
        references_xyxy: boxes that people drew, shape (R, 4), R >= 1, in frame pixels.
        reduce: take the ``"best"`` (largest) of them or their ``"mean"``; with one reference there is no
            difference.

    Returns:
        In [0, 1].

    Raises:
        RequestError: a box is malformed, there is no reference, or ``reduce`` is unknown.
    """
    box, references = _box_and_references(box_xyxy, references_xyxy, reduce)
    values = iou_matrix(box, references)[0]
    return float(values.max() if reduce == "best" else values.mean())


def reference_displacement(
    box_xyxy: ArrayLike, references_xyxy: ArrayLike, size_wh: tuple[float, float], reduce: Reduce = "best"
) -> float:
    """Boundary displacement of a box from the reference boxes of its image: the mean shift of the four edges.

    Args:
        box_xyxy: shape (4,), in frame pixels.
        references_xyxy: boxes that people drew, shape (R, 4), R >= 1, in frame pixels.
        size_wh: width and height of the frame, by which the shifts are divided.
        reduce: take the ``"best"`` (smallest) of them or their ``"mean"``.

    Returns:
        In [0, 1].

    Raises:
        RequestError: a box is malformed, there is no reference, or ``reduce`` is unknown.
    """
    box, references = _box_and_references(box_xyxy, references_xyxy, reduce)
    values = boundary_displacement(box, references, size_wh)
    return float(values.min() if reduce == "best" else values.mean())


def _box_and_references(
    box_xyxy: ArrayLike, references_xyxy: ArrayLike, reduce: Reduce
) -> tuple[FloatArray, FloatArray]:
    if reduce not in ("best", "mean"):
        raise RequestError(f"reduce must be 'best' or 'mean'; got '{reduce}'.")
    box, references = as_boxes(np.asarray(box_xyxy)[None]), as_boxes(references_xyxy)
    if not len(references):
        raise RequestError("At least one reference box is needed.")
    return box, references
