"""Captions with the crops that people drew: what is read, what is written, what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from cadrage.datasets.caption_crops import CaptionCrops, load_caption_crops, save_caption_crops
from cadrage.datasets.faults import DamagedCopy
from cadrage.errors import DataError

DOG = {
    "image": "dog.jpg",
    "width": 64,
    "height": 48,
    "caption": "a dog",
    "boxes": [[4, 2, 60, 46], [0, 0, 32.5, 48]],
    "raters": ["Ada", "Bén"],
}


@pytest.fixture
def put(tmp_path):
    """Writes lines of a data set with the picture dog.jpg; a dictionary becomes JSON."""
    (tmp_path / "images").mkdir()
    Image.new("RGB", (64, 48), "grey").save(tmp_path / "images/dog.jpg")

    def write(*lines):
        text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        (tmp_path / "captions.jsonl").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def crops(path, **changes):
    values = {
        "image": "dog.jpg",
        "path": path,
        "size_wh": (64, 48),
        "caption": "a dog",
        "boxes_xyxy": np.array(DOG["boxes"]),
        "raters": ("Ada", "Bén"),
    }
    return CaptionCrops(**{**values, **changes})


def test_a_line_is_a_photograph_a_caption_and_its_crops(put):
    root = put(DOG, "", {**DOG, "caption": "its ears", "boxes": [], "raters": None, "licence": "CC0"})
    dog, ears = load_caption_crops(root)
    assert (dog.image, dog.path, dog.size_wh) == ("dog.jpg", root / "images/dog.jpg", (64, 48))
    assert (dog.caption, dog.raters) == ("a dog", ("Ada", "Bén"))
    assert dog.boxes_xyxy.tolist() == [[4, 2, 60, 46], [0, 0, 32.5, 48]]
    assert ears.boxes_xyxy.shape == (0, 4)
    assert ears.raters is None


def test_what_is_written_is_read_back(put, tmp_path):
    root = put(DOG, {**DOG, "caption": "two\u2028lines", "raters": None})
    save_caption_crops(load_caption_crops(root), tmp_path / "copy")
    assert (tmp_path / "copy/images/dog.jpg").read_bytes() == (root / "images/dog.jpg").read_bytes()
    first, second = (tmp_path / "copy/captions.jsonl").read_text(encoding="utf-8").split("\n")[:2]
    assert json.loads(first) == DOG
    assert "raters" not in json.loads(second)
    again = load_caption_crops(tmp_path / "copy")
    assert [one.caption for one in again] == ["a dog", "two\u2028lines"]


def test_a_data_set_can_be_written_onto_itself(put):
    root = put(DOG)
    save_caption_crops(load_caption_crops(root), root)
    assert len(load_caption_crops(root)) == 1


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "this is no JSON"),
        ("[1]", "expected a JSON object"),
        ({**DOG, "image": 3}, '"image" must be a text'),
        ({**DOG, "image": "../dog.jpg"}, "'../dog.jpg' is no name of a picture file"),
        ({**DOG, "caption": " "}, '"caption" must be a text'),
        ({**DOG, "width": 64.5}, '"width" must be a whole number'),
        ({**DOG, "height": True}, '"height" must be a whole number'),
        ({**DOG, "boxes": [[1, 2, 3]]}, '"boxes" must be a list of boxes'),
        ({**DOG, "boxes": [[1, 2, 3, "4"]]}, '"boxes" must be a list of boxes'),
        (json.dumps({**DOG, "boxes": [[1, 2, 3, float("nan")]]}), '"boxes" must be a list of boxes'),
        ({**DOG, "boxes": [[1, 2, 3, 10**400]]}, '"boxes" must be a list of boxes'),
        ({**DOG, "boxes": [[4, 2, 4, 46]] * 2}, "boxes without area or outside the picture"),
        ({**DOG, "boxes": [[4, 2, 66, 46]] * 2}, "boxes without area or outside the picture of 64 x 48"),
        ({**DOG, "raters": ["Ada"]}, "has 2 boxes and 1 raters"),
        ({**DOG, "raters": "Ada"}, '"raters" must be a list'),
        ({**DOG, "caption": "other", "width": 65}, "had another size in a line before"),
        (DOG, "the same image and caption as in line 1"),
    ],
)
def test_a_malformed_line_is_named(put, line, sentence):
    with pytest.raises(DataError, match=rf"captions\.jsonl, line 3: .*{sentence}"):
        load_caption_crops(put(DOG, "", line))


def test_missing_and_spare_pictures_are_counted_and_three_are_named(put):
    root = put(DOG, *({**DOG, "image": f"cat{number}.jpg"} for number in range(4)))
    for name in ("x", "y"):
        Image.new("RGB", (64, 48)).save(root / f"images/{name}.jpg")
    with pytest.raises(DamagedCopy) as refused:
        load_caption_crops(root)
    file, images = root / "captions.jsonl", root / "images"
    assert [str(problem) for problem in refused.value.problems] == [
        f"4 of the 5 pictures that {file} names are not in {images} (cadrage data and bench leave out labels of "
        "pictures that are gone with --allow-missing): cat0.jpg; cat1.jpg; cat2.jpg; ....",
        f"2 pictures in {images} have no label in {file}: x.jpg; y.jpg.",
    ]
    assert [one.image for one in refused.value.images] == ["dog.jpg"]
    for name in ("x", "y"):
        (root / f"images/{name}.jpg").unlink()
    assert [one.image for one in load_caption_crops(root, allow_missing=True)] == ["dog.jpg"]


def test_malformed_lines_do_not_hide_each_other(put):
    root = put("{", {**DOG, "boxes": 3}, DOG)
    with pytest.raises(DamagedCopy) as refused:
        load_caption_crops(root)
    assert str(refused.value) == (
        f"2 labels that cannot be used: {root / 'captions.jsonl'}, line 1: this is no JSON; "
        f'{root / "captions.jsonl"}, line 2: "boxes" must be a list of boxes of four numbers x1, y1, x2, y2.'
    )


def test_a_box_may_go_over_the_edge_by_a_pixel_and_is_cut_there(put):
    (dog,) = load_caption_crops(put({**DOG, "boxes": [[-1, 2, 65, 49]], "raters": None}))
    assert dog.boxes_xyxy.tolist() == [[0, 2, 64, 48]]


def test_a_missing_empty_or_garbled_file_is_one_sentence(put, tmp_path):
    with pytest.raises(DataError, match=r"captions\.jsonl cannot be read: No such file"):
        load_caption_crops(tmp_path)
    with pytest.raises(DataError, match="holds no caption"):
        load_caption_crops(put(""))
    (tmp_path / "captions.jsonl").write_bytes(b"\xff")
    with pytest.raises(DataError, match="no text in UTF-8"):
        load_caption_crops(tmp_path)


@pytest.mark.parametrize(
    ("pictures", "sentence"),
    [
        ([], "There is no caption to write"),
        ([("a/dog.jpg", "dog.jpg")], "is no name of a picture file"),
        ([("dog.txt", "dog.jpg")], "is no name of a picture file"),
        ([("dog.jpg", "dog.jpg"), ("dog.jpg", "other.jpg")], r"Two pictures are called 'dog\.jpg'"),
        ([("dog.jpg", "missing.jpg")], "cannot be written to .*: No such file"),
    ],
)
def test_what_cannot_be_written_is_one_sentence(put, tmp_path, pictures, sentence):
    images = put(DOG) / "images"
    with pytest.raises(DataError, match=sentence):
        save_caption_crops([crops(images / file, image=name) for name, file in pictures], tmp_path / "out")


def test_shapes_must_fit(tmp_path):
    with pytest.raises(DataError, match=r"boxes of shape \(K, 4\)"):
        crops(tmp_path / "dog.jpg", boxes_xyxy=np.zeros(4))
