"""Pictures and images of the types that data sets yield, for copies made in a test."""

import json

import numpy as np
import pytest
from PIL import Image

from cadrage.datasets.types import ComparedImage, FramedImage, RatedImage

SIZE_WH = (64, 48)


@pytest.fixture
def pictures(tmp_path):
    """Saves grey pictures of 64 x 48 pixels in a folder of the copy."""

    def save(folder, *names):
        for name in names:
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", SIZE_WH, "grey").save(path)
        return tmp_path

    return save


@pytest.fixture
def put(tmp_path):
    """Writes a label file of the copy: text, or a value as JSON."""

    def write(name, content):
        text = content if isinstance(content, str) else json.dumps(content, indent=1)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def source(tmp_path):
    """A folder of pictures a.jpg, b.jpg and c.jpg to write data sets from."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name in "abc":
        Image.new("RGB", SIZE_WH, "grey").save(folder / f"{name}.jpg")
    return folder


@pytest.fixture
def rated(source):
    """A rated image of two crops, one of them not rated where ``mos`` has NaN."""

    def make(name="a", split=None, mos=(3.5, 2.0)):
        boxes = np.array([[0, 0, 64, 40], [4.5, 2, 60, 46]])[: len(mos)]
        return RatedImage(name, source / f"{name}.jpg", boxes, np.array(mos), split)

    return make


@pytest.fixture
def framed(source):
    """An image of best crops."""

    def make(name="a", split=None, boxes=((4, 2, 60, 46),), annotators=()):
        return FramedImage(
            name, source / f"{name}.jpg", np.array(boxes, dtype=float), split, annotators=annotators
        )

    return make


@pytest.fixture
def compared(source):
    """An image of two pairs of crops."""

    def make(name="a"):
        first = np.array([[0, 0, 32, 48], [4, 2, 60, 46]], dtype=float)
        second = np.array([[32, 0, 64, 48], [0, 0, 64, 40.5]], dtype=float)
        return ComparedImage(name, source / f"{name}.jpg", first, second, np.array([[4, 1], [0, 5]]))

    return make


@pytest.fixture
def same():
    """Whether images are equal in all but where their pictures lie."""

    def compare(ones, others):
        def values(image):
            arrays = {"boxes_xyxy", "mos", "first_xyxy", "second_xyxy", "votes"}
            found = {
                name: getattr(image, name) for name in ("name", "split", "annotators") if hasattr(image, name)
            }
            return found | {name: getattr(image, name) for name in arrays if hasattr(image, name)}

        ones, others = list(ones), list(others)
        assert [type(one) for one in ones] == [type(other) for other in others]
        for one, other in zip(ones, others, strict=True):
            np.testing.assert_equal(values(one), values(other))
            assert one.path.read_bytes() == other.path.read_bytes()

    return compare
