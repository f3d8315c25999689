"""Backbones: cut where the official code cuts them, initial weights from files, refusals in a sentence."""

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from cadrage.errors import WeightsError
from cadrage.learning.backbones import build_trunk, read_tensors
from cadrage.learning.mobilenet import MobileNetV2
from cadrage.learning.padding import SamePadConv2d
from cadrage.learning.timm_trunk import LEVEL, PYRAMID, TimmTrunk

TAPS = {
    # name: (channels, torchvision's modules that end at strides 8, 16 and 32), as in the official code
    "mobilenet_v2": ((32, 96, 320), ("features.6", "features.13", "features.17")),
    "shufflenet_v2_x1_0": ((116, 232, 464), ("stage2", "stage3", "stage4")),
    "vgg16": ((512, 512, 512), ("features.22", "features.29", "features.30")),
    "resnet50": ((512, 1024, 2048), ("layer2", "layer3", "layer4")),
}


def images():
    return torch.rand((1, 3, 64, 96), generator=torch.Generator().manual_seed(0))


def maps_of(trunk):
    with torch.inference_mode():
        return trunk.eval()(images())


def tapped(model, names):
    """What a torchvision network puts out at some of its modules."""
    found = {}
    for name in names:
        model.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: found.update({name: output.clone()})
        )
    with torch.inference_mode():
        model.eval()(images())
    return [found[name] for name in names]


