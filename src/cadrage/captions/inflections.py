"""The regular forms of English words: a captioner that knows "cards" need not refuse "card"."""

from __future__ import annotations

from collections.abc import Iterator

VOWELS = frozenset("aeiouy")

SHORTEST_STEM = 3
"""Letters: shorter words inflect too, but what is cut that short is mostly another word."""


def other_forms(word: str) -> Iterator[str]:
    """What may be other forms of a word, likeliest first: number and genitive, then tense.

    Not all that is given is a word: it is meant to be looked up.

    Args:
        word: in lower case.
    """
    plain = word.removesuffix("'s").removesuffix("\u2019s")
    stems = list(_stems(plain))
    forms = [plain, *stems, *(form for stem in [plain, *stems] for form in _inflected(stem))]
    yield from (form for form in dict.fromkeys(forms) if form != word)


def _stems(word: str) -> Iterator[str]:
    for ending, instead in (("ies", "y"), ("es", ""), ("s", ""), ("ied", "y"), ("ing", ""), ("ed", "")):
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < SHORTEST_STEM or (ending == "s" and word.endswith("ss")):
            continue
        yield stem + instead
        if ending in ("ing", "ed"):
            yield stem + "e"
            if stem[-1] == stem[-2]:
                yield stem[:-1]


def _inflected(stem: str) -> Iterator[str]:
    if len(stem) < SHORTEST_STEM:
        return
    if stem.endswith("y") and stem[-2] not in VOWELS:
        yield from (stem[:-1] + "ies", stem + "ing", stem[:-1] + "ied")
        return
    yield stem + ("es" if stem.endswith(("s", "x", "z", "ch", "sh")) else "s")
    if stem.endswith("e"):
        yield from (stem[:-1] + "ing", stem + "d")
        return
    yield from (stem + "ing", stem + "ed")
    if stem[-1] not in VOWELS and stem[-2] in VOWELS:
        yield from (stem + stem[-1] + "ing", stem + stem[-1] + "ed")
