"""Requests in, ranked crops out."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cadrage import AspectRatio, Box, Cropper, CropRequest, ImageError, RequestError, WeightsError
from cadrage.candidates import grid_anchors, largest_box
from cadrage.result import RESULT_SCHEMA

RATIOS = ("free", "original", "16:9", "1:1", "4:5", "1.91", "banner")


@pytest.fixture(scope="module")
def cropper(tiny_entry) -> Cropper:
    """A cropper that likes brightness; see ``tiny_entry``."""
    return Cropper(tiny_entry, threads=1)


def lamp(width: int, height: int, spot: tuple[int, int, int, int]) -> np.ndarray:
    """A black photograph with a white rectangle."""
    pixels = np.zeros((height, width, 3), np.uint8)
    x1, y1, x2, y2 = spot
    pixels[y1:y2, x1:x2] = 255
    return pixels


# --- requests


def test_a_request_keeps_its_ratios_in_order_parsed_and_once():
    request = CropRequest(("Free", "16:9", "square", AspectRatio(1, 1), "16/9", "original"))
    assert request.ratios == ("free", AspectRatio(16, 9), AspectRatio(1, 1), "original")


@pytest.mark.parametrize("ratios", [1.5, [1.5], ["1.5"], (1.5, "1.5")])
def test_a_number_is_width_over_height(ratios):
    assert CropRequest(ratios).ratios == (AspectRatio(1.5, 1),)


def test_what_is_no_request_no_model_and_no_limit_is_refused_in_a_sentence(cropper):
    photo = lamp(480, 360, (300, 200, 480, 360))
    with pytest.raises(RequestError, match="A request is a CropRequest"):
        cropper.crop(photo, request={"top": 2})
    with pytest.raises(RequestError, match="rows of four numbers"):
        cropper.score(photo, None)
    with pytest.raises(WeightsError, match="A model is a name or the path of a folder, not 5"):
        Cropper(5)
    with pytest.raises(RequestError, match="threads must be from 1 to 1024, not '2'"):
        Cropper(threads="2")
    for limit in ("x", 0, -5):
        with pytest.raises(RequestError, match="The limit of pixels must be a whole number above 0"):
            Cropper(pixel_limit=limit)


def test_a_request_asks_for_one_free_crop_by_default():
    assert CropRequest() == CropRequest(("free",), top=1, max_overlap=0.8)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"ratios": ()}, "At least one ratio"),
        ({"ratios": ("wide",)}, "'wide' is not an aspect ratio"),
        ({"ratios": ("0:3",)}, "0:3 cannot be used"),
        ({"ratios": (True,)}, "A ratio is text such as '16:9', or width over height as a number, not True"),
        ({"ratios": None}, "A ratio is text such as '16:9', or width over height as a number, not None"),
        ({"ratios": (float("inf"),)}, "as a number, not inf"),
        ({"ratios": float("nan")}, "as a number, not nan"),
        ({"ratios": 0}, "0:1 cannot be used"),
        ({"ratios": [-1.5]}, "-1.5:1 cannot be used"),
        ({"top": 0}, "from 1 to 1000, not 0"),
        ({"top": 10**9}, "from 1 to 1000, not 1000000000"),
        ({"top": 1.5}, "from 1 to 1000, not 1.5"),
        ({"max_overlap": -0.1}, "from 0 to 1, not -0.1"),
        ({"max_overlap": float("nan")}, "from 0 to 1, not nan"),
    ],
)
def test_a_wrong_request_is_refused(values, said):
    with pytest.raises(RequestError, match=said):
        CropRequest(**values)


# --- crops


def test_the_best_free_crop_is_the_grid_anchor_of_the_best_score(cropper):
    photo = lamp(480, 360, (300, 200, 480, 360))
    anchors = grid_anchors((480, 360), corners="rounded")
    scores = cropper.score(photo, anchors)
    best = cropper.crop(photo).best
    assert best.box.as_tuple() == tuple(anchors[np.argmax(scores)])
    assert best.score == scores.max()
    assert (best.ratio, best.rank) == ("free", 1)


def test_a_fixed_ratio_goes_where_the_score_is(cropper):
    left, right = (cropper.crop(lamp(640, 360, spot), "1:1").best for spot in LEFT_AND_RIGHT)
    assert left.box.x1 == 0
    assert right.box.x2 == 640
    assert left.box.width == left.box.height


LEFT_AND_RIGHT = ((0, 0, 320, 360), (320, 0, 640, 360))


def test_each_ratio_is_answered_in_the_order_of_the_request(cropper):
    result = cropper.crop(lamp(640, 360, (0, 0, 320, 360)), ["1:1", "free", "2:3"], top=2)
    assert [group.ratio for group in result.groups] == ["1:1", "free", "2:3"]
    assert [(crop.ratio, crop.rank) for crop in result.crops] == [
        ("1:1", 1), ("1:1", 2), ("free", 1), ("free", 2), ("2:3", 1), ("2:3", 2),
    ]  # fmt: skip
    assert result.best == result.groups[0].crops[0]


def test_asking_for_more_does_not_change_the_answer(cropper):
    photo = lamp(640, 360, (100, 50, 400, 300))
    together = cropper.crop(photo, RATIOS, top=3)
    for group in together.groups:
        alone = cropper.crop(photo, group.ratio, top=3)
        assert alone.groups == (group,)
        assert cropper.crop(photo, group.ratio).best == group.crops[0]


def test_the_margin_is_over_the_largest_crop_of_the_ratio(cropper):
    photo = lamp(640, 360, (0, 0, 320, 360))
    for group in cropper.crop(photo, ("16:9", "1:1"), top=3).groups:
        assert group.baseline == largest_box((640, 360), AspectRatio.parse(group.ratio))
        assert cropper.score(photo, [group.baseline]) == [group.baseline_score]
        for crop in group.crops:
            assert crop.margin == pytest.approx(crop.score - group.baseline_score, abs=1e-9)


@pytest.mark.parametrize("ratio", RATIOS)
def test_on_one_colour_the_first_candidate_wins_with_no_margin(cropper, ratio):
    best = cropper.crop(np.full((360, 500, 3), 128, np.uint8), ratio).best
    assert best.margin == 0
    if ratio == "16:9":
        assert best.box == largest_box((500, 360), AspectRatio(16, 9))


@pytest.mark.parametrize("size_wh", [(600, 400), (640, 427)])
def test_original_is_the_ratio_of_the_frame(cropper, size_wh):
    width, height = size_wh
    crops = cropper.crop(lamp(width, height, (0, 0, 100, height)), "original", top=3).crops
    assert len(crops) == 3
    for crop in crops:
        assert crop.box.width * height == pytest.approx(crop.box.height * width, rel=0.005)
        assert crop.ratio == "original"


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.sampled_from(RATIOS),
    st.integers(0, 2**32 - 1),
)
def test_any_picture_gets_crops_of_whole_pixels_within_it(cropper, size_wh, ratio, seed):
    width, height = size_wh
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    crops = cropper.crop(pixels, ratio, top=3).crops
    assert [crop.rank for crop in crops] == list(range(1, len(crops) + 1))
    assert crops[0].margin >= 0 or ratio == "free"
    for crop in crops:
        x1, y1, x2, y2 = crop.box.as_tuple()
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        assert crop.box.rounded() == crop.box.as_tuple()


@pytest.mark.parametrize("size_wh", [(1, 1), (1, 5000), (5000, 1), (2, 2), (3, 7000)])
@pytest.mark.parametrize("ratio", RATIOS)
def test_an_odd_shape_is_no_error(cropper, size_wh, ratio):
    picture = Image.new("RGB", size_wh, "white")
    box = cropper.crop(picture, ratio).best.box
    assert box.area >= 1
    assert box.x2 <= size_wh[0]
    assert box.y2 <= size_wh[1]


def test_a_frame_too_elongated_for_a_ratio_is_its_own_original(cropper):
    assert cropper.crop(Image.new("RGB", (1, 5000)), "original").best.box == Box(0, 0, 1, 5000)


# --- results


def test_a_result_names_photograph_frame_model_and_version(cropper, tmp_path):
    file = tmp_path / "photo.png"
    Image.new("RGB", (90, 60)).save(file)
    result = cropper.crop(file)
    assert result.source == str(file)
    assert result.size_wh == (90, 60)
    assert (result.model, result.version) == ("tiny", "7.1")


def test_a_result_as_json(cropper):
    # The raster of this frame is the frame, and white begins at the border of two cells.
    result = cropper.crop(lamp(128, 64, (64, 0, 128, 64)), "1:1")
    assert json.loads(json.dumps(result.to_dict())) == {
        "schema": RESULT_SCHEMA,
        "source": "The picture",
        "size": [128, 64],
        "model": "tiny",
        "version": "7.1",
        "focus": None,
        "faces": [],
        "ratios": [
            {
                "ratio": "1:1",
                "baseline": {"box": [32, 0, 96, 64], "score": 3.0},
                "crops": [
                    {
                        "rank": 1,
                        "box": [64, 0, 128, 64],
                        "score": 5.0,
                        "margin": 2.0,
                        "adjusted": 5.0,
                        "subject": None,
                        "broken": [],
                    }
                ],
            }
        ],
    }


def test_orientation_is_honoured(cropper, tmp_path):
    stored = Image.fromarray(lamp(640, 360, (0, 0, 320, 360)))
    exif = Image.Exif()
    exif[0x0112] = 6  # the stored left is the upright top
    stored.save(tmp_path / "turned.jpg", exif=exif)
    result = cropper.crop(tmp_path / "turned.jpg", "1:1")
    assert result.size_wh == (360, 640)
    assert result.best.box.y1 == 0


def test_threads_share_a_cropper(cropper):
    photos = [lamp(300 + 20 * i, 200, (10 * i, 0, 150 + 10 * i, 200)) for i in range(16)]
    serial = [cropper.crop(photo, RATIOS) for photo in photos]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda photo: cropper.crop(photo, RATIOS), photos)) == serial


# --- errors


def test_a_photograph_beyond_the_pixel_limit_is_refused(tiny_entry):
    small = Cropper(tiny_entry, pixel_limit=100)
    with pytest.raises(ImageError, match="11 x 10"):
        small.crop(np.zeros((10, 11, 3), np.uint8))


def test_a_wrong_request_is_refused_before_the_photograph_is_opened(cropper):
    with pytest.raises(RequestError, match="wide"):
        cropper.crop("no-such-file.jpg", "wide")


def test_an_unknown_model_is_refused():
    with pytest.raises(WeightsError, match="no-such-model"):
        Cropper("no-such-model")


def test_scores_of_boxes_outside_the_frame_are_refused(cropper):
    with pytest.raises(RequestError, match="outside the frame of 20x10"):
        cropper.score(np.zeros((10, 20, 3), np.uint8), [(0, 0, 21, 10)])


@pytest.mark.parametrize(
    "values", [{"ratios": b"16:9"}, {"ratios": None}, {"top": True}, {"top": 2.0}, {"max_overlap": "x"}]
)
def test_a_request_of_the_wrong_type_is_refused_like_any_other(values):
    with pytest.raises(RequestError):
        CropRequest(**values)
