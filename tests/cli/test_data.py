"""``cadrage data``: what is known, what a copy holds, its figures, another layout."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cadrage.datasets.fcdb import save_fcdb
from cadrage.datasets.gaicd import save_gaicd
from cadrage.datasets.registry import DATA_SETS, find_data_set
from cadrage.datasets.types import FramedImage, RatedImage


@pytest.fixture
def rated(folder):
    """Two rated photographs in ``gaicd``, one of which has a crop that was not rated."""
    Image.new("RGB", (64, 48)).save(folder / "a.jpg")
    boxes = np.array([[0, 0, 64, 40], [4, 2, 60, 46]], dtype=float)
    first = RatedImage("a", folder / "a.jpg", boxes, np.array([3.5, np.nan]), "train")
    save_gaicd([first, replace(first, name="b", mos=np.array([2.0, 4.5]), split="test")], folder / "gaicd")
    return folder / "gaicd"


@pytest.fixture
def framed(folder):
    """Two photographs with a best crop in ``fcdb``."""
    for name in "ab":
        Image.new("RGB", (64, 48)).save(folder / f"{name}.jpg")
    boxes = np.array([[4, 2, 60, 46]], dtype=float)
    save_fcdb([FramedImage(name, folder / f"{name}.jpg", boxes) for name in "ab"], folder / "fcdb")
    return folder / "fcdb"


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_every_data_set_is_listed(cadrage):
    ran = cadrage("data", "list")
    assert (ran.code, ran.err) == (0, [])
    assert [line.split("\t")[0] for line in ran.out] == ["name", *DATA_SETS]
    assert ran.out[1].split("\t")[1:3] == ["rated crops", "1,236 or 3,336"]
    listed = json.loads(cadrage("data", "list", "--json").out[0])
    assert [one["name"] for one in listed] == list(DATA_SETS)
    assert listed[1]["images"] == {"WACV 2017": {"train": 1395, "test": 348}}


def test_a_sound_copy_is_described(cadrage, rated):
    ran = cadrage("data", "check", "gaicd", rated)
    assert (ran.code, ran.err) == (0, [])
    assert ran.out == [
        "Grid-anchor image cropping data set: 2 images, 4 boxes, 1 of them unrated (rated crops)",
        "source: Zeng et al., CVPR 2019 (conference release), TPAMI 2020 (journal release)",
        f"terms: {find_data_set('gaicd').terms}",
        "release: unknown",
        "part\tfound\tpublished, conference\tpublished, journal",
        "train\t1\t1036\t2636",
        "test\t1\t200\t500",
        "val\t0\t\t200",
        "pictures: 64 x 48 to 64 x 48 pixels",
        "no problem found",
    ]


def test_a_bad_copy_ends_with_code_2_and_nothing_is_written(cadrage, rated, folder):
    Image.new("RGB", (60, 48)).save(rated / "images/train/a.jpg")
    before = files(folder)
    ran = cadrage("data", "check", "gaicd", rated, "--json")
    assert ran.code == 2
    assert ran.err == [
        "cadrage: 1 box outside its picture: "
        f"{rated}/annotations/train/a.txt, line 1: expected a box within 60 x 48, "
        "got '0    0   40   64 3.50'."
    ]
    said = json.loads(ran.out[0])
    assert said["parts"] == {"train": 1, "test": 1}
    assert said["problems"][0]["count"] == 1
    assert files(folder) == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("stats", "fcdb", "fcdb", "--plots", "p.png"), "1 of the 2 pictures that"),
        (("convert", "fcdb", "fcdb", "out", "--to", "coco"), "1 of the 2 pictures that"),
        (("check", "fcdb", "none"), "none does not exist"),
        (
            ("check", "gaicd", "fcdb"),
            "fcdb has no annotations: gaicd is images/SPLIT/NAME.jpg and annotations/SPLIT",
        ),
        (("check", "odd", "fcdb"), "There is no data set 'odd'"),
        (("convert", "fcdb", "fcdb", "out", "--to", "odd"), "There is no data set 'odd'"),
        (("stats", "fcdb", "fcdb", "--plots", "p.txt"), "p.txt must end in .png, .svg, .pdf"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_and_nothing_is_written(
    cadrage, framed, folder, arguments, sentence
):
    (framed / "images/a.jpg").unlink()
    before = files(folder)
    ran = cadrage("data", *arguments)
    assert (ran.code, ran.out) == (2, [])
    assert len(ran.err) == 1
    assert sentence in ran.err[0]
    assert files(folder) == before


def test_of_a_damaged_copy_what_is_sound_is_described(cadrage, framed):
    (framed / "images/a.jpg").unlink()
    ran = cadrage("data", "check", "fcdb", framed)
    assert ran.code == 2
    assert ran.out[0] == "Flickr cropping data set, best crops: 1 images, 1 boxes (best crops)"
    assert ran.out[2].startswith("terms: ")
    assert "no problem found" not in ran.out
    assert len(ran.err) == 1
    assert "1 of the 2 pictures that" in ran.err[0]


def test_photographs_that_are_gone_may_be_left_out(cadrage, framed):
    (framed / "images/a.jpg").unlink()
    ran = cadrage("data", "check", "fcdb", framed, "--allow-missing")
    assert (ran.code, ran.err) == (0, [])
    assert "test\t1\t348" in ran.out
    assert "missing: 347 of 348 images of part test of WACV 2017" in ran.out
    assert cadrage("data", "check", "fcdb", framed, "--allow-missing", "--complete").code == 2


def test_figures_are_printed_and_drawn(cadrage, rated, folder):
    pytest.importorskip("matplotlib")
    ran = cadrage("data", "stats", "gaicd", rated, "--plots", "figures.png")
    assert (ran.code, ran.err) == (0, [])
    assert ran.out[0] == (
        "Grid-anchor image cropping data set (gaicd), split all: 2 images, 3 boxes (rated crops)"
    )
    assert ran.out[1] == "\tvalues\tmean\tdeviation\tleast\tmedian\tgreatest"
    assert "score of a crop\t3\t3.333\t1.027\t2\t3.5\t4.5" in ran.out
    assert "unrated: 1" in ran.out
    assert "share by grade: 1-2: 0, 2-3: 0.3333, 3-4: 0.3333, 4-5: 0.3333" in ran.out
    with Image.open(folder / "figures.png") as drawn:
        assert drawn.format == "PNG"
    said = json.loads(cadrage("data", "stats", "gaicd", rated, "--split", "test", "--json").out[0])
    assert (said["data_set"], said["split"], said["images"]) == ("gaicd", "test", 1)
    assert said["distributions"]["mos"]["mean"] == 3.25


def test_a_copy_goes_to_coco_and_back(cadrage, rated, folder):
    ran = cadrage("data", "convert", "gaicd", rated, "coco", "--to", "coco")
    assert (ran.code, ran.out, ran.err) == (0, ["2 images written to coco as coco"], [])
    assert cadrage("data", "check", "coco", "coco").code == 0
    assert cadrage("data", "convert", "coco", "coco", "again", "--to", "gaicd").code == 0
    for file in files(rated):
        assert (folder / "again" / file.relative_to(rated)).read_bytes() == file.read_bytes()


def test_what_is_lost_is_said(cadrage, rated):
    ran = cadrage("data", "convert", "gaicd", rated, "best", "--to", "fcdb")
    assert ran.out == [
        "2 images written to best as fcdb",
        "fcdb holds best crops: of each image the best rated crop was kept, and no score.",
    ]
