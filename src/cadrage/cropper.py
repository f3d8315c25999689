"""The cropper: a request in, ranked crops out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from cadrage.candidates import grid_anchors, largest_box, ratio_candidates
from cadrage.errors import RequestError
from cadrage.geometry import AspectRatio, Box, FloatArray
from cadrage.imaging import PIXEL_LIMIT, Photo, RasterRule, Source, open_photo, raster
from cadrage.runtime import Features, Scorer
from cadrage.selection import MAX_OVERLAP, pick, rounded
from cadrage.weights import WeightsEntry

RESULT_SCHEMA = "1.0"
"""Version of ``CropResult.to_dict()``: the first number changes when a reader of the old form would fail."""

Shape = AspectRatio | Literal["free", "original"]
"""What a crop may look like: one ratio, any ratio, or the frame's own."""

MOST_CROPS = 1000
"""Crops of one ratio that may be asked for; no frame has as many that differ."""

_MOST_ELONGATED = 1000


@dataclass(frozen=True, slots=True)
class CropRequest:
    """Which crops are wanted.

    Attributes:
        ratios: what ``AspectRatio.parse`` reads, ``"free"`` (the grid anchors, from 1:2 to 2.2:1) or
            ``"original"`` (the frame's own). Each is answered by itself; kept parsed and without repetition.
        top: crops per ratio, at most; 1 to ``MOST_CROPS``.
        max_overlap: largest intersection over union of two crops of one ratio, in [0, 1].

    Raises:
        RequestError: a value is outside its range.
    """

    ratios: tuple[str | AspectRatio, ...] = ("free",)
    top: int = 1
    max_overlap: float = MAX_OVERLAP

    def __post_init__(self) -> None:
        object.__setattr__(self, "ratios", parse_shapes(self.ratios))
        if not isinstance(self.top, int) or isinstance(self.top, bool) or not 1 <= self.top <= MOST_CROPS:
            raise RequestError(f"The number of crops must be from 1 to {MOST_CROPS}, not {self.top!r}.")
        if not isinstance(self.max_overlap, int | float) or not 0 <= self.max_overlap <= 1:
            raise RequestError(f"The largest overlap must be from 0 to 1, not {self.max_overlap!r}.")


def parse_shapes(ratios: str | AspectRatio | Iterable[str | AspectRatio]) -> tuple[Shape, ...]:
    """Read one ratio or several; see ``CropRequest.ratios``.

    Raises:
        RequestError: there is none, or one is not a ratio.
    """
    several = [ratios] if isinstance(ratios, str | AspectRatio) else ratios
    if not isinstance(several, Iterable):
        raise RequestError(f"A ratio is text such as '16:9', not {ratios!r}.")
    # By their text, which names the crops and their files.
    shapes = {str(shape): shape for shape in map(_parse_shape, several)}
    if not shapes:
        raise RequestError("At least one ratio is needed.")
    return tuple(shapes.values())


def _parse_shape(ratio: object) -> Shape:
    if isinstance(ratio, AspectRatio):
        return ratio
    if not isinstance(ratio, str):
        raise RequestError(f"A ratio is text such as '16:9', not {ratio!r}.")
    match ratio.strip().lower():
        case "free":
            return "free"
        case "original":
            return "original"
    return AspectRatio.parse(ratio)


@dataclass(frozen=True, slots=True)
class Crop:
    """One crop of a photograph.

    Attributes:
        box: in frame pixels, whole numbers.
        score: predicted mean opinion score, on the raters' scale of 1 to 5; a bad box may fall below.
        ratio: the ratio asked for, ``"16:9"``, ``"free"`` or ``"original"``.
        margin: score less the score of the baseline, the largest crop of this ratio; for ``"free"`` the largest
            grid anchor, 84 % of the frame.
        rank: 1 for the best of this ratio.
    """

    box: Box
    score: float
    ratio: str
    margin: float
    rank: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the box as four whole numbers."""
        return {"rank": self.rank, "box": self.box.rounded(), "score": self.score, "margin": self.margin}


@dataclass(frozen=True, slots=True)
class RatioCrops:
    """The crops of one ratio.

    Attributes:
        ratio: the ratio asked for.
        baseline: the largest crop of this ratio, in the middle of the frame; for ``"free"`` the largest grid
            anchor.
        baseline_score: its score.
        crops: best first, at least one.
    """

    ratio: str
    baseline: Box
    baseline_score: float
    crops: tuple[Crop, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "ratio": self.ratio,
            "baseline": {"box": self.baseline.rounded(), "score": self.baseline_score},
            "crops": [crop.to_dict() for crop in self.crops],
        }


@dataclass(frozen=True, slots=True)
class CropResult:
    """The answer to a request.

    Attributes:
        source: name of the photograph, the path of a file.
        size_wh: width and height of the frame, pixels.
        groups: one for each ratio, in the order of the request.
        model: name of the model that scored.
        version: version of its weights.
    """

    source: str
    size_wh: tuple[int, int]
    groups: tuple[RatioCrops, ...]
    model: str
    version: str

    @property
    def crops(self) -> tuple[Crop, ...]:
        """All crops, ratio by ratio, best first."""
        return tuple(crop for group in self.groups for crop in group.crops)

    @property
    def best(self) -> Crop:
        """The best crop of the first ratio."""
        return self.groups[0].crops[0]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the version of their layout."""
        return {
            "schema": RESULT_SCHEMA,
            "source": self.source,
            "size": self.size_wh,
            "model": self.model,
            "version": self.version,
            "ratios": [group.to_dict() for group in self.groups],
        }


