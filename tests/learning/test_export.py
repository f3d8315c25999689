"""Export: the ONNX graphs are the network, in a folder that the runtime loads, or nothing is written."""

import copy
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import nn
from torch.nn import functional

from cadrage.errors import WeightsError
from cadrage.imaging import RasterRule
from cadrage.learning import export as exporting
from cadrage.learning.backbones import Trunk
from cadrage.learning.deployed import ScoreGraph
from cadrage.learning.export import (
    OFFICIAL_CAVEAT,
    EncodeGraph,
    Identity,
    check_agreement,
    check_graphs,
    export_entry,
    export_whole,
)
from cadrage.learning.network import CropNetwork, NetworkConfig
from cadrage.learning.quantise import quantise_head, quantise_trunk
from cadrage.runtime import Scorer

RULE = RasterRule(short_side=64, max_long_side=512)
IDENTITY = Identity("discs", "2.1.0", "CC0-1.0", {"data": {"data_set": "discs"}}, [{"srcc": 0.5}])


def network(**settings):
    """Random weights whose scores differ from crop to crop by about a point."""
    torch.manual_seed(0)
    made = CropNetwork(NetworkConfig(**settings)).eval()
    with torch.no_grad():
        _, (pixels, boxes), _ = exporting._random_pictures(RULE)
        made.head.last.weight.mul_(1 / made(pixels.permute(0, 3, 1, 2).float(), boxes).std())
    return made


def quick_network(**settings):
    """One whose trunk is three convolutions: exported in a moment."""
    made = network(scale="single", width=16, **settings)
    sizes = ((3, 8, 8), (8, 96, 2), (96, 8, 2))  # the middle map as wide as MobileNetV2's
    stages = (nn.Sequential(nn.Conv2d(first, last, step, step)) for first, last, step in sizes)
    made.trunk = Trunk(tuple(stages), (8, 96, 8))
    return made


@pytest.fixture(scope="module")
def mobilenet():
    return network(width=64, channels=6, geometry=True)


@pytest.fixture(scope="module")
def entry(mobilenet, tmp_path_factory):
    return export_entry(mobilenet, tmp_path_factory.mktemp("models") / "deep" / "discs", IDENTITY, RULE)


