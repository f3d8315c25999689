"""Figures of a data set, worked out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cadrage.datasets.caption_crops import CaptionCrops
from cadrage.datasets.stats import data_set_stats, distribution
from cadrage.datasets.stats_plot import plot_stats
from cadrage.datasets.types import MaskedImage
from cadrage.errors import DataError, RequestError


def test_bins_hold_their_lower_edge_and_the_last_its_upper_one_too():
    found = distribution("score", np.array([1.0, 1.4, 1.8, 2.9, 3.0]), 0.4, start=1.0)
    assert found.edges == (1.0, 1.4, 1.8, 2.2, 2.6, 3.0)
    assert found.counts == (1, 1, 1, 0, 2)
    assert (found.values, found.smallest, found.median, found.largest) == (5, 1.0, 1.8, 3.0)
    assert found.mean == pytest.approx(2.02)


@pytest.mark.parametrize(
    ("values", "edges", "counts"),
    [
        ([0.7], (0.7, 0.8), (1,)),
        ([0.86, 5.0], (0.6, 1.0), (1, 1)),
        ([0.0, 100.0], (0.0, 3.2), (1, 1)),
    ],
)
def test_bins_cover_all_values_and_are_forty_at_most(values, edges, counts):
    width, start = (0.4, 1.0) if values[0] == 0.86 else (0.1, 0.0)
    found = distribution("x", np.array(values), width, start)
    assert found.edges[:2] == pytest.approx(edges)
    assert len(found.counts) <= 40
    assert sum(found.counts) == len(values)
    assert (found.counts[0], found.counts[-1]) == (counts[0], counts[-1])
    assert found.edges[0] <= values[0] <= values[-1] <= found.edges[-1]


@pytest.mark.parametrize(
    ("counts", "edges", "numbers"),
    [([1, 1], (0.5, 1.5), (2,)), ([89, 90, 90], (88.5, 89.5, 90.5), (1, 2))],
)
def test_numbers_of_crops_lie_in_the_middle_of_their_bins(framed, counts, edges, numbers):
    found = data_set_stats([framed("a", boxes=[[0, 0, 9, 9]] * count) for count in counts])
    assert (found.distributions["crops_per_image"].edges, found.distributions["crops_per_image"].counts) == (
        edges,
        numbers,
    )


def test_scores_by_area_and_grade(rated):
    # Areas: 64 x 40 of 64 x 48 is 0.83, 55.5 x 44 is 0.79.
    images = [rated("a", mos=(4.0, 1.0)), rated("b", mos=(2.5, math.nan)), rated("c", mos=(0.86, 5.0))]
    steps = []
    found = data_set_stats(images, lambda: steps.append(1))
    assert (found.kind, found.images, found.crops, len(steps)) == ("rated crops", 3, 5, 3)
    assert found.numbers["unrated"] == 1
    assert found.numbers["mos_by_area"] == {"0.8": pytest.approx((4 + 1 + 2.5 + 0.86 + 5) / 5)}
    assert found.numbers["share_by_grade"] == pytest.approx({"1-2": 0.4, "2-3": 0.2, "3-4": 0, "4-5": 0.4})
    assert found.numbers["images_with_4_or_more"] == 2
    assert found.numbers["best_of_image_mean"] == pytest.approx((4 + 2.5 + 5) / 3)
    assert found.numbers["within_image_deviation_mean"] == pytest.approx((1.5 + 0 + 2.07) / 3)
    assert (found.numbers["landscape"], found.numbers["portrait"], found.numbers["square"]) == (3, 0, 0)
    aspect = found.distributions["crop_aspect"]
    assert (aspect.smallest, aspect.largest) == pytest.approx((55.5 / 44, 1.6))
    area = found.distributions["crop_area"]
    assert (area.smallest, area.largest) == pytest.approx((55.5 * 44 / 3072, 40 / 48))
    assert found.distributions["frame_aspect"].mean == pytest.approx(4 / 3)
    assert found.distributions["crops_per_image"].mean == pytest.approx(5 / 3)


def test_scores_on_another_scale_have_no_grades(rated):
    found = data_set_stats([rated("a", mos=(-1.0, 9.0))])
    assert "share_by_grade" not in found.numbers
    assert found.distributions["mos"].mean == 4


def test_best_crops_agree_as_far_as_they_overlap(framed):
    images = [framed("a", boxes=[[0, 0, 20, 20], [0, 0, 20, 10], [0, 0, 10, 20]]), framed("b")]
    found = data_set_stats(images)
    # IoU 0.5, 0.5 and 100 / 300; the image of one crop says nothing.
    assert found.distributions["agreement"].values == 1
    assert found.distributions["agreement"].mean == pytest.approx((0.5 + 0.5 + 1 / 3) / 3)


def test_single_best_crops_have_no_agreement(framed):
    assert "agreement" not in data_set_stats([framed("a"), framed("b")]).distributions


def test_votes_are_counted(compared):
    tie = replace(compared("b"), votes=np.array([[2, 2], [0, 0]]))
    found = data_set_stats([compared("a"), tie])
    assert (found.crops, found.numbers["pairs"]) == (8, 4)
    assert (found.numbers["ties"], found.numbers["votes"]) == (2, 14)
    assert found.distributions["winner_share"].mean == pytest.approx((0.8 + 1 + 0.5) / 3)


def test_captions_have_ratios_areas_and_agreement(source):
    boxes = np.array([[0, 0, 32, 48], [0, 0, 64, 48]], dtype=float)
    found = data_set_stats([CaptionCrops("a.jpg", source / "a.jpg", (64, 48), "dog", boxes)])
    assert found.kind == "crops for captions"
    assert found.distributions["crop_area"].mean == pytest.approx(0.75)
    assert found.distributions["agreement"].mean == pytest.approx(0.5)


def test_masks_have_the_area_of_their_object(source, tmp_path):
    mask = np.zeros((48, 64), np.uint8)
    mask[:24, :32] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    found = data_set_stats([MaskedImage("a", source / "a.jpg", tmp_path / "mask.png")])
    assert (found.kind, found.crops) == ("masks", 0)
    assert found.distributions["object_area"].mean == 0.25


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_figures_are_drawn(rated, tmp_path, suffix):
    pytest.importorskip("matplotlib")
    file = tmp_path / f"plots/figures{suffix}"
    plot_stats(data_set_stats([rated("a"), rated("b")]), "Two $photographs", file)
    if suffix == ".png":
        with Image.open(file) as drawn:
            assert drawn.width > 800
            assert len(drawn.convert("RGB").getcolors(1 << 20)) > 10
    else:
        assert file.read_text().startswith("<?xml")


def test_a_plot_needs_a_name_of_a_picture_and_a_folder(rated, tmp_path):
    pytest.importorskip("matplotlib")
    found = data_set_stats([rated("a")])
    with pytest.raises(RequestError, match=r"must end in \.png, \.svg, \.pdf"):
        plot_stats(found, "", tmp_path / "figures.txt")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"figures\.png cannot be written"):
        plot_stats(found, "", tmp_path / "file/figures.png")
