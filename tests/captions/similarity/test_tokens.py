"""Sentences to words: expected tokens are those of Stanford CoreNLP 3.4.1 (PTBTokenizer -lowerCase)."""

import pytest

from cadrage.captions.similarity.tokens import tokens

AS_THE_REFERENCE = {
    "": [],
    " . , ! ": [],
    "The dog's owner can't run.": ["the", "dog", "'s", "owner", "ca", "n't", "run"],
    "They don't know; it isn't so!": ["they", "do", "n't", "know", "it", "is", "n't", "so"],
    "a black-and-white dog": ["a", "black-and-white", "dog"],
    '"Hello," he said (twice) ...': ["hello", "he", "said", "-lrb-", "twice", "-rrb-"],
    "a man & a woman #3 at 5:30 p.m.": ["a", "man", "&", "a", "woman", "#", "3", "at", "5:30", "p.m."],
    "1/2 of $5.00 and 50%": ["1/2", "of", "$", "5.00", "and", "50", "%"],
    "it's he'd we'll they're I've I'm": [
        "it",
        "'s",
        "he",
        "'d",
        "we",
        "'ll",
        "they",
        "'re",
        "i",
        "'ve",
        "i",
        "'m",
    ],
    "he cannot go, gonna wait": ["he", "can", "not", "go", "gon", "na", "wait"],
    "Mr. Smith vs. Dr. Jones": ["mr.", "smith", "vs.", "dr.", "jones"],
    "the boys' ball": ["the", "boys", "ball"],
    "a five o'clock shadow": ["a", "five", "o'clock", "shadow"],
    "well -- so - what": ["well", "so", "what"],
    "naïve café": ["naïve", "café"],
    "3D t-shirt 4x4 1,000 people": ["3d", "t-shirt", "4x4", "1,000", "people"],
}


@pytest.mark.parametrize(("sentence", "expected"), AS_THE_REFERENCE.items())
def test_tokens_are_those_of_the_reference(sentence, expected):
    assert tokens(sentence) == expected


def test_curly_quotation_marks_and_other_scripts():
    assert tokens("the dog\u2019s собака 犬") == ["the", "dog", "'s", "собака", "犬"]
