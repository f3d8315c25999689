"""What a method's measures come to, and the table of several methods."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from cadrage.captions.evaluation.answering import Measures
from cadrage.captions.similarity.measures import Similarity
from cadrage.geometry import FloatArray

SAMPLES = 2000
"""Resamples of the cases, from which the bounds of 95 % vary by a few per cent of the interval."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A method's figures; NaN where there is nothing to measure.

    Attributes:
        iou: mean intersection over union with the nearest true box, over cases and seeds.
        low, high: its bootstrap interval of 95 % over cases (percentiles of resampled means).
        over_images: standard deviation over cases, of the mean over seeds.
        over_seeds: standard deviation over seeds, of the mean over cases.
        iou_all: mean intersection over union with all true boxes of a case.
        run: mean of a single restart, not aggregated.
        over_runs: standard deviation over the restarts of a case, on average.
        hit: share of the crops whose centre lies in a true box.
        seconds: median of an answer.
        refused: share of captions that the method could do nothing with; they count with the whole frame.
        similarities: by measure: how alike the captions of the crops and the user's are; ``None`` if not available.
    """

    iou: float
    low: float
    high: float
    over_images: float
    over_seeds: float
    iou_all: float
    run: float
    over_runs: float
    hit: float
    seconds: float
    refused: float
    similarities: Mapping[str, float | None] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, NaN as None."""
        plain = {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in asdict(self).items()
        }
        return {**plain, "similarities": dict(self.similarities)}


def summarise(measures: Measures, similarities: Sequence[Similarity] = (), seed: int = 0) -> Summary:
    """Bring a method's measures down to figures.

    Args:
        measures: of T cases and S seeds.
        similarities: of the captions of its crops.
        seed: of the bootstrap.
    """
    each = measures.best.mean(axis=1)
    low, high = interval(each, seed)
    seeds = measures.best.shape[1]
    return Summary(
        iou=float(each.mean()),
        low=low,
        high=high,
        over_images=float(each.std()),
        over_seeds=float(measures.best.mean(axis=0).std()) if seeds > 1 else math.nan,
        iou_all=float(measures.mean.mean()),
        run=_mean(measures.run_means),
        over_runs=_mean(measures.run_deviations),
        hit=float(measures.hits.mean()),
        seconds=float(np.median(measures.seconds)),
        refused=measures.refused / len(each),
        similarities={one.name: one.together for one in similarities},
    )


def _mean(values: FloatArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def interval(values: FloatArray, seed: int = 0) -> tuple[float, float]:
    """Bounds of 95 % of a mean over cases: percentiles of the means of resamples (Efron and Tibshirani 1993).

    Args:
        values: one for each case, shape (T,).
        seed: of the resamples.
    """
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(SAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
