"""``cadrage train``: the command in this process; killing it is in ``tests/learning/test_train.py``."""

import json
import os
import subprocess
import sys

import pytest
from rated import photographs, write_rated

torch = pytest.importorskip("torch")

BACKBONE = ("--backbone", "timm:mobilenetv3_small_050")
QUICK = ("--recipe", "paper", "--weights", "none", "--epochs", 1, "--validation", 1, *BACKBONE)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_rated(tmp_path_factory.mktemp("rated"), train=4)


def assert_refused(ran, sentence, run="run"):
    """Exit code 2, one sentence on the error stream, no run."""
    assert (ran.code, ran.out) == (2, [])
    assert len(ran.err) == 1
    assert sentence in ran.err[0]
    assert not os.path.lexists(run)


def test_a_run_is_trained_continued_and_measured(cadrage, data, folder):
    ran = cadrage("train", "gaicd", data, "--run", "run", *QUICK)
    assert (ran.code, ran.err) == (0, [])  # no bar: the error stream is no terminal
    assert ran.out[0].startswith("run  epoch 1  loss ")
    assert "srcc" in ran.out[0]
    assert ran.out[1:] == ["The network is in run/network.pt"]
    record = json.loads((folder / "run/run.json").read_text())
    assert record["data"] == {
        "data_set": "GAICD",
        "release": "unknown",
        "training_images": 3,
        "validation_images": 1,
        "validation": "1 of the train part, seed 0",
        "fingerprint": record["data"]["fingerprint"],
    }
    assert record["config"]["epochs"] == 1

    again = cadrage("train", "gaicd", data, "--run", "run", *QUICK)
    assert (again.code, again.out, again.err) == (0, ["The network is in run/network.pt"], [])

    measured = cadrage(
        "evaluate", "gaicd", data, "--split", "val", "--validation", 1, "--model", "run/network.pt", "--json"
    )
    assert json.loads(measured.out[0])["srcc"] == pytest.approx(record["history"][0]["validation"]["srcc"])

    other = cadrage("train", "gaicd", data, "--run", "run", *QUICK, "--seed", 1)
    assert (other.code, other.out) == (2, [])
    assert other.err == ["cadrage: run holds another run: give it another folder, or remove it."]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--recipe", "soup"], "There is no recipe 'soup': choose default or paper"),
        (["--recipe", "paper", "--weights", "none", "--backbone", "alexnet"], "Unknown backbone 'alexnet'"),
        (
            ["--recipe", "paper", "--weights", "none", "--backbone", "timm:soup"],
            "no usable backbone named 'soup'",
        ),
        (["--recipe", "paper", "--weights", "missing.pth"], "There is no weights file at missing.pth"),
        (["--recipe", "paper", "--weights", "note.pth"], "note.pth cannot be read as a weights file"),
        (["--recipe", "paper", "--validation", "4"], "From 4 images, 1 to 3 can be set aside; got 4"),
        (
            ["--recipe", "paper", "--weights", "none", "--validation", "0"],
            "validation photographs to choose the epoch by",
        ),
        (["--recipe", "paper", "--device", "abacus"], "There is no device 'abacus': choose cpu or cuda"),
        (["--recipe", "paper", "--unrated", "missing"], "missing does not exist"),
        (["--recipe", "paper", "--unrated", "empty"], "empty holds no JPEG or PNG file"),
        (["--recipe", "paper", "--unrated", "photographs"], "unrated photographs are of no use to it"),
        (["--recipe", "paper", "--weights", "none", "--threads", "2000"], "from 1 to 1024, not 2000"),
        (["--recipe", "paper", "--weights", "none", "--processes", "2"], "processes cannot share"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(cadrage, data, folder, options, sentence):
    (folder / "note.pth").write_text("a note")
    (folder / "empty").mkdir()
    photographs(folder / "photographs", 1)
    enough = [] if "--validation" in options else ["--validation", "1"]
    assert_refused(cadrage("train", "gaicd", data, "--run", "run", *enough, *options), sentence)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda root: root.rename(root.with_name("gone")), "does not exist"),
        (lambda root: (root / "annotations").rename(root / "labels"), "has no folder 'annotations'"),
        (lambda root: [file.unlink() for file in root.glob("annotations/*/*")], "holds no label file"),
        (
            lambda root: (root / "annotations/train/train01.txt").write_text("0 0 20 20 3.0\n0 0 20 3.0\n"),
            "train01.txt, line 2: expected five numbers",
        ),
        (lambda root: (root / "images/train/train01.png").write_text("no picture"), "train01.png"),
        (
            lambda root: (root / "annotations/train/train01.txt").write_text("0 0 20 2000 3.0\n"),
            "train01.txt, line 1: expected a box within 64 x 96, got '0 0 20 2000 3.0'.",
        ),
    ],
    ids=["no folder", "no annotations", "no labels", "malformed line", "no picture", "box outside"],
)
def test_a_data_set_that_cannot_be_read_is_one_sentence(cadrage, tmp_path, monkeypatch, spoil, sentence):
    root = write_rated(tmp_path, train=3)
    spoil(root)
    monkeypatch.chdir(tmp_path)
    assert_refused(cadrage("train", "gaicd", root, "--run", "run", *QUICK), sentence)


def test_a_run_that_is_a_file_is_one_sentence(cadrage, data, folder):
    (folder / "run").write_text("a file")
    ran = cadrage("train", "gaicd", data, "--run", "run", *QUICK)
    assert (ran.code, ran.out) == (2, [])
    assert ran.err == ["cadrage: run cannot be the folder of a run: File exists."]


def test_help_needs_no_torch():
    code = (
        "import sys; sys.modules['torch'] = None; from cadrage.cli import main; "
        "sys.argv = ['cadrage', 'train', 'gaicd', *sys.argv[1:]]; main()"
    )

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
        )

    shown = run("--help")
    assert shown.returncode == 0
    assert "--recipe" in shown.stdout
    refused = run("data")
    assert refused.returncode == 2
    assert refused.stderr == "cadrage: Training needs the extra 'train': pip install 'cadrage[train]'\n"
