"""ICC, alpha, correlations and deviations: published examples, other libraries, and components that are known."""

import numpy as np
import pytest
from nltk.metrics.agreement import AnnotationTask
from nltk.metrics.distance import binary_distance, interval_distance
from scipy import stats

from cadrage.annotation.quality.agreement import (
    agreement_bounds,
    deviations,
    icc,
    krippendorff_alpha,
    mean_opinion_scores,
)
from cadrage.annotation.quality.correlation import (
    grouped_pcc,
    grouped_srcc,
    pair_counts,
    quadratic_kappa,
    srcc_of_counts,
)
from cadrage.annotation.quality.distributions import DEVIATION_BIN, deviation_histogram, mos_histogram
from cadrage.metrics import pcc, srcc

NO = np.nan

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)
"""Shrout & Fleiss 1979, table 2: six targets, four judges."""

KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NO, NO, NO],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NO, 3],
        [NO, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NO],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NO],
    ]
).T
"""Krippendorff 2011: twelve units, four observers, with missing values."""


@pytest.fixture
def random():
    return np.random.default_rng(7)


def some_grades(random, crops=40, raters=5, missing=0.3):
    quality = random.normal(3, 1, crops)[:, None]
    grades = np.clip(np.rint(quality + random.normal(0, 0.7, (crops, raters))), 1, 5)
    grades[random.random(grades.shape) < missing] = np.nan
    return grades


class TestIcc:
    def test_the_published_example(self):
        found = icc(SHROUT_FLEISS)
        assert round(found.single, 2) == 0.29
        assert round(found.average, 2) == 0.62
        assert (found.k, found.crops, found.complete_crops, found.raters) == (4, 6, 6, 4)

    def test_complete_grades_give_the_analysis_of_variance(self, random):
        grades = some_grades(random, crops=25, raters=4, missing=0)
        crops, raters = grades.shape
        mean = grades.mean()
        by_crop, by_rater = grades.mean(axis=1), grades.mean(axis=0)
        bms = raters * ((by_crop - mean) ** 2).sum() / (crops - 1)
        jms = crops * ((by_rater - mean) ** 2).sum() / (raters - 1)
        rest = grades - by_crop[:, None] - by_rater + mean
        ems = (rest**2).sum() / ((crops - 1) * (raters - 1))
        found = icc(grades)
        assert found.single == pytest.approx(
            (bms - ems) / (bms + (raters - 1) * ems + raters * (jms - ems) / crops)
        )
        assert found.average == pytest.approx((bms - ems) / (bms + (jms - ems) / crops))

    def test_known_variance_components_are_found_where_most_grades_are_missing(self, random):
        crops, raters = 4000, 60
        grades = (
            random.normal(0, 0.8, crops)[:, None]
            + random.normal(0, 0.3, raters)
            + random.normal(0, 0.6, (crops, raters))
        )
        grades[random.random(grades.shape) < 0.88] = np.nan
        found = icc(grades)
        assert found.complete_crops == 0
        assert found.single == pytest.approx(0.64 / (0.64 + 0.09 + 0.36), abs=0.03)
        assert found.average == pytest.approx(0.64 / (0.64 + (0.09 + 0.36) / found.k), abs=0.03)

    def test_k_is_the_harmonic_mean_of_grades_per_crop(self):
        grades = np.array([[1, 2, 3, 2], [4, 5, NO, NO], [2, 3, NO, NO], [NO, NO, NO, NO]])
        found = icc(grades)
        assert found.k == pytest.approx(3 / (1 / 4 + 1 / 2 + 1 / 2))
        assert (found.crops, found.complete_crops) == (3, 1)

    @pytest.mark.parametrize(
        "grades",
        [
            np.zeros((0, 0)),
            np.full((3, 2), NO),
            [[3.0, 4.0]],
            [[1.0], [4.0]],
            [[3.0, 3], [3, 3]],
            [[2, NO], [NO, 4]],
        ],
        ids=["nothing", "no grade", "one crop", "one rater", "equal", "no crop shared"],
    )
    def test_it_is_undefined_without_anything_to_compare(self, grades):
        found = icc(np.array(grades, float))
        assert np.isnan([found.single, found.average]).all()


