"""COCO-style JSON: every kind of crops, there and back."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from cadrage.datasets.caption_crops import CaptionCrops
from cadrage.datasets.coco import load_coco, save_coco
from cadrage.datasets.types import FramedImage, RatedImage
from cadrage.errors import DataError


def labels(**changes):
    """Labels as another program writes them, with one image and one box."""
    return {
        "images": [{"id": 5, "file_name": "a.jpg", "width": 64, "height": 48}],
        "annotations": [{"id": 9, "image_id": 5, "category_id": 3, "bbox": [4, 2, 56, 44]}],
        "categories": [{"id": 3, "name": "thing"}],
    } | changes


def test_boxes_alone_are_best_crops(pictures, put):
    root = pictures("images", "a.jpg")
    put("annotations.json", labels())
    (image,) = load_coco(root)
    assert isinstance(image, FramedImage)
    assert (image.name, image.path, image.split) == ("a", root / "images/a.jpg", None)
    assert image.boxes_xyxy.tolist() == [[4, 2, 60, 46]]
    assert image.size_wh == (64, 48)


def test_every_kind_is_read_as_it_was_written(rated, framed, compared, same, tmp_path):
    kinds = {
        "rated": [rated("a", "train", (3.71, math.nan)), rated("b", "val")],
        "framed": [framed("a", boxes=[[0, 0, 9, 9], [1, 2, 3.5, 4]], annotators=("Ada", "Bén")), framed("b")],
        "compared": [compared("c"), compared("a")],
    }
    for kind, images in kinds.items():
        save_coco(images, tmp_path / kind)
        same(load_coco(tmp_path / kind), images)


def test_an_image_may_have_one_name_in_two_parts(rated, same, tmp_path):
    images = [rated("a", "train"), replace(rated("a", "test"), path=rated("b").path)]
    save_coco(images, tmp_path / "new")
    assert (tmp_path / "new/images/test/a.jpg").is_file()
    same(load_coco(tmp_path / "new"), images)


def test_captions_come_back_with_their_people(source, tmp_path):
    boxes = np.array([[0, 0, 9, 9], [4, 2, 60, 46]], dtype=float)
    captions = [
        CaptionCrops("a.jpg", source / "a.jpg", (64, 48), "a dog", boxes, ("Ada", "Ben")),
        CaptionCrops("a.jpg", source / "a.jpg", (64, 48), "a chair", boxes[:1]),
    ]
    save_coco(captions, tmp_path / "new")
    dog, chair = load_coco(tmp_path / "new")
    assert (dog.image, dog.caption, dog.raters) == ("a.jpg", "a dog", ("Ada", "Ben"))
    assert dog.boxes_xyxy.tolist() == boxes.tolist()
    assert (chair.caption, chair.raters, chair.size_wh) == ("a chair", None, (64, 48))


def test_what_is_written_is_coco(rated, tmp_path):
    save_coco([rated("a", "train", (3.71, math.nan))], tmp_path / "new")
    written = json.loads((tmp_path / "new/annotations.json").read_text())
    assert written["info"]["kind"] == "rated"
    assert written["images"] == [
        {"id": 1, "file_name": "train/a.jpg", "width": 64, "height": 48, "split": "train"}
    ]
    assert written["categories"] == [{"id": 1, "name": "crop", "supercategory": "composition"}]
    assert written["annotations"] == [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 64, 40], "area": 2560, "iscrowd": 0,
         "score": 3.71},
        {"id": 2, "image_id": 1, "category_id": 1, "bbox": [4.5, 2, 55.5, 44], "area": 2442, "iscrowd": 0,
         "score": None},
    ]  # fmt: skip


def test_scores_without_a_kind_make_rated_crops(pictures, put):
    root = pictures("images", "a.jpg")
    put("annotations.json", labels(annotations=[{"id": 1, "image_id": 5, "bbox": [0, 0, 9, 9], "score": 2}]))
    (image,) = load_coco(root)
    assert isinstance(image, RatedImage)
    assert image.mos.tolist() == [2]


IMAGE = {"id": 5, "file_name": "a.jpg", "width": 64, "height": 48}
CROP = {"id": 9, "image_id": 5, "bbox": [4, 2, 56, 44]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"images": 3}, 'has no list "images"'),
        ({"images": [IMAGE, IMAGE]}, "line 2, entry 2: the image id 5 is there twice"),
        (
            {"images": [IMAGE, IMAGE | {"id": 6, "file_name": "b.jpg"}]},
            r"1 image of .* has no annotation: b\.jpg\. 1 of the 2 pictures",
        ),
        ({"images": [IMAGE | {"file_name": "../a.jpg"}]}, "is no name of a picture file"),
        ({"images": [IMAGE | {"width": 0}]}, '"width" must be a whole number from 1'),
        ({"images": [IMAGE | {"file_name": "b.jpg"}]}, r"None of the 1 pictures .*: b\.jpg"),
        ({"annotations": []}, "holds no annotation"),
        ({"annotations": [CROP | {"image_id": 7}]}, "there is no image of the id 7"),
        ({"annotations": [CROP | {"bbox": [0, 0, 9]}]}, '"bbox" must be four numbers'),
        ({"annotations": [CROP | {"bbox": [0, 0, 9, 0]}]}, "has no area or is outside"),
        ({"annotations": [CROP | {"bbox": [0, 0, 66, 9]}]}, "outside its picture of 64 x 48 pixels"),
        ({"annotations": [CROP | {"score": "2"}]}, '"score" must be a number, or null'),
        ({"annotations": [CROP | {"votes": 1, "pair": 1}]}, "the pair 1 has 1 crops of 2"),
        ({"info": {"kind": "odd"}}, "is of the kind '\"odd\"'"),
    ],
)
def test_malformed_labels_are_refused(pictures, put, changes, said):
    root = pictures("images", "a.jpg")
    put("annotations.json", json.dumps(labels(**changes)).replace("[{", "[\n{"))
    with pytest.raises(DataError, match=said):
        load_coco(root)


def test_a_spare_picture_is_named_and_a_missing_one_may_be_allowed(pictures, put):
    root = pictures("images", "a.jpg", "more/x.jpg")
    put("annotations.json", labels())
    with pytest.raises(DataError, match=r"1 picture in .* has no label in .*: more/x\.jpg"):
        load_coco(root)
    (root / "images/more/x.jpg").unlink()
    two = labels(images=[IMAGE, IMAGE | {"id": 6, "file_name": "b.jpg"}])
    put("annotations.json", two | {"annotations": [CROP, CROP | {"image_id": 6}]})
    assert [image.name for image in load_coco(root, allow_missing=True)] == ["a"]


def test_boxes_outside_are_found_in_every_image(pictures, put):
    root = pictures("images", "a.jpg", "b.jpg")
    file = root / "annotations.json"
    two = labels(images=[IMAGE, IMAGE | {"id": 6, "file_name": "b.jpg"}])
    boxes = [[-30, 0, 40, 9], [0, 0, 99, 9]]
    crops = [CROP | {"bbox": boxes[0]}, CROP | {"bbox": boxes[1]}, CROP | {"image_id": 6, "bbox": boxes[0]}]
    put("annotations.json", json.dumps(two | {"annotations": crops}))
    with pytest.raises(DataError) as refused:
        load_coco(root)
    outside = "has no area or is outside its picture of 64 x 48 pixels"
    assert str(refused.value) == (
        "2 labels that cannot be used: "
        f"{file}, line 1, entry 1: the box '[-30, 0, 40, 9]', and 1 more of its image, {outside}; "
        f"{file}, line 1, entry 3: the box '[-30, 0, 40, 9]' {outside}."
    )


@pytest.mark.parametrize("corners", [(4.3, 0.1, 60.9, 1.2), (0.1 + 0.2, 1 / 3, 33.333333333333336, 40)])
def test_corners_come_back_as_they_were(framed, tmp_path, corners):
    save_coco([framed("a", boxes=[corners])], tmp_path / "new")
    (image,) = load_coco(tmp_path / "new")
    assert image.boxes_xyxy.tolist() == [list(corners)]


def test_kinds_are_not_mixed(rated, framed, tmp_path):
    with pytest.raises(DataError, match="One kind of image"):
        save_coco([rated("a"), framed("b")], tmp_path / "new")
    assert not (tmp_path / "new").exists()
