"""``cadrage train saliency`` and ``cadrage evaluate saliency``: from masks to a model that shows the subject."""

import json
import os

import pytest
from masked import write_masked

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_masked(tmp_path_factory.mktemp("masked") / "discs", 6)


def test_a_head_is_trained_measured_and_exported(cadrage, data, checkpoint, folder):
    part = ("--validation", 2)
    trained = cadrage(
        "train", "saliency", data, "--network", checkpoint, "--run", "run", "--epochs", 1, *part
    )
    assert (trained.code, trained.err) == (0, [])
    assert trained.out[0].startswith("run  epoch 1  loss ")
    assert "max_f" in trained.out[0]
    assert trained.out[1:] == ["The network is in run/network.pt"]
    last = json.loads((folder / "run/run.json").read_text())["history"][-1]["validation"]

    command = ("evaluate", "saliency", data, *part)
    measured = cadrage(*command, "--model", "run/network.pt", "--json")
    found = json.loads(measured.out[0])
    assert found["split"] == "val (2 drawn with seed 0)"
    assert found["data_set"] == "saliency masks (discs)"
    assert {name: found[name] for name in last} == last

    made = cadrage("export", "run/network.pt", "--out", "model")
    assert (made.code, made.err) == (0, [])
    exported = json.loads(cadrage(*command, "--model", "model", "--json").out[0])
    assert exported["method"] == "model 1.0.0"
    assert exported["mae"] == pytest.approx(found["mae"], abs=1e-3)
    assert exported["max_f"] == pytest.approx(found["max_f"], abs=1e-2)

    shown = cadrage(*command, "--model", "model").out
    assert shown[0] == "saliency masks (discs), split val (2 drawn with seed 0): 2 images"
    assert shown[1].startswith("model: model 1.0.0; F-measure: beta^2 0.3, ")
    assert shown[2].startswith(f"MAE {exported['mae']:.4f}   S-measure ")
    assert f"best {exported['max_f']:.4f}" in shown[3]


def test_a_model_that_shows_brightness_finds_bright_discs(cadrage, data, tiny_subject_entry):
    ran = cadrage(
        "evaluate", "saliency", data, "--split", "all", "--model", tiny_subject_entry.folder, "--json"
    )
    found = json.loads(ran.out[0])
    assert (found["images"], found["split"]) == (6, "all")
    assert found["max_f"] > 0.9


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "saliency", "missing", "--network", "n.pt"], "missing does not exist"),
        (
            ["train", "saliency", "DATA", "--network", "n.pt"],
            "From 6 images, 1 to 5 can be set aside; got 100",
        ),
        (["train", "saliency", "DATA", "--validation", "2", "--network", "n.pt"], "no checkpoint at n.pt"),
        (
            ["train", "saliency", "DATA", "--validation", "2", "--network", "NET", "--device", "abacus"],
            "There is no device 'abacus'",
        ),
        (["evaluate", "saliency", "DATA", "--validation", "2", "--split", "soup"], "no split 'soup'"),
        (["evaluate", "saliency", "DATA", "--validation", "2", "--model", "NET"], "has no saliency head"),
        (["evaluate", "saliency", "DATA", "--validation", "2", "--model", "TINY"], "makes no saliency maps"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    cadrage, data, checkpoint, tiny_entry, folder, arguments, sentence
):
    given = {"DATA": data, "NET": checkpoint, "TINY": tiny_entry.folder}
    ran = cadrage(*(given.get(word, word) for word in arguments))
    assert (ran.code, ran.out) == (2, [])
    assert len(ran.err) == 1
    assert sentence in ran.err[0]
    assert not os.path.lexists("runs")
