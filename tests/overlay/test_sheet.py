from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cadrage.geometry import Box
from cadrage.overlay import COLOURS, LabelledCrop, SheetRow, colours_of, contact_sheet, draw_boxes

GREY = (90, 90, 90)
CARD = (255, 255, 255)
PAPER = (245, 244, 241)


def pixels_of(picture: Image.Image, colour: tuple[int, int, int]) -> np.ndarray:
    """Where a colour is, shape (H, W), bool."""
    return (np.asarray(picture) == colour).all(axis=2)


def extent_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 of what a mask marks."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def row(
    crops: list[LabelledCrop], *, title: str = "photo.jpg", size_wh: tuple[int, int] = (600, 400)
) -> SheetRow:
    return SheetRow(title, Image.new("RGB", size_wh, GREY), size_wh, crops)


def crops_of(count: int, size_wh: tuple[int, int] = (600, 400)) -> list[LabelledCrop]:
    return [LabelledCrop(f"{n}:1", Box(0, 0, size_wh[0], size_wh[1] / (n + 1)), 3.5) for n in range(count)]


def sheet(rows: list[SheetRow]) -> Image.Image:
    return contact_sheet(rows, heading="Best crops", model="default 1.0")


class TestColours:
    def test_each_label_has_its_own_in_order_of_appearance(self):
        assert colours_of(["16:9", "1:1", "16:9"]) == {"16:9": COLOURS[0], "1:1": COLOURS[1]}

    def test_there_are_eight_and_then_they_repeat(self):
        assert len(set(COLOURS)) == 8
        assert colours_of(map(str, range(9)))["8"] == COLOURS[0]


class TestDrawBoxes:
    def test_outlines_the_box_where_it_lies_in_the_frame(self):
        picture = Image.new("RGB", (400, 300), GREY)
        crop = LabelledCrop("free", Box(1000, 600, 3000, 2400), 3.21)
        drawn = draw_boxes(picture, (4000, 3000), [crop])
        assert extent_of(pixels_of(drawn, COLOURS[0])) == (100, 60, 300, 240)

    def test_the_photograph_given_is_left_alone(self):
        picture = Image.new("RGB", (400, 300), GREY)
        draw_boxes(picture, (400, 300), [LabelledCrop("free", Box(0, 0, 400, 300), 3)])
        assert pixels_of(picture, GREY).all()

    def test_no_crops(self):
        picture = Image.new("RGB", (40, 30), GREY)
        assert pixels_of(draw_boxes(picture, (40, 30), []), GREY).all()

    def test_grey_photographs_get_coloured_outlines(self):
        drawn = draw_boxes(Image.new("L", (80, 60)), (80, 60), [LabelledCrop("1:1", Box(0, 0, 60, 60), 3)])
        assert pixels_of(drawn, COLOURS[0]).any()

    def test_equal_boxes_are_all_visible_on_every_side(self):
        crops = [LabelledCrop(str(n), Box(0, 0, 800, 600), 3) for n in range(8)]
        drawn = draw_boxes(Image.new("RGB", (800, 600), GREY), (800, 600), crops)
        across, down = np.asarray(drawn)[300], np.asarray(drawn)[:, 700]  # both clear of the tags
        for colour in COLOURS:
            for line in (across, down):
                where = np.flatnonzero((line == colour).all(axis=1))
                assert where.min() < len(line) / 2 < where.max()

    def test_tags_keep_clear_of_each_other(self):
        crops = [LabelledCrop(str(n), Box(100, 100, 700, 500), 3) for n in range(8)]
        drawn = draw_boxes(Image.new("RGB", (800, 600), GREY), (800, 600), crops)
        for colour in COLOURS:
            # Away from its sides an outline has 2 x 4 pixels in a column, with a whole tag 33 + 4.
            assert pixels_of(drawn, colour)[:, 140:660].sum(axis=0).max() >= 36

    def test_scores_are_written_on_request(self):
        def tagged(score: float, scores: bool) -> bytes:
            crop = LabelledCrop("1:1", Box(0, 0, 300, 300), score)
            return draw_boxes(Image.new("RGB", (400, 300)), (400, 300), [crop], scores=scores).tobytes()

        assert tagged(3.21, True) != tagged(3.22, True)
        assert tagged(3.21, False) == tagged(3.22, False)

    def test_the_caller_may_choose_colours(self):
        crop = LabelledCrop("face", Box(0, 0, 300, 300), 3)
        drawn = draw_boxes(Image.new("RGB", (400, 300)), (400, 300), [crop], colours={"face": (1, 200, 3)})
        assert pixels_of(drawn, (1, 200, 3)).any()

    @settings(max_examples=40, deadline=None)
    @given(
        st.tuples(st.integers(1, 300), st.integers(1, 300)),
        st.lists(st.tuples(*[st.floats(-0.1, 0.9)] * 2, *[st.floats(0.01, 1.2)] * 2), max_size=9),
    )
    def test_any_shape_with_any_boxes_can_be_drawn(self, size_wh, numbers):
        width, height = size_wh
        crops = [
            LabelledCrop(str(n), Box(x * width, y * height, (x + w) * width, (y + h) * height), 3)
            for n, (x, y, w, h) in enumerate(numbers)
        ]
        assert draw_boxes(Image.new("RGB", size_wh), size_wh, crops).size == size_wh


