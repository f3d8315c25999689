"""Sentences to the words that similarity measures count.

Captions are compared after the tokeniser of the Penn Treebank, in lower case and without punctuation (Chen et al.,
"Microsoft COCO Captions: Data Collection and Evaluation Server", arXiv 1504.00325, section 3). The usual program
for it is in Java; what it does to captions is little, and is done here.
"""

from __future__ import annotations

import re

PUNCTUATION = frozenset(["''", "'", "``", "`", '"', ".", "?", "!", ",", ":", "-", "--", "...", ";"])
"""Tokens that do not count, as the server leaves them out. Brackets do count: its own list of them is in capitals,
and its sentences are not."""

_BRACKETS = str.maketrans({"(": " -lrb- ", ")": " -rrb- ", "{": " -lcb- ", "}": " -rcb- "})
_JOINED = re.compile(r"\b(can)(not)\b|\b(gon|wan)(na)\b|\b(got)(ta)\b|\b(lem|gim)(me)\b")
_ABBREVIATIONS = "mr|mrs|ms|dr|st|jr|sr|vs|no|etc|prof|ave|[a-z]"

_TOKEN = re.compile(
    r"-l[rc]b-|-r[rc]b-"
    r"|https?://\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?:[^\W\d_]\.){2,}"  # p.m., u.s.
    rf"|\b(?:{_ABBREVIATIONS})\.(?=\s+\w)"
    r"|\d+(?:[.,:/]\d+)+"
    r"|n't\b|'(?:s|re|ve|ll|d|m)\b|'n'|\bo'clock\b"
    r"|[^\W_]+?(?=n't\b)"
    r"|[^\W_]+(?:[-/_.][^\W_]+)*"
    r"|\.{3}|-{2,}|''|``|\S"
)


def tokens(sentence: str) -> list[str]:
    """The words of a sentence that count.

    Args:
        sentence: one line or several, any case; curly quotation marks are taken for straight ones.

    Returns:
        Lower case, with contractions apart ("ca", "n't"), without punctuation.

    Example:
        >>> tokens("The dog's owner can't run.")
        ['the', 'dog', "'s", 'owner', 'ca', "n't", 'run']
    """
    text = sentence.lower().replace("\u2019", "'").replace("\u2018", "'").translate(_BRACKETS)
    text = _JOINED.sub(lambda found: " ".join(part for part in found.groups() if part), text)
    return [token for token in _TOKEN.findall(text) if token not in PUNCTUATION]
