"""Where a captioner looks: GradCAM of the caption objective, and the box of what it sees there.

Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization", ICCV 2017. The
map is the last convolution's channels, weighted by the means of their gradients, and what is negative left out
(equations 1 and 2), with the negative caption loss in place of a class score. How CAGIC's poster made a box of its
map is not known: the threshold and the choice of a component are those of the GradCAM paper (section 4.1), and
parameters here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from cadrage.captions.objective import CaptionLoss, Target, caption_loss
from cadrage.captions.protocols import Captioner, Convolutional
from cadrage.errors import RequestError
from cadrage.geometry import Box


@dataclass(frozen=True, slots=True)
class HeatBox:
    """How a map becomes a box."""

    threshold: float = 0.15
    """Share of the map's maximum from which on a place is warm."""
    component: Literal["largest", "hottest", "all"] = "largest"
    """What the box goes around: of the connected warm places the most, those with the most heat, or all."""
    cells: int = 64
    """The map is brought to so many cells on its longer side first, so that boxes are not those of its cells."""

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise RequestError(f"The threshold lies above 0 and is at most 1; got {self.threshold:g}.")
        if self.cells < 1:
            raise RequestError(f"A map has at least one cell; got {self.cells}.")


def attention(captioner: Captioner, picture: Tensor, target: Target, loss: CaptionLoss) -> Tensor:
    """The map of what brings a picture near to a caption.

    Args:
        captioner: with a last convolution.
        picture: shape (3, H, W), RGB in [0, 1], of any size.
        target: the caption.
        loss: how far the picture is from it.

    Returns:
        Shape (h, w), over the whole picture, 0 or more; all 0 where nothing brings it nearer.

    Raises:
        RequestError: the captioner has no last convolution.
    """
    if not isinstance(captioner, Convolutional):
        raise RequestError("GradCAM needs a captioner that has a last convolution; this one has none.")
    width, height = captioner.size_wh
    seen = functional.interpolate(
        picture[None], size=(height, width), mode="bilinear", antialias=True, align_corners=False
    )
    with torch.enable_grad(), _kept(captioner.last_convolution) as maps:
        far = caption_loss(captioner, seen.detach().requires_grad_(), [target], loss)
        (features,) = maps
        (slope,) = torch.autograd.grad(-far.sum(), features)
    weights = slope.mean(dim=(2, 3), keepdim=True)
    heat: Tensor = (weights * features.detach()).sum(dim=1).clamp_min(0)[0]
    return heat


def box_of(heat: Tensor, size_wh: tuple[int, int], rule: HeatBox | None = None) -> Box:
    """The box of a map's warm places.

    Args:
        heat: shape (h, w), over the whole frame, 0 or more.
        size_wh: width and height of the frame, pixels.
        rule: how.

    Returns:
        In frame pixels; the whole frame where nothing is warm.
    """
    rule = rule or HeatBox()
    width, height = size_wh
    peak = float(heat.max())
    if not peak > 0:
        return Box(0, 0, width, height)
    share = rule.cells / max(width, height)
    rows, columns = (max(1, round(side * share)) for side in (height, width))
    fine = functional.interpolate(
        heat[None, None], size=(rows, columns), mode="bilinear", align_corners=False
    )[0, 0]
    warm = fine >= rule.threshold * float(fine.max())
    if rule.component != "all":
        parts = components(warm)
        counts = torch.bincount(
            parts.flatten(), None if rule.component == "largest" else fine.flatten().double()
        )
        counts[0] = 0
        warm = parts == counts.argmax()
    down, across = torch.nonzero(warm.any(dim=1))[:, 0], torch.nonzero(warm.any(dim=0))[:, 0]
    return Box(
        int(across[0]) * width / columns,
        int(down[0]) * height / rows,
        (int(across[-1]) + 1) * width / columns,
        (int(down[-1]) + 1) * height / rows,
    )


def components(warm: Tensor) -> Tensor:
    """Number the connected parts of a mask, neighbours by a side: bool (h, w) to int64, 0 where it is false."""
    parts = torch.arange(1, warm.numel() + 1).reshape(warm.shape) * warm
    while True:
        # Each cell takes the largest number around it, until nothing moves.
        around = functional.pad(parts, (1, 1, 1, 1))
        spread = torch.stack(
            [parts, around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:]]
        ).amax(dim=0)
        spread = spread * warm
        if torch.equal(spread, parts):
            return parts
        parts = spread


@contextmanager
def _kept(module: nn.Module) -> Iterator[list[Tensor]]:
    """Collect a module's outputs."""
    outputs: list[Tensor] = []
    handle = module.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    try:
        yield outputs
    finally:
        handle.remove()
