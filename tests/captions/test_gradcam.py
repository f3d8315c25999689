"""GradCAM by hand, and the boxes of maps."""

from dataclasses import astuple

import pytest
import torch
from speaker import Speaker
from torch import nn

from cadrage.captions.baselines.gradcam import HeatBox, attention, box_of, components
from cadrage.captions.objective import CaptionLoss, Target, caption_loss
from cadrage.captions.vocabulary import BEGIN
from cadrage.errors import RequestError


class Seer(Speaker):
    """A speaker that sees through a convolution."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.last_convolution = nn.Conv2d(3, 3, 3, padding=1).double().requires_grad_(False)

    def _steps(self, pictures, numbers):
        return super()._steps(torch.sigmoid(4 * self.last_convolution(pictures)), numbers)


def picture():
    return torch.rand((3, 8, 12), dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_the_map_is_the_channels_weighted_by_the_means_of_their_gradients():
    seer, loss = Seer(), CaptionLoss(kind="likelihood")
    target = Target.of("red ball", seer, loss)
    maps = seer.last_convolution(picture()[None]).requires_grad_()
    inner = Speaker()
    nearer = -caption_loss(inner, torch.sigmoid(4 * maps), [target], loss)
    (slope,) = torch.autograd.grad(nearer.sum(), maps)
    weights = slope[0].mean(dim=(1, 2))
    expected = sum(weights[c] * maps[0, c].detach() for c in range(3)).clamp_min(0)
    torch.testing.assert_close(attention(seer, picture(), target, loss), expected)
    assert seer.vocabulary.words.index(BEGIN) == 1


def test_a_picture_of_any_size_is_brought_to_the_captioners_and_gradients_may_be_off():
    seer, loss = Seer(), CaptionLoss()
    target = Target.of("red ball", seer, loss)
    with torch.no_grad():
        heat = attention(seer, torch.rand((3, 40, 50), dtype=torch.float64), target, loss)
    assert heat.shape == (8, 12)
    assert not heat.requires_grad


def test_a_captioner_without_a_convolution_is_refused():
    speaker, loss = Speaker(), CaptionLoss()
    with pytest.raises(RequestError, match="needs a captioner that has a last convolution"):
        attention(speaker, picture(), Target.of("red", speaker, loss), loss)


def heat():
    """Two warm parts: a large mild one on the left, and a small hot one on the right."""
    found = torch.zeros(6, 8)
    found[1:4, 0:3] = 0.4
    found[4, 6:8] = 1.0
    found[3, 6] = 0.9
    found[0, 7] = 0.1
    return found


@pytest.mark.parametrize(
    ("rule", "box"),
    [
        (HeatBox(component="largest", cells=8), (0, 10, 30, 40)),
        (HeatBox(component="all", cells=8), (0, 10, 80, 50)),
        (HeatBox(component="all", threshold=0.05, cells=8), (0, 0, 80, 50)),
        (HeatBox(threshold=0.5, component="largest", cells=8), (60, 30, 80, 50)),
        (HeatBox(threshold=0.95, component="hottest", cells=8), (60, 40, 80, 50)),
    ],
)
def test_the_box_of_a_map(rule, box):
    assert astuple(box_of(heat(), (80, 60), rule)) == pytest.approx(box)


def test_the_part_with_most_heat_may_not_be_the_largest():
    part = heat()
    part[4, 6:8] = 2.0
    part[3, 6] = 1.8
    assert astuple(box_of(part, (80, 60), HeatBox(component="hottest", cells=8))) == (60, 30, 80, 50)


def test_a_cold_map_is_the_whole_frame():
    assert astuple(box_of(torch.zeros(3, 3), (80, 60))) == (0, 0, 80, 60)


def test_a_map_of_few_cells_makes_a_box_finer_than_they_are():
    spot = torch.zeros(4, 4)
    spot[1, 2] = 1
    box = box_of(spot, (400, 400), HeatBox(threshold=0.5))
    assert 200 < (box.x1 + box.x2) / 2 < 300
    assert 0 < box.x2 - box.x1 < 200


def test_components_are_neighbours_by_a_side():
    mask = torch.tensor([[1, 0, 1, 1], [0, 1, 0, 1], [1, 1, 0, 1], [0, 0, 0, 0]]).bool()
    parts = components(mask)
    assert len(parts.unique()) == 4  # and the background
    assert parts[0, 2] == parts[2, 3]
    assert parts[1, 1] == parts[2, 0]
    assert parts[0, 0] not in (0, parts[1, 1])
    assert (parts[~mask] == 0).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"threshold": 0}, "threshold lies above 0"), ({"cells": 0}, "at least one cell")],
)
def test_impossible_rules_are_refused(settings, message):
    with pytest.raises(RequestError, match=message):
        HeatBox(**settings)
