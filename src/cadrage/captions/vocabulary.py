"""The words a captioner knows, and what becomes of the words a user writes."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Protocol

from cadrage.captions.inflections import other_forms
from cadrage.errors import CaptionError, RequestError

PAD, BEGIN, END, UNKNOWN = "<pad>", "<begin>", "<end>", "<unknown>"
SPECIAL = (PAD, BEGIN, END, UNKNOWN)

LONGEST_TEXT = 10_000
"""Characters of a caption."""

MOST_WORDS = 200
"""Words of a caption: far more than anybody writes, and few enough to bound the work."""

LONGEST_QUOTE = 40
"""Characters of a caption, or of a word, that a message quotes."""

CLOSE, ANYHOW = 0.6, 0.01
"""How alike words are spelt (``difflib``, 1 for equal ones) that are offered for an unknown one: those that it may
be a slip of and, where there are none, those that have the most letters in common, if any."""

_STOP_WORDS = """
a an the of in on at to with and or by for from as into onto over while is are was were be being been it its this
that these those there he she they him his her them their
"""

STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Words that say nothing of what is in a picture."""


def words_of(text: str) -> list[str]:
    """The words of a text, lower case, without punctuation, in any script that puts spaces between them."""
    spelt = "".join(
        sign if _is_spelling(sign) else " " for sign in unicodedata.normalize("NFC", text.lower())
    )
    return [word for word in re.split(r"\s+|['\u2019](?!\w)|(?<!\w)['\u2019]", spelt) if word]


def _is_spelling(sign: str) -> bool:
    """Whether words are spelt with a sign: letters, digits, the marks of many scripts, joiners, apostrophes."""
    return sign.isalnum() or sign in "'\u2019\u200c\u200d" or unicodedata.category(sign).startswith("M")


class Words(Protocol):
    """What a captioner can say: words, or pieces that words are put together from."""

    @property
    def words(self) -> Sequence[str]:
        """The word or piece of each number."""

    @property
    def end(self) -> int:
        """The number that ends a sentence."""

    def __len__(self) -> int:
        """How many numbers there are."""

    def __contains__(self, word: str) -> bool:
        """Whether a word can be said."""

    def numbers(self, text: str) -> list[int]:
        """What is said for a text, without begin and end."""

    def pieces(self, word: str) -> list[int]:
        """What is said for a word that stands amid a sentence."""

    def text(self, numbers: Sequence[int]) -> str:
        """What numbers say up to the end, without special words."""

    def nearest(self, word: str, most: int = 3, least: float = CLOSE) -> list[str]:
        """Known words that are spelt alike, see ``spelt_alike``."""


def spelt_alike(word: str, known: Iterable[str], most: int, least: float) -> list[str]:
    """Those of known words that are spelt most like a word, best first.

    Args:
        word: any.
        known: to choose from; words that say nothing of a picture are not chosen.
        most: how many.
        least: how alike they are at least, see ``CLOSE``.
    """
    telling = [one for one in known if one not in STOP_WORDS]
    return get_close_matches(word[:LONGEST_QUOTE], telling, n=most, cutoff=least)


def quoted(text: str) -> str:
    """A caption or a word of one as a message can hold it: in quotation marks, on one line, shortened."""
    line = " ".join(text.split())
    return f"'{line if len(line) <= LONGEST_QUOTE else f'{line[:LONGEST_QUOTE].rstrip()}...'}'"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words and their numbers.

    Attributes:
        words: the special ones first.
    """

    words: tuple[str, ...]
    _numbers: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.words[: len(SPECIAL)] != SPECIAL or len(set(self.words)) != len(self.words):
            raise RequestError("A vocabulary begins with the special words and holds each word once.")
        object.__setattr__(self, "_numbers", {word: number for number, word in enumerate(self.words)})

    @classmethod
    def learn(cls, texts: Iterable[str], least: int = 1) -> Vocabulary:
        """The words that occur at least so many times, the most frequent first, equal ones by the alphabet."""
        counts = Counter(word for text in texts for word in words_of(text))
        kept = sorted(
            (word for word, count in counts.items() if count >= least), key=lambda word: (-counts[word], word)
        )
        return cls((*SPECIAL, *kept))

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self._numbers

    @property
    def end(self) -> int:
        """The number that ends a sentence."""
        return self._numbers[END]

    def pieces(self, word: str) -> list[int]:
        """The word's number, which may be that of unknown ones."""
        return [self._numbers.get(word, self._numbers[UNKNOWN])]

    def numbers(self, text: str) -> list[int]:
        """Numbers of the words of a text, unknown ones included as such; without begin and end."""
        unknown = self._numbers[UNKNOWN]
        return [self._numbers.get(word, unknown) for word in words_of(text)]

    def text(self, numbers: Sequence[int]) -> str:
        """The words of numbers up to the end, without special ones."""
        words = []
        for number in numbers:
            if self.words[number] == END:
                break
            if self.words[number] not in SPECIAL:
                words.append(self.words[number])
        return " ".join(words)

    def nearest(self, word: str, most: int = 3, least: float = CLOSE) -> list[str]:
        """Known words that are spelt alike, see ``spelt_alike``."""
        return spelt_alike(word, self.words[len(SPECIAL) :], most, least)


