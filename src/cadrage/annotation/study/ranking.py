"""The Bradley-Terry model (Biometrika 1952) of what people choose: one strength for each method."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cadrage.annotation.study.shares import IntArray
from cadrage.errors import MissingExtraError
from cadrage.geometry import FloatArray

PRIOR_VOTES = 0.5
"""Votes that every method is given beforehand, so that one that nobody chose has a strength too."""


def strengths(counts: ArrayLike) -> FloatArray:
    """The most likely strengths of methods, of which one was chosen in every vote.

    A choice among n counts as n - 1 comparisons, each of which the chosen one has won. Since every vote is between
    all methods, this gives the same strengths as Luce's model of a choice among many.

    Args:
        counts: votes for each method, shape (n,), n at least 2.

    Returns:
        Shape (n,), with mean 0: method i is preferred to j with probability ``1 / (1 + exp(s[j] - s[i]))``.

    Raises:
        MissingExtraError: choix is not installed.
    """
    try:
        import choix  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("The report of a study", "annotate") from None
    votes = np.asarray(counts, dtype=np.float64) + PRIOR_VOTES
    wins = np.repeat(votes[:, None], len(votes), axis=1)
    np.fill_diagonal(wins, 0.0)
    found: FloatArray = choix.ilsr_pairwise_dense(wins)
    centred: FloatArray = found - found.mean()
    return centred


def resampled_strengths(drawn: IntArray) -> FloatArray:
    """Strengths of each draw of a bootstrap, shape (B, n) to (B, n)."""
    distinct, rows = np.unique(drawn, axis=0, return_inverse=True)
    found: FloatArray = np.array([strengths(counts) for counts in distinct])[rows.ravel()]
    return found


def preferred(found: FloatArray) -> FloatArray:
    """Probability that a method is preferred to another, shape (n, n); 0.5 to itself."""
    result: FloatArray = 1 / (1 + np.exp(found[None, :] - found[:, None]))
    return result


def ranks(values: ArrayLike) -> tuple[int, ...]:
    """Places by falling value, from 1; equal values share the better place."""
    values = np.asarray(values)
    return tuple(int(1 + (values > value).sum()) for value in values)
