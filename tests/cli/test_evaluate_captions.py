"""``cadrage evaluate captions`` and ``captioner``: protocols, a run that goes on, a report, crops for a study."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from cadrage.captions.captioners.small import CaptionerConfig, SmallCaptioner, save_captioner
from cadrage.captions.vocabulary import Vocabulary

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}

BLIND = ["--method", "original", "--method", "centre=0.5"]


def made(path, record):
    """A small captioner of ours with random weights, and a record of its training."""
    words = Vocabulary.learn([" ".join(COLOURS) + " a square on black ground"])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = SmallCaptioner(CaptionerConfig(side=32, cells=16, hidden=16, words=8, longest=5), words)
    save_captioner(network, path, record)
    return path


@pytest.fixture(scope="module")
def captioner(tmp_path_factory):
    return made(tmp_path_factory.mktemp("captioner") / "captioner.safetensors", {})


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """One that was trained on the photographs of ``data`` but two."""
    data = {"training_images": 3, "validation_images": 2, "validation": "2 photographs, seed 0"}
    return made(tmp_path_factory.mktemp("learned") / "learned.safetensors", {"data": data})


@pytest.fixture
def data(tmp_path):
    """Five photographs, 48 x 32, of a coloured square in the middle half."""
    root = tmp_path / "squares"
    (root / "images").mkdir(parents=True)
    lines = []
    for number, colour in enumerate([*COLOURS, "red"]):
        pixels = np.zeros((32, 48, 3), np.uint8)
        pixels[8:24, 12:36] = COLOURS[colour]
        Image.fromarray(pixels).save(root / "images" / f"{number}.png")
        entity = {"phrase": f"a {colour} square", "caption": 0, "boxes": [[12, 8, 36, 24]]}
        captions = [f"a {colour} square on black ground"]
        line = {"image": f"{number}.png", "width": 48, "height": 32, "captions": captions}
        lines.append(line | {"entities": [entity]})
    (root / "captions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return root


@pytest.fixture
def drawn(data, tmp_path):
    """The same photographs with two drawn crops for each caption."""
    root = tmp_path / "drawn"
    (root / "images").mkdir(parents=True)
    lines = []
    for path in sorted((data / "images").iterdir()):
        (root / "images" / path.name).write_bytes(path.read_bytes())
        entry = {"image": path.name, "width": 48, "height": 32, "caption": "a square"}
        lines.append(entry | {"boxes": [[12, 8, 36, 24], [0, 0, 48, 32]]})
    (root / "captions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return root


def refused(ran, sentence):
    assert (ran.code, ran.out, len(ran.err)) == (2, [], 1)
    assert sentence in ran.err[0]


def figures(ran):
    assert (ran.code, ran.err, len(ran.out)) == (0, [], 1)
    return json.loads(ran.out[0])


def test_the_table_names_all_that_it_depends_on(cadrage, data, folder):
    ran = cadrage("evaluate", "captions", data, "--split", "all", *BLIND)
    assert (ran.code, ran.err) == (0, [])
    assert ran.out[0] == "squares, protocol entities"
    assert ran.out[1].endswith("split all: 5 cases, case seed 0, search seeds 0")
    assert ran.out[2:4] == ["original: 1", "centre=0.5: 1"]
    table = [line.split("\t") for line in ran.out[4:]]
    assert table[0] == ["method", "IoU", "± images", "95 %", "centre hit %", "x original", "seconds"]
    assert table[1][:6] == ["original", "0.2500", "0.0000", "0.2500-0.2500", "100.0", "1.00"]
    assert table[2][:6] == ["centre=0.5", "1.0000", "0.0000", "1.0000-1.0000", "100.0", "4.00"]


def test_the_validation_part_is_that_of_training(cadrage, data, folder):
    from cadrage.datasets.entities import divide_captions

    found = figures(cadrage("evaluate", "captions", data, "--validation", 2, "--json", *BLIND))
    assert found["cases"] == 2
    assert f"split val ({divide_captions(data, 2, 0).description})" in found["about"][1]


def test_cagic_and_gradcam_with_a_captioner_file(cadrage, data, folder, captioner):
    common = ["evaluate", "captions", data, "--split", "all", "--captioner", captioner, "--threads", 1]
    quick = "cagic:steps=2,restarts=2,starts=frame,weight=0,salience=0"
    arguments = [*common, "--method", quick, "--method", "gradcam", "--seeds", 2, "--cases", 3, "--json"]
    found = figures(cadrage(*arguments))
    assert list(found["methods"]) == [quick, "gradcam"]
    cagic, gradcam = found["methods"].values()
    assert 0 <= cagic["iou"] <= 1
    assert cagic["over_seeds"] is not None
    assert cagic["over_runs"] is not None
    assert gradcam["over_seeds"] is None  # it has no use for seeds
    assert str(captioner) in found["about"][2]
    assert "aesthetics none" in found["about"][2]  # nothing asks for them
    lines = [path.read_text().splitlines() for path in sorted((folder / "runs" / "captions").iterdir())]
    assert sorted(map(len, lines)) == [3, 6]
    again = figures(cadrage(*arguments))
    assert again["methods"] == found["methods"]  # with the seconds: nothing was asked again


LEARNED = "has learnt from photographs of this part: on others it is worse."


@pytest.mark.parametrize(
    ("part", "is_warned"),
    [
        (["--split", "all"], True),
        (["--validation", 2], False),
        (["--validation", 1], False),
        (["--validation", 3], True),
        (["--validation", 2, "--split-seed", 1], True),
    ],
    ids=["all", "the part left out", "some of it", "more than it", "another draw"],
)
def test_who_has_learnt_from_what_is_measured_is_named(cadrage, data, folder, learned, part, is_warned):
    said = [f"cadrage: {learned} {LEARNED}"] * is_warned
    common = ["evaluate", "captions", data, *part, "--threads", 1]
    guiding = cadrage(*common, "--captioner", learned, "--method", "gradcam")
    assert (guiding.code, guiding.err) == (0, said)
    speaking = cadrage(*common, "--speaker", learned, "--similarity", "--method", "original")
    assert (speaking.code, speaking.err) == (0, said)
    unasked = cadrage(*common, "--captioner", learned, "--method", "original")
    assert (unasked.code, unasked.err) == (0, [])
    alone = cadrage("evaluate", "captioner", data, *part, "--threads", 1, "--captioner", learned)
    assert (alone.code, alone.err) == (0, said)


def test_of_another_data_set_nobody_knows_who_has_learnt_from_it(cadrage, data, folder, learned):
    lines = (data / "captions.jsonl").read_text().splitlines(keepends=True)
    (data / "captions.jsonl").write_text("".join(lines[:4]))
    ran = cadrage("evaluate", "captioner", data, "--split", "all", "--threads", 1, "--captioner", learned)
    assert (ran.code, ran.err) == (0, [])


@pytest.mark.parametrize("out", ["file", "file/crops"])
def test_results_that_cannot_be_written_are_found_out_first(cadrage, data, folder, out):
    (folder / "file").touch()
    (folder / "report").mkdir()
    common = ["evaluate", "captions", data, "--split", "all", *BLIND]
    refused(cadrage(*common, "--out", out), "file is a file; a folder is needed.")
    refused(cadrage(*common, "--report", "report"), "--report report cannot be written: ")
    assert not (folder / "runs").exists()


def test_whole_captions_mosaics_and_drawn_crops(cadrage, data, drawn, folder):
    common = ["--split", "all", "--json", *BLIND]
    whole = figures(cadrage("evaluate", "captions", data, "--protocol", "captions", *common))
    assert whole["methods"]["original"]["iou"] == pytest.approx(0.25)
    mosaics = figures(cadrage("evaluate", "captions", data, "--protocol", "mosaics", *common))
    assert mosaics["cases"] == 1
    assert mosaics["methods"]["original"]["iou"] == pytest.approx(0.25)
    boxes = figures(cadrage("evaluate", "captions", drawn, "--protocol", "boxes", *common))
    assert boxes["methods"]["original"]["iou"] == 1
    assert boxes["methods"]["original"]["iou_all"] == pytest.approx((1 + 0.25) / 2)


def test_captions_of_the_crops_are_compared(cadrage, data, folder, captioner, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no Java
    report = folder / "report.md"
    common = ["evaluate", "captions", data, "--split", "all", *BLIND, "--similarity", "--threads", 1]
    ran = cadrage(*common, "--speaker", captioner, "--captioner", captioner, "--report", report)
    assert (ran.code, ran.err) == (0, [])
    assert f"captions of crops by {captioner}" in "\n".join(ran.out)
    header = next(line.split("\t") for line in ran.out if line.startswith("method\t"))
    assert header[-8:] == ["BLEU-1", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr", "embedding", "SPICE", "seconds"]
    assert "METEOR is not available: METEOR needs Java, which is not here." in ran.out
    page = report.read_text()
    assert page.startswith("# squares, protocol entities\n")
    assert "| not available |" in page
    assert "made by `cadrage evaluate captions" in page


def test_crops_are_written_for_a_study(cadrage, data, folder):
    pytest.importorskip("scipy")
    ran = cadrage("evaluate", "captions", data, "--split", "all", "--out", "crops", *BLIND)
    assert (ran.code, ran.err) == (0, [])
    assert ran.out[-3:] == [f"Wrote crops/{name}.jsonl" for name in ("original", "centre=0.5", "captions")]
    first = json.loads((folder / "crops" / "centre=0.5.jsonl").read_text().splitlines()[0])
    assert first["ratios"] == [{"ratio": "free", "crops": [{"rank": 1, "box": [12, 8, 36, 24]}]}]
    sides = ["--method", "whole=crops/original.jsonl", "--method", "centre=crops/centre=0.5.jsonl"]
    made = cadrage("study", "create", "taste.cadrage", *sides)
    assert (made.code, made.out) == (0, ["taste.cadrage: 5 photographs, 2 methods: whole, centre"])
    describing = ["--question", "description", "--captions", "crops/captions.jsonl"]
    assert cadrage("study", "create", "say.cadrage", *sides, *describing).code == 0


def test_mosaics_are_written_as_pictures_for_a_study(cadrage, data, folder):
    arguments = ["--split", "all", "--protocol", "mosaics", "--out", "crops", *BLIND]
    assert cadrage("evaluate", "captions", data, *arguments).code == 0
    line = json.loads((folder / "crops" / "original.jsonl").read_text())
    with Image.open(line["source"]) as picture:
        assert picture.size == tuple(line["size"]) == (448, 448)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--protocol", "phrases"], "--protocol is entities, captions, boxes, mosaics; got 'phrases'."),
        (["--split", "test"], "--split is val or all; got 'test'."),
        (["--method", "best"], "There is no method 'best'"),
        (["--ablation", "all"], "--ablation is stabilisers, aesthetic, restarts, evidence; got 'all'."),
        (["--embedding", "x"], "give --similarity too"),
        (["--report", "none/x.md"], "there is no folder"),
        (["--method", "gradcam", "--captioner", "none.safetensors"], "none.safetensors"),
        (["--validation", "9"], "From 5 images"),
        (["--threads", "100000"], "The number of threads must be from 1 to 1024, not 100000."),
        (["--split", "all", "--seed", 10**20], f"The seed is from 0 to 4,294,967,295; got {10**20}."),
        (
            ["--split", "all", "--seed", 2**32 - 3, "--seeds", 4],
            f"The seed is from 0 to 4,294,967,295; got {2**32}.",
        ),
        (["--protocol", "boxes"], "line 1"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(arguments, sentence, cadrage, data, folder):
    refused(cadrage("evaluate", "captions", data, *arguments), sentence)
    assert not (folder / "runs").exists()


def test_a_data_set_without_such_cases_is_refused(cadrage, drawn, folder):
    refused(cadrage("evaluate", "captions", drawn, "--split", "all"), "line 1")


class TestCaptioner:
    def test_its_captions_are_measured_against_all_that_people_wrote(self, cadrage, data, captioner):
        ran = cadrage("evaluate", "captioner", data, "--captioner", captioner, "--split", "all", "--json")
        assert ran.code == 0
        told = json.loads(ran.out[0])
        assert (told["images"], told["split"], told["data_set"]) == (5, "all", "squares")
        assert all(0 <= told[name] <= 1 for name in ("bleu_1", "bleu_4", "rouge_l", "word_recall"))

    def test_a_table_names_the_data_and_the_part(self, cadrage, data, captioner):
        ran = cadrage("evaluate", "captioner", data, "--captioner", captioner, "--validation", 2)
        assert ran.out[0] == "squares, split val (2 photographs, seed 0): 2 photographs"
        assert ran.out[2].startswith("BLEU-1 ")

    def test_what_cannot_be_done_is_one_sentence(self, cadrage, data, captioner):
        refused(cadrage("evaluate", "captioner", data, "--split", "test"), "--split is val or all")
        refused(
            cadrage("evaluate", "captioner", data, "--threads", 100_000), "must be from 1 to 1024, not 100000"
        )
        refused(cadrage("evaluate", "captioner", data, "--captioner", "none.safetensors"), "no captioner at")
