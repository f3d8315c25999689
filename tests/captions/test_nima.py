"""NIMA networks: the layouts of public files, the mean score, what is refused."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.autograd import gradcheck
from torchvision import models

from cadrage.captions.aesthetics.gaic import load_aesthetics
from cadrage.captions.aesthetics.nima import IMAGENET_MEAN, IMAGENET_STD, Nima, load_nima
from cadrage.errors import RequestError, WeightsError


@pytest.fixture(scope="module")
def mobilenet():
    """A backbone and its last layer, of random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return models.mobilenet_v2().features.eval(), nn.Linear(1280, 10).eval()


def crops(count=2, side=64):
    return torch.rand((count, 3, side, side), generator=torch.Generator().manual_seed(1))


LAYOUTS = {
    "base_model.0. and head.2.": lambda features, last: {
        "model_state": nn.ModuleDict(
            {"base_model": nn.Sequential(features), "head": nn.Sequential(nn.ReLU(), nn.Dropout(), last)}
        ).state_dict()
    },
    "features. and classifier.1.": lambda features, last: nn.ModuleDict(
        {"features": features, "classifier": nn.Sequential(nn.Dropout(), last)}
    ).state_dict(),
    "params and other names": lambda features, last: {
        "params": {
            **{f"net.{n}": held for n, held in enumerate(features.state_dict().values())},
            "scores.weight": last.weight.detach(),
            "scores.bias": last.bias.detach(),
        }
    },
    "of several processes": lambda features, last: {
        f"module.{key}": held
        for key, held in nn.ModuleDict({"backbone": features, "fc": last}).state_dict().items()
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
@torch.no_grad()
def test_files_of_every_layout_are_one_network(layout, mobilenet, tmp_path):
    torch.save(LAYOUTS[layout](*mobilenet), tmp_path / "nima.pth")
    network = load_nima(tmp_path / "nima.pth")
    features, last = mobilenet
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    expected = last(features((crops() - mean) / std).mean(dim=(2, 3))).softmax(-1)
    torch.testing.assert_close(network.distribution(crops()), expected)
    scores = (expected * torch.arange(1, 11)).sum(dim=1)
    judge = network.look(crops()[0], 1.5)
    assert judge.size_wh == (224, 224)
    torch.testing.assert_close(judge.judge(crops(), torch.zeros(2, 4)), scores - 5.5)


def test_safetensors_are_sorted_and_found_by_name(mobilenet, tmp_path):
    features, last = mobilenet
    held = nn.ModuleDict({"features": features, "classifier": last}).state_dict()
    save_file({key: held[key].clone() for key in sorted(held)}, tmp_path / "nima.safetensors")
    with torch.no_grad():
        found = load_aesthetics(f"nima={tmp_path / 'nima.safetensors'}").distribution(crops())
        torch.save(held, tmp_path / "nima.pth")
        torch.testing.assert_close(found, load_nima(tmp_path / "nima.pth").distribution(crops()))


@torch.no_grad()
def test_residual_networks_are_told_apart(tmp_path):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = models.resnet18().eval()
    model.fc = nn.Linear(512, 10)
    torch.save(model.state_dict(), tmp_path / "nima.pth")
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    found = load_nima(tmp_path / "nima.pth").distribution(crops(1))
    torch.testing.assert_close(found, model((crops(1) - mean) / std).softmax(-1))


def test_maps_may_be_read_whole_and_gradients_are_exact():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        backbone = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.Tanh()).double()
        network = Nima(backbone, nn.Linear(4 * 3 * 3, 10).double(), size_wh=(6, 6))
    given = crops(2, 6).double().requires_grad_()
    boxes = torch.zeros((2, 4), dtype=torch.float64)
    assert network.distribution(given).shape == (2, 10)
    assert gradcheck(lambda pixels: network.judge(pixels, boxes), given)


def test_what_is_no_nima_network_is_refused_in_a_sentence(mobilenet, tmp_path):
    def refused(where, message, error=WeightsError):
        with pytest.raises(error, match=message):
            load_nima(where)

    refused(tmp_path / "nothing.pth", "There is no weights file")
    (tmp_path / "damaged.pth").write_bytes(b"nothing of the kind")
    refused(tmp_path / "damaged.pth", "cannot be read as a weights file")
    torch.save({"fc.weight": torch.zeros(5, 7)}, tmp_path / "classes.pth")
    refused(tmp_path / "classes.pth", "no layer of 10 scores")
    torch.save({"fc.weight": torch.zeros(10, 7)}, tmp_path / "half.pth")
    refused(tmp_path / "half.pth", "has no 'fc.bias'")
    head = {"fc.weight": torch.zeros(10, 7), "fc.bias": torch.zeros(10)}
    torch.save({"conv.weight": torch.zeros(4, 3, 3, 3), **head}, tmp_path / "other.pth")
    refused(tmp_path / "other.pth", "none of the backbones vgg16, mobilenet_v2, resnet18")
    refused("somebody/nima:weights.pth", "is no safetensors file")
    with pytest.raises(RequestError, match="need the pixels"):
        Nima(*mobilenet).judge(None, torch.zeros(1, 4))


def test_without_a_network_a_file_on_the_hub_is_a_sentence(monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="cannot be fetched from the hub"):
        load_nima("somebody/nima:weights.safetensors")
