"""The official GAIC network written out slowly and literally, to compare with.

Modules carry the official names, so ``state_dict()`` has the official layout by construction; pooling loops over
sample points as the C code does. Nothing here is shared with ``cadrage``.
"""

import math
from collections import OrderedDict
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import vgg

f32 = np.float32


def roi_align(feature: np.ndarray, box: np.ndarray, stride: int, points: int) -> np.ndarray:
    """Samples of one box, (C, H, W) to (C, points, points)."""
    channels, height, width = feature.shape
    start_w, start_h, end_w, end_h = (f32(side) * f32(1 / stride) for side in box)
    roi_width = max(f32(end_w - start_w) + f32(1), f32(0))
    roi_height = max(f32(end_h - start_h) + f32(1), f32(0))
    bin_w = f32(roi_width / f32(points - 1))
    bin_h = f32(roi_height / f32(points - 1))
    samples = np.zeros((channels, points, points))
    for i in range(points):
        for j in range(points):
            h = f32(f32(i) * bin_h) + start_h
            w = f32(f32(j) * bin_w) + start_w
            if h < 0 or h >= height or w < 0 or w >= width:
                continue
            samples[:, i, j] = bilinear(feature, h, w)
    return samples


def rod_align(feature: np.ndarray, box: np.ndarray, stride: int, points: int) -> np.ndarray:
    """Samples of the whole map with those in one box set to 0, (C, H, W) to (C, points, points)."""
    channels, height, width = feature.shape
    start_w, start_h, end_w, end_h = (f32(side) * f32(1 / stride) for side in box)
    bin_w = f32((width - 1.001) / (points - 1.0))
    bin_h = f32((height - 1.001) / (points - 1.0))
    samples = np.zeros((channels, points, points))
    for i in range(points):
        for j in range(points):
            h = f32(f32(i) * bin_h)
            w = f32(f32(j) * bin_w)
            if start_h <= h <= end_h and start_w <= w <= end_w:
                continue
            samples[:, i, j] = bilinear(feature, h, w)
    return samples


def bilinear(feature: np.ndarray, h: np.float32, w: np.float32) -> np.ndarray:
    _, height, width = feature.shape
    top = min(math.floor(h), height - 2)
    left = min(math.floor(w), width - 2)
    down, right = float(h) - top, float(w) - left
    return (
        feature[:, top, left] * (1 - down) * (1 - right)
        + feature[:, top, left + 1] * (1 - down) * right
        + feature[:, top + 1, left] * down * (1 - right)
        + feature[:, top + 1, left + 1] * down * right
    )


def pooled(
    align: Any, features: torch.Tensor, boxes: Any, index: Any, stride: int = 16, size: int = 9
) -> torch.Tensor:
    """``align`` on every box, then 2x2 average pooling with stride 1: (K, C, size, size), float64."""
    maps = features.detach().double().numpy()
    rows = [
        align(maps[int(i)], np.asarray(box), stride, size + 1) for box, i in zip(boxes, index, strict=True)
    ]
    return functional.avg_pool2d(torch.from_numpy(np.stack(rows)), 2, stride=1)


class InvertedResidual(nn.Module):
    def __init__(self, inp: int, out: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inp * expansion
        self.use_res = stride == 1 and inp == out
        expand = [nn.Conv2d(inp, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6()]
        self.conv = nn.Sequential(
            *(expand if expansion != 1 else []),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(),
            nn.Conv2d(hidden, out, 1, bias=False),
            nn.BatchNorm2d(out),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv(x) if self.use_res else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6())
        blocks, inp = [stem], 32
        rows = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2)]
        for expansion, out, count, stride in [*rows, (6, 320, 1, 1)]:
            for i in range(count):
                blocks.append(InvertedResidual(inp, out, stride if i == 0 else 1, expansion))
                inp = out
        features = nn.Sequential(*blocks)
        self.feature3 = nn.Sequential(features[:7])
        self.feature4 = nn.Sequential(features[7:14])
        self.feature5 = nn.Sequential(features[14:])