class Cropper:
    """Finds the best crops of photographs; safe to share between threads.

    Attributes:
        scorer: the model at work, for boxes of your own.
        pixel_limit: most pixels a photograph may have.

    Example:
        >>> result = Cropper().crop("beach.jpg", ratios=["16:9", "free"], top=3)
        >>> result.best.box
        Box(x1=0, y1=187, x2=4032, y2=2455)
    """

    def __init__(
        self,
        model: WeightsEntry | str | os.PathLike[str] | None = None,
        *,
        threads: int | None = None,
        pixel_limit: int = PIXEL_LIMIT,
    ) -> None:
        """Load a model.

        Args:
            model: a weights entry, the name of a shipped model or the folder of another; ``None`` is the
                default model.
            threads: threads for one photograph; ``None`` is one for each CPU the process may use.
            pixel_limit: most pixels a photograph may have.

        Raises:
            RequestError: ``threads`` is outside its range.
            WeightsError: the model is missing or damaged.
        """
        self.scorer = Scorer(model, threads=threads)
        self.pixel_limit = pixel_limit
        self._rule = RasterRule(**asdict(self.scorer.entry.input))

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.scorer.model

    @property
    def version(self) -> str:
        """Version of its weights."""
        return self.scorer.version

    def crop(
        self,
        source: Source,
        ratios: str | AspectRatio | Iterable[str | AspectRatio] = ("free",),
        *,
        top: int = 1,
        max_overlap: float = MAX_OVERLAP,
    ) -> CropResult:
        """Find the best crops of a photograph.

        Args:
            source: a path, the bytes of a file, a binary file, a Pillow picture or a uint8 array.
            ratios: see ``CropRequest``, as are the others.
            top: crops per ratio, at most.
            max_overlap: largest intersection over union of two crops of one ratio.

        Raises:
            ImageError: the photograph cannot be opened or decoded.
            RequestError: the request is malformed.
        """
        request = CropRequest(ratios, top, max_overlap)  # type: ignore[arg-type]
        photo = self.open(source)
        return self.choose(photo.name, self.encode(photo), request)

    def score(self, source: Source, boxes_xyxy: ArrayLike | Iterable[Box]) -> FloatArray:
        """Score boxes of a photograph.

        Args:
            source: as for ``crop``.
            boxes_xyxy: shape (K, 4), in frame pixels, or an iterable of ``Box``.

        Returns:
            Shape (K,), predicted mean opinion scores, rounded as those of ``crop``.

        Raises:
            ImageError: the photograph cannot be opened or decoded.
            RequestError: a box is malformed or reaches outside the frame.
        """
        return rounded(self.scorer.score(self.encode(self.open(source)), boxes_xyxy))

    def open(self, source: Source) -> Photo:
        """Open a photograph within the pixel limit; nothing is decoded yet."""
        return open_photo(source, pixel_limit=self.pixel_limit)

    def encode(self, photo: Photo) -> Features:
        """Run the trunk on a photograph; any number of requests and boxes are answered from the features."""
        return self.scorer.encode(raster(photo, self._rule), photo.size_wh)

    def choose(self, name: str, features: Features, request: CropRequest) -> CropResult:
        """Answer a request from the features of a photograph.

        Args:
            name: of the photograph, for the result.
            features: of the photograph.
            request: what is wanted.
        """
        groups = tuple(_best_of(self.scorer, features, shape, request) for shape in request.ratios)
        return CropResult(name, features.frame_wh, groups, self.model, self.version)


def _best_of(
    scorer: Scorer, features: Features, shape: str | AspectRatio, request: CropRequest
) -> RatioCrops:
    boxes, baseline = _candidates(features.frame_wh, shape)
    all_boxes = np.concatenate([boxes, [baseline.as_tuple()]])
    *scores, baseline_score = rounded(scorer.score(features, all_boxes)).tolist()
    best = pick(scores, boxes, top=request.top, max_overlap=request.max_overlap)
    crops = tuple(
        Crop(
            box=Box(*map(int, boxes[index])),
            score=scores[index],
            ratio=str(shape),
            margin=float(rounded(scores[index] - baseline_score)),
            rank=rank,
        )
        for rank, index in enumerate(best, start=1)
    )
    return RatioCrops(str(shape), baseline, baseline_score, crops)


def _candidates(size_wh: tuple[int, int], shape: str | AspectRatio) -> tuple[FloatArray, Box]:
    """The candidates of a shape, shape (K, 4) in whole frame pixels, and the baseline among them."""
    if shape == "free":
        # Rounded as its anchor is, the baseline is one of the candidates and has the same score.
        return grid_anchors(size_wh, corners="rounded"), Box(*largest_box(size_wh).rounded())
    width, height = size_wh
    if shape == "original" and max(size_wh) > _MOST_ELONGATED * min(size_wh):
        whole = Box(0, 0, width, height)
        return np.array([whole.as_tuple()], dtype=np.float64), whole
    ratio = shape if isinstance(shape, AspectRatio) else AspectRatio(width, height)
    return ratio_candidates(size_wh, ratio), largest_box(size_wh, ratio)