def known_words(text: str, vocabulary: Words, leave_out: Collection[str] = STOP_WORDS) -> list[str]:
    """The words of a caption that can guide a crop: known ones, or known forms of them.

    Args:
        text: what a user wrote.
        vocabulary: what the captioner knows.
        leave_out: words without a say, unless there are no others.

    Raises:
        CaptionError: the caption is empty or too long, or none of its words is known; the message then names them
            and the nearest known words.
    """
    if len(text) > LONGEST_TEXT:
        raise CaptionError(f"A caption has {LONGEST_TEXT:,} characters at most; got {len(text):,}.")
    words = words_of(text)
    if not words:
        raise CaptionError("The caption holds no words.")
    if len(words) > MOST_WORDS:
        raise CaptionError(f"A caption has {MOST_WORDS} words at most; got {len(words):,}.")
    known = [form for word in words if (form := known_form(word, vocabulary))]
    telling = [word for word in known if word not in leave_out]
    if telling:
        return telling
    unknown = unknown_words(text, vocabulary, leave_out)
    if known and not unknown:
        return known
    raise CaptionError(f"The captioner does not know {named_unknown(unknown or words, vocabulary)}.")


def known_form(word: str, vocabulary: Words) -> str | None:
    """The word itself where it is known, or a regular form of it that is, or nothing."""
    if word in vocabulary:
        return word
    forms = (form for form in other_forms(word) if form not in STOP_WORDS)
    return next((form for form in forms if form in vocabulary), None)


def unknown_words(text: str, vocabulary: Words, leave_out: Collection[str] = STOP_WORDS) -> list[str]:
    """The words of a text of which no form is known, each once, without those that have no say anyhow."""
    telling = [word for word in dict.fromkeys(words_of(text)) if word not in leave_out]
    return [word for word in telling if known_form(word, vocabulary) is None]


def remarks(text: str, vocabulary: Words) -> list[str]:
    """Sentences on words of a caption that guide a crop in another form, or not at all while others do."""
    forms = {word: known_form(word, vocabulary) for word in dict.fromkeys(words_of(text))}
    told = [
        f"{quoted(word)} is taken as {quoted(form)}." for word, form in forms.items() if form and form != word
    ]
    if unknown := unknown_words(text, vocabulary):
        named = named_unknown(unknown, vocabulary)
        told.append(f"The captioner does not know {named}; the rest of {quoted(text)} guides.")
    return told


def named_unknown(unknown: Sequence[str], vocabulary: Words) -> str:
    """Unknown words as part of a sentence, with the nearest known ones."""
    first = unknown[:3]
    others = " and others" if len(unknown) > len(first) else ""
    return f"{', '.join(map(quoted, first))}{others} ({_offered(first, vocabulary)})"


def _offered(unknown: Sequence[str], vocabulary: Words) -> str:
    for least, what in ((CLOSE, "spelt alike"), (ANYHOW, "the nearest that it knows")):
        near = dict.fromkeys(known for word in unknown for known in vocabulary.nearest(word, least=least))
        if near:
            return f"{what}: {', '.join(near)}"
    return "it knows English words only"
