"""MobileNetV2 (Sandler et al., CVPR 2018) with torchvision's parameter names, so that its weights fit.

torchvision takes as long to import as torch itself: what is shipped must not wait for it.
"""

from __future__ import annotations

from torch import Tensor, nn

PLAN = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Of each stage: how much wider its blocks are inside, their channels, how many there are, stride of the first."""

FIRST, LAST, CLASSES = 32, 1280, 1000


class MobileNetV2(nn.Module):
    """The classifier of ImageNet; ``features`` are what croppers use."""

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Module] = [_convolution(3, FIRST, 3, stride=2)]
        width = FIRST
        for expansion, channels, count, stride in PLAN:
            for number in range(count):
                blocks.append(Bottleneck(width, channels, expansion, 1 if number else stride))
                width = channels
        self.features = nn.Sequential(*blocks, _convolution(width, LAST, 1))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(LAST, CLASSES))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
        nn.init.normal_(self.classifier[1].weight, 0, 0.01)  # type: ignore[arg-type]
        nn.init.zeros_(self.classifier[1].bias)  # type: ignore[arg-type]

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits, shape (B, 1000), of normalised pictures (B, 3, H, W)."""
        logits: Tensor = self.classifier(self.features(pictures).mean(dim=(2, 3)))
        return logits


class Bottleneck(nn.Module):
    """An inverted residual: widen, convolve each channel, narrow."""

    def __init__(self, width: int, channels: int, expansion: int, stride: int) -> None:
        super().__init__()
        inside = width * expansion
        parts: list[nn.Module] = [] if expansion == 1 else [_convolution(width, inside, 1)]
        parts += [
            _convolution(inside, inside, 3, stride=stride, groups=inside),
            nn.Conv2d(inside, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        ]
        self.conv = nn.Sequential(*parts)
        self.adds = stride == 1 and width == channels

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, width, H, W) to (B, channels, H / stride, W / stride)."""
        made: Tensor = self.conv(maps)
        return maps + made if self.adds else made


def _convolution(
    width: int, channels: int, kernel: int, *, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    convolution = nn.Conv2d(width, channels, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels), nn.ReLU6(inplace=True))
