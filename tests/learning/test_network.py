"""The crop scorer: its size, its variants, and that it is one function however it is called."""

import json
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from cadrage.errors import RequestError
from cadrage.learning.network import CropNetwork, NetworkConfig, describe_boxes

BOXES = torch.tensor([[0.0, 0, 96, 64], [10, 5, 80, 60], [33, 8, 90, 50]])
SMALL = "timm:mobilenetv3_small_050"


def raster(images=1, height=64, width=96):
    return torch.rand((images, 3, height, width), generator=torch.Generator().manual_seed(0)) * 255


def network(**settings):
    torch.manual_seed(0)
    return CropNetwork(NetworkConfig(**{"backbone": SMALL, "width": 32, "hidden": 16, **settings})).eval()


@pytest.mark.parametrize(
    ("backbone", "norm", "parameters"),
    [
        # Trainable parameters of the official networks of April 2020 and of 2019 (with norm).
        ("mobilenet_v2", False, 2_909_961),
        ("mobilenet_v2", True, 2_911_753),
        ("shufflenet_v2_x1_0", False, 1_877_581),
        ("shufflenet_v2_x1_0", True, 1_879_373),
        ("vgg16", False, 15_821_641),
    ],
)
def test_the_papers_networks_have_the_papers_sizes(backbone, norm, parameters):
    published = CropNetwork(NetworkConfig(backbone=backbone, pooling="official", norm=norm))
    assert sum(parameter.numel() for parameter in published.parameters()) == parameters


@pytest.mark.parametrize("pooling", ["clean", "official"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"kernel": 5},
        {"kernel": 3},
        {"regions": "roi"},
        {"regions": "rod"},
        {"regions": "roi+global"},
        {"scale": "single"},
        {"norm": True, "dropout": 0.5},
        {"geometry": True},
        {"pool_size": 5, "channels": 4},
    ],
    ids=str,
)
def test_every_variant_gives_one_score_for_each_box(pooling, settings):
    variant = network(pooling=pooling, **settings)
    scores = variant(raster(), BOXES)
    assert scores.shape == (3,)
    assert scores.unique().numel() == 3
    assert variant(raster(), BOXES[:0]).shape == (0,)


@pytest.mark.parametrize(
    "settings", [{}, {"regions": "roi+global"}, {"geometry": True}, {"pooling": "official"}]
)
def test_a_batch_gives_the_scores_of_its_images(settings):
    variant, images = network(**settings), raster(images=2)
    index = torch.tensor([1, 0, 1])
    together = variant(images, BOXES, index)
    for position, image in enumerate(index.tolist()):
        alone = variant(images[image : image + 1], BOXES[position : position + 1])
        torch.testing.assert_close(together[position : position + 1], alone, atol=1e-5, rtol=1e-5)


def test_encoding_once_and_scoring_often_is_the_same():
    variant = network()
    features = variant.encode(raster())
    assert features.shape == (1, 8, 4, 6)
    for row in range(3):
        torch.testing.assert_close(
            variant.score(features, BOXES[row : row + 1]), variant(raster(), BOXES)[row : row + 1]
        )


@pytest.mark.parametrize(("pooling", "coarse_weight"), [("official", 0.5), ("clean", 1.0)])
def test_maps_are_brought_to_stride_16_concatenated_and_reduced(pooling, coarse_weight):
    variant = network(pooling=pooling)
    fine, middle, coarse = variant.trunk(variant.normalise(raster()))
    how = {"size": middle.shape[-2:], "mode": "bilinear", "align_corners": pooling == "official"}
    stacked = [
        functional.interpolate(fine, **how),
        middle,
        coarse_weight * functional.interpolate(coarse, **how),
    ]
    expected = variant.reduce(torch.cat(stacked, dim=1))
    torch.testing.assert_close(variant.fuse((fine, middle, coarse)), expected, atol=1e-5, rtol=1e-5)


