"""How pleasing crops are, with gradients: the GAIC scorer on cropped pixels or on regions, and NIMA.

CAGIC's aesthetics network is not known; the crop scorer of this package is ours in its place. On cropped pixels it
stands where the paper has its network. On regions it reads the photograph once and pools any box from what it made
of it: then what a crop throws away has a say, too, and a box costs next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from cadrage.captions.aesthetics.graphs import Graph
from cadrage.captions.protocols import Aesthetics, Judge
from cadrage.errors import RequestError
from cadrage.imaging import RasterRule, raster_size
from cadrage.learning.network import CropNetwork
from cadrage.learning.scoring import load_any
from cadrage.weights import WeightsEntry, load_entry

KINDS = ("gaic", "gaic-regions", "nima")
"""What may be asked for."""

USUAL_JUDGE = "gaic-regions"
"""What judges where nothing else is asked for: a box costs it next to nothing, and what is thrown away counts."""

FAIR = 3.0
"""Middle of the raters' 1-5 scale: scores are points above it, which is of order one."""

RASTER_STRIDE = 16
"""Pixels of the raster to a place of its features, along a side."""

UNITS = 1000
"""Aspect ratios are brought to sizes of this height before they are rounded to those of rasters."""


class CropScorer(Protocol):
    """A GAIC network through which gradients pass."""

    @property
    def rule(self) -> RasterRule:
        """Of the rasters that it was trained on."""

    @property
    def dtype(self) -> torch.dtype:
        """Its arithmetic."""

    def encode(self, rasters: Tensor) -> Tensor:
        """Features of rasters (B, 3, H, W), RGB in 0-255."""

    def observe(self, rasters: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features, and how likely each cell shows the salient subject: shape (B, h, w), in [0, 1], if it knows."""

    def score(self, features: Tensor, boxes_xyxy: Tensor) -> Tensor:
        """Mean opinion scores, 1-5, of boxes (K, 4), raster pixels, by the features of one raster."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkScorer:
    """A network that was trained here, or the authors' own."""

    network: CropNetwork
    rule: RasterRule
    dtype: torch.dtype = torch.float32

    def encode(self, rasters: Tensor) -> Tensor:
        """See ``CropScorer``."""
        return self.network.encode(rasters)

    def observe(self, rasters: Tensor) -> tuple[Tensor, Tensor | None]:
        """See ``CropScorer``."""
        maps = self.network.trunk(self.network.normalise(rasters))
        return self.network.fuse(maps), self.network.saliency(maps) if self.network.saliency_head else None

    def score(self, features: Tensor, boxes_xyxy: Tensor) -> Tensor:
        """See ``CropScorer``."""
        return self.network.mos(self.network.score(features, boxes_xyxy))


@dataclass(frozen=True, slots=True, eq=False)
class EntryScorer:
    """A weights entry's two graphs, in torch."""

    first: Graph
    second: Graph
    rule: RasterRule
    dtype: torch.dtype = torch.float32

    @classmethod
    def of(cls, entry: WeightsEntry, dtype: torch.dtype = torch.float32) -> EntryScorer:
        """Read the graphs of an entry."""
        rule = RasterRule(entry.input.short_side, entry.input.multiple, entry.input.max_long_side)
        encode, score = (entry.folder / file.path for file in (entry.encode, entry.score))
        return cls(Graph(encode, also="saliency"), Graph(score), rule, dtype)

    def encode(self, rasters: Tensor) -> Tensor:
        """See ``CropScorer``."""
        return self.observe(rasters)[0]

    def observe(self, rasters: Tensor) -> tuple[Tensor, Tensor | None]:
        """See ``CropScorer``."""
        features, *saliency = self.first.each(rasters.permute(0, 2, 3, 1))
        return features, saliency[0] if saliency else None

    def score(self, features: Tensor, boxes_xyxy: Tensor) -> Tensor:
        """See ``CropScorer``."""
        scores: Tensor = self.second(features, boxes_xyxy)
        return scores


@dataclass(frozen=True, slots=True, eq=False)
class Gaic:
    """The GAIC scorer as ``Aesthetics``: points above ``FAIR``.

    Attributes:
        scorer: the network.
        of: what it reads: the pixels of each crop as a picture of its own, or regions of the photograph.
        rule: of the pictures it reads.
    """

    scorer: CropScorer
    of: str
    rule: RasterRule

    def look(self, picture: Tensor, ratio: float | None = None) -> Judge:
        """See ``Aesthetics``."""
        height, width = picture.shape[-2:]
        if self.of == "pixels":
            shape = (width, height) if ratio is None else (max(1, round(ratio * UNITS)), UNITS)
            return PixelJudge(self.scorer, raster_size(shape, self.rule))
        raster_wh = raster_size((width, height), self.rule)
        small = functional.interpolate(
            picture[None].to(self.scorer.dtype),
            size=raster_wh[::-1],
            mode="bilinear",
            antialias=True,
            align_corners=False,
        )
        with torch.no_grad():
            features, saliency = self.scorer.observe(255 * small)
        scale_xy = raster_wh[0] / width, raster_wh[1] / height
        return RegionJudge(self.scorer, features, scale_xy, None if saliency is None else saliency[0])


@dataclass(frozen=True, slots=True, eq=False)
class PixelJudge:
    """Scores each crop as a picture of which all is kept."""

    scorer: CropScorer
    size_wh: tuple[int, int]

    def judge(self, crops: Tensor | None, boxes_xyxy: Tensor) -> Tensor:
        """See ``Judge``."""
        if crops is None:
            raise RequestError("Aesthetics of pixels need the pixels of the crops.")
        features = self.scorer.encode(255 * crops.to(self.scorer.dtype))
        whole = features.new_tensor([[0, 0, *self.size_wh]])
        scores = torch.cat([self.scorer.score(one[None], whole) for one in features])
        return scores.to(boxes_xyxy.dtype) - FAIR


@dataclass(frozen=True, slots=True, eq=False)
class RegionJudge:
    """Scores boxes by the features of the photograph: what is kept and what is thrown away.

    Attributes:
        scorer: the network.
        features: of the photograph.
        scale_xy: pixels of the raster to a pixel of the frame.
        saliency: shape (h, w), over the whole frame, in [0, 1]; None where the network does not know it.
    """

    scorer: CropScorer
    features: Tensor
    scale_xy: tuple[float, float]
    saliency: Tensor | None = None

    @property
    def size_wh(self) -> None:
        """It reads no pixels of crops."""
        return

    def judge(self, crops: Tensor | None, boxes_xyxy: Tensor) -> Tensor:
        """See ``Judge``."""
        del crops
        boxes = boxes_xyxy.to(self.features) * self.features.new_tensor([*self.scale_xy, *self.scale_xy])
        return self.scorer.score(self.features, boxes).to(boxes_xyxy.dtype) - FAIR

    def salience(self, boxes_xyxy: Tensor) -> Tensor:
        """See ``Salient``."""
        if self.saliency is None:
            return boxes_xyxy.new_zeros(len(boxes_xyxy))
        stride = self.features.shape[-1] * RASTER_STRIDE / self.saliency.shape[1]
        boxes = (
            boxes_xyxy.double() * boxes_xyxy.new_tensor([*self.scale_xy, *self.scale_xy]).double() / stride
        )
        return overlap(self.saliency.double(), boxes).to(boxes_xyxy.dtype)


def overlap(saliency: Tensor, boxes_xyxy: Tensor) -> Tensor:
    """Intersection over union of boxes with a subject of soft edges.

    Args:
        saliency: shape (h, w), in [0, 1]: how much of each cell is the subject's.
        boxes_xyxy: shape (K, 4), in cells.

    Returns:
        Shape (K,), in [0, 1].
    """
    height, width = saliency.shape
    rows = _shares(boxes_xyxy[:, 1], boxes_xyxy[:, 3], height)
    columns = _shares(boxes_xyxy[:, 0], boxes_xyxy[:, 2], width)
    inside = torch.einsum("kh,hw,kw->k", rows, saliency, columns)
    areas = rows.sum(dim=1) * columns.sum(dim=1)
    return inside / (saliency.sum() + areas - inside).clamp_min(1e-9)


def _shares(starts: Tensor, ends: Tensor, count: int) -> Tensor:
    """How much of each of so many cells in a row lies between starts and ends (K,), shape (K, count)."""
    at = torch.arange(count, dtype=starts.dtype)
    return (torch.minimum(ends[:, None], at + 1) - torch.maximum(starts[:, None], at)).clamp_min(0)


def load_aesthetics(
    spec: str | None,
    *,
    short_side: int | None = None,
    dtype: torch.dtype = torch.float32,
    allow_pickle: bool = False,
) -> Aesthetics | None:
    """What judges crops.

    Args:
        spec: "gaic" or "gaic-regions", for the default model, or followed by "=" and a model's name, the folder of
            a weights entry, or a checkpoint of ``cadrage train``; "nima=" and what ``nima.load_nima`` takes; None
            for nothing.
        short_side: of the pictures that "gaic" reads, a multiple of 32; by default that of its training.
        dtype: arithmetic.
        allow_pickle: of a NIMA network from a hub, see ``nima.load_nima``.

    Raises:
        RequestError: nothing of the kind can be asked for.
        WeightsError: the model is missing, damaged, or another one.
        MissingExtraError: a package that it needs is not installed.
    """
    if spec is None:
        return None
    kind, _, where = spec.partition("=")
    if kind not in KINDS or (kind == "nima" and not where):
        raise RequestError(
            f"There are no aesthetics called '{spec}': give gaic, gaic-regions, either with =MODEL, or nima=FILE."
        )
    if kind == "nima":
        from cadrage.captions.aesthetics.nima import load_nima  # noqa: PLC0415  (imports this one's siblings' extras)

        return load_nima(where, dtype=dtype, allow_pickle=allow_pickle)
    scorer = _scorer(where, dtype)
    if kind == "gaic-regions":
        if isinstance(scorer, NetworkScorer) and scorer.network.config.pooling != "clean":
            raise RequestError(
                f"{where} rounds boxes to its cells, which has no gradient: only 'gaic' can use it."
            )
        return Gaic(scorer, "regions", scorer.rule)
    rule = scorer.rule
    if short_side is not None:
        if short_side < rule.multiple or short_side % rule.multiple or short_side > rule.max_long_side:
            raise RequestError(
                f"The short side is a multiple of {rule.multiple} up to {rule.max_long_side}; got {short_side}."
            )
        rule = replace(rule, short_side=short_side)
    return Gaic(scorer, "pixels", rule)


def _scorer(where: str, dtype: torch.dtype) -> CropScorer:
    if where and Path(where).is_file():
        network, _, rule = load_any(Path(where))
        return NetworkScorer(network.requires_grad_(False).to(dtype), rule, dtype)
    return EntryScorer.of(load_entry(where or None), dtype)