class TestKrippendorff:
    @pytest.mark.parametrize(
        ("level", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
    )
    def test_the_published_example(self, level, value):
        assert round(krippendorff_alpha(KRIPPENDORFF, level), 3) == value

    @pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
    def test_it_equals_that_of_nltk(self, random, level):
        grades = some_grades(random)
        paired = grades[(~np.isnan(grades)).sum(axis=1) > 1]
        values, counts = np.unique(paired[~np.isnan(paired)], return_counts=True)
        rank = dict(zip(values, np.cumsum(counts) - counts / 2, strict=True))
        distance = {
            "nominal": binary_distance,
            "interval": interval_distance,
            "ordinal": lambda first, second: (rank[first] - rank[second]) ** 2,
        }[level]
        data = [(rater, crop, paired[crop, rater]) for crop, rater in np.argwhere(~np.isnan(paired))]
        assert krippendorff_alpha(grades, level) == pytest.approx(AnnotationTask(data, distance).alpha())

    def test_full_agreement_is_one_and_chance_is_about_zero(self, random):
        assert krippendorff_alpha(np.repeat([[1.0], [3], [5]], 4, axis=1)) == 1
        assert abs(krippendorff_alpha(random.integers(1, 6, (3000, 4)).astype(float))) < 0.03

    @pytest.mark.parametrize("grades", [np.zeros((0, 0)), [[3, NO], [NO, 4]], [[3, 3], [3, 3]]])
    def test_it_is_undefined_without_pairs_or_differences(self, grades):
        assert np.isnan(krippendorff_alpha(np.array(grades, float)))


class TestBounds:
    def test_they_hold_the_values_and_follow_the_seed(self, random):
        grades = some_grades(random, crops=200)
        photograph_of = np.repeat(np.arange(20), 10)
        bounds = agreement_bounds(grades, photograph_of, samples=300, seed=1)
        assert bounds == agreement_bounds(grades, photograph_of, samples=300, seed=1)
        assert bounds != agreement_bounds(grades, photograph_of, samples=300, seed=2)
        assert bounds.photographs == 20
        for bound, value in (
            (bounds.single, icc(grades).single),
            (bounds.average, icc(grades).average),
            (bounds.alpha, krippendorff_alpha(grades)),
        ):
            assert bound.low < value < bound.high

    def test_a_resample_is_measured_like_grades(self, random):
        """Of two equal photographs every resample is those two again."""
        grades = np.tile(some_grades(random, crops=15), (2, 1))
        bounds = agreement_bounds(grades, np.repeat([0, 1], 15), samples=20)
        assert (bounds.single.low, bounds.single.high) == pytest.approx((icc(grades).single,) * 2)
        assert (bounds.alpha.low, bounds.alpha.high) == pytest.approx((krippendorff_alpha(grades),) * 2)

    def test_one_photograph_has_none(self, random):
        bounds = agreement_bounds(some_grades(random), np.zeros(40, int))
        assert np.isnan([bounds.single.low, bounds.average.high, bounds.alpha.low]).all()


class TestDistributions:
    def test_mos_and_deviation_leave_out_what_is_missing(self):
        grades = np.array([[1, 2, NO], [3, 3, 3], [4, NO, NO], [NO, NO, NO]])
        np.testing.assert_allclose(mean_opinion_scores(grades), [1.5, 3, 4, NO])
        np.testing.assert_allclose(deviations(grades), [0.5, 0, NO, NO])
        np.testing.assert_allclose(deviations(grades, ddof=1), [np.sqrt(0.5), 0, NO, NO])

    def test_the_bins_of_the_mos(self):
        histogram = mos_histogram(np.array([1, 1.4, 2.6, 18 / 7, 4.6, 5, NO]))
        assert histogram.edges == (1, 1.4, 1.8, 2.2, 2.6, 3, 3.4, 3.8, 4.2, 4.6, 5)
        assert histogram.counts == (1, 1, 0, 1, 1, 0, 0, 0, 0, 2)
        assert (histogram.values, sum(histogram.shares)) == (6, pytest.approx(1))

    def test_released_scores_below_one_have_bins_of_their_own(self):
        histogram = mos_histogram(np.array([0.86, 3]))
        assert (histogram.edges[:2], histogram.counts[0]) == ((0.6, 1), 1)

    def test_the_bins_of_the_deviation_are_those_that_the_paper_prints(self):
        histogram = deviation_histogram(np.array([0, 0.36, 1]))
        assert [round(edge, 2) for edge in histogram.edges] == [
            0, 0.18, 0.35, 0.53, 0.70, 0.88, 1.06, 1.23, 1.41, 1.59, 1.76,
        ]  # fmt: skip
        assert [count for count in histogram.counts if count] == [1, 1, 1]

    def test_two_raters_as_far_apart_as_can_be_have_a_bin(self):
        assert deviation_histogram(deviations(np.array([[1.0, 5]]))).counts[-1] == 1
        assert deviation_histogram(deviations(np.array([[1.0, 5]]), ddof=1)).edges[-1] == pytest.approx(
            17 * DEVIATION_BIN
        )

    def test_without_values_there_is_nothing_to_average(self):
        histogram = mos_histogram(np.array([NO]))
        assert (histogram.values, sum(histogram.counts), sum(histogram.shares)) == (0, 0, 0)
        assert np.isnan(histogram.mean)


class TestCorrelation:
    def test_groups_are_correlated_as_one_by_one(self, random):
        groups = random.integers(0, 6, 80)
        first, second = random.integers(1, 4, 80) / 3, random.integers(1, 6, 80).astype(float)
        for grouped, single in ((grouped_srcc, srcc), (grouped_pcc, pcc)):
            alone = [single(first[groups == group], second[groups == group]) for group in range(6)]
            np.testing.assert_allclose(grouped(first, second, groups, 6), alone)

    def test_equal_grades_say_nothing_and_equal_references_ask_nothing(self):
        groups = np.array([0, 0, 1, 1, 3])
        reference, values = np.array([1.0, 2, 0.1 + 0.2, 0.3, 1]), np.array([3.0, 3, 1, 2, 5])
        np.testing.assert_array_equal(grouped_pcc(reference, values, groups, 4), [0, NO, NO, NO])

    def test_pairs_of_raters_equal_scipy(self, random):
        grades = some_grades(random, crops=60, raters=3)
        counts = pair_counts(grades)
        for first, second in ((0, 1), (1, 2), (2, 0)):
            both = ~np.isnan(grades[:, [first, second]]).any(axis=1)
            expected = stats.spearmanr(grades[both, first], grades[both, second]).statistic
            assert counts[first, second].sum() == both.sum()
            assert srcc_of_counts(counts)[first, second] == pytest.approx(expected)

    def test_kappa_equals_that_of_nltk(self, random):
        grades = some_grades(random, crops=50, raters=2, missing=0)
        data = [(rater, crop, grades[crop, rater]) for crop in range(50) for rater in range(2)]
        task = AnnotationTask(data, interval_distance)
        assert quadratic_kappa(pair_counts(grades)[0, 1]) == pytest.approx(task.weighted_kappa())

    def test_kappa_of_one_grade_is_undefined(self):
        assert np.isnan(quadratic_kappa(pair_counts(np.array([[3.0, 3], [3, 3]]))[0, 1]))
