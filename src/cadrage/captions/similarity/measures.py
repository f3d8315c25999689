"""All measures of how alike sentences are, side by side; what cannot be measured here says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cadrage.captions.similarity.meteor import Meteor
from cadrage.captions.similarity.ngrams import bleu, cider
from cadrage.captions.similarity.pairs import Pair
from cadrage.captions.similarity.rouge import rouge_l
from cadrage.captions.similarity.spice import Spice
from cadrage.errors import CadrageError, RequestError
from cadrage.geometry import FloatArray

Scores = tuple[float, FloatArray]
"""Of all sentences together, and of each, shape (K,)."""


@dataclass(frozen=True, slots=True)
class SimilarityOptions:
    """What the measures need that is not part of cadrage."""

    embedding: str | None = None
    """Hub name or folder of the network of the sentence embedding."""
    meteor_jar: Path | None = None
    """METEOR's program; ``None`` for that of the Python package ``pycocoevalcap``."""


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """One measure of K sentences.

    Attributes:
        name: of the measure.
        together: of all sentences: BLEU and METEOR of summed counts, else the mean; ``None`` if not available.
        each: shape (K,); ``None`` if not available.
        reason: why it is not available.
    """

    name: str
    together: float | None
    each: FloatArray | None
    reason: str = ""


def similarities(
    said: Sequence[str], references: Sequence[Sequence[str]], options: SimilarityOptions | None = None
) -> tuple[Similarity, ...]:
    """Compare sentences by BLEU-1, BLEU-4, METEOR, ROUGE-L, CIDEr, a sentence embedding and SPICE.

    Args:
        said: K sentences, one at least.
        references: of each, one at least.
        options: what the measures need.

    Returns:
        One for each measure, in this order; a measure that cannot be had is never replaced by another.

    Raises:
        RequestError: there is no sentence, or one has no reference or one without words.
    """
    if not said or len(said) != len(references):
        raise RequestError(f"Each sentence needs its references; got {len(said)} and {len(references)}.")
    given = options or SimilarityOptions()
    pairs = [Pair.of(one, wanted) for one, wanted in zip(said, references, strict=True)]
    measures: Mapping[str, Callable[[], Scores]] = {
        "BLEU-1": lambda: bleu(pairs, 1),
        "BLEU-4": lambda: bleu(pairs, 4),
        "METEOR": lambda: Meteor.find(given.meteor_jar).scores(pairs),
        "ROUGE-L": lambda: rouge_l(pairs),
        "CIDEr": lambda: cider(pairs),
        "embedding": lambda: _embedding(said, references, given.embedding),
        "SPICE": lambda: Spice.find().scores(pairs),
    }
    return tuple(_measured(name, measure) for name, measure in measures.items())


def _measured(name: str, measure: Callable[[], Scores]) -> Similarity:
    try:
        return Similarity(name, *measure())
    except CadrageError as error:
        return Similarity(name, None, None, str(error))


def _embedding(said: Sequence[str], references: Sequence[Sequence[str]], name: str | None) -> Scores:
    if name is None:
        raise RequestError("The sentence embedding needs a network: name one.")
    from cadrage.captions.similarity.embedding import Embedder  # noqa: PLC0415

    return Embedder.load(name).scores(said, references)