def pictures(count=6):
    generator = np.random.default_rng(3)
    for number in range(count):
        width, height = ((64, 64), (96, 64), (64, 128), (512, 64))[number % 4]
        rough = generator.integers(0, 256, (8, 8, 3)).astype(np.uint8)
        yield np.kron(rough, np.ones((height // 8, width // 8, 1), np.uint8))


def boxes_in(raster, count=40):
    height, width = raster.shape[:2]
    corners = np.random.default_rng(5).uniform(0, 1, (count, 4))
    low, high = corners[:, :2] * 0.4, 0.6 + corners[:, 2:] * 0.4
    return np.concatenate([low, high], axis=1) * (width, height, width, height)


def torch_scores(model, raster, boxes):
    with torch.no_grad():
        features = EncodeGraph(model)(torch.from_numpy(raster[None]))
        return ScoreGraph(model)(features, torch.from_numpy(boxes).float()).numpy()


def test_the_runtime_gives_the_networks_scores_on_any_shape(mobilenet, entry):
    scorer = Scorer(entry.folder)
    for raster in pictures():
        boxes = boxes_in(raster)
        expected = torch_scores(mobilenet, raster, boxes)
        assert expected.std() > 0.1
        np.testing.assert_allclose(scorer.score(scorer.encode(raster), boxes), expected, atol=1e-3)


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_any_number_of_boxes_is_scored(mobilenet, entry, count):
    scorer, raster = Scorer(entry.folder), next(pictures())
    boxes = boxes_in(raster, count)
    expected = torch_scores(mobilenet, raster, boxes)
    np.testing.assert_allclose(scorer.score(scorer.encode(raster), boxes), expected, atol=1e-3)


def test_the_entry_says_what_the_model_is(mobilenet, entry):
    content = json.loads((entry.folder / "entry.json").read_text())
    assert (content["name"], content["version"], content["license"]) == ("discs", "2.1.0", "CC0-1.0")
    assert content["input"] == {"short_side": 64, "multiple": 32, "max_long_side": 512}
    assert content["training"] == IDENTITY.training
    assert content["metrics"] == [{"srcc": 0.5}]
    assert content["parameters"] == sum(parameter.numel() for parameter in mobilenet.parameters())
    assert content["precision"] == "float32"
    card = next(entry.folder.glob("*.md")).read_text()
    assert "discs 2.1.0" in card or ("discs" in card and "2.1.0" in card)


@pytest.mark.parametrize(
    ("pooling", "end"),
    [("clean", "\n\nMind the gap.\n"), ("official", f"\n\nMind the gap.\n\n{OFFICIAL_CAVEAT}\n")],
)
def test_the_card_says_that_a_network_was_made_for_another_preprocessing(tmp_path, pooling, end):
    entry = export_entry(
        quick_network(pooling=pooling), tmp_path, replace(IDENTITY, notes="Mind the gap.\n"), RULE
    )
    assert (entry.folder / "card.md").read_text().endswith(end)
    assert (entry.folder / "card.md").read_text().count(OFFICIAL_CAVEAT) == (pooling == "official")


def test_nothing_else_is_left_in_the_folder(entry):
    names = {path.name for path in entry.folder.iterdir() if path.suffix != ".md"}
    assert names == {"encode.onnx", "score.onnx", "entry.json"}


def test_graphs_of_another_network_are_refused(entry):
    with pytest.raises(WeightsError, match=r"differ from the network by \d+\.\d+ points"):
        check_graphs(
            network(width=64, channels=6, geometry=True, mos_mean=3),
            entry.folder / "encode.onnx",
            entry.folder / "score.onnx",
            RULE,
        )


def test_an_export_that_fails_leaves_the_model_that_was_there(entry, tmp_path, monkeypatch):
    folder = shutil.copytree(entry.folder, tmp_path / "model")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(exporting, "TOLERANCE", -1.0)
    with pytest.raises(WeightsError, match="differ from the network"):
        export_entry(quick_network(), folder, IDENTITY, RULE)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_name_that_is_no_text_leaves_the_model_that_was_there(entry, tmp_path):
    folder = shutil.copytree(entry.folder, tmp_path / "model")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(WeightsError, match=r"have to be text: '\\udcf6' is none"):
        export_entry(quick_network(), folder, replace(IDENTITY, license="caf\udcf6"), RULE)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


class Moody(nn.Module):
    """Decides by what it sees, which no graph can."""

    channels, strides = (4, 4, 4), (16, 16, 16)

    def forward(self, images):
        grey = functional.avg_pool2d(images, 16).mean(dim=1, keepdim=True).expand(-1, 4, -1, -1)
        return (grey, grey, grey) if float(grey.sum()) > 0 else (-grey, -grey, -grey)


def test_a_network_that_torch_cannot_export_is_refused_and_leaves_nothing(tmp_path):
    moody = network()
    moody.trunk, moody.reduce = Moody(), nn.Conv2d(12, 8, 1)
    with pytest.raises(WeightsError, match="torch cannot turn this network into an ONNX graph") as refusal:
        export_entry(moody, tmp_path / "model", IDENTITY, RULE)
    assert "\n" not in str(refusal.value)
    assert not any((tmp_path / "model").iterdir())


def test_a_place_that_cannot_be_written_is_refused(mobilenet, tmp_path):
    (tmp_path / "file").write_text("a file")
    with pytest.raises(WeightsError, match="cannot be made a folder"):
        export_entry(mobilenet, tmp_path / "file", IDENTITY, RULE)
    with pytest.raises(WeightsError, match="cannot be written"):
        export_whole(mobilenet, tmp_path / "file" / "model.onnx", RULE)


def scores_of(encode, score, raster, boxes):
    first, second = (
        ort.InferenceSession(path, providers=["CPUExecutionProvider"]) for path in (encode, score)
    )
    features = first.run(None, {"raster": raster[None]})[0]
    return second.run(None, {"features": features, "boxes": boxes.astype(np.float32)})[0]


def test_eight_bits_keep_the_order_of_the_crops(mobilenet, entry, tmp_path):
    encode, score = (
        Path(shutil.copy(entry.folder / name, tmp_path)) for name in ("encode.onnx", "score.onnx")
    )
    calibration = list(pictures(12))
    quantise_trunk(encode, calibration)
    quantise_head(score, encode, calibration)
    assert sum(path.stat().st_size for path in (encode, score)) < 0.6 * sum(
        (entry.folder / name).stat().st_size for name in ("encode.onnx", "score.onnx")
    )
    assert {path.name for path in tmp_path.iterdir()} == {"encode.onnx", "score.onnx"}
    for raster in pictures():
        boxes = boxes_in(raster)
        exact = torch_scores(mobilenet, raster, boxes)
        assert np.corrcoef(scores_of(encode, score, raster, boxes), exact)[0, 1] > 0.97


def test_eight_bits_that_disagree_with_the_network_are_refused(mobilenet, entry):
    graphs = entry.folder / "encode.onnx", entry.folder / "score.onnx"
    assert check_agreement(mobilenet, *graphs, list(pictures())) > 0.9999
    stranger = copy.deepcopy(mobilenet)
    with torch.no_grad():
        stranger.head.last.weight.neg_()
    with pytest.raises(WeightsError, match=r"agree with the network only to a correlation of -1\.0"):
        check_agreement(stranger, *graphs, list(pictures()))


def test_one_whole_graph_gives_the_same_scores(tmp_path, capfd):
    model = quick_network()
    export_whole(model, tmp_path / "made" / "whole.onnx", RULE)
    session = ort.InferenceSession(tmp_path / "made/whole.onnx", providers=["CPUExecutionProvider"])
    for raster in pictures():
        boxes = boxes_in(raster)
        inputs = {"raster": raster[None], "boxes": boxes.astype(np.float32)}
        np.testing.assert_allclose(
            session.run(None, inputs)[0], torch_scores(model, raster, boxes), atol=1e-3
        )
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["whole.onnx"]
    assert capfd.readouterr() == ("", "")  # the exporter keeps its diary to itself
