"""The exported order of the scorer's arithmetic gives the network's scores."""

import pytest
import torch

from cadrage.learning.deployed import QuickScoreGraph, ScoreGraph, score_graph
from cadrage.learning.network import CropNetwork, NetworkConfig

BOXES = torch.tensor([[16, 16, 300, 200], [0, 0, 384, 256], [50.5, 20.25, 350, 250], [100, 0, 180, 256]])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize(
    "settings",
    [
        {"channels": 16, "geometry": True, "width": 32},
        {"channels": 3, "width": 16, "regions": "roi"},
        {"channels": 3, "width": 16, "regions": "rod", "norm": True, "dropout": 0.5},
        {"channels": 5, "width": 16, "pool_size": 7, "samples": 3},
    ],
)
def test_the_quick_order_gives_the_same_scores(settings):
    network = CropNetwork(NetworkConfig(**settings)).eval()
    features = torch.randn(1, network.config.channels, 16, 24)
    graph = score_graph(network)
    assert isinstance(graph, QuickScoreGraph)
    with torch.no_grad():
        torch.testing.assert_close(
            graph(features, BOXES), ScoreGraph(network)(features, BOXES), atol=1e-5, rtol=0
        )


@pytest.mark.parametrize("settings", [{"pooling": "official"}, {"kernel": 3}, {"regions": "roi+global"}])
def test_other_networks_are_exported_as_they_are(settings):
    assert type(score_graph(CropNetwork(NetworkConfig(width=16, **settings)))) is ScoreGraph