class TestContactSheet:
    def test_shows_each_crop_as_large_as_its_cell_allows(self):
        quarters = Image.new("RGB", (600, 400), GREY)
        quarters.paste((200, 10, 10), (0, 0, 300, 200))
        quarters.paste((10, 200, 10), (300, 200, 600, 400))
        crops = [
            LabelledCrop("a", Box(0, 0, 3000, 2000), 3.9),
            LabelledCrop("b", Box(3000, 2000, 6000, 4000), 3.1),
            LabelledCrop("c", Box(3000, 0, 6000, 2000), 2.1),
        ]
        made = sheet([SheetRow("x.jpg", quarters, (6000, 4000), crops)])
        # Photograph 560 wide and its margins end at 648; 3:2 in a cell of 240 x 168 is 240 x 160.
        beside = made.crop((640, 0, made.width, made.height))
        first, second = (extent_of(pixels_of(beside, colour)) for colour in [(200, 10, 10), (10, 200, 10)])
        assert (first[2] - first[0], first[3] - first[1]) == (240, 160)
        assert (second[2] - second[0], second[3] - second[1]) == (240, 160)
        assert second[0] == first[2] + 24
        assert second[1] == first[1]

    def test_captions_of_a_line_are_level_whatever_the_shapes(self):
        crops = [
            LabelledCrop("3:1", Box(0, 0, 600, 200), 3),
            LabelledCrop("1:3", Box(0, 0, 133, 400), 3),
            LabelledCrop("1:1", Box(0, 0, 400, 400), 3),
            LabelledCrop("free", Box(0, 0, 500, 400), 3),
        ]
        beside = sheet([row(crops)]).crop((640, 0, 1200, 620))
        lows = [extent_of(pixels_of(beside, colour))[3] for colour in COLOURS[:4]]
        assert lows[0] == lows[1] < lows[2] == lows[3]

    @pytest.mark.parametrize("count", range(1, 9))
    def test_one_to_eight_crops_leave_the_margins_free(self, count):
        made = sheet([row(crops_of(count), title="a-long-name-" * 30 + ".jpg"), row(crops_of(1))])
        assert pixels_of(made, PAPER)[:, :40].all()
        assert pixels_of(made, PAPER)[:, -40:].all()
        assert pixels_of(made, PAPER)[-40:].all()
        assert pixels_of(made, CARD)[110:-60, -62:-42].mean() > 0.9

    def test_colours_go_with_labels_throughout_the_sheet(self):
        first = row(
            [LabelledCrop("16:9", Box(0, 0, 600, 338), 3), LabelledCrop("1:1", Box(0, 0, 400, 400), 3)]
        )
        second = row([LabelledCrop("1:1", Box(0, 0, 400, 400), 3)])
        made = sheet([first, second])
        lower_half = made.crop((0, made.height // 2 + 60, *made.size))
        assert pixels_of(lower_half, COLOURS[1]).any()
        assert not pixels_of(lower_half, COLOURS[0]).any()

    def test_every_row_adds_its_height(self):
        one, three = (sheet([row(crops_of(4))] * count).height for count in (1, 3))
        assert (three - one) % 2 == 0
        assert 400 < (three - one) / 2 < 560

    @pytest.mark.parametrize("size_wh", [(1, 5000), (5000, 1), (1, 1), (300, 900), (900, 300)])
    def test_odd_shapes(self, size_wh):
        assert sheet([row(crops_of(8, size_wh), size_wh=size_wh)]).width < 2000

    def test_names_in_any_script_or_with_line_breaks(self):
        assert sheet([row(crops_of(2), title="été\n写真\t📷.jpg")]).height < 700

    def test_photograph_without_crops_and_sheet_without_photographs(self):
        assert pixels_of(sheet([row([])]), GREY).sum() > 560 * 370
        assert sheet([]).height < 200

    def test_is_the_same_every_time(self):
        rows = [row(crops_of(5))]
        assert sheet(rows).tobytes() == sheet(rows).tobytes()
