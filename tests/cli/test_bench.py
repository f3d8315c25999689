"""``cadrage bench``: data sets of every kind, one table, reports that grow, answers that are kept."""

import json

import numpy as np
import pytest
from PIL import Image
from rated import write_rated

from cadrage.bench.cache import default_folder
from cadrage.bench.methods.centre import Centre
from cadrage.bench.report.markdown import NO_COMPARISON
from cadrage.datasets import gaicd
from cadrage.datasets.fcdb import save_fcdb, save_fcdb_pairs
from cadrage.datasets.sacd import save_sacd
from cadrage.datasets.types import ComparedImage, FramedImage, RatedImage


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    return write_rated(tmp_path_factory.mktemp("rated"), train=6, test=4)


def frames(root, count, size_wh=(100, 50)):
    """Pictures of one colour."""
    root.mkdir(parents=True, exist_ok=True)
    paths = [root / f"{number}_a.jpg" for number in range(count)]
    for path in paths:
        Image.new("RGB", size_wh, "green").save(path)
    return paths


@pytest.fixture
def framed(tmp_path):
    """Best crops: all of the first picture, the left half of the second."""
    boxes = [[0, 0, 100, 50], [0, 0, 50, 50]]
    images = [
        FramedImage(path.stem, path, np.array([box], dtype=float), "test", (100, 50))
        for path, box in zip(frames(tmp_path / "sources", 2), boxes, strict=True)
    ]
    save_fcdb(images, tmp_path / "FCDB")
    return tmp_path / "FCDB"


@pytest.fixture
def bench(cadrage, tmp_path):
    """Runs ``cadrage bench`` with a cache of its own."""
    return lambda *arguments: cadrage("bench", *arguments, "--cache", tmp_path / "cache", "--threads", 1)


def table(ran):
    """Header and rows of the one table printed, by method."""
    header, *rows = [line.split("\t") for line in ran.out if "\t" in line]
    return header, {row[0]: row[1:] for row in rows}


def test_methods_are_compared_with_everything_named(bench, rated, tiny_entry):
    ran = bench("gaicd", rated, "--methods", f"whole,random,gaic={tiny_entry.folder}")
    assert (ran.code, ran.err) == (0, [])
    assert ran.out[0] == ("GAICD, unknown release, split test; ranking, rated crops: 4 images; ties: credit")
    header, rows = table(ran)
    percent = [f"Acc{k}/{n} %" for n in (5, 10) for k in (1, 4)]
    assert header == ["method", "SRCC", "PCC", *percent, "regret", "cost", "p"]
    assert next(iter(rows)) == f"gaic={tiny_entry.folder}"  # model and people like light
    assert rows["random"][-1] != ""
    assert rows["whole"][-2].endswith(" ms")


@pytest.mark.parametrize(("split", "learned"), [("test", False), ("train", True)])
def test_a_model_is_not_measured_in_silence_on_what_it_has_learnt_from(
    bench, rated, learned_entry, monkeypatch, split, learned
):
    monkeypatch.setattr(gaicd, "RELEASE_COUNTS", {"conference": {"train": 6, "test": 4}})
    spec = f"gaic={learned_entry.folder}"
    ran = bench("gaicd", rated, "--methods", f"whole,{spec}", "--split", split, "--limit", 3)
    warning = f"cadrage: {spec} has learnt from photographs of this part: on others it is worse."
    assert (ran.code, ran.err) == (0, [warning] if learned else [])


def test_strict_names_its_rule_and_takes_no_credit(bench, rated):
    ran = bench("gaicd", rated, "--methods", "whole", "--strict")
    assert ran.out[0].endswith("ties: strict")
    assert "Acc1/5 strict %" in table(ran)[0]


def test_json_has_both_tie_rules(bench, rated):
    ran = bench("gaicd", rated, "--methods", "whole,centre", "--json")
    assert len(ran.out) == 1
    (found,) = json.loads(ran.out[0])["tables"]
    assert (found["release"], found["split"], found["images"], found["ties"]) == (
        "unknown", "test", 4, "credit",
    )  # fmt: skip
    assert {"acc1_5", "acc1_5_strict", "acc1_5_w"} <= found["methods"][0]["metrics"].keys()
    assert found["methods"][0]["last_command"].startswith("cadrage bench gaicd ")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--split", "all"], "split all; ranking, rated crops: 10 images"),
        (["--split", "val"], "split val (1 of the train part, seed 0); ranking, rated crops: 1 images"),
        (
            ["--limit", 2, "--seed", 3],
            "split test (2 of 4 drawn with seed 3); ranking, rated crops: 2 images",
        ),
    ],
)
def test_parts_of_a_data_set_are_named(bench, rated, arguments, named):
    assert named in bench("gaicd", rated, "--methods", "centre", *arguments).out[0]


