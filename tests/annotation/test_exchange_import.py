"""Data sets in the layout of GAICD in, and out again: what is taken, what goes on, what is refused."""

import numpy as np
import pytest
from PIL import Image

from cadrage.annotation.exchange.gaicd import ExportRule, export_gaicd, import_gaicd
from cadrage.annotation.exchange.pictures import PictureSource
from cadrage.annotation.protocol import RatingProtocol, pages_of
from cadrage.annotation.store import create_project, crops_of, photographs
from cadrage.datasets.gaicd import load_gaicd, save_gaicd
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError

BOXES = np.array([[4, 2, 60, 46], [4, 2, 62, 46], [2, 4, 30, 40], [0, 0, 64, 20]], dtype=float)
MOS = np.array([3.57, 0.86, 4.0, np.nan])


@pytest.fixture
def data(tmp_path):
    """A data set of two parts, two images to train and one to test."""
    images = []
    for number, part in enumerate(("train", "train", "test")):
        source = tmp_path / f"p{number}.jpg"
        Image.new("RGB", (64, 48), (80 * number, 90, 90)).save(source)
        images.append(RatedImage(f"p{number}", source, BOXES, MOS, part))
    save_gaicd(images, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def store(tmp_path):
    project = tmp_path / "imported.cadrage"
    with create_project(project, "ratings", "Imported", RatingProtocol().to_dict()) as store:
        yield store


def take(store, data):
    return list(import_gaicd(store, load_gaicd(data, keep_unrated=True)))


def files_in(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_photographs_crops_and_mos_are_taken_in(store, data):
    take(store, data)
    assert [one.name for one in photographs(store)] == ["train/p0.jpg", "train/p1.jpg", "test/p2.jpg"]
    crops = crops_of(store, 1)
    assert [list(crop.box.as_tuple()) for crop in crops] == BOXES.tolist()
    assert [crop.ratable for crop in crops] == [True, True, True, False]
    assert [crop.imported_mos for crop in crops] == [3.57, 0.86, 4.0, None]


def test_the_pages_can_group_the_crops(store, data):
    take(store, data)
    boxes = [crop.box for crop in crops_of(store, 1) if crop.ratable]
    groups = {page.group for page in pages_of(boxes, RatingProtocol())}
    assert groups == {"4:3", "3:4"}


def test_exported_again_with_nothing_rated_it_is_the_same_data_set(store, data, tmp_path):
    take(store, data)
    source = PictureSource(store, data / "images")
    export_gaicd(store, tmp_path / "again", ExportRule(), source)
    (tmp_path / "again/export.json").unlink()
    assert files_in(tmp_path / "again") == files_in(data)
    for name in files_in(data):
        assert (tmp_path / "again" / name).read_bytes() == (data / name).read_bytes()


def test_an_import_that_was_stopped_goes_on(store, data):
    stopped = import_gaicd(store, load_gaicd(data, keep_unrated=True))
    next(stopped)
    stopped.close()
    with store.writing() as database:  # stopped between a photograph and its crops
        database.execute("DELETE FROM crop WHERE photograph = 1")
    assert [taken.is_new for taken in take(store, data)] == [False, True, True]
    assert [len(crops_of(store, one.id)) for one in photographs(store)] == [4, 4, 4]


def test_a_broken_photograph_is_told_and_the_others_are_taken_in(store, data):
    (data / "images/train/p0.jpg").write_text("no picture")
    taken = take(store, data)
    assert "p0.jpg" in taken[0].problem
    assert [one.name for one in photographs(store)] == ["train/p1.jpg", "test/p2.jpg"]


@pytest.mark.parametrize(
    ("boxes", "mos"), [(BOXES[:3], [3.57, 0.86, 4.0]), (BOXES, [3.5, 0.86, 4.0, np.nan])]
)
def test_other_labels_of_a_known_photograph_are_refused(store, data, boxes, mos):
    take(store, data)
    source = data / "images/train/p0.jpg"
    other = RatedImage("p0", source, boxes, np.array(mos), "train")
    with pytest.raises(DataError, match=r"is in .* already, with other crops"):
        list(import_gaicd(store, [other]))


def test_a_crop_outside_its_photograph_is_refused(store, data):
    label = data / "annotations/train/p0.txt"
    label.write_text("0 0 40 65 3.00\n")
    with pytest.raises(DataError, match=r"p0\.jpg has 64 x 48 pixels"):
        take(store, data)


def test_a_project_of_captions_takes_in_no_ratings(data, tmp_path):
    store = create_project(tmp_path / "c.cadrage", "captions", "Captions", {})
    with store, pytest.raises(DataError, match="not a project of rated crops"):
        take(store, data)
