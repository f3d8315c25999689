"""``cadrage crop`` in a pipe: a photograph from standard input, a crop to standard output."""

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

IN_A_PROCESS = [sys.executable, "-c", "from cadrage.cli import main; main()"]


@pytest.fixture
def pipe(folder, tiny_entry):
    """Runs ``cadrage crop`` with the tiny model and bytes as its standard input."""

    def run(data: bytes, *arguments: object) -> "subprocess.CompletedProcess[bytes]":
        command = [*IN_A_PROCESS, "crop", *map(str, arguments), "--model", str(tiny_entry.folder)]
        return subprocess.run(command, input=data, capture_output=True, check=False)

    return run


def test_a_photograph_goes_in_and_its_crop_comes_out(pipe, lamp):
    ran = pipe(lamp("lamp.png").read_bytes(), "-", "--ratio", "1:1", "--out", "-")
    assert (ran.returncode, ran.stderr) == (0, b"")
    with Image.open(io.BytesIO(ran.stdout)) as crop:
        assert crop.format == "PNG"
        assert np.array_equal(np.asarray(crop), np.full((64, 64, 3), 255))
    assert sorted(path.name for path in Path().iterdir()) == ["lamp.png"]


def test_a_file_can_go_to_standard_output_in_another_format(pipe, lamp):
    ran = pipe(b"", lamp("lamp.png"), "--out", "-", "--format", "webp")
    assert ran.returncode == 0
    with Image.open(io.BytesIO(ran.stdout)) as crop:
        assert crop.format == "WEBP"


def test_standard_input_can_be_a_line_of_json(pipe, lamp):
    ran = pipe(lamp("lamp.jpg").read_bytes(), "-", "--json")
    (line,) = ran.stdout.splitlines()
    assert (json.loads(line)["source"], json.loads(line)["size"]) == ("-", [128, 64])


def test_standard_input_can_be_written_to_a_folder_and_shown(pipe, lamp):
    ran = pipe(lamp("lamp.jpg").read_bytes(), "-", "--out", "crops", "--sheet", "sheet.png")
    assert ran.stdout.decode().splitlines()[1].endswith("crops/stdin_free.jpg")
    assert Path("crops/stdin_free.jpg").exists()
    assert Path("sheet.png").exists()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "cadrage: The standard input is empty.\n"),
        (b"no photograph", "cadrage: The standard input is not in a picture format"),
    ],
)
def test_a_bad_photograph_is_one_sentence_and_no_byte(pipe, data, said):
    ran = pipe(data, "-", "--out", "-")
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr.decode().startswith(said)
    assert ran.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-", "--out", "-", "--json"], "leave out --json"),
        (["-", "--out", "-", "--top", "2"], "takes one crop"),
        (["-", "--out", "-", "-r", "1:1", "-r", "free"], "takes one crop"),
        (["a.jpg", "b.jpg", "--out", "-"], "give one photograph"),
        (["-", "--out", "-", "--name", "{stem}"], "leave out --name"),
        (["-", "--out", "-", "--manifest", "m.jsonl"], "leave out --manifest"),
        (["-", "a.jpg"], "give no other beside it"),
        (["-", "--dry-run"], "leave out --dry-run"),
        (["-", "--recursive"], "leave out --recursive"),
        (["in", "--out", "-"], "in is a folder, not a picture"),
    ],
)
def test_what_does_not_fit_a_pipe_is_one_sentence(pipe, lamp, arguments, said):
    lamp("in/a.jpg")
    ran = pipe(b"", *arguments)
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert said in ran.stderr.decode()
    assert ran.stderr.count(b"\n") == 1


def test_a_picture_is_not_written_to_a_terminal(folder, tiny_entry, lamp):
    lamp("lamp.jpg")
    ours, theirs = pty.openpty()
    command = [*IN_A_PROCESS, "crop", "lamp.jpg", "--out", "-", "--model", str(tiny_entry.folder)]
    ran = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    os.close(ours)
    assert ran.returncode == 2
    assert b"lead the output to a file or another program" in ran.stderr
