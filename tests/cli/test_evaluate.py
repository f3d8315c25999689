"""``cadrage evaluate``: metrics of models, checkpoints and scores made elsewhere."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from rated import load_part, write_rated

from cadrage.bench import evaluation
from cadrage.datasets import gaicd


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_rated(tmp_path_factory.mktemp("rated"), train=6, test=3)


@pytest.fixture
def predictions(data, tmp_path):
    """Writes scores of the test images: the ratings themselves, changed by a function of image and line."""

    def write(change=lambda image, line: line):
        lines = [
            change(image, {"image": str(image.path), "scores": image.mos.tolist()})
            for image in load_part(data, "test")
        ]
        path = tmp_path / "scores.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines if line))
        return path

    return write


def assert_refused(ran, sentence):
    """Exit code 2, nothing on the output, one sentence on the error stream."""
    assert (ran.code, ran.out) == (2, [])
    assert len(ran.err) == 1
    assert sentence in ran.err[0]


def test_a_model_is_measured_with_everything_named(cadrage, data, tiny_entry):
    ran = cadrage("evaluate", "gaicd", data, "--model", tiny_entry.folder)
    assert (ran.code, ran.err) == (0, [])
    assert ran.out[0] == "GAICD (data), unknown release, split test: 3 images"
    assert ran.out[1] == "model: tiny 7.1; ties: credit"
    assert float(ran.out[2].split()[1]) > 0.7  # model and people like light
    rows = [line.split("\t") for line in ran.out[3:]]
    assert rows[0] == ["", "K=1", "K=2", "K=3", "K=4", "mean"]
    assert [row[0] for row in rows[1:]] == ["Acc K/5", "Acc K/10", "Acc^w K/5", "Acc^w K/10"]
    assert np.mean([float(cell) for cell in rows[1][1:5]]) == pytest.approx(float(rows[1][5]), abs=0.01)


@pytest.mark.parametrize(("split", "learned"), [("test", False), ("train", True), ("val", True)])
def test_figures_on_what_a_model_has_learnt_from_come_with_a_warning(
    cadrage, data, learned_entry, monkeypatch, split, learned
):
    monkeypatch.setattr(gaicd, "RELEASE_COUNTS", {"conference": {"train": 6, "test": 3}})
    ran = cadrage("evaluate", "gaicd", data, "--split", split, "--model", learned_entry.folder)
    warning = "cadrage: tiny 7.1 has learnt from photographs of this part: on others it is worse."
    assert (ran.code, ran.err) == (0, [warning] if learned else [])


def test_json_is_one_object_with_every_metric(cadrage, data, predictions):
    ran = cadrage("evaluate", "gaicd", data, "--predictions", predictions(), "--json")
    assert (ran.code, ran.err, len(ran.out)) == (0, [], 1)
    found = json.loads(ran.out[0])
    named = {
        "method": "scores in scores.jsonl",
        "data_set": "GAICD (data)",
        "release": "unknown",
        "split": "test",
        "images": 3,
        "tie_rule": "credit",
    }
    assert {key: found[key] for key in named} == named
    assert found["srcc"] == pytest.approx(1)
    assert (found["regret"], found["acc5"], found["acc10_mean"]) == (0, [100] * 4, 100)


def test_strict_names_its_rule(cadrage, data, predictions):
    arguments = ["evaluate", "gaicd", data, "--predictions", predictions(), "--strict"]
    assert cadrage(*arguments).out[1] == "model: scores in scores.jsonl; ties: strict"
    assert json.loads(cadrage(*arguments, "--json").out[0])["tie_rule"] == "strict"


def test_scores_with_boxes_may_come_in_any_order(cadrage, data, predictions):
    def turned_round(image, line):
        boxes = image.boxes_xyxy.tolist()
        return {"image": line["image"], "boxes": boxes[::-1], "scores": line["scores"][::-1]}

    ran = cadrage("evaluate", "gaicd", data, "--predictions", predictions(turned_round), "--json")
    assert json.loads(ran.out[0])["srcc"] == pytest.approx(1)


def test_written_scores_are_evaluated_to_the_same_figures(cadrage, data, tiny_entry, folder):
    first = cadrage(
        "evaluate",
        "gaicd",
        data,
        "--model",
        tiny_entry.folder,
        "--write-scores",
        "new/scores.jsonl",
        "--json",
    )
    second = cadrage("evaluate", "gaicd", data, "--predictions", "new/scores.jsonl", "--json")
    figures = [{**json.loads(ran.out[0]), "method": ""} for ran in (first, second)]
    assert figures[0] == figures[1]


def test_scores_are_written_although_nobody_reads_the_figures(data, tiny_entry, folder):
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "-c", "from cadrage.cli import program; program()"]
    command = [*program, "evaluate", "gaicd", data, "--model", tiny_entry.folder]
    with os.fdopen(writing, "wb") as closed:
        subprocess.run([*command, "--write-scores", "s.jsonl"], stdout=closed, check=False, cwd=folder)
    assert len((folder / "s.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("split", "images", "named"),
    [("train", 6, "train"), ("all", 9, "all"), ("val", 2, "val (2 of the train part, seed 3)")],
)
def test_every_part_can_be_measured(cadrage, data, tiny_entry, split, images, named):
    drawn = ["--validation", 2, "--split-seed", 3]
    ran = cadrage("evaluate", "gaicd", data, "--split", split, "--model", tiny_entry.folder, *drawn)
    assert ran.out[0] == f"GAICD (data), unknown release, split {named}: {images} images"


def test_a_validation_part_of_its_own_needs_no_train_part(cadrage, tmp_path, tiny_entry):
    root = write_rated(tmp_path, val=2)
    ran = cadrage("evaluate", "gaicd", root, "--split", "val", "--model", tiny_entry.folder)
    assert ran.out[0] == "GAICD (data), unknown release, split val: 2 images"


def test_a_data_set_of_a_test_part_alone_has_no_validation_part(cadrage, tmp_path):
    root = write_rated(tmp_path, test=2)
    for command in (["evaluate", "gaicd", root], ["bench", "gaicd", root, "--methods", "chance"]):
        ran = cadrage(*command, "--split", "val")
        assert (ran.code, ran.out) == (2, [])
        assert "has no part 'val', and no part 'train' to draw one from: only test." in ran.err[-1]


def test_an_official_checkpoint_is_measured(cadrage, data, tmp_path):
    torch = pytest.importorskip("torch")
    from official_reference import official_entries, random_official

    path = tmp_path / "official.pth"
    torch.save(official_entries(random_official("shufflenet_v2_x1_0", 2020)), path)
    ran = cadrage("evaluate", "gaicd", data, "--model", path)
    assert (ran.code, ran.err) == (0, [])
    assert ran.out[1] == f"model: {path}; ties: credit"
    mirrored = cadrage("evaluate", "gaicd", data, "--model", path, "--mirrored")
    assert mirrored.out[1] == f"model: {path} (mirrored); ties: credit"
    assert mirrored.out[2] != ran.out[2]


def test_predictions_without_an_image_are_refused(cadrage, data, predictions):
    path = predictions(lambda image, line: None if image.name == "test01" else line)
    assert_refused(
        cadrage("evaluate", "gaicd", data, "--predictions", path), "has no scores for 1 of 3 images: test01"
    )


def test_predictions_of_the_wrong_number_are_refused_with_their_line(cadrage, data, predictions):
    path = predictions(lambda _, line: {**line, "scores": line["scores"][1:]})
    assert_refused(cadrage("evaluate", "gaicd", data, "--predictions", path), f"{path}, line 1: 'test00' has")


def test_labels_outside_their_pictures_are_refused_with_file_and_line(cadrage, tmp_path, folder, tiny_entry):
    data = write_rated(tmp_path / "rated", test=2)
    label = data / "annotations/test/test00.txt"
    (folder / "scores.jsonl").write_text(
        "".join(json.dumps({"image": f"test0{n}", "scores": [1, 2]}) + "\n" for n in (0, 1))
    )
    for given in (["--predictions", "scores.jsonl"], ["--model", tiny_entry.folder]):
        label.write_text("0 0 40 40 2\n\n0 10 64 5000 3\n")
        got = "expected a box within 96 x 64, got '0 10 64 5000 3'."
        sentence = f"1 box outside its picture: {label}, line 3: {got}"
        assert_refused(cadrage("evaluate", "gaicd", data, *given), sentence)
    # As everywhere, a pixel over is cut at the edge.
    label.write_text("0 0 40 40 2\n\n0 10 65 97 3\n")
    assert cadrage("evaluate", "gaicd", data, "--model", tiny_entry.folder).code == 0


def test_a_photograph_of_another_part_is_not_measured_on(cadrage, tmp_path, tiny_entry):
    data = write_rated(tmp_path, train=2, test=2)
    for kind, suffix in (("annotations", "txt"), ("images", "png")):
        shutil.copy(data / f"{kind}/test/test00.{suffix}", data / f"{kind}/train")
    for command in (["evaluate", "gaicd", data], ["bench", "gaicd", data, "--methods", "chance"]):
        ran = cadrage(*command)
        assert ran.code == 2
        assert "1 image in more than one part, as of mixed releases: test00 (test and train)" in ran.err[-1]


def test_a_malformed_line_is_refused_with_its_line(cadrage, data, predictions):
    path = predictions()
    path.write_text(path.read_text() + "{]\n")
    assert_refused(
        cadrage("evaluate", "gaicd", data, "--predictions", path), f"{path}, line 4: this is not JSON"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing"], "missing does not exist"),
        (["--split", "dev"], "There is no split 'dev'"),
        (["--split", "val", "--validation", "6"], "From 6 images, 1 to 5 can be set aside; got 6"),
        (["--model", "nothing"], "There is no model 'nothing'"),
        (["--model", "missing.pth"], "There is no checkpoint at missing.pth"),
        (["--model", "note.pth"], "note.pth cannot be read as a checkpoint"),
        (["--mirrored"], "--mirrored is for checkpoints"),
        (["--predictions", "missing.jsonl"], "missing.jsonl does not exist."),
        (["--predictions", "note.pth", "--model", "x"], "--predictions takes the place of a model"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(cadrage, data, folder, arguments, sentence):
    (folder / "note.pth").write_text("a note")
    root = [] if arguments[0] == "missing" else [data]
    assert_refused(cadrage("evaluate", "gaicd", *root, *arguments), sentence)


@pytest.mark.parametrize("name", ["file/scores.jsonl", "."])
def test_scores_that_cannot_be_written_are_one_sentence_before_photographs_are_scored(
    cadrage, data, tiny_entry, folder, monkeypatch, name
):
    (folder / "file").write_text("")
    monkeypatch.setattr(evaluation, "evaluate_ranking", lambda *_, **__: pytest.fail("scored"))
    ran = cadrage("evaluate", "gaicd", data, "--model", tiny_entry.folder, "--write-scores", name)
    assert_refused(ran, f"{name} cannot be written: ")


def test_scores_that_can_no_longer_be_written_cost_no_figures(cadrage, data, tiny_entry, folder, monkeypatch):
    ranked = evaluation.evaluate_ranking

    def meanwhile(*given, **how):
        (folder / "scores.jsonl").mkdir()
        return ranked(*given, **how)

    monkeypatch.setattr(evaluation, "evaluate_ranking", meanwhile)
    ran = cadrage("evaluate", "gaicd", data, "--model", tiny_entry.folder, "--write-scores", "scores.jsonl")
    assert (ran.code, ran.err) == (2, ["cadrage: scores.jsonl cannot be written: Is a directory."])
    assert ran.out[2].startswith("SRCC ")
