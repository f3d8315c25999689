import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cadrage.errors import DataError, RequestError
from cadrage.metrics import (
    acc,
    acc_w,
    average_ranks,
    image_scores,
    pcc,
    ranking_report,
    reference_displacement,
    reference_iou,
    regret,
    srcc,
)

# Twelve crops with ties across both borders. By MOS the positions are 0..11 in file order; the fifth best
# has MOS 3, which crops 3 to 6 share; the tenth has MOS 2, which crops 7 to 10 share.
MOS = [5.0, 4.0, 4.0, 3.0, 3.0, 3.0, 3.0, 2.0, 2.0, 2.0, 2.0, 1.0]
# Returned in this order: crop 6, crop 5, crop 10, crop 0, then the rest.
PREDICTIONS = [0.6, 0.1, 0.1, 0.1, 0.1, 0.8, 0.9, 0.1, 0.1, 0.1, 0.7, 0.1]

few_levels = st.lists(st.sampled_from([1.0, 1.5, 2.0, 2.5, 3.0]), min_size=10, max_size=30)
score = st.floats(-100, 100)


@st.composite
def rated(draw):
    mos = draw(few_levels)
    predictions = draw(st.lists(st.integers(0, 12).map(float), min_size=len(mos), max_size=len(mos)))
    return mos, predictions


class TestAcc:
    @pytest.mark.parametrize(
        ("n", "tie_rule", "expected"),
        [
            # Credit: MOS >= 3 accepts crops 6, 5 and 0; MOS >= 2 accepts all four.
            (5, "credit", (1, 1, 2 / 3, 3 / 4)),
            (10, "credit", (1, 1, 1, 1)),
            # Strict: positions 0 to 4, or 0 to 9; crop 10 is in position 10.
            (5, "strict", (0, 0, 0, 1 / 4)),
            (10, "strict", (1, 1, 2 / 3, 3 / 4)),
        ],
    )
    def test_ties_with_the_last_accepted_crop_count_unless_strict(self, n, tie_rule, expected):
        assert tuple(acc(MOS, PREDICTIONS, k, n, tie_rule) for k in (1, 2, 3, 4)) == pytest.approx(expected)

    def test_equal_predictions_return_the_first_crop_of_the_file(self):
        assert acc([1, 5, 1, 1, 1, 1], [0.5] * 6, k=1, n=1) == 0
        assert acc([5, 1, 1, 1, 1, 1], [0.5] * 6, k=1, n=1) == 1

    def test_an_image_with_fewer_crops_returns_and_accepts_them_all(self):
        assert acc([3, 2], [0, 1], k=4, n=5) == 1
        assert acc_w([3, 2], [0, 1], k=4, n=5) == 1


class TestWeightedAcc:
    @pytest.mark.parametrize(
        ("n", "expected"),
        [
            # Positions of the returned crops from 0: 6; 5, 6; 5, 6, 10; 0, 5, 6, 10. Those below n weigh
            # exp(-(position - place) / n), place from 0 among the returned.
            (5, (0, 0, 0, 1 / 4)),
            (
                10,
                (
                    math.exp(-0.6),
                    (math.exp(-0.5) + math.exp(-0.5)) / 2,
                    (math.exp(-0.5) + math.exp(-0.5)) / 3,
                    (1 + math.exp(-0.4) + math.exp(-0.4)) / 4,
                ),
            ),
        ],
    )
    def test_a_hit_weighs_less_the_lower_its_rank_and_border_ties_get_nothing(self, n, expected):
        assert tuple(acc_w(MOS, PREDICTIONS, k, n) for k in (1, 2, 3, 4)) == pytest.approx(expected)

    def test_beta_sets_how_fast_the_weight_falls(self):
        assert acc_w(MOS, PREDICTIONS, k=1, n=10, beta=2.0) == pytest.approx(math.exp(-1.2))
        assert acc_w(MOS, PREDICTIONS, k=1, n=10, beta=0.0) == 1.0

    @given(rated(), st.integers(1, 4), st.sampled_from([5, 10]))
    def test_both_equal_the_official_evaluation_loop(self, image, k, n):
        mos, predictions = image
        returned = [index for index, _ in sorted(enumerate(predictions), key=lambda item: -item[1])][:k]
        by_mos = [index for index, _ in sorted(enumerate(mos), key=lambda item: -item[1])]
        hits = sum(mos[index] >= mos[by_mos[n - 1]] for index in returned)
        ranks = sorted(by_mos.index(index) for index in returned)
        weighted = sum(math.exp(-(rank - j) / n) for j, rank in enumerate(ranks) if rank <= n - 1)
        assert acc(mos, predictions, k, n) == pytest.approx(hits / k)
        assert acc_w(mos, predictions, k, n) == pytest.approx(weighted / k)

    @given(rated(), st.integers(1, 4), st.sampled_from([5, 10]))
    def test_weighted_is_at_most_strict_is_at_most_credited(self, image, k, n):
        strict = acc(*image, k, n, "strict")
        assert acc_w(*image, k, n) <= strict + 1e-12
        assert strict <= acc(*image, k, n, "credit")


