"""Vocabularies of pieces of words: those of a model hub's tokenizers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cadrage.captions.vocabulary import CLOSE, spelt_alike

LEAST_LETTERS = 3
"""Shorter pieces are not offered as words that are spelt alike."""


class HubWords:
    """The pieces of words of a tokenizer, as ``vocabulary.Words``.

    A word is known if it can be put together without the piece for unknown ones, as most can.

    Attributes:
        words: the text of each piece; empty for numbers that the network has and the tokenizer has not.
        end: the number that ends a sentence.
    """

    def __init__(self, tokenizer: Any, size: int, end: int) -> None:  # noqa: ANN401  (transformers' own classes)
        """Take up a tokenizer.

        Args:
            tokenizer: of ``transformers``.
            size: numbers that the network gives a probability to.
            end: the one that ends a sentence.
        """
        self._tokenizer = tokenizer
        known = min(size, len(tokenizer))
        pieces = tokenizer.convert_ids_to_tokens(list(range(known)))
        # One at a time: together they would be joined to a sentence.
        texts = [tokenizer.convert_tokens_to_string([piece or ""]).strip() for piece in pieces]
        self.words: tuple[str, ...] = (*texts, *[""] * (size - known))
        self.end = end

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        numbers = self.pieces(word)
        return bool(numbers) and self._tokenizer.unk_token_id not in self._unsayable(word, numbers)

    def numbers(self, text: str) -> list[int]:
        """Pieces of a text that begins a sentence."""
        numbers: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return numbers

    def pieces(self, word: str) -> list[int]:
        """Pieces of a word that stands amid a sentence, which in many vocabularies begins with its space."""
        return self.numbers(f" {word}")

    def text(self, numbers: Sequence[int]) -> str:
        """What pieces say up to the end."""
        said = list(numbers)
        if self.end in said:
            said = said[: said.index(self.end)]
        text: str = self._tokenizer.decode(said, skip_special_tokens=True)
        return text.strip()

    def nearest(self, word: str, most: int = 3, least: float = CLOSE) -> list[str]:
        """Whole words among the pieces that are spelt alike, see ``spelt_alike``."""
        whole = [text for text in self.words if text.isalpha() and len(text) >= LEAST_LETTERS]
        return spelt_alike(word, whole, most, least)

    def _unsayable(self, word: str, numbers: list[int]) -> list[int]:
        """The numbers of a word, but for a vocabulary whose piece for unknown words is also its end (GPT-2's)."""
        if self._tokenizer.unk_token_id != self.end:
            return numbers
        return [] if self.text(numbers) or word == "" else numbers
