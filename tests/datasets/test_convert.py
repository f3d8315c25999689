"""From one layout to another, whole or not at all."""

import math

import numpy as np
import pytest
from PIL import Image

from cadrage.datasets.caption_crops import CaptionCrops
from cadrage.datasets.convert import convert_data_set
from cadrage.datasets.fcdb import load_fcdb, save_fcdb
from cadrage.datasets.gaicd import load_gaicd, save_gaicd
from cadrage.datasets.registry import find_data_set
from cadrage.errors import DataError, RequestError

GAICD, FCDB, COCO = map(find_data_set, ("gaicd", "fcdb", "coco"))


@pytest.fixture
def gaicd(rated, tmp_path):
    images = [rated("a", "train", (3.5, math.nan)), rated("b", "test", (1.0, 4.25))]
    save_gaicd(images, tmp_path / "gaicd")
    return tmp_path / "gaicd"


def test_gaicd_comes_back_from_coco_byte_for_byte(gaicd, tmp_path):
    done = convert_data_set(GAICD, gaicd, COCO, tmp_path / "coco")
    assert (done.images, done.notes) == (2, ())
    convert_data_set(COCO, tmp_path / "coco", GAICD, tmp_path / "again")
    files = sorted(path.relative_to(gaicd) for path in gaicd.rglob("*") if path.is_file())
    assert len(files) == 4
    assert [
        path.relative_to(tmp_path / "again") for path in sorted((tmp_path / "again").rglob("*.*"))
    ] == files
    for file in files:
        assert (gaicd / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_of_rated_crops_the_best_one_is_kept_and_that_is_said(gaicd, tmp_path):
    done = convert_data_set(GAICD, gaicd, FCDB, tmp_path / "fcdb")
    assert done.notes == ("fcdb holds best crops: of each image the best rated crop was kept, and no score.",)
    first, second = load_fcdb(tmp_path / "fcdb")
    assert (first.name, first.split, first.boxes_xyxy.tolist()) == ("a", "train", [[0, 0, 64, 40]])
    assert (second.name, second.split, second.boxes_xyxy.tolist()) == ("b", "test", [[4.5, 2, 60, 46]])


@pytest.mark.parametrize("target", ["cpc", "flms"])
def test_parts_that_are_lost_are_said(gaicd, tmp_path, target):
    if target == "flms":
        pytest.importorskip("scipy")
    done = convert_data_set(GAICD, gaicd, find_data_set(target), tmp_path / "out")
    assert done.notes[-1] == (
        f"{target} has no parts: those of the copy, train (1), test (1), are one now; --split takes one of them."
    )
    one = convert_data_set(GAICD, gaicd, find_data_set(target), tmp_path / "test", split="test")
    assert "test (1)" in one.notes[-1]


def test_a_layout_with_parts_takes_a_set_without_as_its_test_part(rated, tmp_path):
    save_gaicd([rated("a"), rated("b")], tmp_path / "flat")
    done = convert_data_set(GAICD, tmp_path / "flat", find_data_set("sacd"), tmp_path / "out")
    assert done.notes == ("sacd has the parts train, val, test: the images, which are of none, are in test.",)


def test_a_part_that_a_layout_has_not_is_refused_before_the_work(rated, tmp_path):
    save_gaicd([rated("a", "train"), rated("b", "val")], tmp_path / "journal")
    with pytest.raises(
        RequestError,
        match=r"fcdb has the parts train, test; got train \(1\), val \(1\): take one part with --split",
    ):
        convert_data_set(GAICD, tmp_path / "journal", FCDB, tmp_path / "out")
    assert convert_data_set(GAICD, tmp_path / "journal", FCDB, tmp_path / "out", split="train").images == 1


def test_people_who_are_lost_are_said(framed, tmp_path):
    images = [framed("a", boxes=[[0, 0, 9, 9]] * 3, annotators=("1", "2", "3"))]
    find_data_set("icdb").save(images, tmp_path / "icdb")
    pytest.importorskip("scipy")
    done = convert_data_set(find_data_set("icdb"), tmp_path / "icdb", find_data_set("flms"), tmp_path / "out")
    assert done.notes == ("flms does not keep who drew a crop.",)


@pytest.mark.parametrize("there", [True, False])
def test_a_failed_conversion_leaves_no_folder_above(gaicd, tmp_path, there):
    if there:
        (tmp_path / "nest").mkdir()
    with pytest.raises(DataError, match="ICDB has one of each"):
        convert_data_set(GAICD, gaicd, find_data_set("icdb"), tmp_path / "nest/a/b")
    assert (tmp_path / "nest").exists() == there
    assert not (tmp_path / "nest/a").exists()
    convert_data_set(GAICD, gaicd, COCO, tmp_path / "nest/a/b")
    assert left(tmp_path / "nest/a") == ["b"]


def test_captions_come_back_from_coco_byte_for_byte(source, tmp_path):
    boxes = np.array([[4.3, 0.1, 60.9, 1.2], [0, 0, 64, 48]])
    captions, again = find_data_set("captions"), tmp_path / "again"
    captions.save([CaptionCrops("a.jpg", source / "a.jpg", (64, 48), "dog", boxes)], tmp_path / "captions")
    convert_data_set(captions, tmp_path / "captions", COCO, tmp_path / "coco")
    convert_data_set(COCO, tmp_path / "coco", captions, again)
    assert (again / "captions.jsonl").read_bytes() == (tmp_path / "captions/captions.jsonl").read_bytes()


def test_a_part_alone_can_be_taken(gaicd, tmp_path):
    assert convert_data_set(GAICD, gaicd, COCO, tmp_path / "coco", split="test").images == 1
    assert [image.name for image in COCO.read(tmp_path / "coco")] == ["b"]


def test_an_empty_folder_is_filled(gaicd, tmp_path):
    (tmp_path / "out").mkdir()
    convert_data_set(GAICD, gaicd, find_data_set("cpc"), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["image_crop.json", "images"]


def left(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("target", "said", "error"),
    [
        ("icdb", "Image 'a' has 1 boxes: ICDB has one of each of 3 annotators", DataError),
        ("fcdb-pairs", "gaicd holds rated crops, and fcdb-pairs pairs of crops: choose gaicd", RequestError),
        ("masks", "choose gaicd, fcdb, flms, icdb, cpc, sacd, coco", RequestError),
    ],
)
def test_what_a_layout_cannot_hold_leaves_nothing(gaicd, tmp_path, target, said, error):
    before = left(tmp_path)
    with pytest.raises(error, match=said):
        convert_data_set(GAICD, gaicd, find_data_set(target), tmp_path / "out")
    assert left(tmp_path) == before


def test_a_box_outside_its_picture_leaves_nothing(framed, tmp_path):
    image = framed("a", boxes=[[0, 0, 64, 48]])
    Image.new("RGB", (60, 48)).save(image.path)
    save_fcdb([image], tmp_path / "fcdb")
    with pytest.raises(DataError, match="1 box outside its picture"):
        convert_data_set(FCDB, tmp_path / "fcdb", COCO, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_there_is_not_touched(gaicd, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    for out in (tmp_path / "out", tmp_path / "out/mine.txt"):
        with pytest.raises(DataError, match="is there already: name a new folder"):
            convert_data_set(GAICD, gaicd, COCO, out)
    assert left(tmp_path / "out") == ["mine.txt"]
    with pytest.raises(DataError, match="cannot be written"):
        convert_data_set(GAICD, gaicd, COCO, tmp_path / "out/mine.txt/new")


def test_masks_are_not_written(source, tmp_path):
    copy = tmp_path / "copy"
    (copy / "masks").mkdir(parents=True)
    source.rename(copy / "images")
    for name in "abc":
        Image.new("L", (64, 48), 255).save(copy / f"masks/{name}.png")
    masks = find_data_set("masks")
    for target in (masks, COCO):
        with pytest.raises(RequestError, match="Masks are read and not written"):
            convert_data_set(masks, copy, target, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_gaicd_is_left_as_it_was(gaicd, tmp_path):
    before = {path: path.read_bytes() for path in gaicd.rglob("*.*")}
    convert_data_set(GAICD, gaicd, COCO, tmp_path / "coco")
    assert {path: path.read_bytes() for path in gaicd.rglob("*.*")} == before
    assert len(load_gaicd(gaicd)) == 2
