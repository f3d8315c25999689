"""Words of users and of captioners."""

import pytest

from cadrage.captions.vocabulary import (
    ANYHOW,
    BEGIN,
    END,
    SPECIAL,
    UNKNOWN,
    Vocabulary,
    known_form,
    known_words,
    quoted,
    remarks,
    unknown_words,
    words_of,
)
from cadrage.errors import RequestError

KNOWN = Vocabulary.learn(["a dog runs", "a dog barks", "the man's bicycle", "a"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A dog, running!", ["a", "dog", "running"]),
        ("the man's hat", ["the", "man's", "hat"]),
        ("ein_Hund  läuft\n42", ["ein", "hund", "läuft", "42"]),
        ("犬が走る", ["犬が走る"]),
        ("कुत्ता दौड़ता है", ["कुत्ता", "दौड़ता", "है"]),
        ("e\u0301lan l\u2019été", ["élan", "l\u2019été"]),
        ("dogs' 'tails'", ["dogs", "tails"]),
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
        ("a bycicle", r"does not know 'bycicle' \(spelt alike: bicycle\)"),
        ("das ist ein Hund", r"does not know 'das', 'ist', 'ein' and others"),
        ("and", "does not know 'and'"),
        ("a zebra", r"does not know 'zebra' \(the nearest that it knows: barks, runs, man's\)"),
        ("犬", r"does not know '犬' \(it knows English words only\)"),
        ("собака 犬", r"does not know 'собака', '犬' \(it knows English words only\)"),
        ("dog " * 201, "200 words at most; got 201"),
        ("x" * 10_001, "10,000 characters at most"),
    ],
)
def test_a_caption_that_cannot_guide_is_refused_in_a_sentence(text, message):
    with pytest.raises(RequestError, match=message):
        known_words(text, KNOWN)


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("card", "cards"),
        ("dogs", "dog"),
        ("dog's", "dog"),
        ("glasses", "glass"),
        ("boxes", "box"),
        ("babies", "baby"),
        ("baby", "babies"),
        ("runs", "running"),
        ("running", "run"),
        ("runs", "run"),
        ("dances", "dancing"),
        ("dancing", "dance"),
        ("dance", "danced"),
        ("carried", "carry"),
        ("carries", "carried"),
        ("jump", "jumped"),
        ("hop", "hopping"),
        ("hopped", "hops"),
        ("tubes", "tube"),
        ("taped", "tape"),
        ("tapped", "tap"),
        ("caring", "care"),
        ("adding", "add"),
        ("falling", "fall"),
        ("potatoes", "potato"),
        ("visiting", "visit"),
    ],
)
def test_a_word_is_known_by_another_form_of_it(word, known):
    vocabulary = Vocabulary.learn([f"a {known}"])
    assert known_words(f"a {word}", vocabulary) == [known]
    assert unknown_words(f"a {word}", vocabulary) == []


@pytest.mark.parametrize(
    ("word", "nearer", "farther"), [("tubes", "tube", "tub"), ("stared", "stare", "star")]
)
def test_of_two_known_words_the_likelier_form_is_taken(word, nearer, farther):
    assert known_form(word, Vocabulary.learn([f"{nearer} {farther}"])) == nearer
    assert known_form(word, Vocabulary.learn([farther])) in (farther, None)


@pytest.mark.parametrize(
    ("word", "other"), [("wing", "w"), ("bed", "b"), ("is", "i"), ("grass", "gras"), ("themes", "them")]
)
def test_short_words_roots_and_stop_words_are_no_forms(word, other):
    assert known_form(word, Vocabulary.learn([other])) is None


def test_what_guides_in_another_form_or_not_at_all_is_said():
    assert remarks("the dog runs", KNOWN) == []
    assert remarks("two dogs by a bycicle", KNOWN) == [
        "'dogs' is taken as 'dog'.",
        "The captioner does not know 'two', 'bycicle' (spelt alike: bicycle); the rest of "
        "'two dogs by a bycicle' guides.",
    ]


def test_words_that_say_nothing_are_not_offered():
    assert KNOWN.nearest("thee") == []
    assert "the" not in KNOWN.nearest("thee", 9, ANYHOW)


def test_messages_quote_the_beginning_of_what_is_long():
    assert quoted("a dog\n runs") == "'a dog runs'"
    assert quoted("dog " * 11) == f"'{'dog ' * 9}dog...'"
    (taken, unknown) = remarks(f"dogs {'dog ' * 150}{'x' * 9000}", KNOWN)
    assert taken == "'dogs' is taken as 'dog'."
    assert unknown.endswith(f"the rest of 'dogs {'dog ' * 8}dog...' guides.")
    assert len(unknown) < 200
    with pytest.raises(RequestError) as refused:
        known_words("ab" * 5000, KNOWN)
    assert len(str(refused.value)) < 200


def test_a_vocabulary_needs_its_special_words_and_no_word_twice():
    with pytest.raises(RequestError, match="begins with the special words"):
        Vocabulary(("a", "dog"))
    with pytest.raises(RequestError, match="each word once"):
        Vocabulary((*SPECIAL, "a", "a"))
