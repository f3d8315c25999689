from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fuzzing
import pytest

PROGRAM = Path(__file__).with_name("fuzzing.py")


def test_thousands_of_damaged_files_are_pictures_or_sentences():
    """In a process of its own, for the day a decoder takes it down; what it prints shows how to see that again."""
    ran = subprocess.run(
        [sys.executable, PROGRAM, "--seed", "1", "--count", "6000"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
    assert ran.stdout.splitlines()[-1] == "no trouble up to case 5999"


def test_what_escapes_is_shown_with_the_case_it_came_from(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import cadrage.imaging\ncadrage.imaging.cut = lambda photo, box: 1 / 0\n"
    )
    ran = subprocess.run(
        [sys.executable, PROGRAM, "--seed", "1", "--count", "500"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert ran.returncode == 1
    assert "ZeroDivisionError" in ran.stderr
    how, case = ran.stderr.splitlines()[-1].split(": --seed 1 --only ")
    assert how == f"seed 1 case {case} ended with 1"


def test_the_same_seed_gives_the_same_files():
    pictures = fuzzing.seeds()
    first = [fuzzing.mutant(case, 7, pictures) for case in range(100)]
    assert first == [fuzzing.mutant(case, 7, pictures) for case in range(100)]
    assert first != [fuzzing.mutant(case, 8, pictures) for case in range(100)]


def test_a_checksum_is_mended():
    png = bytearray(fuzzing.seeds()["png"])
    whole = bytes(png)
    png[29] ^= 1
    fuzzing.mend_checksums(png)
    assert bytes(png) == whole


@pytest.mark.parametrize("damage", fuzzing._DAMAGES)
def test_any_damage_may_befall_any_bytes(damage):
    chance = fuzzing.random.Random(1)
    for length in range(40):
        assert isinstance(damage(bytearray(length), chance, {"one": b"picture"}), bytearray)
