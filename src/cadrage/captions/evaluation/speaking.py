"""How well a captioner captions whole photographs, beside what people said of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cadrage.captions.evaluation.describing import describe
from cadrage.captions.protocols import Captioner
from cadrage.captions.similarity.ngrams import bleu, cider
from cadrage.captions.similarity.pairs import Pair
from cadrage.captions.similarity.rouge import rouge_l
from cadrage.captions.vocabulary import STOP_WORDS, words_of
from cadrage.datasets.entities import CaptionedImage
from cadrage.errors import DataError
from cadrage.geometry import Box
from cadrage.imaging import open_photo


@dataclass(frozen=True, slots=True)
class SpeakingReport:
    """Measures of a captioner, against all captions of each photograph.

    Attributes:
        images: how many photographs.
        bleu_1: corpus BLEU-1, in [0, 1].
        bleu_4: corpus BLEU-4, in [0, 1].
        rouge_l: mean ROUGE-L, in [0, 1].
        cider: mean CIDEr-D, in [0, 10].
        word_recall: share of the words that at least two people used of a photograph, stop-words left out, that the
            captioner says, in [0, 1].
        word_precision: share of the captioner's words, stop-words left out, that somebody used, in [0, 1].
        vocabulary: how many different words it said.
    """

    images: int
    bleu_1: float
    bleu_4: float
    rouge_l: float
    cider: float
    word_recall: float
    word_precision: float
    vocabulary: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def speaking_report(
    captioner: Captioner, images: Sequence[CaptionedImage], watch: Callable[[], None] = lambda: None
) -> SpeakingReport:
    """Let a captioner caption photographs.

    Args:
        captioner: frozen.
        images: photographs with captions, one at least.
        watch: called after each.

    Raises:
        DataError: there are no photographs.
        ImageError: one cannot be decoded.
    """
    if not images:
        raise DataError("A captioner is measured on photographs; there are none.")
    said = []
    for image in images:
        photo = open_photo(image.path)
        said += describe(captioner, photo, [Box(0, 0, *photo.size_wh)])
        watch()
    pairs = [Pair.of(one, image.captions) for one, image in zip(said, images, strict=True)]
    told = [telling(one) for one in said]
    used = [[telling(caption) for caption in image.captions] for image in images]
    common = [
        {word for one in many for word in one if sum(word in other for other in many) > 1} for many in used
    ]
    anybodys = [set().union(*many) for many in used]
    return SpeakingReport(
        images=len(images),
        bleu_1=bleu(pairs, 1)[0],
        bleu_4=bleu(pairs, 4)[0],
        rouge_l=rouge_l(pairs)[0],
        cider=cider(pairs)[0],
        word_recall=_share([(len(words & own), len(words)) for words, own in zip(common, told, strict=True)]),
        word_precision=_share(
            [(len(own & words), len(own)) for words, own in zip(anybodys, told, strict=True)]
        ),
        vocabulary=len({word for one in said for word in words_of(one)}),
    )


def telling(text: str) -> set[str]:
    """The words of a text that say something of a picture."""
    return {word for word in words_of(text) if word not in STOP_WORDS}


def _share(counts: Sequence[tuple[int, int]]) -> float:
    """Sum of the first numbers by sum of the second."""
    return sum(one for one, _ in counts) / max(1, sum(of for _, of in counts))
