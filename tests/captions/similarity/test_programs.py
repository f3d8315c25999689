"""What the programs of METEOR and SPICE are sent, and what is read of their answers, with a stand-in for Java."""

import json
import os
import sys
from pathlib import Path

import pytest

from cadrage.captions.similarity.measures import similarities
from cadrage.captions.similarity.meteor import JAR as METEOR_JAR
from cadrage.captions.similarity.meteor import Meteor
from cadrage.captions.similarity.pairs import Pair
from cadrage.captions.similarity.spice import JAR as SPICE_JAR
from cadrage.captions.similarity.spice import PARSER, Spice
from cadrage.errors import RequestError

JAVA = r"""
import json, os, sys

at = sys.argv.index("-jar")
program, given = os.path.basename(sys.argv[at + 1]), sys.argv[at + 2 :]
said = open(os.environ["SAID"], "a", encoding="utf-8")
print(json.dumps([os.getcwd(), *sys.argv[1:]]), file=said, flush=True)


def alike(hypothesis, references):
    words = hypothesis.split()
    return sum(any(word in one.split() for one in references) for word in words), len(words)


if os.environ.get("FAILS"):
    sys.exit(3)
if program.startswith("meteor"):
    assert given == ["-", "-", "-stdio", "-l", "en", "-norm"]
    for line in sys.stdin:
        print(line.rstrip("\n"), file=said, flush=True)
        command, *fields = line.rstrip("\n").split(" ||| ")
        if command == "SCORE":
            print(*alike(fields[-1], fields[:-1]), flush=True)
        else:
            counts = [tuple(map(int, field.split())) for field in fields]
            for common, words in [*counts, tuple(map(sum, zip(*counts)))]:
                print(common / words, flush=True)
else:
    asked, answer = given[0], given[given.index("-out") + 1]
    assert given[3:] == ["-subset", "-silent"]
    rows = json.load(open(asked, encoding="utf-8"))
    print(json.dumps(rows), file=said, flush=True)
    found = []
    for row in rows[::-1]:
        common, words = alike(row["test"], row["refs"])
        f = float("nan") if row["test"] == "odd" else common / words
        found.append({"image_id": row["image_id"], "scores": {"All": {"re": 1, "f": f}, "Color": {"f": 9}}})
    json.dump(found, open(answer, "w", encoding="utf-8"))
"""

SAID = ["A dog runs!", "two boats", "..."]
REFERENCES = [["The dog sleeps.", "it runs"], ["Two men"], ["a cat"]]


@pytest.fixture
def said(tmp_path, monkeypatch):
    """Puts a stand-in for Java and for the package in their places; what the program was told, line by line."""
    programs, package = tmp_path / "bin", tmp_path / "pycocoevalcap"
    for file in (
        package / "__init__.py",
        package / "meteor" / METEOR_JAR,
        package / "spice" / SPICE_JAR,
        *(package / "spice" / "lib" / name for name in PARSER),
        programs / "java",
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "java.py").write_text(JAVA, encoding="utf-8")
    (programs / "java").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path}/java.py" "$@"\n')
    (programs / "java").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("SAID", str(tmp_path / "said.txt"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pycocoevalcap", raising=False)
    return lambda: lines(tmp_path / "said.txt")


def lines(path):
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def pairs(said=SAID, references=REFERENCES):
    return [Pair.of(one, wanted) for one, wanted in zip(said, references, strict=True)]


def test_meteor_is_sent_words_and_statistics_and_its_lines_are_read(said):
    together, each = Meteor.find().scores(pairs()[:2])
    first, *told = said()
    folder, *command = json.loads(first)
    assert command == ["-Xmx2G", "-jar", f"{folder}/{METEOR_JAR}", "-", "-", "-stdio", "-l", "en", "-norm"]
    assert told == [
        "SCORE ||| the dog sleeps ||| it runs ||| a dog runs",
        "SCORE ||| two men ||| two boats",
        "EVAL ||| 2 3 ||| 1 2",
    ]
    assert each.tolist() == pytest.approx([2 / 3, 1 / 2])
    assert together == pytest.approx(3 / 5)


def test_spice_is_sent_one_file_and_its_answers_are_read_in_any_order(said):
    together, each = Spice.find().scores(pairs()[:2])
    first, asked = said()
    folder, *command = json.loads(first)
    assert command[:3] == ["-Xmx8G", "-jar", f"{folder}/{SPICE_JAR}"]
    assert json.loads(asked) == [
        {"image_id": 0, "test": "a dog runs", "refs": ["the dog sleeps", "it runs"]},
        {"image_id": 1, "test": "two boats", "refs": ["two men"]},
    ]
    assert each.tolist() == pytest.approx([2 / 3, 1 / 2])
    assert together == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert not Path(command[3]).exists()


def test_a_sentence_that_spice_cannot_score_has_no_say_in_the_mean(said):
    together, each = Spice.find().scores(pairs(["odd", "two boats"], [["a"], ["two men"]]))
    assert str(each[0]) == "nan"
    assert together == each[1] == 0.5
    assert len(said()) == 2


def test_a_sentence_without_words_has_nothing_and_is_not_asked_about(said):
    found = {one.name: one for one in similarities(SAID, REFERENCES)}
    assert found["METEOR"].each.tolist() == pytest.approx([2 / 3, 1 / 2, 0])
    assert found["METEOR"].together == pytest.approx(3 / 5 * 2 / 3)
    assert found["SPICE"].each.tolist() == pytest.approx([2 / 3, 1 / 2, 0])
    assert found["SPICE"].together == pytest.approx((2 / 3 + 1 / 2) / 3)
    assert not any("a cat" in line for line in said())


def test_a_row_keeps_its_number_behind_a_silent_one(said):
    silent_first = pairs(SAID[::-1], REFERENCES[::-1])
    for measure in (Meteor, Spice):
        assert measure.find().scores(silent_first)[1].tolist() == pytest.approx([0, 1 / 2, 2 / 3])
    assert said()


def test_where_nothing_is_said_no_program_is_started(said):
    for measure in (Meteor, Spice):
        together, each = measure.find().scores(pairs()[2:])
        assert (together, each.tolist()) == (0, [0])
    assert said() == []


def test_a_program_that_ends_too_soon_is_one_sentence(said, monkeypatch):
    monkeypatch.setenv("FAILS", "1")
    with pytest.raises(RequestError, match=r"^METEOR's program .*meteor-1.5.jar failed\.$"):
        Meteor.find().scores(pairs())
    with pytest.raises(RequestError, match=r"^SPICE's program .*spice-1.0.jar failed \(exit code 3\)\.$"):
        Spice.find().scores(pairs())
    assert len(said()) == 2


def test_models_of_the_parser_that_are_missing_are_named(said, tmp_path):
    (tmp_path / "pycocoevalcap" / "spice" / "lib" / PARSER[1]).unlink()
    with pytest.raises(RequestError, match=f"SPICE needs its parser's models: {PARSER[1]} in"):
        Spice.find()
    assert said() == []
