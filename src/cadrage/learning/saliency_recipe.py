"""The recipe of a saliency head: every setting of its training as one frozen value."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from cadrage.learning.augmentation import AugmentationConfig


@dataclass(frozen=True, slots=True)
class SaliencyConfig:
    """Training of a saliency head on the maps of a trunk that stays as it is."""

    channels: int = 16
    """Of the head where it is finest, see ``SaliencyHead``."""
    windows: int = 6
    """Random windows of each photograph, beside itself and its mirror image."""
    smallest_window: float = 0.45
    """Least share of the photograph's width and of its height in a window."""
    least_kept: float = 0.4
    """Least share of the salient object in a window."""
    augmentation: AugmentationConfig = field(
        default_factory=lambda: AugmentationConfig(brightness=24, contrast=0.3, saturation=0.4)
    )
    """Of the windows."""
    epochs: int = 10
    """Passes over all views."""
    images_per_step: int = 16
    """Views of one shape in a step."""
    learning_rate: float = 5e-3
    """At its height; it falls with a cosine."""
    weight_decay: float = 0.05
    warmup_steps: int = 50
    """Steps over which the learning rate rises from zero."""
    overlap: float = 1.0
    """Weight of the loss on intersection over union, beside cross-entropy of weight one."""
    dropout: float = 0.3
    """Share of whole channels left out at each step: few photographs, many channels."""
    ema: float = 0.995
    """Decay of the moving average of the weights that is kept as the result."""
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    """Of the trunk's arithmetic while training."""
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the run record."""
        return asdict(self)
