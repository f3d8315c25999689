"""``cadrage score``: boxes in, the same lines with scores out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BOXES = [[0, 0, 64, 64], [64, 0, 128, 64], [0, 0, 128, 64]]


@pytest.fixture
def score(cadrage, folder, tiny_entry):
    """Runs ``cadrage score`` with the tiny model in an empty folder."""
    return lambda *arguments: cadrage("score", *arguments, "--model", tiny_entry.folder)


def write(*lines: object, name: str = "boxes.jsonl") -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    text = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    Path(name).write_text("\n".join(text) + "\n", encoding="utf-8")
    return name


def read(name: str) -> list[dict]:
    return [json.loads(line) for line in Path(name).read_text().splitlines()]


def test_each_line_comes_back_with_its_scores(score, lamp):
    lamp("lamp.png")
    write({"image": "lamp.png", "boxes": BOXES, "id": 7}, {"boxes": [], "image": "lamp.png", "note": "é"})
    ran = score("--boxes", "boxes.jsonl", "--out", "made/scores.jsonl")
    assert (ran.code, ran.out, ran.err) == (0, [], [])
    assert read("made/scores.jsonl") == [
        {"image": "lamp.png", "boxes": BOXES, "id": 7, "scores": [1.0, 5.0, 3.0]},
        {"boxes": [], "image": "lamp.png", "note": "é", "scores": []},
    ]


def test_a_dash_writes_to_standard_output(score, lamp):
    lamp("lamp.png")
    ran = score("--boxes", write({"image": "lamp.png", "boxes": BOXES}), "--out", "-")
    assert [json.loads(line)["scores"] for line in ran.out] == [[1.0, 5.0, 3.0]]
    assert not Path("-").exists()


def test_a_photograph_is_looked_for_here_and_then_beside_the_box_file(score, lamp):
    lamp("data/lamp.png")
    write(
        {"image": "lamp.png", "boxes": BOXES}, {"image": "data/lamp.png", "boxes": BOXES}, name="data/b.jsonl"
    )
    assert score("--boxes", "data/b.jsonl", "--out", "scores.jsonl").code == 0


def test_what_an_earlier_call_added_is_replaced(score, lamp):
    lamp("lamp.png")
    write({"image": "lamp.png", "boxes": BOXES, "scores": [9], "error": "gone"})
    assert score("--boxes", "boxes.jsonl", "--out", "boxes.jsonl").code == 0
    assert read("boxes.jsonl") == [{"image": "lamp.png", "boxes": BOXES, "scores": [1.0, 5.0, 3.0]}]


def test_empty_lines_and_a_byte_order_mark_are_no_content(score, lamp):
    lamp("lamp.png")
    line = json.dumps({"image": "lamp.png", "boxes": BOXES})
    Path("boxes.jsonl").write_bytes(b"\xef\xbb\xbf\r\n" + line.encode() + b"\r\n\r\n")
    assert score("--boxes", "boxes.jsonl", "--out", "scores.jsonl").code == 0
    assert len(read("scores.jsonl")) == 1


def test_a_line_that_cannot_be_scored_says_why_and_the_others_are(score, lamp):
    lamp("lamp.png")
    Path("text.png").write_text("no picture")
    write(
        {"image": "gone.png", "boxes": BOXES},
        {"image": "lamp.png", "boxes": BOXES},
        {"image": "lamp.png", "boxes": [[0, 0, 129, 64]]},
        {"image": "text.png", "boxes": BOXES},
    )
    ran = score("--boxes", "boxes.jsonl", "--out", "scores.jsonl")
    assert ran.code == 1
    assert [sorted(line) for line in read("scores.jsonl")] == [
        ["boxes", "error", "image"], ["boxes", "image", "scores"],
        ["boxes", "error", "image"], ["boxes", "error", "image"],
    ]  # fmt: skip
    assert "outside the frame of 128x64" in read("scores.jsonl")[2]["error"]
    assert ran.err[0] == "cadrage: boxes.jsonl, line 1: gone.png does not exist."
    assert len(ran.err) == 3


def test_when_no_line_could_be_scored_the_exit_code_is_2(score):
    assert score("--boxes", write({"image": "gone.png", "boxes": BOXES}), "--out", "-").code == 2


@pytest.mark.parametrize("image", ["x" * 5000, "nul\u0000.png", "lone\ud800.png", "two\nlines.png"])
def test_a_name_that_no_file_can_have_is_a_line_with_an_error(score, image):
    ran = score("--boxes", write({"image": image, "boxes": BOXES}), "--out", "scores.jsonl")
    assert len(ran.err) == 1
    assert read("scores.jsonl")[0]["image"] == image


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("not json", "this is not JSON"),
        ('{"image": "lamp.png", "boxes": [[0, 0, NaN, 1]]}', "this is not JSON"),
        ("[" * 100_000, "this is not JSON"),
        ("[1, 2]", "this is not a JSON object"),
        ({"boxes": BOXES}, "'image' must be the path of a photograph"),
        ({"image": 5, "boxes": BOXES}, "'image' must be the path of a photograph"),
        ({"image": "lamp.png"}, "'boxes' must be a list of boxes"),
        ({"image": "lamp.png", "boxes": [1, 2, 3, 4]}, "'boxes' must be a list of boxes"),
        ({"image": "lamp.png", "boxes": [[1, 2, 3]]}, "'boxes' must be a list of boxes"),
        ({"image": "lamp.png", "boxes": [[1, 2, 3, "4"]]}, "'boxes' must be a list of boxes"),
        ({"image": "lamp.png", "boxes": [[0, 0, True, True]]}, "'boxes' must be a list of boxes"),
        ({"image": "lamp.png", "boxes": [[0, 0, 10**400, 1]]}, "'boxes' must be a list of boxes"),
        ('{"image": "lamp.png", "boxes": [[0, 0, 1e999, 1]]}', "the number 1e999 is too large;"),
        ('{"image": "lamp.png", "boxes": [], "id": {"a": [-1e400]}}', "the number -1e400 is too large;"),
        ({"image": "lamp.png", "boxes": [[0, 0, 1, 1], [5, 0, 5, 9]]}, "Box 1 is [5.0, 0.0, 5.0, 9.0]"),
    ],
)
def test_a_malformed_line_is_named_before_any_work_and_nothing_is_written(score, lamp, line, said):
    lamp("lamp.png")
    write({"image": "lamp.png", "boxes": BOXES}, "", line)
    before = sorted(Path().iterdir())
    ran = score("--boxes", "boxes.jsonl", "--out", "scores.jsonl")
    assert (ran.code, ran.out) == (2, [])
    assert len(ran.err) == 1
    assert ran.err[0].startswith("cadrage: boxes.jsonl, line 3: ")
    assert said in ran.err[0]
    assert '; expected {"image": ' in ran.err[0]
    assert sorted(Path().iterdir()) == before


def test_a_box_file_that_cannot_be_read_is_named(score):
    Path("latin.jsonl").write_bytes(b"\xe9")
    Path("folder.jsonl").mkdir()
    for name, said in (
        ("gone.jsonl", "cannot be read: no such file"),
        ("latin.jsonl", "is not UTF-8"),
        ("folder.jsonl", "cannot be read: is a directory"),
    ):
        ran = score("--boxes", name, "--out", "scores.jsonl")
        assert ran.code == 2
        assert len(ran.err) == 1
        assert ran.err[0].startswith(f"cadrage: {name}")
        assert said in ran.err[0]


def test_no_photograph_of_the_call_is_overwritten(score, lamp):
    lamp("lamp.png")
    before = Path("lamp.png").read_bytes()
    write({"image": "lamp.png", "boxes": BOXES})
    ran = score("--boxes", "boxes.jsonl", "--out", "./lamp.png")
    assert (ran.code, ran.out) == (2, [])
    assert ran.err == ["cadrage: lamp.png is a photograph and is not overwritten: choose another name."]
    assert Path("lamp.png").read_bytes() == before


def test_a_folder_cannot_be_written_to(score, lamp):
    lamp("lamp.png")
    ran = score("--boxes", write({"image": "lamp.png", "boxes": BOXES}), "--out", ".")
    assert ran.code == 2
    assert ran.err == ["cadrage: --out . is a folder; a file is needed."]


def test_a_pipe_is_not_replaced_by_a_file(score, lamp):
    lamp("lamp.png")
    os.mkfifo("scores.jsonl")
    ran = score("--boxes", write({"image": "lamp.png", "boxes": BOXES}), "--out", "scores.jsonl")
    assert ran.code == 2
    assert ran.err == ["cadrage: scores.jsonl cannot be written: it is not a regular file."]
    assert Path("scores.jsonl").is_fifo()


def test_the_command_scores_with_the_default_model(folder, lamp):
    lamp("lamp.png")
    write({"image": "lamp.png", "boxes": BOXES})
    ran = subprocess.run(
        [sys.executable, "-c", "from cadrage.cli import main; main()",
         "score", "--boxes", "boxes.jsonl", "--out", "-"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    (scores,) = (json.loads(line)["scores"] for line in ran.stdout.splitlines())
    assert len(scores) == 3