class TestCorrelations:
    def test_equal_values_share_the_mean_of_their_ranks(self):
        assert average_ranks(np.array([3.0, 1.0, 3.0, 2.0, 3.0])).tolist() == [4.0, 1.0, 4.0, 2.0, 4.0]

    @given(rated())
    def test_they_equal_scipy_with_many_ties(self, image):
        mos, predictions = image
        if len(set(mos)) > 1 and len(set(predictions)) > 1:
            assert srcc(mos, predictions) == pytest.approx(stats.spearmanr(mos, predictions)[0], abs=1e-12)
            assert pcc(mos, predictions) == pytest.approx(stats.pearsonr(mos, predictions)[0], abs=1e-12)

    @given(st.lists(score, min_size=2, max_size=40))
    def test_a_ranking_correlates_fully_with_itself_and_inversely_with_its_reverse(self, values):
        if np.ptp(values) > 0:
            reverse = [-value for value in values]
            assert srcc(values, values) == pytest.approx(1)
            assert srcc(values, reverse) == pytest.approx(-1)
            assert pcc(values, reverse) == pytest.approx(-1)

    def test_constant_predictions_correlate_zero(self):
        assert srcc([1, 2, 3], [7, 7, 7]) == 0
        assert pcc([1, 2, 3], [7, 7, 7]) == 0

    def test_scores_as_large_as_numbers_get_correlate(self):
        assert pcc([1, 2, 3], [-1e308, 0, 1e308]) == pytest.approx(1)
        assert pcc([1, 2, 3], [1e308, 1e308, 1e308]) == 0

    def test_constant_mos_leave_the_correlation_undefined(self):
        assert math.isnan(srcc([2, 2, 2], [1, 2, 3]))
        assert math.isnan(pcc([2, 2, 2], [2, 2, 2]))


def test_regret_is_what_the_first_crop_lacks_to_the_best():
    assert regret(MOS, PREDICTIONS) == 2.0
    assert regret(MOS, MOS) == 0.0


@pytest.mark.parametrize("metric", [srcc, pcc, regret, lambda mos, predictions: acc(mos, predictions, 1, 5)])
@pytest.mark.parametrize(
    ("mos", "predictions", "message"),
    [
        ([], [], "without rated crops"),
        ([1, 2], [1, 2, 3], "One prediction for each rated crop"),
        ([[1, 2]], [[1, 2]], "One prediction for each rated crop"),
        ([1, 2], ["high", "low"], "lists of numbers"),
        ([1, math.nan], [1, 2], "The MOS of crop 1 is nan"),
        ([1, 2], [math.inf, 2], "The prediction of crop 0 is inf"),
    ],
)
def test_malformed_arrays_are_refused(metric, mos, predictions, message):
    with pytest.raises(DataError, match=message):
        metric(mos, predictions)


@pytest.mark.parametrize(
    ("k", "n", "tie_rule", "message"),
    [(0, 5, "credit", "at least 1"), (1, 0, "credit", "at least 1"), (1, 5, "maybe", "'credit' or 'strict'")],
)
def test_a_malformed_rule_is_refused(k, n, tie_rule, message):
    with pytest.raises(RequestError, match=message):
        acc([1, 2], [1, 2], k, n, tie_rule)