def test_boxes_are_compared_freely_and_at_the_ratio_of_the_people(bench, framed):
    """Whole frame against all and half: IoU 1 and 0.5. The central square has an IoU of 1 / 3 with the half."""
    ran = bench("fcdb", framed, "--methods", "whole", "--ratio", "free", "--ratio", "own", "--json")
    free, own = json.loads(ran.out[0])["tables"]
    assert free["release"] == "WACV 2017 (2 of 348)"
    assert free["methods"][0]["metrics"]["iou"]["mean"] == 0.75
    assert free["methods"][0]["metrics"]["bde"]["mean"] == 0.0625
    assert own["rule"] == "at the ratio of the people's boxes"
    assert own["methods"][0]["metrics"]["iou"]["mean"] == pytest.approx((1 + 1 / 3) / 2)


def test_pairs_are_compared_with_votes(bench, tmp_path):
    """The largest crop is the first in both pairs; people prefer it in one, with 4 + 1 of 10 votes."""
    large, small = np.array([[0.0, 0, 90, 50]] * 2), np.array([[0.0, 0, 50, 50]] * 2)
    (path,) = frames(tmp_path / "sources", 1)
    image = ComparedImage(path.stem, path, large, small, np.array([[4, 1], [1, 4]]), None, (100, 50))
    save_fcdb_pairs([image], tmp_path / "FCDB")
    ran = bench("fcdb-pairs", tmp_path / "FCDB", "--methods", "largest", "--json")
    (found,) = json.loads(ran.out[0])["tables"]
    means = {key: one["mean"] for key, one in found["methods"][0]["metrics"].items()}
    assert means == {"pair_accuracy": 0.5, "vote_share": 0.5}


def test_masks_are_compared_by_what_is_cut_off(bench, tmp_path):
    """The subject is the left fifth of the frame: the central square loses all of it; 0.9 of both sides keep
    three quarters of its columns and nine tenths of its rows, 0.675 of it."""
    (tmp_path / "data" / "masks").mkdir(parents=True)
    (path,) = frames(tmp_path / "data" / "images", 1, (200, 100))
    mask = np.zeros((100, 200), np.uint8)
    mask[:, :40] = 255
    Image.fromarray(mask).save(tmp_path / "data" / "masks" / f"{path.stem}.png")
    arguments = ["--split", "all", "--methods", "centre", "--ratio", "1:1", "--ratio", "free", "--json"]
    ran = bench("masks", tmp_path / "data", *arguments)
    square, free = json.loads(ran.out[0])["tables"]
    assert (square["rule"], square["methods"][0]["metrics"]["lost"]["mean"]) == ("ratio 1:1", 1)
    assert free["methods"][0]["metrics"]["lost"]["mean"] == pytest.approx(0.325)


def test_a_repeated_run_asks_no_method_again(bench, rated, monkeypatch):
    first = bench("gaicd", rated, "--methods", "centre", "--json")
    monkeypatch.setattr(Centre, "scores", lambda *_: pytest.fail("asked again"))
    second = bench("gaicd", rated, "--methods", "centre", "--json")
    found = [json.loads(ran.out[0])["tables"][0]["methods"][0] for ran in (first, second)]
    assert found[0]["metrics"] == found[1]["metrics"]
    assert found[0]["seconds"] == found[1]["seconds"]


def test_a_time_is_that_of_the_threads_asked_for(cadrage, rated, tmp_path):
    """With eight threads measured in a second, with one it is not said to take a second, and measured once."""
    command = ["bench", "gaicd", rated, "--methods", "centre", "--cache", tmp_path / "cache", "--json"]
    cadrage(*command, "--threads", 8)
    for file in (tmp_path / "cache").rglob("*.json"):
        file.write_text(json.dumps(json.loads(file.read_text()) | {"seconds": 1.0}))
    one, again, eight = (
        json.loads(cadrage(*command, "--threads", threads).out[0])["tables"][0]["methods"][0]
        for threads in (1, 1, 8)
    )
    assert (one["threads"], eight["threads"]) == (1, 8)
    assert one["seconds"] == again["seconds"] < eight["seconds"] == 1
    assert one["metrics"] == eight["metrics"]


def test_a_repeated_run_says_when_and_with_what_the_answers_were_computed(bench, rated, tmp_path):
    """The answers are those of earlier versions; only the command that asked last is that of now."""
    pytest.importorskip("matplotlib")
    report = tmp_path / "report"
    bench("gaicd", rated, "--methods", "whole")
    earlier = {"made": "2020-01-01T00:00:00+00:00", "versions": {"cadrage": "0.0.1"}}
    for file in (tmp_path / "cache").rglob("*.json"):
        file.write_text(json.dumps(json.loads(file.read_text()) | earlier))
    bench("gaicd", rated, "--methods", "whole", "--report", report)
    (cell,) = (report / "cells").glob("*.json")
    origin = json.loads(cell.read_text())["origin"]
    assert (origin["begun"], origin["made"]) == (earlier["made"],) * 2
    assert (origin["versions"], origin["threads"]) == (earlier["versions"], 1)
    assert f"--report {report}" in origin["last_command"]


