"""``CaptionCropper`` on drawn photographs: requests, frame pixels, ranks, bounds, and what the result says."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from speaker import Speaker

from cadrage.captions.boxes import BoxSpace
from cadrage.captions.cropper import CaptionCropper, CaptionRequest, parse_ratio, use_threads
from cadrage.captions.objective import CaptionLoss
from cadrage.captions.results import bounds_of, settled
from cadrage.captions.search.descent import SearchConfig
from cadrage.errors import ImageError, RequestError
from cadrage.geometry import AspectRatio, iou_matrix

SEARCH = SearchConfig(steps=9, restarts=4, candidates=24, halvings=1, aggregate="best")


class Dark:
    """Judges that like what is dark: the mean of the crops, negated."""

    size_wh = (4, 4)

    def look(self, picture, ratio=None):
        assert picture.shape[0] == 3
        return self

    def judge(self, crops, boxes_xyxy):
        return -crops.mean(dim=(1, 2, 3))


@pytest.fixture(scope="module")
def cropper():
    return CaptionCropper(Speaker().float(), None)


@pytest.fixture(scope="module")
def photo():
    """300 x 200, grey: red at the top right, green at the bottom left."""
    pixels = np.full((200, 300, 3), 100, np.uint8)
    pixels[20:100, 190:280] = (230, 10, 10)
    pixels[120:190, 10:90] = (10, 220, 20)
    return pixels


@pytest.fixture(scope="module")
def result(cropper, photo):
    return cropper.crop(photo, "The RED ball", CaptionRequest(top=3, search=SEARCH))


def test_two_captions_of_one_photograph_give_their_crops(cropper, photo):
    red, green = cropper.crops(photo, ["red", "green"], CaptionRequest(search=SEARCH))
    assert (red.caption, green.caption) == ("red", "green")
    assert red.best.box.x1 > 150
    assert green.best.box.x2 < 200
    assert green.best.box.y1 + green.best.box.y2 > 200


def test_boxes_are_whole_pixels_of_the_frame_whatever_size_is_searched(cropper, photo):
    large = Image.fromarray(photo).resize((900, 600))
    small = cropper.crop(large, "red", CaptionRequest(search=SEARCH, most_pixels_side=300)).best.box
    assert all(isinstance(edge, int) for edge in small.as_tuple())
    assert 450 < small.x1 < small.x2 <= 900
    assert small.y2 <= 600


def test_further_crops_differ_and_losses_only_rise(result):
    assert 1 <= len(result.crops) <= 3
    losses = [crop.loss for crop in result.crops]
    assert losses == sorted(losses)
    boxes = np.array([crop.box.as_tuple() for crop in result.crops], dtype=np.float64)
    overlaps = iou_matrix(boxes, boxes)[~np.eye(len(boxes), dtype=bool)]
    assert (overlaps <= 0.82).all()


def test_words_of_the_caption_are_named_in_order_before_and_after(result):
    assert [one.word for one in result.words] == ["red", "ball"]
    red = result.words[0]
    assert 0 < red.before < red.after < 1


def test_the_trajectory_is_in_frame_pixels_and_holds_every_run(result):
    assert len(result.runs) == 4
    for run in result.runs:
        assert run.boxes.shape[1:] == (4,)
        assert (run.boxes <= torch.tensor([300.0, 200, 300, 200]) + 1e-3).all()


def test_json_is_plain_and_the_same_each_time(cropper, photo, result):
    again = cropper.crop(photo, "The RED ball", CaptionRequest(top=3, search=SEARCH))
    assert json.dumps(again.to_dict()) == json.dumps(result.to_dict())
    record = json.loads(json.dumps(result.to_dict()))
    assert (record["size"], record["ratio"], record["in_time"]) == ([300, 200], "free", True)
    assert record["crops"][0]["rank"] == 1


@pytest.mark.parametrize(
    ("text", "width", "height"),
    [("1:1", 1, 1), ("9:16", 9, 16), ("original", 3, 2)],
    ids=["square", "tall", "original"],
)
@pytest.mark.parametrize("side", [512, 97])
def test_a_ratio_is_kept_exactly_whatever_size_is_searched(cropper, photo, text, width, height, side):
    request = CaptionRequest(ratio=parse_ratio(text), search=SEARCH, most_pixels_side=side, top=3)
    result = cropper.crop(photo, "red", request)
    assert result.ratio == text
    for box in (result.baseline, *(crop.box for crop in result.crops)):
        assert box.width * height == box.height * width


def test_a_ratio_is_of_the_photographs_pixels_and_not_of_a_reduced_lines(cropper):
    request = CaptionRequest(ratio=AspectRatio(16, 9), search=SEARCH)
    result = cropper.crop(np.full((3, 4000, 3), 90, np.uint8), "red", request)
    assert (result.best.box.width, result.best.box.height) in {(4, 2), (5, 3)}
    assert (result.baseline.width, result.baseline.height) == (5, 3)
    odd = cropper.crop(np.full((2, 4000, 3), 90, np.uint8), "red", replace(request, ratio="original"))
    assert odd.baseline.as_tuple() == (0, 0, 4000, 2)


def test_what_is_pleasing_moves_the_crop_and_weight_nought_does_not_ask(photo):
    guided = CaptionCropper(Speaker().float(), Dark())
    alone, barely, both = (
        guided.crop(photo, "red", CaptionRequest(weight_aesthetic=weight, search=SEARCH)).best
        for weight in (0, 1e-6, 100)
    )
    assert alone.aesthetic_loss == 0
    assert alone.loss == alone.caption_loss
    assert both.loss == pytest.approx(both.caption_loss + 100 * both.aesthetic_loss, rel=1e-5)
    assert both.aesthetic_loss < barely.aesthetic_loss


@pytest.mark.parametrize(
    "loss", [CaptionLoss(kind="likelihood"), CaptionLoss(words="forced")], ids=["nll", "forced"]
)
def test_other_losses_run(cropper, photo, loss):
    result = cropper.crop(photo, "red ball", CaptionRequest(loss=loss, search=SEARCH))
    assert result.best.caption_loss <= result.runs[0].terms[0, 0].item() + 1e-6


def test_reached_bounds_are_named():
    space = BoxSpace.of((100, 100), None)
    boxes = {"largest": [0.0, 0, 100, 99.9], "smallest": [5.0, 5, 25, 25.1]}
    for name, box in boxes.items():
        assert bounds_of(torch.tensor(box), space) == (name,)
    assert bounds_of(torch.tensor([0.0, 0, 50, 50]), space) == ()


def test_a_box_that_all_but_touches_a_border_lies_on_it():
    one = AspectRatio(1, 1)
    free, square = BoxSpace.of((200, 100), None), BoxSpace.of((200, 100), one)
    assert settled(torch.tensor([0.6, 20, 199.5, 80]), free, (2000, 1000)).as_tuple() == (0, 200, 2000, 800)
    moved = settled(torch.tensor([149.5, 0.2, 199.5, 50.2]), square, (2000, 1000), one)
    assert moved.as_tuple() == (1500, 0, 2000, 500)


def test_what_reaches_from_border_to_border_is_the_largest_of_its_ratio():
    square = BoxSpace((512, 341), (341.333, 341.0))
    whole = settled(torch.tensor([90.0, 0.3, 430.6, 340.6]), square, (6000, 4000), AspectRatio(1, 1))
    assert whole.as_tuple() == (1050, 0, 5050, 4000)


def test_a_tiny_and_a_long_frame_get_an_answer(cropper):
    for shape in ((1, 1, 3), (2, 900, 3)):
        box = cropper.crop(np.full(shape, 90, np.uint8), "red", CaptionRequest(search=SEARCH)).best.box
        assert box.x2 <= shape[1]
        assert box.y2 <= shape[0]


def test_the_time_limit_is_told(cropper, photo):
    result = cropper.crop(photo, "red", CaptionRequest(time_limit_s=1e-9, search=SEARCH))
    assert not result.in_time
    assert result.best.loss <= result.runs[0].terms[0, 0].item() + 1e-6


def test_bad_input_is_one_sentence(cropper, photo):
    for captions, message in (
        ([], "at least one caption"),
        (["red", ""], "holds no words"),
        (["rad"], r"does not know 'rad' \(spelt alike: red\)"),
        (["red " * 10_000], "10,000 characters"),
    ):
        with pytest.raises(RequestError, match=message):
            cropper.crops(photo, captions)
    with pytest.raises(ImageError, match="does not exist"):
        cropper.crop("none.jpg", "red")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"top": 0}, "At least one crop"),
        ({"max_overlap": 2}, "from 0 to 1"),
        ({"weight_aesthetic": -1}, "0 or more"),
        ({"time_limit_s": 0}, "more than 0 seconds"),
        ({"most_pixels_side": 2}, "16 pixels or more"),
    ],
)
def test_impossible_requests_are_refused(settings, message):
    with pytest.raises(RequestError, match=message):
        CaptionRequest(**settings)


@pytest.mark.parametrize("count", [0, 1025, 100_000])
def test_threads_that_no_system_starts_are_refused(count):
    before = torch.get_num_threads()
    with pytest.raises(RequestError, match=f"from 1 to 1024, not {count}"):
        use_threads(count)
    assert torch.get_num_threads() == before