class ShuffleUnit(nn.Module):
    def __init__(self, inp: int, out: int, stride: int) -> None:
        super().__init__()
        half = out // 2
        if stride == 2:
            self.banch1 = nn.Sequential(
                nn.Conv2d(inp, inp, 3, 2, 1, groups=inp, bias=False), nn.BatchNorm2d(inp),
                nn.Conv2d(inp, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(),
            )  # fmt: skip
        self.banch2 = nn.Sequential(
            nn.Conv2d(inp if stride == 2 else half, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(),
            nn.Conv2d(half, half, 3, stride, 1, groups=half, bias=False), nn.BatchNorm2d(half),
            nn.Conv2d(half, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if hasattr(self, "banch1"):
            both = [self.banch1(x), self.banch2(x)]
        else:
            same, changed = x.chunk(2, dim=1)
            both = [same, self.banch2(changed)]
        batch, half, height, width = both[0].shape
        return torch.stack(both, dim=2).reshape(batch, 2 * half, height, width)  # shuffle with two groups


class ShuffleNetV2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, 24, 3, 2, 1, bias=False), nn.BatchNorm2d(24), nn.ReLU())
        units, inp = [], 24
        for count, out in ((4, 116), (8, 232), (4, 464)):
            for i in range(count):
                units.append(ShuffleUnit(inp, out, 2 if i == 0 else 1))
                inp = out
        features = nn.Sequential(*units)
        self.feature3 = nn.Sequential(stem, nn.MaxPool2d(3, 2, 1), features[:4])
        self.feature4 = nn.Sequential(features[4:12])
        self.feature5 = nn.Sequential(features[12:])


class VGG16(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        stack = vgg.make_layers(vgg.cfgs["D"])
        self.feature = nn.Sequential(stack[:30])
        self.feature3 = nn.Sequential(stack[:23])
        self.feature4 = nn.Sequential(stack[23:30])
        self.feature5 = nn.Sequential(stack[30:])


BACKBONES = {
    "mobilenet_v2": (MobileNetV2, (32, 96, 320)),
    "shufflenet_v2_x1_0": (ShuffleNetV2, (116, 232, 464)),
    "vgg16": (VGG16, (512, 512, 512)),
}


class OfficialNetwork(nn.Module):
    """``crop_model_multi_scale_shared``, or the single-scale model; the head of 2019 or of 2020."""

    def __init__(
        self, backbone: str, head: int, reddim: int = 8, alignsize: int = 9, multi: bool = True
    ) -> None:
        super().__init__()
        build, channels = BACKBONES[backbone]
        self.alignsize, self.multi = alignsize, multi
        self.Feat_ext = build()
        self.DimRed = nn.Conv2d(sum(channels) if multi else channels[1], reddim, 1)

        def block(inp: int, out: int, kernel: int) -> nn.Sequential:
            norm = [nn.BatchNorm2d(out)] if head == 2019 else []
            return nn.Sequential(nn.Conv2d(inp, out, kernel), *norm, nn.ReLU())

        self.FC_layers = nn.Sequential(
            block(2 * reddim, 768, alignsize), block(768, 128, 1), nn.Dropout(0.5), nn.Conv2d(128, 1, 1)
        )

    def feature_map(self, images: torch.Tensor) -> torch.Tensor:
        f3 = self.Feat_ext.feature3(images)
        f4 = self.Feat_ext.feature4(f3)
        f5 = self.Feat_ext.feature5(f4)
        if not self.multi:
            return self.DimRed(f4)
        down, up = nn.UpsamplingBilinear2d(scale_factor=0.5), nn.UpsamplingBilinear2d(scale_factor=2)
        return self.DimRed(torch.cat([down(f3), f4, 0.5 * up(f5)], 1))

    def forward(self, images: torch.Tensor, boxes: Any, index: Any) -> torch.Tensor:
        features = self.feature_map(images)
        regions = [
            pooled(align, features, boxes, index, 16, self.alignsize) for align in (roi_align, rod_align)
        ]
        return self.FC_layers(torch.cat(regions, 1).to(images.dtype)).flatten()


def random_official(backbone: str, head: int, seed: int = 0, **options: Any) -> OfficialNetwork:
    """A network in evaluation mode with random weights and random batch-norm statistics."""
    generator = torch.Generator().manual_seed(seed)

    def draw(tensor: torch.Tensor, low: float, high: float) -> None:
        tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)

    network = OfficialNetwork(backbone, head, **options).eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                fan = module.weight[0].numel()
                module.weight.copy_(
                    torch.randn(module.weight.shape, generator=generator) * math.sqrt(2 / fan)
                )
                if module.bias is not None:
                    draw(module.bias, -0.2, 0.2)
            if isinstance(module, nn.BatchNorm2d):
                draw(module.weight, 0.5, 1.5)
                draw(module.bias, -0.3, 0.3)
                draw(module.running_mean, -0.5, 0.5)
                draw(module.running_var, 0.5, 2.0)
                module.num_batches_tracked.fill_(41440)
    return network


def preprocess(resized: np.ndarray) -> torch.Tensor:
    """The official arithmetic after the resize, uint8 (h, w, 3) to float32 (1, 3, h, w)."""
    image = (resized / 256.0).astype(np.float32)
    image -= np.array((0.485, 0.456, 0.406), dtype=np.float32)
    image = image / np.array((0.229, 0.224, 0.225), dtype=np.float32)
    return torch.from_numpy(image.transpose(2, 0, 1)[None].copy())


def official_entries(network: OfficialNetwork) -> "OrderedDict[str, torch.Tensor]":
    """The state dict as the authors saved it."""
    return OrderedDict((name, tensor.clone()) for name, tensor in network.state_dict().items())
