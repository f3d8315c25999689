"""Training recipes: every setting of a run as one frozen value, and the named ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from cadrage.errors import RequestError
from cadrage.imaging import RasterRule
from cadrage.learning.augmentation import OFFICIAL, AugmentationConfig
from cadrage.learning.losses import LossConfig
from cadrage.learning.network import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    OFFICIAL_MEAN,
    OFFICIAL_STD,
    NetworkConfig,
)
from cadrage.learning.timm_trunk import PixelRule, pixels_expected


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One network's training."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    short_side: int = 256
    """Short side of the working raster, in pixels."""
    epochs: int = 40
    """Passes over the photographs."""
    images_per_step: int = 1
    """Photographs of one shape in a step."""
    crops_per_image: int | None = 64
    """Crops drawn at each visit; none for all."""
    optimiser: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 1e-4
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: int = 0
    """Steps over which the learning rate rises from zero."""
    loss: LossConfig = field(default_factory=LossConfig)
    taught: float = 1.0
    """Weight of the loss against the teachers' scores, where a sample has them."""
    rated: float = 1.0
    """Weight of the loss against the ratings, where a sample has them."""
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    ema: float = 0.0
    """Decay of the moving average of the weights that is kept as the result; 0 for none."""
    frozen_blocks: int = 0
    """First blocks of the backbone that keep their initial weights."""
    keep: Literal["best", "last"] = "best"
    """Epoch whose network is the result: the best SRCC on the validation part, or the last."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the trunk's arithmetic while training; weights are always kept in float32. A CPU without instructions for
    bfloat16 takes 1.7 times as long with it."""
    seed: int = 0
    branch: int = 0
    """Which order and views the epochs after the first draw: runs that differ in nothing else share their first
    epoch, and end near enough to each other for the mean of their weights to be a network, too."""

    @property
    def raster_rule(self) -> RasterRule:
        """How the working raster of a photograph is made."""
        return RasterRule(short_side=self.short_side)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the run record."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainConfig:
        """The reverse of ``to_dict``."""
        nested = {
            "network": NetworkConfig.from_dict(values["network"]),
            "loss": LossConfig(**values["loss"]),
            "augmentation": AugmentationConfig(**values["augmentation"]),
        }
        return cls(**{**values, **nested})