def test_two_folders_to_learn_from_are_told_apart_by_name(bench, rated, tmp_path):
    other = write_rated(tmp_path / "other", train=3)
    ran = bench("gaicd", rated, "--methods", f"prior={rated},prior={other}")
    assert set(table(ran)[1]) == {f"prior={rated}", f"prior={other}"}


def test_ctrl_c_loses_nothing(bench, rated, monkeypatch, tmp_path):
    """The third picture of the second method is interrupted; the same command goes on there."""
    scores, asked = Centre.scores, []

    def interrupted(self, picture, boxes):
        asked.append(picture.name)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return scores(self, picture, boxes)

    monkeypatch.setattr(Centre, "scores", interrupted)
    pytest.importorskip("matplotlib")
    report = tmp_path / "report"
    command = ["gaicd", rated, "--methods", "whole,centre", "--report", report]
    ran = bench(*command)
    assert ran.code == 130
    assert ran.err == ["cadrage: Stopped after 1 of 2 rows. The same command goes on from here."]
    assert list(table(ran)[1]) == ["whole"]
    written = json.loads((report / "report.json").read_text())["tables"][0]["methods"]
    assert [one["method"] for one in written] == ["whole"]
    again = bench(*command)
    assert (again.code, set(table(again)[1])) == (0, {"whole", "centre"})
    assert len(asked) == 5  # two known, the third twice, the fourth


def test_a_report_grows_with_every_run(bench, rated, framed, tmp_path):
    pytest.importorskip("matplotlib")
    report = tmp_path / "report"
    ran = bench("gaicd", rated, "--methods", "whole", "--report", report)
    assert ran.out[-3:] == [f"Wrote {report / name}" for name in ("report.md", "report.json", "report.html")]
    bench("gaicd", rated, "--methods", "centre", "--report", report)
    bench("fcdb", framed, "--methods", "whole", "--report", report)
    found = json.loads((report / "report.json").read_text())
    methods = {one["kind"]: [row["method"] for row in one["methods"]] for one in found["tables"]}
    assert {kind: sorted(names) for kind, names in methods.items()} == {
        "ranking": ["centre", "whole"],
        "boxes": ["whole"],
    }
    assert [one["ground"]["data_set"] for one in found["unreliable_iou"]] == ["GAICD"]


def test_two_crops_an_image_make_a_report_all_the_same(bench, tmp_path):
    pytest.importorskip("matplotlib")
    boxes, mos = np.array([[0.0, 0, 90, 50], [0, 0, 50, 50]]), np.array([4.0, 2])
    paths = frames(tmp_path / "sources", 2)
    save_sacd(
        [RatedImage(path.stem, path, boxes, mos, "test", (100, 50)) for path in paths], tmp_path / "SACD"
    )
    report = tmp_path / "report"
    ran = bench("sacd", tmp_path / "SACD", "--methods", "whole,centre", "--report", report)
    assert (ran.code, ran.err) == (0, [])
    for name in ("report.md", "report.html"):
        assert NO_COMPARISON in (report / name).read_text()
    assert json.loads((report / "report.json").read_text())["unreliable_iou"][0]["images"] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["gaicd", "missing"], "missing does not exist"),
        (["gaicd", "{rated}", "--split", "dev"], "has no part 'dev'"),
        (["gaicd", "{rated}", "--methods", "whole,none"], "There is no method 'none'"),
        (["gaicd", "{rated}", "--methods", "whole,whole"], "--methods names 'whole' twice"),
        (["gaicd", "{rated}", "--methods", ","], "--methods names no method"),
        (["gaicd", "{rated}", "--ratio", "1:1"], "--ratio is for data sets of boxes or masks"),
        (["captions", "{rated}"], "The bench cannot measure on 'captions'"),
        (["none", "{rated}"], "There is no data set 'none'"),
        (["gaicd", "{rated}", "--report", "{rated}/annotations/test/test00.txt"], "is a file"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_writes_nothing(bench, rated, folder, arguments, sentence):
    before = sorted(folder.rglob("*"))
    ran = bench(*(str(one).format(rated=rated) for one in arguments))
    assert (ran.code, ran.out, len(ran.err)) == (2, [], 1)
    assert sentence in ran.err[0]
    assert sorted(folder.rglob("*")) == before


def test_labels_without_a_picture_can_be_left_out(bench, framed):
    picture = next((framed / "images").iterdir())
    picture.unlink()
    refused = bench("fcdb", framed, "--methods", "whole")
    assert (refused.code, len(refused.err)) == (2, 1)
    ran = bench("fcdb", framed, "--methods", "whole", "--allow-missing")
    assert "FCDB, WACV 2017 (1 of 348) release, split test" in ran.out[0]


def test_the_usual_cache_is_the_users(cadrage, rated, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert default_folder() == tmp_path / "home" / "cadrage" / "bench"
    cadrage("bench", "gaicd", rated, "--methods", "centre")
    assert len(list(default_folder().rglob("*.json"))) == 4
