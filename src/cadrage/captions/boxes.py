"""The parameters that are optimised, and the boxes they stand for, which lie in the frame whatever their values.

A box is a place and a size. The size is the scale, the square root of the share of the largest box's area, and,
where the aspect ratio is free, an elongation around it. The place is where the box lies in the room that its size
leaves. All are squashed numbers: any real vector is a box.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from cadrage.errors import RequestError
from cadrage.geometry import AspectRatio

ROOM = 1e-3
"""Places and sizes are kept this share away from their ends, where a squashed number's gradient would vanish."""


@dataclass(frozen=True, slots=True)
class BoxSpace:
    """All boxes of a frame that may be returned.

    Attributes:
        size_wh: width and height of the frame, pixels.
        largest_wh: of the largest box, pixels: the frame where the ratio is free.
        least_scale: smallest scale, in (0, 1].
        most_elongated: where the ratio is free, the largest ratio of a box's relative sides (width as a share of
            the frame's by height as a share of its), or the inverse; 1 where the ratio is fixed.
    """

    size_wh: tuple[float, float]
    largest_wh: tuple[float, float]
    least_scale: float = 0.2
    most_elongated: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.least_scale <= 1:
            raise RequestError(f"The smallest scale lies above 0 and is at most 1; got {self.least_scale:g}.")
        if self.most_elongated < 1:
            raise RequestError(f"The elongation is at least 1; got {self.most_elongated:g}.")

    @classmethod
    def of(
        cls,
        size_wh: tuple[int, int],
        ratio: AspectRatio | None,
        least_scale: float = 0.2,
        most_elongated: float = 2.0,
    ) -> BoxSpace:
        """The space of a frame: of one ratio, or free."""
        if ratio is None:
            return cls(size_wh, size_wh, least_scale, most_elongated)
        return cls(size_wh, ratio.largest_within(size_wh), least_scale)

    @property
    def is_free(self) -> bool:
        """Whether the ratio is a parameter, too."""
        return self.most_elongated > 1

    @property
    def dimensions(self) -> int:
        """Parameters of a box: x, y, scale and, where it is free, elongation."""
        return 4 if self.is_free else 3

    def holds(self, scale: float, shape: float) -> bool:
        """Whether boxes of a scale may have a shape: a ratio of relative sides, width by height."""
        most = min(self.most_elongated, scale**-2)
        return max(shape, 1 / shape) <= most + 1e-9

    def boxes(self, theta: Tensor, scale: Tensor | float | None = None) -> Tensor:
        """The boxes of parameters.

        Args:
            theta: shape (K, dimensions).
            scale: of all boxes or of each, shape (K,), in the place of the third parameter, as while it is
                annealed; clamped to the space.

        Returns:
            Shape (K, 4), in frame pixels, differentiable with respect to ``theta`` and ``scale``.
        """
        chosen = self.scales(theta) if scale is None else torch.as_tensor(scale, dtype=theta.dtype)
        chosen = chosen.clamp(self.least_scale, 1).expand(len(theta))
        stretch = torch.ones_like(chosen)
        if self.is_free:
            stretch = torch.exp(self._most_stretch(chosen) * torch.tanh(theta[:, 3]))
        sides = torch.stack(
            [chosen * stretch * self.largest_wh[0], chosen / stretch * self.largest_wh[1]], dim=1
        )
        frame = theta.new_tensor(self.size_wh)
        start = (frame - sides).clamp_min(0) * torch.sigmoid(theta[:, :2])
        return torch.cat([start, torch.minimum(start + sides, frame)], dim=1)

    def scales(self, theta: Tensor) -> Tensor:
        """The scales that the third parameters stand for, shape (K,)."""
        return self.least_scale + (1 - self.least_scale) * torch.sigmoid(theta[:, 2])

    def _most_stretch(self, scale: Tensor) -> Tensor:
        """Logarithms of how far boxes of scales (K,) may be stretched: neither side may outgrow the frame."""
        return torch.minimum(-torch.log(scale), scale.new_tensor(0.5 * math.log(self.most_elongated)))

    def theta(self, boxes_xyxy: Tensor) -> Tensor:
        """Parameters of the boxes of the space that are nearest to given ones.

        Args:
            boxes_xyxy: shape (K, 4), in frame pixels; of another ratio they keep their centre and area.

        Returns:
            Shape (K, dimensions).
        """
        frame, largest = boxes_xyxy.new_tensor(self.size_wh), boxes_xyxy.new_tensor(self.largest_wh)
        given = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).clamp_min(1e-6)
        relative = given / largest
        scale = relative.prod(dim=1).sqrt().clamp(self.least_scale, 1)
        sides, elongation = scale[:, None] * largest, []
        if self.is_free:
            most = self._most_stretch(scale)
            stretch = 0.5 * torch.log(relative[:, 0] / relative[:, 1])
            share = (stretch / most.clamp_min(1e-9)).clamp(-1 + ROOM, 1 - ROOM)
            stretched = torch.exp(most * share)
            sides = sides * torch.stack([stretched, 1 / stretched], dim=1)
            elongation = [torch.atanh(share)[:, None]]
        centre = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2
        room = frame - sides
        place = torch.where(
            room > 1e-6, (centre - sides / 2) / room.clamp_min(1e-6), torch.full_like(room, 0.5)
        )
        size = (scale - self.least_scale) / max(1 - self.least_scale, 1e-9)
        squashed = torch.cat([place, size[:, None]], dim=1).clamp(ROOM, 1 - ROOM)
        return torch.cat([torch.logit(squashed), *elongation], dim=1)
