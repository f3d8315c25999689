"""Bootstrap intervals over images and paired tests, on numbers that can be worked out by hand."""

import math
import time

import numpy as np
import pytest

from cadrage.bench.intervals import compare, estimate, holm
from cadrage.errors import DataError, RequestError


def one(values, **options):
    return estimate({"m": np.array(values, dtype=float)}, **options)["m"]


def test_the_mean_leaves_undefined_images_out():
    found = one([1, math.nan, 3])
    assert (found.mean, found.images) == (2, 2)
    assert 1 <= found.low < found.high <= 3


def test_equal_numbers_have_no_spread():
    found = one([0.5] * 10)
    assert (found.mean, found.low, found.high) == (0.5, 0.5, 0.5)


def test_a_metric_that_is_defined_nowhere_has_no_mean():
    found = one([math.nan, math.nan])
    assert found.images == 0
    assert all(math.isnan(value) for value in (found.mean, found.low, found.high))


def test_weights_pool_what_images_count():
    """Image 1 has 3 pairs and all right, image 2 has one pair and it is wrong: 3 of 4 pairs are right."""
    found = estimate({"m": np.array([1.0, 0.0])}, {"m": np.array([3.0, 1.0])})["m"]
    assert found.mean == 0.75
    assert (found.low, found.high) == (0, 1)


def test_the_interval_is_as_wide_as_theory_says():
    values = np.random.default_rng(4).normal(2, 3, 400)
    found = one(values, samples=8000)
    half = 1.96 * values.std() / math.sqrt(400)
    assert found.low == pytest.approx(values.mean() - half, abs=0.02)
    assert found.high == pytest.approx(values.mean() + half, abs=0.02)


def test_the_same_seed_gives_the_same_interval_whatever_other_metrics_there_are():
    values = np.random.default_rng(1).normal(size=50)
    alone = one(values, seed=3)
    assert estimate({"a": values[::-1].copy(), "m": values}, seed=3)["m"] == alone
    assert one(values, seed=4) != alone


def test_the_paired_test_is_exact_for_few_images():
    """Of the 8 sign flips of (1, 2, 3) only +++ and --- have a sum as far from 0 as 6."""
    found = compare(np.array([2.0, 3.0, 4.0]), np.array([1.0, 1.0, 1.0]))
    assert (found.mean, found.p, found.images) == (2, 0.25, 3)


def test_a_method_does_not_differ_from_itself():
    values = np.arange(30.0)
    found = compare(values, values)
    assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_a_clear_difference_on_many_images_is_found_and_a_chance_one_is_not():
    rng = np.random.default_rng(0)
    base = rng.normal(size=200)
    better = base + 0.1 + rng.normal(0, 0.1, 200)
    assert compare(better, base).p == pytest.approx(1 / 10_001)
    assert compare(base + rng.normal(0, 0.1, 200), base).p > 0.05


def test_only_images_that_both_define_are_compared():
    found = compare(np.array([1.0, math.nan, 5.0]), np.array([0.0, 9.0, math.nan]))
    assert (found.mean, found.images) == (1, 1)
    none = compare(np.array([math.nan]), np.array([1.0]))
    assert math.isnan(none.p)


def test_holm_multiplies_by_how_many_are_left_and_never_falls():
    assert holm([0.01, 0.04, 0.03]) == [0.03, 0.06, 0.06]
    assert holm([0.9, math.nan, 0.8])[0] == 1
    assert math.isnan(holm([0.9, math.nan])[1])
    assert holm([]) == []


def test_what_cannot_be_estimated_is_refused():
    with pytest.raises(DataError, match="one number for each image"):
        one([])
    with pytest.raises(DataError, match="got 2 and 1"):
        compare(np.zeros(2), np.zeros(1))
    with pytest.raises(RequestError, match="at least one sample"):
        one([1], samples=0)
    with pytest.raises(RequestError, match="confidence between 0 and 1"):
        one([1], confidence=1)


def test_forty_metrics_of_a_thousand_images_take_a_moment():
    columns = {str(number): np.random.default_rng(number).normal(size=1000) for number in range(40)}
    start = time.process_time()
    estimate(columns)
    assert time.process_time() - start < 3
