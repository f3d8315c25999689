"""Projects of captions out: the boxes that people drew, in the layout of the caption-guided part."""

import pytest
from PIL import Image

from cadrage.annotation.exchange.captions import export_captions
from cadrage.annotation.exchange.pictures import PictureSource
from cadrage.annotation.store import create_project, enter, exclude, take_in
from cadrage.annotation.store.boxes import CaptionProtocol, captions, draw, take_captions
from cadrage.datasets.caption_crops import load_caption_crops
from cadrage.errors import DataError
from cadrage.geometry import Box

TEXTS = {"dogs/rex.png": ["a dog", "its ears"], "cat.png": ["a cat"], "bird.png": ["a bird"]}


@pytest.fixture
def store(tmp_path):
    """Ada drew for both captions of Rex, Ben for one; nobody for the cat, and for the bird who does not count."""
    files = []
    for name in TEXTS:
        path = tmp_path / "photographs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2880, 1440), "grey").save(path)
        files.append((name, path))
    project = tmp_path / "photographs/captions.cadrage"
    with create_project(project, "captions", "Pets", CaptionProtocol().to_dict()) as store:
        list(take_in(store, files))
        take_captions(store, TEXTS)
        dog, ears, _, bird = (caption.id for caption in captions(store))
        ada, ben, cy = (enter(store, name).id for name in ("Ada", "Ben", "Cy"))
        draw(store, ada, dog, Box(100, 200, 1100, 1200), 4000)
        draw(store, ben, dog, Box(150, 200, 1100, 1200), 3000)
        draw(store, ada, ears, Box(100, 200, 500, 400), 5000)
        draw(store, cy, bird, Box(0, 0, 2880, 1440), 10)
        exclude(store, "Cy", "always the whole frame")
        yield store


def export(store, target, kind="original", **options):
    return export_captions(store, target, PictureSource(store, store.path.parent, kind), **options)


def test_captions_with_boxes_are_read_back(store, tmp_path):
    report = export(store, tmp_path / "out")
    dog, ears = load_caption_crops(tmp_path / "out")
    assert (dog.image, dog.caption, dog.size_wh) == ("dogs_rex.png", "a dog", (2880, 1440))
    assert dog.boxes_xyxy.tolist() == [[100, 200, 1100, 1200], [150, 200, 1100, 1200]]
    assert (dog.raters, ears.raters) == (("Ada", "Ben"), ("Ada",))
    assert dog.path.read_bytes() == (tmp_path / "photographs/dogs/rex.png").read_bytes()
    assert (report.photographs, report.captions, report.boxes, report.captions_left_out) == (1, 2, 3, 2)
    assert (report.raters, report.excluded_raters) == (2, 1)


def test_boxes_are_scaled_to_the_pictures_shown_and_names_can_be_numbers(store, tmp_path):
    export(store, tmp_path / "out", "shown", anonymous=True)
    dog = load_caption_crops(tmp_path / "out")[0]
    assert (dog.image, dog.size_wh, dog.raters) == ("dogs_rex.jpg", (1440, 720), ("1", "2"))
    assert dog.boxes_xyxy.tolist() == [[50, 100, 550, 600], [75, 100, 550, 600]]


def test_without_a_box_that_counts_there_is_nothing_to_export(store, tmp_path):
    for name in ("Ada", "Ben"):
        exclude(store, name, "no")
    with pytest.raises(DataError, match="Nobody has drawn a box"):
        export(store, tmp_path / "out")
    assert not (tmp_path / "out").exists()
