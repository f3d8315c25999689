"""The head's first layer, factorised on typical crops."""

import pytest
import torch
from torch import nn

from cadrage.learning.deployed import QuickScoreGraph
from cadrage.learning.factorise import ShortScoreGraph, factorise
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
    short = factorise(graph, examples(24), rank)
    unseen = list(examples(8, seed=2))
    with torch.no_grad():
        whole, narrow = (torch.cat([one(*example) for example in unseen]) for one in (graph, short))
    return (narrow - whole).square().mean().sqrt(), whole.std()


def test_more_components_come_closer(graph):
    (few, spread), (many, _) = differences(graph, 4), differences(graph, 48)
    assert 2 * many < few < spread


@pytest.mark.parametrize("regions", ["roi", "rod", "roi+rod"])
@pytest.mark.parametrize("samples", [1, 2, 3])
def test_all_components_of_few_outputs_give_the_same_scores(regions, samples):
    torch.manual_seed(0)
    config = NetworkConfig(channels=4, width=12, regions=regions, samples=samples)
    graph = QuickScoreGraph(CropNetwork(config).eval())
    graph.first.weight.data[6:] = graph.first.weight.data[:6]  # so that 6 components are all there are
    short = factorise(graph, examples(24), 6)
    assert isinstance(short, ShortScoreGraph)
    for example in examples(3, seed=2):
        with torch.no_grad():
            torch.testing.assert_close(short(*example), graph(*example), atol=1e-4, rtol=0)


def test_a_layer_that_would_not_get_shorter_stays(graph):
    assert factorise(graph, examples(2), 64) is graph


def test_crops_that_are_all_alike_divide_nothing_by_zero(graph):
    features, boxes = next(examples(1))
    short = factorise(graph, [(features, boxes[:1].repeat(9, 1))], 8)
    with torch.no_grad():
        assert short(features, boxes).isfinite().all()


def test_components_go_to_the_outputs_that_scores_depend_on(graph):
    ignored = slice(8, 64)
    graph.first.weight.data[ignored] *= 20
    graph.network.head.second[0].weight.data[:, ignored] = 0
    difference, spread = differences(graph, 8)
    assert difference < 0.02 * spread
