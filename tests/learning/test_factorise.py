"""The head's first layer, factorised on typical crops."""

import copy

import pytest
import torch
from torch import nn

from cadrage.learning.deployed import QuickScoreGraph
from cadrage.learning.factorise import factorise
from cadrage.learning.network import CropNetwork, NetworkConfig


@pytest.fixture
def graph():
    torch.manual_seed(0)
    return QuickScoreGraph(CropNetwork(NetworkConfig(channels=4, width=64)).eval())


def examples(count, boxes=90, seed=1):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        coarse = torch.randn((1, 4, 3, 4), generator=generator)
        features = nn.functional.interpolate(coarse, size=(16, 24), mode="bicubic")
        corners = torch.rand((boxes, 4), generator=generator) * 0.4 + torch.tensor([0, 0, 0.6, 0.6])
        yield features, corners * torch.tensor([384, 256, 384, 256])


def differences(graph, rank):
    """Root mean squares over unseen crops: of the scores' differences, and of the scores around their mean."""
    unseen = list(examples(8, seed=2))
    with torch.no_grad():
        whole = torch.cat([graph(*example) for example in unseen])
        factorise(graph, examples(24), rank)
        narrow = torch.cat([graph(*example) for example in unseen])
    return (narrow - whole).square().mean().sqrt(), whole.std()


def test_more_components_come_closer(graph):
    twin = copy.deepcopy(graph)
    (few, spread), (many, _) = differences(twin, 4), differences(graph, 48)
    assert 2 * many < few < spread
    down, up = graph.first
    assert (down.out_features, up.in_features, up.out_features) == (48, 48, 64)


def test_components_are_of_one_size_on_the_examples(graph):
    factorise(graph, examples(24), 8)
    with torch.no_grad():
        components = torch.cat([graph.first[0](graph.pooled(*example)) for example in examples(24)])
    torch.testing.assert_close(components.std(dim=0), torch.ones(8), atol=1e-3, rtol=0)
    torch.testing.assert_close(components.mean(dim=0), torch.zeros(8), atol=1e-3, rtol=0)


def test_a_layer_that_would_not_get_shorter_stays(graph):
    factorise(graph, examples(2), 64)
    assert isinstance(graph.first, nn.Linear)


def test_crops_that_are_all_alike_divide_nothing_by_zero(graph):
    features, boxes = next(examples(1))
    factorise(graph, [(features, boxes[:1].repeat(9, 1))], 8)
    with torch.no_grad():
        assert graph(features, boxes).isfinite().all()
