"""Scores in torch, and the files of networks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from official_reference import official_entries, random_official
from rated import load_part, write_rated

from cadrage.errors import WeightsError
from cadrage.imaging import RasterRule
from cadrage.learning.augmentation import mirror
from cadrage.learning.checkpoints import load_network, save_network
from cadrage.learning.network import CropNetwork, NetworkConfig
from cadrage.learning.official import load_official
from cadrage.learning.recipes import TrainConfig
from cadrage.learning.samples import rated_samples
from cadrage.learning.scoring import checkpoint_method, encode, load_any, predict_mos

CONFIG = TrainConfig(
    network=NetworkConfig(backbone="timm:mobilenetv3_small_050", width=32, hidden=16), short_side=64
)


def network(seed=0):
    torch.manual_seed(seed)
    return CropNetwork(CONFIG.network).eval()


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return load_part(write_rated(tmp_path_factory.mktemp("rated"), test=2), "test")


@pytest.fixture(scope="module")
def sample(images):
    return next(rated_samples(images, CONFIG.raster_rule))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "network.pt"
    save_network(network(), path, {"config": CONFIG.to_dict()})
    return path


def test_scores_are_on_the_raters_scale(sample):
    with torch.no_grad():
        expected = network()(sample.raster[None].float(), sample.boxes_xyxy) * 0.8 + 2.95
    np.testing.assert_allclose(predict_mos(network(), sample), expected, atol=1e-5)


def test_several_networks_are_averaged(sample):
    members = [network(0), network(1)]
    expected = np.mean([predict_mos(member, sample) for member in members], axis=0)
    np.testing.assert_allclose(predict_mos(members, sample), expected, atol=1e-6)


def test_mirrored_scores_are_the_same_for_the_mirror_image(sample):
    raster, boxes = mirror(sample.raster, sample.boxes_xyxy)
    twin = replace(sample, raster=raster, boxes_xyxy=boxes)
    plain = predict_mos(network(), sample)
    assert not np.allclose(plain, predict_mos(network(), twin), atol=1e-4)
    both = predict_mos(network(), sample, mirrored=True)
    np.testing.assert_allclose(both, (plain + predict_mos(network(), twin)) / 2, atol=1e-5)
    np.testing.assert_allclose(both, predict_mos(network(), twin, mirrored=True), atol=1e-5)


def test_bfloat16_features_are_float32_and_near(sample):
    raster = sample.raster[None].float()
    with torch.no_grad():
        exact = network().encode(raster)
        torch.testing.assert_close(encode(network(), raster), exact, atol=1e-5, rtol=1e-5)
        rounded = encode(network(), raster, "bfloat16")
    assert rounded.dtype == torch.float32
    assert 0 < float((rounded - exact).abs().max() / exact.std()) < 0.1


def test_a_saved_network_is_the_same_network(checkpoint, sample):
    loaded, record = load_network(checkpoint)
    assert not loaded.training
    assert loaded.config == CONFIG.network
    assert TrainConfig.from_dict(record["config"]) == CONFIG
    np.testing.assert_array_equal(predict_mos(loaded, sample), predict_mos(network(), sample))


def test_a_checkpoint_scores_rated_images(checkpoint, images, sample):
    assert load_any(checkpoint)[2] == RasterRule(short_side=64)
    np.testing.assert_array_equal(checkpoint_method(checkpoint)[0](images[0]), predict_mos(network(), sample))


def test_an_official_checkpoint_scores_rated_images_with_the_official_preprocessing(tmp_path, images):
    path = tmp_path / "official.pth"
    torch.save(official_entries(random_official("shufflenet_v2_x1_0", 2020)), path)
    (official,) = rated_samples(images[:1], RasterRule(), official=True)
    expected = predict_mos(load_official(path), official)
    np.testing.assert_array_equal(checkpoint_method(path)[0](images[0]), expected)
    assert "official.pth" in load_any(path)[1]["source"]


def rewritten(checkpoint, tmp_path, change):
    content = torch.load(checkpoint, weights_only=True)
    change(content)
    path = tmp_path / "changed.pt"
    torch.save(content, path)
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content["network"].update(wings=2), "does not fit this version of cadrage"),
        (lambda content: content["network"].update(width=64), "does not fit this version of cadrage"),
        (lambda content: content["state"].pop("reduce.bias"), "does not fit this version of cadrage"),
        (lambda content: content.pop("network"), "does not fit this version of cadrage"),
        (lambda content: content.update(record={}), "has no record of how it was trained"),
        (
            lambda content: content.update(format="cadrage-crop-network-9"),
            "is not an official GAIC checkpoint",
        ),
    ],
    ids=["unknown setting", "another width", "lacking weights", "no network", "no record", "another format"],
)
def test_a_checkpoint_that_does_not_fit_is_refused_in_one_line(checkpoint, tmp_path, change, message):
    path = rewritten(checkpoint, tmp_path, change)
    with pytest.raises(WeightsError, match=message) as refusal:
        load_any(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", [None, b"", b"a text", b"PK\x03\x04 no archive"])
def test_a_file_that_is_no_checkpoint_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "network.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"network\.pt") as refusal:
        load_any(path)
    assert "\n" not in str(refusal.value)


def test_a_checkpoint_runs_no_code(tmp_path):
    path = tmp_path / "network.pt"
    torch.save({"format": print}, path)
    with pytest.raises(WeightsError, match="cannot be read as a checkpoint"):
        load_any(path)
