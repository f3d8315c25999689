"""Export of a network with a saliency head: two outputs that agree with torch, in both precisions."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from masked import disc
from torch import nn

from cadrage.errors import WeightsError
from cadrage.imaging import RasterRule
from cadrage.learning.backbones import Trunk
from cadrage.learning.export import Identity, export_entry
from cadrage.learning.network import CropNetwork, NetworkConfig
from cadrage.learning.quantise import quantise_trunk
from cadrage.learning.saliency_export import check_saliency
from cadrage.learning.scoring import predict_saliency
from cadrage.runtime import Scorer

RULE = RasterRule(short_side=64, max_long_side=256)
IDENTITY = Identity("discs", "1.0.0", "CC0-1.0", {"data": {}}, [])


@pytest.fixture(scope="module")
def network():
    """Random weights in a small trunk; with the reduction it has enough convolutions for some to be quantised."""
    torch.manual_seed(0)
    made = CropNetwork(NetworkConfig(scale="multi", width=16, channels=4)).eval()
    stages = [
        nn.Sequential(*_layers(3, 16, 8), *(layer for _ in range(6) for layer in _layers(16, 16, 1))),
        nn.Sequential(*_layers(16, 24, 2), *_layers(24, 24, 1)),
        nn.Sequential(*_layers(24, 32, 2), *_layers(32, 32, 1), *_layers(32, 32, 1)),
    ]
    made.trunk = Trunk(tuple(stages), (16, 24, 32))
    made.reduce = nn.Conv2d(72, 4, 1)
    made.add_saliency(4)
    with torch.no_grad():
        made.saliency_head.last.weight.mul_(600)
    return made.eval()


def _layers(given, width, stride):
    kernel = stride if stride > 1 else 1
    convolution = nn.Conv2d(given, width, kernel, stride)
    nn.init.kaiming_normal_(convolution.weight)
    nn.init.zeros_(convolution.bias)
    return convolution, nn.ReLU()


@pytest.fixture(scope="module")
def entry(network, tmp_path_factory):
    return export_entry(network, tmp_path_factory.mktemp("models") / "discs", IDENTITY, RULE)


def rasters():
    return [disc(seed)[0] for seed in range(8)]


def expected_map(network, raster):
    return predict_saliency(network, torch.from_numpy(raster).permute(2, 0, 1))


def test_the_runtime_gives_the_networks_map_on_any_shape(network, entry):
    scorer = Scorer(entry.folder, threads=1)
    for raster in rasters():
        features = scorer.encode(raster)
        expected = expected_map(network, raster)
        assert expected.std() > 0.02
        assert features.saliency.shape == (raster.shape[0] // 8, raster.shape[1] // 8)
        np.testing.assert_allclose(features.saliency, expected, atol=1e-4)


@pytest.fixture(scope="module")
def plain(network, tmp_path_factory):
    """The same scorer, exported without its head."""
    bare = CropNetwork(replace(network.config, saliency=0))
    bare.trunk, bare.reduce = network.trunk, network.reduce
    bare.load_state_dict(
        {k: v for k, v in network.state_dict().items() if not k.startswith("saliency_head.")}
    )
    return export_entry(bare.eval(), tmp_path_factory.mktemp("models") / "plain", IDENTITY, RULE)


def test_the_features_are_the_same_with_the_head_and_without(entry, plain):
    with_map, without = Scorer(entry.folder, threads=1), Scorer(plain.folder, threads=1)
    for raster in rasters():
        first, second = with_map.encode(raster), without.encode(raster)
        np.testing.assert_allclose(first.array, second.array, atol=1e-5)
        assert second.saliency is None


def test_in_eight_bits_only_the_trunk_changes_and_as_it_does_without_the_head(
    network, entry, plain, tmp_path
):
    graphs = [
        Path(shutil.copy(one.folder / "encode.onnx", tmp_path / one.folder.name)) for one in (entry, plain)
    ]
    for graph in graphs:
        quantise_trunk(graph, rasters())
    with_map, without = (ort.InferenceSession(graph, providers=["CPUExecutionProvider"]) for graph in graphs)
    changed = [
        [node.op_type for node in onnx.load(graph).graph.node].count("QuantizeLinear") for graph in graphs
    ]
    assert changed[0] == changed[1] > 0
    for raster in rasters():
        feed = {"raster": raster[None]}
        first, second = (session.run(["features"], feed)[0] for session in (with_map, without))
        np.testing.assert_allclose(first, second, atol=1e-5)
    assert 0 < check_saliency(network, graphs[0], rasters(), 0.05) < 0.05


def test_maps_of_another_network_are_refused(network, entry):
    stranger = CropNetwork(replace(network.config, saliency=0))
    stranger.trunk, stranger.reduce = network.trunk, network.reduce
    torch.manual_seed(5)
    with torch.no_grad():
        stranger.add_saliency(4).last.weight.mul_(600)
    with pytest.raises(WeightsError, match=r"saliency maps differ from the network's by 0\.\d+ on average"):
        check_saliency(stranger.eval(), entry.folder / "encode.onnx", rasters(), 1e-3)


def test_both_outputs_have_their_names(entry):
    session = ort.InferenceSession(entry.folder / "encode.onnx", providers=["CPUExecutionProvider"])
    assert [node.name for node in session.get_outputs()] == ["features", "saliency"]