@dataclass(frozen=True, slots=True)
class DistillConfig:
    """An ensemble and the network it teaches."""

    teachers: tuple[TrainConfig, ...]
    student: TrainConfig
    windows: int = 0
    """Random windows of each rated photograph that are taught like photographs of their own."""
    smallest_window: float = 0.55
    """Least share of the photograph's width and of its height in a window."""
    unrated: int = 0
    """Unrated photographs used; of more, so many are drawn, of fewer all are taken."""
    students: int = 1
    """Branches of the student; the result is the mean of their weights (Wortsman et al., "Model soups", 2022)."""

    def __post_init__(self) -> None:
        if self.students < 1:
            raise RequestError("A recipe of distillation needs at least one student.")
        views = {(config.short_side, config.network.pooling) for config in (*self.teachers, self.student)}
        if not self.teachers or len(views) > 1:
            raise RequestError(
                "A recipe of distillation needs teachers, and all of its networks the same raster and pooling."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the run record."""
        return asdict(self)


PAPER = TrainConfig(
    network=NetworkConfig(pooling="official", pixel_mean=OFFICIAL_MEAN, pixel_std=OFFICIAL_STD),
    augmentation=OFFICIAL,
    crops_per_image=64,
    epochs=40,
)
"""The published training (GAIC, TPAMI 2020, section 4): Adam 1e-4, 40 epochs, one photograph and 64 crops a step,
Huber loss on z-scored ratings, batch normalisation frozen as in the official code since April 2020."""


CENTRED_MEAN = CENTRED_STD = (127.5, 127.5, 127.5)
"""Pixels brought to -1..1, as TensorFlow's MobileNetV2 was trained."""

PIXEL_RULES = {"imagenet": (IMAGENET_MEAN, IMAGENET_STD), "centred": (CENTRED_MEAN, CENTRED_STD)}
"""Mean and deviation of pixels by name: torchvision's weights expect ImageNet's, and so do most of timm's."""


def usual_pixels(backbone: str) -> PixelRule:
    """Mean and deviation of pixels for the ImageNet weights that torchvision or timm has for a backbone."""
    known = pixels_expected(backbone.removeprefix("timm:")) if backbone.startswith("timm:") else None
    return known or PIXEL_RULES["imagenet"]


_CROPPER = NetworkConfig(channels=16, geometry=True, pixel_mean=CENTRED_MEAN, pixel_std=CENTRED_STD)

_FINE_TUNING = TrainConfig(
    network=_CROPPER,
    epochs=6,
    images_per_step=4,
    crops_per_image=None,
    optimiser="adamw",
    learning_rate=2e-4,
    weight_decay=1e-4,
    schedule="cosine",
    warmup_steps=50,
    loss=LossConfig(correlation=1.0, listwise=0.5),
    augmentation=AugmentationConfig(brightness=24, contrast=0.3, saturation=0.4),
    ema=0.995,
    frozen_blocks=4,
    keep="last",
)

_LARGE = replace(_CROPPER, backbone="timm:tf_efficientnet_lite2")
_LARGE_NARROW = replace(_LARGE, channels=32, width=384)

DEFAULT = DistillConfig(
    teachers=(
        replace(_FINE_TUNING, seed=1, network=_LARGE),
        replace(_FINE_TUNING, seed=2, network=_LARGE_NARROW),
        replace(_FINE_TUNING, seed=3, network=_LARGE),
        replace(_FINE_TUNING, seed=4, network=_LARGE_NARROW),
    ),
    student=replace(_FINE_TUNING, epochs=4, seed=6),
    windows=2,
    unrated=4000,
    students=2,
)
"""How the shipped model is made: four larger networks of different heads and seeds teach a quick one."""

Recipe = TrainConfig | DistillConfig


def result_config(recipe: Recipe) -> TrainConfig:
    """The training of the network that a recipe makes: its only one, or the student's."""
    return recipe if isinstance(recipe, TrainConfig) else recipe.student


def named(name: str) -> Recipe:
    """The recipe of a name.

    Raises:
        RequestError: there is none.
    """
    recipes: dict[str, Recipe] = {"default": DEFAULT, "paper": PAPER}
    if name not in recipes:
        raise RequestError(f"There is no recipe '{name}': choose {' or '.join(recipes)}.")
    return recipes[name]


def with_changes(
    recipe: Recipe,
    *,
    seed: int = 0,
    epochs: int | None = None,
    backbone: str | None = None,
    pixels: str | PixelRule | None = None,
) -> Recipe:
    """A recipe with changes in all of its networks.

    Args:
        recipe: to change.
        seed: added to every seed.
        epochs: number of epochs, or as they are.
        backbone: its name, or as it is. Blocks were chosen to be frozen for the recipe's own backbone: another one
            is trained whole.
        pixels: how the initial weights expect pixels, a name of ``PIXEL_RULES`` or a rule; or as it is. Teachers of
            another backbone than the student's start from weights of their own and keep their rule.

    Raises:
        RequestError: there is no such pixel rule.
    """
    if isinstance(pixels, str) and pixels not in PIXEL_RULES:
        raise RequestError(f"There is no pixel rule '{pixels}': choose {' or '.join(PIXEL_RULES)}.")
    rule = PIXEL_RULES[pixels] if isinstance(pixels, str) else pixels

    own = result_config(recipe).network.backbone

    def changed(config: TrainConfig) -> TrainConfig:
        network, frozen = config.network, config.frozen_blocks
        if backbone is not None and backbone != network.backbone:
            network, frozen = replace(network, backbone=backbone), 0
        if rule is not None and network.backbone == (backbone or own):
            network = replace(network, pixel_mean=rule[0], pixel_std=rule[1])
        return replace(
            config,
            seed=config.seed + seed,
            epochs=epochs or config.epochs,
            network=network,
            frozen_blocks=frozen,
        )

    if isinstance(recipe, TrainConfig):
        return changed(recipe)
    teachers = tuple(changed(teacher) for teacher in recipe.teachers)
    return replace(recipe, teachers=teachers, student=changed(recipe.student))
