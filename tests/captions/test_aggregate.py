"""Several runs, one answer: each rule by hand."""

import numpy as np
import pytest
import torch

from cadrage.captions.search.aggregate import (
    AT_ONCE,
    CROWD,
    Beliefs,
    aggregate,
    consensus,
    heard,
    largest_cluster,
)
from cadrage.errors import RequestError
from cadrage.geometry import iou_matrix

BOXES = torch.tensor([[0.0, 0, 10, 10], [1, 1, 11, 11], [2, 0, 12, 10], [50, 50, 90, 90]])
LOSSES = torch.tensor([3.0, 2.0, 4.0, 1.0])


@pytest.mark.parametrize(
    ("rule", "box"),
    [
        ("best", [50, 50, 90, 90]),
        ("mean", [13.25, 12.75, 30.75, 30.25]),
        ("median", [1.5, 0.5, 11.5, 10.5]),
        ("cluster", [1, 1 / 3, 11, 31 / 3]),
    ],
)
def test_rules_by_hand(rule, box):
    assert aggregate(rule, BOXES, LOSSES).tolist() == pytest.approx(box)


def test_of_equal_clusters_the_one_of_less_loss_is_taken():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 1, 10, 11], [50, 50, 60, 60], [50, 51, 60, 61]])
    assert largest_cluster(boxes, torch.tensor([1.0, 9, 2, 3])).tolist() == [False, False, True, True]


class TestConsensus:
    def test_weights_are_likelihoods(self):
        apart = torch.tensor([[0.0, 0, 10, 10], [20, 20, 30, 30], [40, 40, 50, 50]])
        beliefs = Beliefs.of(apart, torch.tensor([1.0, 2.0, torch.nan]))
        assert beliefs.weights.tolist() == pytest.approx([0.731059, 0.268941, 0.0], abs=1e-6)

    def test_boxes_that_crowd_together_share_one_say(self):
        boxes = torch.tensor([[0.0, 0, 10, 10]] * 5 + [[20, 20, 30, 30]])
        beliefs = Beliefs.of(boxes, torch.zeros(6))
        assert beliefs.weights.tolist() == pytest.approx([0.1] * 5 + [0.5])

    def test_what_many_likely_boxes_share_beats_the_likeliest(self):
        middle = torch.tensor([[10.0, 0, 30, 20], [0, 0, 20, 20], [20, 0, 40, 20], [70, 70, 90, 90]])
        losses = torch.tensor([1.0, 1.0, 1.0, 0.9])
        assert aggregate("best", middle, losses).tolist() == [70, 70, 90, 90]
        assert consensus(Beliefs.of(middle, losses)).tolist() == [10, 0, 30, 20]
        assert consensus(Beliefs.of(middle, 100 * losses)).tolist() == [70, 70, 90, 90]

    def test_agreement_is_the_expected_overlap(self):
        beliefs = Beliefs.of(torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10]]), torch.zeros(2))
        near = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 20], [50, 50, 60, 60]])
        assert beliefs.agreement(near).tolist() == pytest.approx([0.5, 0.25, 0.0])
        assert consensus(beliefs).tolist() == [0, 0, 10, 10]

    def test_many_boxes_are_compared_in_parts_as_they_would_be_together(self):
        corners = 80 * torch.rand((AT_ONCE + 50, 2), generator=torch.Generator().manual_seed(1))
        boxes = torch.cat([corners, corners + 20], dim=1).double()
        beliefs = Beliefs.of(boxes, 0.1 * corners[:, 0].double())
        overlaps = iou_matrix(boxes.numpy(), boxes.numpy())
        weights = np.exp(-0.1 * corners[:, 0].double().numpy()) / (overlaps**CROWD).sum(axis=1)
        np.testing.assert_allclose(beliefs.weights, weights / weights.sum())
        np.testing.assert_allclose(beliefs.agreement(boxes).numpy(), overlaps @ beliefs.weights)


class TestHeard:
    def test_all_where_they_are_few(self):
        assert heard(torch.tensor([True, False, False]), 3).all()

    def test_of_too_many_those_that_are_needed_and_evenly_of_the_others(self):
        needed = torch.zeros(11, dtype=torch.bool)
        needed[[1, 10]] = True
        assert heard(needed, 5).nonzero()[:, 0].tolist() == [0, 1, 5, 9, 10]

    def test_no_others_where_too_many_are_needed(self):
        needed = torch.tensor([True, True, False, True])
        assert heard(needed, 2).tolist() == [True, True, False, True]


@pytest.mark.parametrize("rule", ["best", "mean", "median", "cluster"])
def test_one_run_is_its_own_answer(rule):
    assert aggregate(rule, BOXES[3:], LOSSES[3:]).tolist() == [50, 50, 90, 90]


def test_one_box_is_its_own_consensus():
    assert consensus(Beliefs.of(BOXES[3:], LOSSES[3:])).tolist() == [50, 50, 90, 90]


def test_what_cannot_be_aggregated_is_refused():
    with pytest.raises(RequestError, match="no runs"):
        aggregate("best", BOXES[:0], LOSSES[:0])
    with pytest.raises(RequestError, match="not 'worst'"):
        aggregate("worst", BOXES, LOSSES)
