"""Words of users and of captioners."""

import pytest

from cadrage.captions.vocabulary import BEGIN, END, SPECIAL, UNKNOWN, Vocabulary, known_words, words_of
from cadrage.errors import RequestError

KNOWN = Vocabulary.learn(["a dog runs", "a dog barks", "the man's bicycle", "a"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A dog, running!", ["a", "dog", "running"]),
        ("the man's hat", ["the", "man's", "hat"]),
        ("ein_Hund  läuft\n42", ["ein", "hund", "läuft", "42"]),
        ("犬が走る", ["犬が走る"]),
        ("...", []),
    ],
)
def test_words_of_a_text(text, words):
    assert words_of(text) == words


def test_frequent_words_come_first_and_rare_ones_can_be_left_out():
    assert KNOWN.words[len(SPECIAL) :] == ("a", "dog", "barks", "bicycle", "man's", "runs", "the")
    assert Vocabulary.learn(["a dog runs", "a dog"], least=2).words == (*SPECIAL, "a", "dog")


def test_numbers_and_back():
    numbers = KNOWN.numbers("The dog sleeps")
    assert [KNOWN.words[number] for number in numbers] == ["the", "dog", UNKNOWN]
    spoken = [KNOWN.words.index(word) for word in (BEGIN, "a", "dog", END, "runs")]
    assert KNOWN.text(spoken) == "a dog"


def test_stop_words_have_no_say_unless_they_are_all_there_is():
    assert known_words("the dog and the man's bicycle", KNOWN) == ["dog", "man's", "bicycle"]
    assert known_words("the", KNOWN) == ["the"]
    assert known_words("the quick dog", KNOWN) == ["dog"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no words"),
        (" !? ", "holds no words"),
        ("a bycicle", r"does not know 'bycicle'; near them are bicycle"),
        ("das ist ein Hund", r"does not know 'das', 'ist', 'ein' and others"),
        ("犬", "does not know '犬'"),
        ("dog " * 201, "200 words at most; got 201"),
        ("x" * 10_001, "10,000 characters at most"),
    ],
)
def test_a_caption_that_cannot_guide_is_refused_in_a_sentence(text, message):
    with pytest.raises(RequestError, match=message):
        known_words(text, KNOWN)


def test_a_vocabulary_needs_its_special_words_and_no_word_twice():
    with pytest.raises(RequestError, match="begins with the special words"):
        Vocabulary(("a", "dog"))
    with pytest.raises(RequestError, match="each word once"):
        Vocabulary((*SPECIAL, "a", "a"))
