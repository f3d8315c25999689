"""What is compared: a sentence with those it is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cadrage.captions.similarity.tokens import tokens
from cadrage.errors import RequestError


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence and what it should say.

    Attributes:
        said: its words; none where a captioner said nothing.
        references: the words of each reference, one reference at least, of one word at least.
    """

    said: tuple[str, ...]
    references: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, said: str, references: Sequence[str]) -> Pair:
        """Take sentences apart.

        Raises:
            RequestError: there is no reference, or one without words.
        """
        found = tuple(tuple(tokens(reference)) for reference in references)
        if not found or not all(found):
            raise RequestError("A sentence is compared with one reference at least, which holds words.")
        return cls(tuple(tokens(said)), found)


def rows_of_speech(pairs: Sequence[Pair]) -> list[int]:
    """Which of the pairs have a sentence with words. The programs in Java were not made for others."""
    return [row for row, pair in enumerate(pairs) if pair.said]
