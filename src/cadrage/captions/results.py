"""The answer to a caption."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from cadrage.candidates import nearest_size
from cadrage.captions.boxes import BoxSpace
from cadrage.captions.search.runs import Run
from cadrage.geometry import AspectRatio, Box

CAPTION_RESULT_SCHEMA = "1.1"
"""Version of ``CaptionResult.to_dict()``: the first number changes when a reader of the old form would fail."""

AT_BOUND = 0.01
"""A scale this close to the smallest or the largest, as a share of it, has reached it."""

NEAR_BORDER = 0.005
"""An edge this close to the frame's, as a share of its side, lies on it; a search ends short of borders."""


@dataclass(frozen=True, slots=True)
class CaptionCrop:
    """One crop that a caption describes.

    Attributes:
        box: in frame pixels, whole numbers.
        loss: total loss; lower is better, comparable for one photograph and caption only.
        caption_loss: how far the crop is from the caption.
        aesthetic_loss: less how pleasing it is; 0 where that was not asked.
        bounds: bounds that stopped the search: "smallest" or "largest", or none. An answer there may mean that
            the networks tell the caption from nothing in the photograph.
    """

    box: Box
    loss: float
    caption_loss: float
    aesthetic_loss: float
    bounds: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the box as four whole numbers, losses to six decimals."""
        return {
            "box": self.box.rounded(),
            "loss": round(self.loss, 6),
            "caption_loss": round(self.caption_loss, 6),
            "aesthetic_loss": round(self.aesthetic_loss, 6),
            "bounds": list(self.bounds),
        }


@dataclass(frozen=True, slots=True)
class WordChange:
    """How likely a word of the caption is in what the captioner says.

    Attributes:
        word: a word of the caption that counts.
        before: its share, in [0, 1], of the captioner's mean distribution for the largest crop of the ratio.
        after: for the best crop.
    """

    word: str
    before: float
    after: float


@dataclass(frozen=True, slots=True, eq=False)
class CaptionResult:
    """The crops that a caption describes.

    Attributes:
        source: name of the photograph, the path of a file.
        size_wh: width and height of the frame, pixels.
        caption: as the user wrote it.
        ratio: asked for, as text.
        crops: best first, at least one. The first is the answer of all runs together, whose loss need not be the
            least; the further ones are in the order of their losses.
        baseline: the largest crop of the ratio, in the middle of the frame.
        words: the caption's words that count, in the form that the captioner knows.
        unknown: the caption's words that the captioner does not know and that were left out.
        said: the captioner's own words for the baseline and for the best crop.
        runs: of the search, boxes in frame pixels.
        in_time: whether the search came to its end before the time limit.
        seconds: wall time until this answer.
    """

    source: str
    size_wh: tuple[int, int]
    caption: str
    ratio: str
    crops: tuple[CaptionCrop, ...]
    baseline: Box
    words: tuple[WordChange, ...]
    unknown: tuple[str, ...]
    said: tuple[str, str]
    runs: tuple[Run, ...]
    in_time: bool
    seconds: float

    @property
    def best(self) -> CaptionCrop:
        """The best crop."""
        return self.crops[0]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the version of their layout; without what differs from call to call."""
        return {
            "schema": CAPTION_RESULT_SCHEMA,
            "source": self.source,
            "size": self.size_wh,
            "caption": self.caption,
            "ratio": self.ratio,
            "baseline": self.baseline.rounded(),
            "crops": [{"rank": rank, **crop.to_dict()} for rank, crop in enumerate(self.crops, start=1)],
            "words": [
                {"word": one.word, "before": round(one.before, 6), "after": round(one.after, 6)}
                for one in self.words
            ],
            "unknown": list(self.unknown),
            "said": list(self.said),
            "in_time": self.in_time,
        }


def bounds_of(box: Tensor, space: BoxSpace) -> tuple[str, ...]:
    """The bounds of a space that a box, shape (4,), has reached."""
    scale = _scale(box, space)
    reached = {
        "smallest": scale <= space.least_scale * (1 + AT_BOUND),
        "largest": scale >= 1 - AT_BOUND,
    }
    return tuple(name for name, true in reached.items() if true)


def settled(box: Tensor, space: BoxSpace, size_wh: tuple[int, int], ratio: AspectRatio | None = None) -> Box:
    """A box of the searched picture in whole pixels of the frame.

    Args:
        box: shape (4,), in the pixels of ``space``.
        space: that it is of.
        size_wh: width and height of the frame.
        ratio: of the boxes of the space; None where it is free.

    Returns:
        Moved to a border that it all but touches; where the ratio is free, stretched there. With a ratio its sides
        are those of ``nearest_size``.
    """
    shares = [
        (low / side, high / side)
        for low, high, side in zip(*box.reshape(2, 2).tolist(), space.size_wh, strict=True)
    ]
    near = [(first <= NEAR_BORDER, 1 - last <= NEAR_BORDER) for first, last in shares]
    if ratio is None:
        x, y = (_stretched(*axis) for axis in zip(shares, near, size_wh, strict=True))
    else:
        # What reaches from border to border is the largest.
        scale = 1.0 if (True, True) in near else min(1.0, _scale(box, space))
        sides = nearest_size(size_wh, ratio, scale)
        x, y = (_placed(*axis) for axis in zip(shares, near, size_wh, sides, strict=True))
    return Box(x[0], y[0], x[1], y[1])


def _stretched(share: tuple[float, float], near: tuple[bool, bool], frame: int) -> tuple[int, int]:
    """Both ends along an axis, in pixels, each at the border that it is near to."""
    first, last = 0.0 if near[0] else share[0], 1.0 if near[1] else share[1]
    start = min(round(first * frame), frame - 1)
    return start, max(start + 1, min(round(last * frame), frame))


def _placed(share: tuple[float, float], near: tuple[bool, bool], frame: int, side: int) -> tuple[int, int]:
    """Both ends of a side of so many pixels, in the middle of the share or at the border that this is near to."""
    room = frame - side
    start = min(max(round((share[0] + share[1]) / 2 * frame - side / 2), 0), room)
    if near[0] != near[1]:
        start = 0 if near[0] else room
    return start, start + side


def _scale(box: Tensor, space: BoxSpace) -> float:
    x1, y1, x2, y2 = box.tolist()
    return math.sqrt((x2 - x1) * (y2 - y1) / (space.largest_wh[0] * space.largest_wh[1]))