def test_single_scale_reads_the_map_at_stride_16():
    variant = network(scale="single")
    maps = variant.trunk(variant.normalise(raster()))
    torch.testing.assert_close(variant.encode(raster()), variant.reduce(maps[1]))


def test_gradients_reach_every_part_of_the_trunk():
    variant = network()
    variant(raster(), BOXES).sum().backward()
    lacking = [name for name, weight in variant.named_parameters() if weight.grad is None]
    assert lacking == []
    blocks = {name.split(".")[2] for name, weight in variant.trunk.named_parameters() if weight.grad.any()}
    assert len(blocks) > 3


def test_clean_scores_have_gradients_with_respect_to_boxes():
    boxes = BOXES[1:].clone().requires_grad_()
    network()(raster(), boxes).sum().backward()
    assert boxes.grad.abs().min() > 0


def operations(module, input_size):
    """Multiply-adds of the convolutions of a module, counted from the shapes that run through."""
    total = 0

    def count(convolution, _inputs, output):
        nonlocal total
        total += output.numel() * convolution.weight[0].numel()

    hooks = [m.register_forward_hook(count) for m in module.modules() if isinstance(m, nn.Conv2d)]
    module(torch.zeros(input_size))
    for hook in hooks:
        hook.remove()
    return total


@pytest.mark.parametrize(
    ("kernel", "multiply_adds"),
    # Table 5 of TPAMI 2020 counts in units of 2**20: 0.69 M, 1.78 M; and 1.00 M for the 9x9 kernel.
    [(9, 995_328), (5, 1_868_800), (3, 723_456)],
)
def test_heads_cost_what_table_5_says(kernel, multiply_adds):
    head = network(kernel=kernel, width=768).head
    assert operations(head.first, (1, 16, 9, 9)) == multiply_adds


def test_scores_are_brought_back_to_the_raters_scale():
    variant = network(mos_mean=3.0, mos_std=0.5)
    assert variant.mos(torch.tensor([-2.0, 0, 1])).tolist() == [2, 3, 3.5]


def test_pixels_are_normalised_by_mean_and_deviation():
    variant = network(pixel_mean=(10, 20, 30), pixel_std=(1, 2, 4))
    pixels = torch.tensor([11.0, 24, 42]).view(1, 3, 1, 1)
    assert variant.normalise(pixels).flatten().tolist() == [1, 2, 3]


def test_boxes_are_described_by_place_and_shape():
    described = describe_boxes(torch.tensor([[0.0, 0, 48, 64], [24, 16, 72, 48]]), 96, 64).tolist()
    ratio, frame = math.log(3 / 4), math.log(1.5)
    assert described[0] == pytest.approx([-1, -1, 0, 1, 0, 0, 0.5, ratio, frame])
    assert described[1] == pytest.approx([-0.5, -0.5, 0.5, 0.5, -0.25, 0, 0, math.log(1.5), frame])


def test_dropout_acts_in_training_only():
    variant = network(dropout=0.5)
    assert torch.equal(variant(raster(), BOXES), variant(raster(), BOXES))
    variant.head.train()
    assert not torch.equal(variant(raster(), BOXES), variant(raster(), BOXES))


def test_a_configuration_survives_json():
    config = NetworkConfig(kernel=5, channels=4, pixel_mean=(1.5, 2, 3))
    assert NetworkConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kernel": 7}, r"no kernel 7: choose of \(9, 5, 3\)"),
        ({"pooling": "max"}, "no pooling 'max'"),
        ({"regions": "all"}, "no regions 'all'"),
        ({"scale": "double"}, "no scale 'double'"),
        ({"channels": 0}, "at least 1"),
    ],
)
def test_what_no_network_has_is_refused(settings, message):
    with pytest.raises(RequestError, match=message):
        NetworkConfig(**settings)


def test_small_kernels_are_for_9x9_regions():
    with pytest.raises(RequestError, match="9x9 pooled regions only"):
        NetworkConfig(kernel=5, pool_size=7)
