"""ImageNet weights from a Python package."""

import importlib.resources
from pathlib import Path

import pytest
import timm
import torch

from cadrage.errors import MissingExtraError, WeightsError
from cadrage.imaging import RasterRule, open_photo, raster
from cadrage.learning.backbones import build_trunk
from cadrage.learning.pretrained import PACKAGES, load_packaged

NAMES = sorted(PACKAGES)
TABBY, EGYPTIAN_CAT, ESPRESSO = 281, 285, 967
SAMPLES = Path(__file__).parents[2] / "examples" / "photographs"


@pytest.fixture(scope="module", params=NAMES)
def classifier(request):
    model = timm.create_model(request.param, pretrained=False).eval()
    load_packaged(model, request.param)
    return model


@pytest.mark.parametrize(("photo", "classes"), [("chelsea", {TABBY, EGYPTIAN_CAT}), ("coffee", {ESPRESSO})])
def test_the_network_knows_what_is_on_a_photograph(classifier, photo, classes):
    pixels = raster(open_photo(SAMPLES / f"{photo}.jpg"), RasterRule(short_side=256))
    picture = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        assert int(classifier((picture - 127) / 128).argmax()) in classes


def test_the_trunk_has_the_same_weights(classifier):
    name = classifier.default_cfg["architecture"]
    trunk = build_trunk(f"timm:{name}", initial_weights="imagenet")
    whole = classifier.state_dict()
    for key, tensor in trunk.model.state_dict().items():
        assert torch.equal(tensor, whole[key]), key


def test_another_network_is_refused():
    with pytest.raises(WeightsError, match="does not hold the weights"):
        load_packaged(timm.create_model("resnet18", pretrained=False), NAMES[0])


def test_a_missing_package_is_named_with_the_extra(monkeypatch):
    def missing(package):
        raise ModuleNotFoundError(package)

    monkeypatch.setattr(importlib.resources, "files", missing)
    with pytest.raises(MissingExtraError, match="train"):
        build_trunk(f"timm:{NAMES[0]}", initial_weights="imagenet")
