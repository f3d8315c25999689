"""ROUGE-L: the longest run of words that two sentences have in common, gaps allowed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cadrage.captions.similarity.pairs import Pair
from cadrage.geometry import FloatArray

BETA = 1.2
"""How much more recall counts than precision, as on the caption server."""


def rouge_l(pairs: Sequence[Pair]) -> tuple[float, FloatArray]:
    """ROUGE-L (Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004, section 3).

    The F-measure of the longest common subsequence's share of the said sentence and of the reference; of several
    references, the best share of each kind counts, as on the caption server.

    Args:
        pairs: K of them, one at least.

    Returns:
        The mean, and of each, shape (K,); in [0, 1].
    """
    each = np.array([_of(pair) for pair in pairs])
    return float(each.mean()), each


def _of(pair: Pair) -> float:
    if not pair.said:
        return 0.0
    common = [common_length(pair.said, reference) for reference in pair.references]
    precision = max(common) / len(pair.said)
    recall = max(length / len(words) for length, words in zip(common, pair.references, strict=True))
    if not precision:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def common_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest sequence of words that both hold in order, gaps allowed."""
    before = [0] * (len(second) + 1)
    for word in first:
        now = [0]
        for at, other in enumerate(second):
            now.append(before[at] + 1 if word == other else max(before[at + 1], now[at]))
        before = now
    return before[-1]
