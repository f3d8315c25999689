"""The ablation tables of GAIC (TPAMI 2020): which networks they compare, and what was published of each.

The published figures are of the authors' validation part of the journal release; only differences between rows of
one table compare with those of another division.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cadrage.errors import RequestError

COLUMNS = (
    "SRCC",
    "PCC",
    "Acc 1/5",
    "Acc 4/5",
    "Acc 1/10",
    "Acc 4/10",
    "Acc^w 1/5",
    "Acc^w 4/5",
    "Acc^w 1/10",
    "Acc^w 4/10",
)


@dataclass(frozen=True, slots=True)
class PublishedCost:
    """What the paper prints of a network's cost; ``None`` where it prints nothing.

    Attributes:
        trunk_parameters: of the part of the backbone that is used.
        trunk_flops: of the backbone for one picture of 256 x 256 pixels, by the authors' counter. To the
            multiply-adds of convolutions it adds four operations for each value of a batch normalisation, one for
            each that a ReLU or a pooling reads, and a bias as often as there are input channels.
        crop_flops: of the first layers of the head for one crop, up to ``NetworkConfig.width``; those of the 3x3
            and 5x5 kernels agree with what these multiply in units of 2^20, the others in millions.
        gpu_pictures_per_second: on a GTX 1080 Ti, network alone.
    """

    trunk_parameters: int | None = None
    trunk_flops: int | None = None
    crop_flops: int | None = None
    gpu_pictures_per_second: int | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What the paper prints of a network.

    Attributes:
        backbone: that the network had.
        figures: by column; nothing for a column that the paper does not print.
        cost: of the network.
    """

    backbone: str
    figures: Mapping[str, float]
    cost: PublishedCost = field(default_factory=PublishedCost)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, but for the name of the backbone; costs that are not printed are left out."""
        printed = {name: value for name, value in asdict(self.cost).items() if value is not None}
        return {"figures": dict(self.figures), "cost": printed}


@dataclass(frozen=True, slots=True)
class Row:
    """One network of a table.

    Attributes:
        name: what identifies it in the table, and names its run.
        network: fields of ``NetworkConfig`` that it changes.
        augmented: whether colours are changed and photographs mirrored in training.
        published: of this network, or of the same one with other backbones, one after the other.
    """

    name: str
    network: Mapping[str, Any]
    augmented: bool = True
    published: tuple[Published, ...] = ()


@dataclass(frozen=True, slots=True)
class AblationTable:
    """A table.

    Attributes:
        number: in the paper.
        title: what it varies.
        rows: in the paper's order.
    """

    number: int
    title: str
    rows: tuple[Row, ...]


_SHORT = tuple(column for column in COLUMNS if not column.startswith("Acc^w 1/"))

BACKBONES = {"vgg16": "VGG16", "mobilenet_v2": "MobileNetV2", "shufflenet_v2_x1_0": "ShuffleNetV2"}


def _extraction(backbone: str, scale: str, augmented: bool, cost: PublishedCost, *figures: float) -> Row:
    name = f"{backbone}, {scale}, {'augmented' if augmented else 'plain'}"
    published = Published(backbone, dict(zip(_SHORT, figures, strict=True)), cost)
    return Row(name, {"backbone": backbone, "scale": scale}, augmented, (published,))


def _regions(backbone: str, regions: str, *figures: float) -> Row:
    published = Published(backbone, dict(zip(COLUMNS, figures, strict=True)))
    network = {"backbone": backbone, "regions": regions}
    return Row(f"{backbone}, {regions}", network, published=(published,))


def _head(kernel: int, channels: int, crop_flops: int, *figures: float) -> Row:
    backbone = "shufflenet_v2_x1_0"
    cost = PublishedCost(crop_flops=crop_flops)
    published = Published(backbone, dict(zip(COLUMNS, figures, strict=True)), cost)
    network = {"backbone": backbone, "kernel": kernel, "channels": channels}
    return Row(f"{kernel}x{kernel}, {channels} channels", network, published=(published,))


def _trunk_cost(parameters: int, flops: int, pictures_per_second: int) -> PublishedCost:
    return PublishedCost(parameters, flops, gpu_pictures_per_second=pictures_per_second)


_VGG = _trunk_cost(14_700_000, 22_300_000_000, 138)
_VGG_MULTI = _trunk_cost(14_700_000, 22_300_000_000, 125)
_MOBILENET = _trunk_cost(540_000, 314_000_000, 254)
_MOBILENET_MULTI = _trunk_cost(1_810_000, 407_000_000, 200)
_SHUFFLENET = _trunk_cost(280_000, 126_000_000, 185)
_SHUFFLENET_MULTI = _trunk_cost(780_000, 170_000_000, 142)

FEATURES = AblationTable(
    3,
    "backbone, scale and augmentation",
    (
        _extraction("vgg16", "single", False, _VGG, 0.845, 0.871, 64.0, 53.6, 82.0, 75.3, 41.8, 59.5),
        _extraction("vgg16", "single", True, _VGG, 0.851, 0.876, 65.0, 54.5, 83.0, 76.4, 42.7, 60.4),
        _extraction("vgg16", "multi", True, _VGG_MULTI, 0.854, 0.879, 65.5, 55.0, 83.5, 76.9, 43.5, 60.9),
        _extraction(
            "mobilenet_v2", "single", False, _MOBILENET, 0.851, 0.874, 65.5, 54.6, 83.0, 75.9, 42.5, 60.1
        ),
        _extraction(
            "mobilenet_v2", "single", True, _MOBILENET, 0.856, 0.879, 66.5, 55.4, 84.0, 77.0, 43.7, 61.2
        ),
        _extraction(
            "mobilenet_v2", "multi", True, _MOBILENET_MULTI, 0.861, 0.884, 67.5, 56.4, 85.0, 78.1, 44.9, 62.0
        ),
        _extraction(
            "shufflenet_v2_x1_0", "single", False, _SHUFFLENET, 0.848, 0.873, 64.0, 53.2, 82.5, 75.4, 42.0, 59.6
        ),
        _extraction(
            "shufflenet_v2_x1_0", "single", True, _SHUFFLENET, 0.855, 0.880, 65.5, 54.6, 84.5, 76.8, 43.6, 60.7
        ),
        _extraction(
            "shufflenet_v2_x1_0", "multi", True, _SHUFFLENET_MULTI,
            0.863, 0.886, 67.0, 55.8, 85.5, 77.9, 45.2, 61.9,
        ),
    ),
)  # fmt: skip

REGIONS = AblationTable(
    4,
    "what the head sees",
    (
        _regions("mobilenet_v2", "rod", 0.778, 0.820, 57.5, 46.3, 75.0, 67.7, 42.7, 37.2, 56.7, 52.5),
        _regions("mobilenet_v2", "roi", 0.852, 0.874, 66.0, 55.1, 83.5, 76.5, 47.1, 43.3, 62.2, 60.6),
        _regions("mobilenet_v2", "roi+global", 0.849, 0.871, 65.5, 54.9, 83.0, 76.4, 46.8, 43.1, 61.8, 60.2),
        _regions("mobilenet_v2", "roi+rod", 0.861, 0.884, 67.5, 56.4, 85.0, 78.1, 48.5, 44.9, 63.7, 62.0),
        _regions("shufflenet_v2_x1_0", "rod", 0.782, 0.827, 57.0, 46.9, 75.5, 67.4, 42.9, 37.5, 57.2, 52.1),
        _regions("shufflenet_v2_x1_0", "roi", 0.854, 0.876, 65.5, 54.6, 84.0, 76.7, 47.9, 43.5, 62.6, 60.4),
        _regions(
            "shufflenet_v2_x1_0", "roi+global", 0.851, 0.874, 65.0, 54.4, 83.5, 76.4, 47.4, 43.1, 62.2, 60.2
        ),
        _regions(
            "shufflenet_v2_x1_0", "roi+rod", 0.863, 0.886, 67.0, 55.8, 85.5, 77.9, 49.0, 45.2, 63.9, 61.9
        ),
    ),
)

HEADS = AblationTable(
    5,
    "kernels and channels of the head",
    (
        _head(3, 8, 690_000, 0.851, 0.876, 65.0, 53.7, 83.5, 76.4, 47.3, 43.2, 62.0, 60.2),
        _head(5, 8, 1_780_000, 0.858, 0.882, 66.0, 54.9, 84.5, 77.1, 48.2, 44.3, 63.2, 61.1),
        _head(9, 8, 1_000_000, 0.863, 0.886, 67.0, 55.8, 85.5, 77.9, 49.0, 45.2, 63.9, 61.9),
        _head(9, 32, 3_980_000, 0.865, 0.888, 67.5, 56.1, 86.0, 78.2, 49.1, 45.4, 64.4, 62.3),
        _head(9, 16, 1_990_000, 0.864, 0.887, 67.5, 56.0, 86.0, 78.0, 49.3, 45.5, 64.1, 62.1),
        # 58.2 as printed; out of line with its neighbours, presumably 55.2.
        _head(9, 4, 500_000, 0.856, 0.881, 66.0, 58.2, 85.0, 77.4, 48.4, 44.5, 63.3, 61.5),
        _head(9, 2, 250_000, 0.851, 0.874, 65.0, 54.7, 83.5, 76.1, 47.9, 43.9, 62.5, 60.8),
        _head(9, 1, 130_000, 0.841, 0.864, 63.5, 53.6, 82.0, 74.9, 46.7, 42.6, 61.4, 59.5),
    ),
)

TABLES = {table.number: table for table in (FEATURES, REGIONS, HEADS)}


def ablation_table(number: int) -> AblationTable:
    """The table of a number.

    Raises:
        RequestError: it is none of those that compare trained networks.
    """
    if number not in TABLES:
        raise RequestError(
            f"There is no ablation of table {number}: choose {', '.join(map(str, (2, *TABLES)))}."
        )
    return TABLES[number]


def figures_of(report: Mapping[str, Any]) -> dict[str, float | None]:
    """The columns of a table from the plain values of a ``RankingReport``."""
    figures = {"SRCC": report["srcc"], "PCC": report["pcc"]}
    for column in COLUMNS[2:]:
        kind, place = column.split()
        k, n = place.split("/")
        figures[column] = report[f"acc{n}{'_w' if kind == 'Acc^w' else ''}"][int(k) - 1]
    return figures
