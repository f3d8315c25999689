"""Runs of words, and the two measures that count them: BLEU and CIDEr-D."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from cadrage.captions.similarity.pairs import Pair
from cadrage.geometry import FloatArray

Gram = tuple[str, ...]

TINY, SMALL = 1e-15, 1e-9
"""Added above and below the fractions of BLEU, so that nothing is divided by zero, as the caption server does."""

LONGEST = 4
"""Words of the longest runs that CIDEr counts."""

SIGMA = 6.0
"""Deviation of CIDEr-D's penalty for another length, in runs of two words."""


def grams(words: Sequence[str], length: int) -> Counter[Gram]:
    """How often each run of so many words occurs."""
    return Counter(tuple(words[at : at + length]) for at in range(len(words) - length + 1))


def bleu(pairs: Sequence[Pair], longest: int) -> tuple[float, FloatArray]:
    """BLEU (Papineni et al., ACL 2002), of all sentences together and of each.

    The geometric mean, over lengths of runs, of the share of the said sentence's runs that one reference holds as
    often, times exp(1 - r/c) where it is shorter (c) than the reference whose length is nearest (r; the shorter of
    two). Of all sentences together, counts are summed first.

    Args:
        pairs: K of them, one at least.
        longest: words of the longest runs that count: 1 for BLEU-1, 4 for BLEU-4.

    Returns:
        Of all, and of each, shape (K,); in [0, 1]. Without a run in common it is nearly 0, not 0.
    """
    counted = np.array([_counted(pair, longest) for pair in pairs], dtype=np.float64)
    return float(_bleu_of(counted.sum(axis=0)[None])[0]), _bleu_of(counted)


def _counted(pair: Pair, longest: int) -> list[int]:
    """Runs held by a reference, one number a length; runs said, likewise; words said; words of the nearest."""
    held, said = [], []
    for length in range(1, longest + 1):
        counts = grams(pair.said, length)
        most: Counter[Gram] = Counter()
        for reference in pair.references:
            most |= grams(reference, length)
        held.append((counts & most).total())
        said.append(counts.total())
    words = len(pair.said)
    _, nearest = min((abs(len(reference) - words), len(reference)) for reference in pair.references)
    return [*held, *said, words, nearest]


def _bleu_of(counted: FloatArray) -> FloatArray:
    """BLEU of rows that ``_counted`` makes, shape (K,)."""
    held, said = np.split(counted[:, :-2], 2, axis=1)
    words, nearest = counted[:, -2], counted[:, -1]
    precision = ((held + TINY) / (said + SMALL)).prod(axis=1) ** (1 / held.shape[1])
    ratio = (words + TINY) / (nearest + SMALL)
    result: FloatArray = precision * np.exp(np.minimum(0, 1 - 1 / ratio))
    return result


def cider(pairs: Sequence[Pair]) -> tuple[float, FloatArray]:
    """CIDEr-D (Vedantam, Zitnick, Parikh, CVPR 2015, section 6), of all sentences and of each.

    Cosines of the counts of runs, weighed by how few of the pairs have a run in their references; a run said more
    often than in the reference counts no more than there, and another length costs. Means over one to four words
    and over references, times 10.

    Args:
        pairs: K of them, one at least: they are the collection in which runs are rare or frequent, so that the
            value of one pair depends on the others, and a single pair has 0.

    Returns:
        Of all, and of each, shape (K,); in [0, 10].
    """
    found = np.zeros(len(pairs))
    for length in range(1, LONGEST + 1):
        counts = [[grams(one, length) for one in pair.references] for pair in pairs]
        frequency = Counter(gram for references in counts for gram in set().union(*references))
        for row, (pair, references) in enumerate(zip(pairs, counts, strict=True)):
            said = _weighed(grams(pair.said, length), frequency, len(pairs))
            for words, count in zip(pair.references, references, strict=True):
                off = max(0, len(pair.said) - 1) - max(0, len(words) - 1)
                alike = _clipped_cosine(said, _weighed(count, frequency, len(pairs)))
                found[row] += alike * math.exp(-(off**2) / (2 * SIGMA**2)) / len(references)
    each = 10 * found / LONGEST
    return float(each.mean()), each


def _weighed(counts: Counter[Gram], frequency: Counter[Gram], pairs: int) -> dict[Gram, float]:
    """Counts times the logarithm of how rare a run is."""
    return {gram: times * math.log(pairs / max(1, frequency[gram])) for gram, times in counts.items()}


def _clipped_cosine(said: dict[Gram, float], wanted: dict[Gram, float]) -> float:
    shared = sum(min(weight, wanted[gram]) * wanted[gram] for gram, weight in said.items() if gram in wanted)
    sizes = [math.sqrt(sum(weight**2 for weight in side.values())) for side in (said, wanted)]
    return shared / (sizes[0] * sizes[1]) if all(sizes) else 0.0
