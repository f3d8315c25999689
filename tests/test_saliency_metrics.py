"""Saliency metrics: values worked out by hand, and what cannot be measured."""

import numpy as np
import pytest

from cadrage.errors import DataError
from cadrage.saliency_metrics import at_size, f_curve, f_measure, s_measure, saliency_report

LEFT = np.repeat([[True, True, False, False]], 4, axis=0)
"""The left half of a picture of 4 x 4 pixels."""


def test_a_perfect_map_is_perfect():
    report = saliency_report([(LEFT.astype(np.float32), LEFT)] * 3)
    assert (report.images, report.mae, report.max_f, report.half_f, report.adaptive_f) == (3, 0, 1, 1, 1)
    assert report.s_measure == pytest.approx(1)
    # At the threshold 0 everything is salient: precision 1/2, recall 1.
    assert report.mean_f == pytest.approx((255 + 1.3 * 0.5 / (0.3 * 0.5 + 1)) / 256)


def test_an_inverse_map_is_as_bad_as_can_be():
    report = saliency_report([((~LEFT).astype(np.float32), LEFT)])
    assert (report.mae, report.half_f, report.adaptive_f, report.s_measure) == (1, 0, 0, 0)
    assert report.max_f == pytest.approx(1.3 * 0.5 / (0.3 * 0.5 + 1))  # at the threshold 0


def test_f_weighs_precision_over_recall():
    three_of_four = np.repeat([[True, True, True, False]], 4, axis=0)
    assert f_measure(three_of_four, LEFT) == pytest.approx(1.3 * (2 / 3) / (0.3 * 2 / 3 + 1))
    one = np.repeat([[True, False, False, False]], 4, axis=0)
    assert f_measure(one, LEFT) == pytest.approx(1.3 * 0.5 / (0.3 + 0.5))
    assert f_measure(np.zeros((4, 4), bool), LEFT) == 0


def test_the_curve_is_the_measure_at_every_threshold():
    rng = np.random.default_rng(0)
    likely, mask = rng.uniform(0, 1, (20, 30)), rng.uniform(0, 1, (20, 30)) > 0.6
    curve = f_curve(likely, mask)
    assert curve.shape == (256,)
    for level in (0, 1, 100, 254, 255):
        assert curve[level] == pytest.approx(f_measure(likely >= level / 255, mask))


def test_mae_and_thresholds_of_a_grey_map():
    report = saliency_report([(np.full((4, 4), 0.4, np.float32), LEFT)])
    assert report.mae == pytest.approx((0.6 + 0.4) / 2)
    assert report.half_f == 0
    assert report.adaptive_f == 0  # twice the mean is above every value


def test_figures_are_means_over_images():
    good, bad = (LEFT.astype(np.float32), LEFT), ((~LEFT).astype(np.float32), LEFT)
    one, two, both = saliency_report([good]), saliency_report([bad]), saliency_report([good, bad])
    for name in ("mae", "mean_f", "half_f", "adaptive_f", "s_measure"):
        assert getattr(both, name) == pytest.approx((getattr(one, name) + getattr(two, name)) / 2)
    assert both.max_f == pytest.approx(1.3 * 0.5 / 1.15)  # one threshold for all: 0


def test_a_map_is_brought_to_the_size_of_its_mask():
    coarse = np.array([[1, 0]], np.float32)
    wide = at_size(coarse, (8, 4))
    assert wide.shape == (4, 8)
    # Bilinear between cell centres, constant beyond them.
    np.testing.assert_allclose(wide[0], [1, 1, 0.875, 0.625, 0.375, 0.125, 0, 0])
    mask = np.repeat([[True] * 4 + [False] * 4], 4, axis=0)
    assert saliency_report([(coarse, mask)]).half_f == 1


def test_the_structure_measure_of_simple_maps():
    # Object and ground: 2x / (x^2 + 1) with x = 1/2. Regions: the first column, where both are even, is alike;
    # in the rest the mask varies and the map does not.
    expected = 0.5 * (2 * 0.5 / (0.25 + 1)) + 0.5 * (1 / 4)
    assert s_measure(np.full((4, 4), 0.5), LEFT) == pytest.approx(expected)
    everything = np.ones((4, 4), bool)
    assert s_measure(np.full((4, 4), 0.7), everything) == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([], "no image to evaluate"),
        ([(np.zeros((2, 2)), LEFT), (np.full((2, 2), np.nan), LEFT)], "Image 2: a saliency map is finite"),
        ([(np.zeros(4), LEFT)], "Image 1: a saliency map"),
        ([(np.zeros((2, 2)), ~LEFT & LEFT)], "Image 1: a mask .* not all false"),
        ([(np.zeros((2, 2)), LEFT.astype(np.uint8))], "Image 1: a mask"),
    ],
)
def test_what_cannot_be_measured_is_refused(pairs, said):
    with pytest.raises(DataError, match=said):
        saliency_report(pairs)