class TestRankingReport:
    # The worked example, a perfect image, and one that tells nothing about correlation.
    PAIRS = ((MOS, PREDICTIONS), (MOS, MOS), ([3.0] * 12, PREDICTIONS))

    def test_it_averages_over_images_with_accuracies_in_percent(self):
        report = ranking_report(self.PAIRS)
        assert (report.images, report.tie_rule, report.without_correlation) == (3, "credit", 1)
        assert report.srcc == pytest.approx((srcc(MOS, PREDICTIONS) + 1) / 2)
        assert report.pcc == pytest.approx((pcc(MOS, PREDICTIONS) + 1) / 2)
        assert report.acc5 == pytest.approx((100, 100, 100 * (2 / 3 + 2) / 3, 100 * (3 / 4 + 2) / 3))
        assert report.acc10 == pytest.approx((100, 100, 100, 100))
        # Constant MOS: positions are file order, and crops 6, 5, 10, 0 are returned; only crop 0 is in the first 5.
        assert report.acc5_w == pytest.approx((100 / 3, 100 / 3, 100 / 3, 100 * (1 / 4 + 1 + 1 / 4) / 3))
        assert report.regret == pytest.approx(2 / 3)

    def test_the_strict_rule_is_named_in_the_report(self):
        report = ranking_report(self.PAIRS, tie_rule="strict")
        assert report.tie_rule == report.to_dict()["tie_rule"] == "strict"
        assert report.acc5[0] == pytest.approx(100 / 3)

    def test_means_are_over_k(self):
        report = ranking_report(self.PAIRS)
        assert report.means["acc5"] == pytest.approx(sum(report.acc5) / 4)
        assert report.to_dict()["acc10_w_mean"] == pytest.approx(sum(report.acc10_w) / 4)

    def test_it_can_be_written_as_strict_json(self):
        report = ranking_report([([2.0, 2.0], [0.1, 0.2])])
        plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
        assert plain["srcc"] is None
        assert plain["acc5"] == [100.0, 100.0, 100.0, 100.0]
        assert plain["without_correlation"] == 1

    def test_scores_of_every_image_are_kept_for_bootstraps(self):
        scores = image_scores(self.PAIRS)
        assert scores.acc.shape == scores.acc_w.shape == (3, 4, 2)
        assert scores.acc[0, :, 0] == pytest.approx([1, 1, 2 / 3, 3 / 4])
        assert scores.regret.tolist() == [2.0, 0.0, 0.0]
        assert scores.report() == ranking_report(self.PAIRS)

    def test_a_malformed_image_is_named_by_its_number(self):
        with pytest.raises(DataError, match=r"Image 2: The prediction of crop 0 is nan"):
            ranking_report([(MOS, PREDICTIONS), ([1.0, 2.0], [math.nan, 1.0])])

    def test_nothing_to_evaluate_is_refused(self):
        with pytest.raises(DataError, match="no image"):
            ranking_report([])

    def test_an_unknown_tie_rule_is_refused(self):
        with pytest.raises(RequestError, match="'credit' or 'strict'"):
            ranking_report(self.PAIRS, tie_rule="lenient")


class TestReferenceBoxes:
    BOX = (0, 0, 2, 2)
    REFERENCES = ((1, 1, 3, 3), (0, 0, 2, 2), (0, 0, 1, 1))

    def test_iou_takes_the_best_or_the_mean_of_several_references(self):
        assert reference_iou(self.BOX, self.REFERENCES) == 1.0
        assert reference_iou(self.BOX, self.REFERENCES, "mean") == pytest.approx((1 / 7 + 1 + 1 / 4) / 3)
        assert reference_iou(self.BOX, self.REFERENCES[:1]) == pytest.approx(1 / 7)

    def test_displacement_takes_the_smallest_or_the_mean(self):
        # Shifts of 1 in 4: all four edges, none, two edges.
        assert reference_displacement(self.BOX, self.REFERENCES, (4, 4)) == 0.0
        assert reference_displacement(self.BOX, self.REFERENCES, (4, 4), "mean") == pytest.approx(
            (0.25 + 0.125) / 3
        )

    @pytest.mark.parametrize(
        ("box", "references", "reduce", "message"),
        [
            (BOX, [], "best", "At least one reference"),
            (BOX, REFERENCES, "median", "'best' or 'mean'"),
            ((0, 0, 0, 1), REFERENCES, "best", "Box 0 is"),
            (BOX, [(0, 0, 1)], "best", "shape"),
        ],
    )
    def test_malformed_boxes_are_refused(self, box, references, reduce, message):
        with pytest.raises(RequestError, match=message):
            reference_iou(box, references, reduce)
