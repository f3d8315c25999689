"""Several runs, one answer: each rule by hand."""

import pytest
import torch

from cadrage.captions.aggregate import aggregate, largest_cluster
from cadrage.errors import RequestError

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


@pytest.mark.parametrize("rule", ["best", "mean", "median", "cluster"])
def test_one_run_is_its_own_answer(rule):
    assert aggregate(rule, BOXES[3:], LOSSES[3:]).tolist() == [50, 50, 90, 90]


def test_what_cannot_be_aggregated_is_refused():
    with pytest.raises(RequestError, match="no runs"):
        aggregate("best", BOXES[:0], LOSSES[:0])
    with pytest.raises(RequestError, match="not 'worst'"):
        aggregate("worst", BOXES, LOSSES)
