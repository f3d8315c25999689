"""Aesthetics with gradients: the shipped model through torch, checkpoints, pixels and regions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional

from cadrage.candidates import grid_anchors
from cadrage.captions.aesthetics.gaic import FAIR, EntryScorer, load_aesthetics, overlap
from cadrage.captions.aesthetics.graphs import Graph, last_uses
from cadrage.errors import RequestError, WeightsError
from cadrage.imaging import RasterRule, open_photo, raster
from cadrage.learning.checkpoints import save_network
from cadrage.learning.network import CropNetwork, NetworkConfig
from cadrage.learning.recipes import TrainConfig
from cadrage.runtime import Scorer
from cadrage.weights import load_entry

PHOTOGRAPH = Path(__file__).parents[2] / "examples" / "photographs" / "chelsea.jpg"


def scene(width=96, height=64, seed=0):
    coarse = torch.rand((1, 3, 5, 7), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return functional.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1)[0]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "network.pt"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = CropNetwork(NetworkConfig(geometry=True, width=32, hidden=8)).eval()
    save_network(network, path, {"config": TrainConfig(network=network.config, short_side=64).to_dict()})
    return path


@pytest.fixture(scope="module")
def shipped():
    return EntryScorer.of(load_entry(None))


def test_the_shipped_model_scores_in_torch_as_in_its_runtime(shipped):
    pixels = raster(open_photo(PHOTOGRAPH), shipped.rule)
    boxes = grid_anchors(pixels.shape[1::-1]).astype(np.float32)
    scorer = Scorer(threads=1)
    expected = scorer.score(scorer.encode(pixels), boxes)
    rasters = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        found = shipped.score(shipped.encode(rasters), torch.from_numpy(boxes)).numpy()
    # Their difference is the runtime's rounding to 8 bits.
    assert np.corrcoef(found, expected)[0, 1] > 0.99
    assert np.abs(found - expected).mean() < 0.05


def test_pictures_of_a_batch_are_encoded_each_alone(shipped):
    rasters = 255 * torch.stack([scene(seed=seed).float() for seed in (0, 1)])
    with torch.no_grad():
        together = shipped.encode(rasters)
        alone = torch.cat([shipped.encode(one[None]) for one in rasters])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("spec", ["gaic-regions", "checkpoint"])
def test_regions_have_exact_gradients_in_boxes(spec, checkpoint):
    spec = f"gaic-regions={checkpoint}" if spec == "checkpoint" else spec
    judge = load_aesthetics(spec, dtype=torch.float64).look(scene())
    assert judge.size_wh is None
    boxes = torch.tensor([[10.3, 8.1, 70.2, 50.7], [2.0, 3.0, 93.0, 61.0]], dtype=torch.float64)
    scores = judge.judge(None, boxes)
    assert scores.shape == (2,)
    assert scores.abs().max() < 5
    assert gradcheck(lambda given: judge.judge(None, given), boxes.requires_grad_(), eps=1e-6, atol=1e-5)


def test_regions_score_as_the_network_does(checkpoint):
    """The photograph is its own raster: 96 x 64 of a short side of 64."""
    aesthetics = load_aesthetics(f"gaic-regions={checkpoint}")
    boxes = torch.tensor([[10.3, 8.1, 70.2, 50.7]])
    network = aesthetics.scorer.network
    with torch.no_grad():
        expected = network.mos(network(255 * scene()[None].float(), boxes))
    found = aesthetics.look(scene()).judge(None, boxes)
    torch.testing.assert_close(found, expected - FAIR)


def test_the_shipped_model_knows_the_subject_in_torch_as_in_its_runtime(shipped):
    pixels = raster(open_photo(PHOTOGRAPH), shipped.rule)
    expected = Scorer(threads=1).encode(pixels).saliency
    with torch.no_grad():
        _, found = shipped.observe(torch.from_numpy(pixels).permute(2, 0, 1)[None].float())
    assert found.shape == (1, *expected.shape)
    assert np.abs(found[0].numpy() - expected).mean() < 0.03


def test_overlap_with_a_soft_subject_by_hand():
    saliency = torch.tensor([[0.0, 1.0, 0.5], [0.0, 0.5, 0.0]], dtype=torch.float64)
    boxes = torch.tensor([[0, 0, 3, 2], [1, 0, 2, 2], [1, 0, 2.5, 1], [0, 0, 1, 2]], dtype=torch.float64)
    # The subject has 2 cells in all; of boxes of 6, 2, 1.5 and 2 cells 2, 1.5, 1.25 and 0 are its.
    assert overlap(saliency, boxes).tolist() == pytest.approx([2 / 6, 1.5 / 2.5, 1.25 / 2.25, 0])


def test_regions_know_the_subject_in_pixels_of_the_frame(checkpoint):
    """The photograph is twice its raster of 96 x 64: a cell is 8 pixels of that, and 16 of the photograph."""
    judge = load_aesthetics(f"gaic-regions={checkpoint}").look(scene(192, 128))
    boxes = torch.tensor([[0.0, 0.0, 192.0, 128.0], [16.0, 16.0, 32.0, 48.0]])
    assert judge.salience(boxes).tolist() == [0, 0]  # the network has no saliency head
    saliency = torch.zeros(8, 12)
    saliency[1:3, 1] = 1
    assert replace(judge, saliency=saliency).salience(boxes).tolist() == pytest.approx([2 / 96, 1])


def test_a_larger_photograph_is_read_at_the_networks_size(checkpoint):
    judge = load_aesthetics(f"gaic-regions={checkpoint}").look(scene(192, 128))
    small = load_aesthetics(f"gaic-regions={checkpoint}").look(
        functional.interpolate(scene(192, 128)[None], scale_factor=0.5, mode="bilinear", antialias=True)[0]
    )
    boxes = torch.tensor([[20.0, 16.0, 140.0, 100.0]])
    torch.testing.assert_close(judge.judge(None, boxes), small.judge(None, boxes / 2))


@pytest.mark.parametrize("spec", ["gaic", "checkpoint"])
def test_pixels_have_gradients_that_agree_with_finite_differences(spec, checkpoint):
    spec = f"gaic={checkpoint}" if spec == "checkpoint" else spec
    judge = load_aesthetics(spec, short_side=32, dtype=torch.float64).look(scene())
    wide, high = judge.size_wh
    crops = torch.stack([scene(wide, high, seed) for seed in (1, 2)])
    direction = torch.rand(crops.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) - 0.5
    boxes = torch.zeros((2, 4), dtype=torch.float64)
    together = judge.judge(crops, boxes)
    for number in range(2):
        alone = judge.judge(crops[number : number + 1], boxes[:1])
        torch.testing.assert_close(together[number : number + 1], alone)
    assert gradcheck(
        lambda step: judge.judge(crops + step * direction, boxes),
        torch.zeros((), dtype=torch.float64, requires_grad=True),
        eps=1e-8,  # the networks are linear in pieces, and steps may not cross a bend
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("ratio", "size_wh"), [(None, (96, 64)), (1.0, (64, 64)), (9 / 16, (64, 128)), (2.0, (128, 64))]
)
def test_crops_are_read_in_the_shape_they_are_asked_for(ratio, size_wh, checkpoint):
    assert load_aesthetics(f"gaic={checkpoint}").look(scene(), ratio).size_wh == size_wh


def test_what_cannot_be_asked_for_is_refused(checkpoint, tmp_path):
    assert load_aesthetics(None) is None
    for spec in ("beauty", "nima", "nima=", ""):
        with pytest.raises(RequestError, match="There are no aesthetics called"):
            load_aesthetics(spec)
    with pytest.raises(WeightsError, match="There is no model 'nobody'"):
        load_aesthetics("gaic=nobody")
    with pytest.raises(RequestError, match="multiple of 32 up to 1024; got 40"):
        load_aesthetics("gaic", short_side=40)
    judge = load_aesthetics(f"gaic={checkpoint}").look(scene())
    with pytest.raises(RequestError, match="need the pixels"):
        judge.judge(None, torch.zeros((1, 4)))
    official = CropNetwork(NetworkConfig(pooling="official"))
    path = tmp_path / "official.pt"
    save_network(official, path, {"config": TrainConfig(network=official.config).to_dict()})
    with pytest.raises(RequestError, match="rounds boxes to its cells"):
        load_aesthetics(f"gaic-regions={path}")


def test_files_that_are_no_graph_are_refused(tmp_path):
    import onnx

    path = tmp_path / "graph.onnx"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(WeightsError, match="cannot be read as an ONNX graph"):
        Graph(path)
    node = onnx.helper.make_node("Erf", ["x"], ["y"])
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([node], "g", ends[:1], ends[1:])), path)
    with pytest.raises(WeightsError, match="the operator Erf"):
        Graph(path)


def test_what_was_quantised_is_clamped_to_its_range_and_not_rounded(tmp_path):
    import onnx

    scale = onnx.helper.make_tensor("scale", onnx.TensorProto.FLOAT, [], [0.5])
    zero = onnx.helper.make_tensor("zero", onnx.TensorProto.UINT8, [], [10])
    nodes = [
        onnx.helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        onnx.helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
    ]
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [4]) for name in "xy"]
    graph = onnx.helper.make_graph(nodes, "g", ends[:1], ends[1:], [scale, zero])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "graph.onnx")
    found = Graph(tmp_path / "graph.onnx")(torch.tensor([-7.0, -1.3, 3.2, 500.0]))
    assert found.tolist() == pytest.approx([-5, -1.3, 3.2, 122.5])


def test_what_no_later_step_uses_is_freed_on_the_way():
    steps = [["in", "weight", "a"], ["a", "", "b"], ["b", "a", "out"], ["b", "aside"]]
    assert last_uses(steps, keep=["out"]) == [{"in", "weight"}, set(), {"a"}, {"b", "aside"}]


def test_rules_come_with_the_entry(shipped):
    assert shipped.rule == RasterRule(256, 32, 1024)