@pytest.mark.parametrize("name", TAPS)
def test_the_three_maps_are_torchvisions_at_strides_8_16_and_32(name):
    channels, names = TAPS[name]
    torch.manual_seed(0)
    trunk = build_trunk(name)
    torch.manual_seed(0)
    expected = tapped(models.get_model(name), names)
    assert trunk.channels == channels
    assert [tuple(tensor.shape) for tensor in expected] == [
        (1, width, 64 // stride, 96 // stride) for width, stride in zip(channels, (8, 16, 32), strict=True)
    ]
    torch.testing.assert_close(list(maps_of(trunk)), expected)


@pytest.fixture(scope="module")
def shufflenet():
    torch.manual_seed(5)
    return models.shufflenet_v2_x1_0()


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_initial_weights_come_from_a_file_of_torchvisions_state_dict(tmp_path, shufflenet, suffix):
    path = tmp_path / f"weights.{suffix}"
    (save_file if suffix == "safetensors" else torch.save)(shufflenet.state_dict(), path)
    trunk = build_trunk("shufflenet_v2_x1_0", initial_weights=path)
    expected = tapped(shufflenet, TAPS["shufflenet_v2_x1_0"][1])
    torch.testing.assert_close(list(maps_of(trunk)), expected)


def damaged(state, kind):
    if kind == "another network":
        return nn.Linear(2, 2).state_dict()
    if kind == "an entry too many":
        return {**state, "extra.weight": torch.zeros(1)}
    if kind == "another width":
        return {**state, "conv1.0.weight": torch.zeros(8, 3, 3, 3)}
    if kind == "no tensor":
        return {**state, "conv1.0.weight": "five"}
    return [1, 2, 3]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("another network", "lacks entry 'conv1.0.weight'"),
        ("an entry too many", "has the unknown entry 'extra.weight'"),
        ("another width", r"'conv1.0.weight' is not a tensor of shape \[24, 3, 3, 3\]"),
        ("no tensor", r"'conv1.0.weight' is not a tensor of shape \[24, 3, 3, 3\]"),
        ("no dictionary", "does not hold a dictionary of tensors"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_its_first_wrong_entry(tmp_path, shufflenet, kind, message):
    path = tmp_path / "weights.pth"
    torch.save(damaged(shufflenet.state_dict(), kind), path)
    with pytest.raises(WeightsError, match=message) as refusal:
        build_trunk("shufflenet_v2_x1_0", initial_weights=path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_what_is_no_weights_file_is_refused_in_one_line(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(WeightsError, match="no weights file"):
        read_tensors(path)
    path.write_bytes(b"a text, not weights")
    with pytest.raises(WeightsError, match="cannot be read as a weights file") as refusal:
        read_tensors(path)
    assert "\n" not in str(refusal.value)


def test_damaged_downloads_are_named_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    kept = tmp_path / "hub/checkpoints/mobilenet_v2-b0353104.pth"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"no weights at all")
    with pytest.raises(WeightsError, match="ImageNet weights of mobilenet_v2 are damaged") as refusal:
        build_trunk("mobilenet_v2", initial_weights="imagenet")
    assert str(kept.parent) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_unknown_backbone_is_refused_with_the_choices():
    with pytest.raises(WeightsError, match=r"'alexnet': choose one of mobilenet_v2, .*resnet50 or timm:NAME"):
        build_trunk("alexnet")


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_050"])
def test_timm_networks_work_by_name_without_a_download(name):
    trunk = build_trunk(f"timm:{name}")
    assert isinstance(trunk, TimmTrunk)
    assert [tuple(features.shape) for features in maps_of(trunk)] == [
        (1, width, 64 // stride, 96 // stride)
        for width, stride in zip(trunk.channels, (8, 16, 32), strict=True)
    ]


@pytest.mark.parametrize(
    ("name", "strides", "only_hw"),
    [
        ("vit_tiny_patch16_224", LEVEL, None),
        ("eva02_tiny_patch14_224", LEVEL, None),  # 14 pixels a cell
        ("swin_tiny_patch4_window7_224", PYRAMID, None),  # channels last
        ("mambaout_femto", PYRAMID, None),  # channels last
        ("inception_v3", PYRAMID, None),  # maps are smaller than the strides say: it pads nothing
        ("nest_tiny", LEVEL, (224, 224)),  # strides 4, 8 and 16
        ("hiera_tiny_224", PYRAMID, (224, 224)),
    ],
)
def test_timms_networks_of_other_strides_sizes_and_layouts_make_maps_of_any_picture(name, strides, only_hw):
    trunk = build_trunk(f"timm:{name}").eval()
    assert (trunk.strides, trunk.only_hw) == (strides, only_hw)
    for height, width in ((128, 192), (288, 96)):
        with torch.inference_mode():
            maps = trunk(torch.zeros(2, 3, height, width))
        assert [tuple(features.shape) for features in maps] == [
            (2, channels, height // stride, width // stride)
            for channels, stride in zip(trunk.channels, strides, strict=True)
        ]


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "nest_tiny"])
def test_maps_of_transformers_lie_where_the_picture_is(name):
    torch.manual_seed(0)
    trunk = build_trunk(f"timm:{name}").eval()
    plain, marked = torch.zeros(1, 3, 256, 384), torch.zeros(1, 3, 256, 384)
    marked[:, :, 160:192, 64:96] = 3.0  # around row 11 and column 5 of cells of 16 pixels
    with torch.inference_mode():
        change = (trunk(marked)[1] - trunk(plain)[1]).abs().sum(dim=(0, 1))
    row, column = divmod(int(change.argmax()), change.shape[1])
    assert abs(row - 10.5) <= 1.5
    assert abs(column - 4.5) <= 1.5


def test_blocks_of_a_transformer_can_be_frozen_one_by_one():
    blocks = build_trunk("timm:vit_tiny_patch16_224").first_blocks
    assert sum("Block" in type(block).__name__ for block in blocks) == 12


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("no_such_network", {}, "no usable backbone named 'no_such_network'"),
        ("resnet18.no_such_weights", {"initial_weights": "imagenet"}, "no usable backbone named"),
        ("hf_hub:timm/resnet18", {}, "a network of a hub or a folder"),
        ("", {}, "no usable backbone named ''"),
        ("crossvit_tiny_240", {}, r"has maps at strides \[12, 17\]; three are needed"),
        ("resnet18", {"initial_weights": "weights.pth"}, "not from a file"),
        ("resnet18", {"same_padding": True}, "SAME padding"),
    ],
)
def test_what_timm_cannot_give_is_refused(name, options, message):
    with pytest.raises(WeightsError, match=message) as refusal:
        build_trunk(f"timm:{name}", **options)
    assert "\n" not in str(refusal.value)


def test_same_padding_adds_a_row_below_and_a_column_at_the_right():
    convolution = SamePadConv2d(1, 1, 3, stride=2, padding=1, bias=False)
    nn.init.ones_(convolution.weight)
    numbers = torch.arange(16.0).reshape(1, 1, 4, 4)
    # Sums of rows 0-2 or 2-3 and columns 0-2 or 2-3 of 0..15; TensorFlow pads SAME so where stride is 2.
    assert convolution(numbers).tolist() == [[[[45, 39], [66, 50]]]]


def test_timms_networks_of_tensorflow_give_the_same_maps_without_its_own_padding():
    name = "tf_efficientnet_lite0"  # with kernels of three and of five
    trunk = build_trunk(f"timm:{name}").eval()
    model = timm.create_model(name, features_only=True, out_indices=(2, 3, 4)).eval()
    model.load_state_dict(trunk.model.state_dict(), strict=False)
    picture = torch.rand(1, 3, 96, 160, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for ours, theirs in zip(trunk(picture), model(picture), strict=True):
            assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet50"])
def test_same_padding_is_for_every_strided_convolution_of_neighbours_and_keeps_the_weights(name):
    torch.manual_seed(0)
    usual = build_trunk(name)
    torch.manual_seed(0)
    same = build_trunk(name, same_padding=True)
    assert usual.state_dict().keys() == same.state_dict().keys()
    strided = {
        key
        for key, module in usual.named_modules()
        if isinstance(module, nn.Conv2d) and module.kernel_size != (1, 1) and module.stride == (2, 2)
    }
    assert strided
    assert strided == {key for key, module in same.named_modules() if isinstance(module, SamePadConv2d)}
    for first, second in zip(maps_of(usual), maps_of(same), strict=True):
        assert first.shape == second.shape
        assert not torch.equal(first, second)


def test_our_mobilenet_is_torchvisions():
    theirs, ours = models.mobilenet_v2().eval(), MobileNetV2().eval()
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    ours.load_state_dict(theirs.state_dict())
    picture = torch.rand(2, 3, 96, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(ours(picture), theirs(picture))
        assert torch.equal(ours.features(picture), theirs.features(picture))
