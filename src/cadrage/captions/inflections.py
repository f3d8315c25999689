"""The regular forms of English words: a captioner that knows "cards" need not refuse "card"."""

from __future__ import annotations

from collections.abc import Iterator

VOWELS = frozenset("aeiouy")

SIBILANTS = ("s", "x", "z", "ch", "sh")
"""Endings after which number adds "es"; after others an "e" before the "s" is the word's own."""

SHORTEST_STEM = 3
"""Letters: shorter words inflect too, but what is cut that short is mostly another word."""


def other_forms(word: str) -> Iterator[str]:
    """What may be other forms of a word, likeliest first: number and genitive, then tense.

    Not all that is given is a word: it is meant to be looked up.

    Args:
        word: in lower case.
    """
    plain = word.removesuffix("'s").removesuffix("\u2019s")
    stems = [stem for stem in _stems(plain) if len(stem) >= SHORTEST_STEM]
    forms = [plain, *stems, *(form for stem in [plain, *stems] for form in _inflected(stem))]
    yield from (form for form in dict.fromkeys(forms) if form != word)


def _stems(word: str) -> Iterator[str]:
    if word.endswith(("ies", "ied")):
        yield word[:-3] + "y"
    if word.endswith("s") and not word.endswith("ss"):
        if word.endswith("es") and word[:-2].endswith((*SIBILANTS, "o")):
            yield word[:-2]
        yield word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending):
            yield from _without_tense(word.removesuffix(ending))


def _without_tense(stem: str) -> Iterator[str]:
    """The verb whose "-ing" or "-ed" leaves a stem: "hopp" is of "hop", "hop" of "hope", "jump" of "jump"."""
    if len(stem) < 2:
        return
    if stem[-1] == stem[-2] and stem[-1] not in VOWELS:
        lone, double = stem[:-1], stem
        yield from (double, lone) if stem[-1] in "lsfz" else (lone, double)
    elif _ends_short(stem):
        yield from (stem + "e", stem)
    else:
        yield from (stem, stem + "e")


def _ends_short(stem: str) -> bool:
    """Whether a verb of this spelling would double its last letter: a consonant after a lone vowel."""
    before = stem[-3] if len(stem) > 2 else ""
    return stem[-1] not in VOWELS and stem[-2] in VOWELS and before not in VOWELS


def _inflected(stem: str) -> Iterator[str]:
    if len(stem) < SHORTEST_STEM:
        return
    if stem.endswith("y") and stem[-2] not in VOWELS:
        yield from (stem[:-1] + "ies", stem + "ing", stem[:-1] + "ied")
        return
    yield stem + ("es" if stem.endswith(SIBILANTS) else "s")
    if stem.endswith("e"):
        yield from (stem[:-1] + "ing", stem + "d")
        return
    yield from (stem + "ing", stem + "ed")
    if _ends_short(stem):
        yield from (stem + stem[-1] + "ing", stem + stem[-1] + "ed")
