"""Losses against values computed by hand and by scipy."""

import math

import numpy as np
import pytest
import torch
from scipy import special, stats

from cadrage.learning.losses import LossConfig, correlation_loss, listwise_loss, ranking_loss

PREDICTIONS = torch.tensor([0.5, -1.0, 2.0, 0.0, 3.0, 1.0, 1.5], dtype=torch.float64)
TARGETS = torch.tensor([1.0, -1.5, 0.5, 0.0, 2.0, -2.0, 0.3], dtype=torch.float64)
INDEX = torch.tensor([0, 1, 0, 1, 0, 1, 0])


def by_image():
    members = [INDEX.eq(image) for image in (0, 1)]
    return [(PREDICTIONS[inside].numpy(), TARGETS[inside].numpy()) for inside in members]


def loss(config, predictions=PREDICTIONS):
    return ranking_loss(config, predictions, TARGETS, INDEX, 2)


def test_huber_is_quadratic_up_to_one_and_linear_beyond():
    # Errors -.5, .5, 1.5, 0, 1, 3, 1.2 give 1/8, 1/8, 1, 0, 1/2, 5/2, 0.7.
    assert float(loss(LossConfig())) == pytest.approx((0.125 + 0.125 + 1 + 0 + 0.5 + 2.5 + 0.7) / 7)


def test_correlation_is_averaged_over_photographs():
    expected = np.mean([1 - stats.pearsonr(*pair).statistic for pair in by_image()])
    assert float(correlation_loss(PREDICTIONS, TARGETS, INDEX, 2)) == pytest.approx(expected, abs=1e-5)


def test_listwise_is_the_divergence_of_softmaxes_averaged_over_photographs():
    expected = np.mean(
        [stats.entropy(special.softmax(targets), special.softmax(found)) for found, targets in by_image()]
    )
    assert float(listwise_loss(PREDICTIONS, TARGETS, INDEX, 2)) == pytest.approx(expected)


def test_parts_are_weighted_and_summed():
    cooled = listwise_loss(PREDICTIONS / 0.5, TARGETS / 0.5, INDEX, 2)
    parts = 2 * loss(LossConfig()) + 3 * correlation_loss(PREDICTIONS, TARGETS, INDEX, 2) + 5 * cooled
    config = LossConfig(huber=2, correlation=3, listwise=5, temperature=0.5)
    assert float(loss(config)) == pytest.approx(float(parts))


def test_the_right_order_on_another_scale_has_no_correlation_loss():
    assert float(correlation_loss(10 * TARGETS + 3, TARGETS, INDEX, 2)) == pytest.approx(0, abs=1e-6)


def test_equal_ratings_have_no_order_to_learn():
    predictions = PREDICTIONS.clone().requires_grad_()
    flat = torch.full_like(TARGETS, 1.3)
    value = correlation_loss(predictions, flat, INDEX, 2)
    value.backward()
    assert float(value.detach()) == pytest.approx(1)
    assert predictions.grad.abs().max() < 1e-6


def test_equal_predictions_get_no_wild_gradient():
    predictions = torch.zeros_like(PREDICTIONS, requires_grad=True)
    correlation_loss(predictions, TARGETS, INDEX, 2).backward()
    assert 0 < predictions.grad.abs().max() < 100


def test_listwise_survives_scores_far_apart():
    far = PREDICTIONS * 1000
    assert math.isfinite(float(listwise_loss(far, TARGETS * 1000, INDEX, 2)))


@pytest.mark.parametrize("part", [correlation_loss, listwise_loss])
def test_gradients(part):
    predictions = PREDICTIONS.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda values: part(values, TARGETS, INDEX, 2), (predictions,))
