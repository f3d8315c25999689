"""What a request wants of a crop beside its ratio: hard wishes as violations, soft ones as points of the score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cadrage.errors import RequestError
from cadrage.geometry import AspectRatio, Box, FloatArray, areas
from cadrage.request import CropRequest, Region
from cadrage.subject import Subject

SizeWH = tuple[int, int]

FOCUS_PULL = 0.5
"""Points of the 1-5 scale that a crop loses with the focus on its border; in its middle it loses none."""

ALL_OR_NOTHING = frozenset({"headroom"})
"""Wishes that are given up where nothing fulfils them: coming a little closer would cost more than it is worth.

The less of a crop there is, the larger a share of it the same headroom is: close to it are only small crops.
"""

LEAST_CUT = 1e-6
"""A share of a box smaller than this is not cut, but lost in rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Wishes:
    """The wishes of a request for one frame.

    Attributes:
        request: all of them.
        size_wh: width and height of the frame, pixels.
        faces: boxes of the faces found, largest first.
        subject: the salient subject, if one was found.
    """

    request: CropRequest
    size_wh: SizeWH
    faces: tuple[Box, ...] = ()
    subject: Subject | None = None

    @property
    def held(self) -> tuple[Box, ...]:
        """Everything that a crop should hold, most important first; the focus as the pixel it lies in."""
        focus = self.request.focus
        if focus is None:
            return self.request.keep + self.faces
        x = min(math.floor(focus[0]), self.size_wh[0] - 1)
        y = min(math.floor(focus[1]), self.size_wh[1] - 1)
        return (*self.request.keep, *self.faces, Box(x, y, x + 1, y + 1))

    @property
    def top_of_subject(self) -> float | None:
        """y, in frame pixels, of what headroom is measured from: boxes to keep, faces, else the subject."""
        boxes = self.request.keep + self.faces
        if boxes:
            return min(box.y1 for box in boxes)
        return self.subject.box.y1 if self.subject else None

    def cover(self, ratio: AspectRatio | None) -> Box | None:
        """The part of the frame that every crop of a ratio can hold; of the rest, a part must be cut.

        From the most important on, every box of ``held`` counts that still fits beside those before it. Where
        not even the first fits, the cover is that one.
        """
        most_w, most_h = self.size_wh if ratio is None else ratio.largest_within(self.size_wh)
        cover: Box | None = None
        for box in self.held:
            joint = box if cover is None else _joint(cover, box)
            fits = joint.width <= most_w + 0.5 and joint.height <= most_h + 0.5
            if fits or cover is None:
                cover = joint
            if not fits and joint is box:
                break
        return cover

    def violations(self, boxes_xyxy: FloatArray, least_wh: FloatArray) -> dict[str, FloatArray]:
        """How far boxes are from the hard wishes of the request, most important first.

        Args:
            boxes_xyxy: shape (K, 4), in frame pixels.
            least_wh: shape (K, 2), the smallest sides allowed for each box.

        Returns:
            For each hard wish that the request has, under its name, shape (K,): 0 where it holds, more the
            farther it is from holding.
        """
        request = self.request
        found: dict[str, FloatArray] = {}
        if request.keep:
            found["keep"] = _cuts(request.keep, boxes_xyxy)
        if self.faces:
            found["faces"] = _cuts(self.faces, boxes_xyxy)
        if request.focus is not None:
            found["focus"] = _cuts(self.held[-1:], boxes_xyxy)
        sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
        if request.min_size is not None:
            found["min_size"] = np.clip(1 - sides / least_wh, 0, None).max(axis=1)
        shares = areas(boxes_xyxy) / (self.size_wh[0] * self.size_wh[1])
        if request.max_area is not None:
            found["max_area"] = shares - request.max_area
        if request.min_area is not None:
            found["min_area"] = request.min_area - shares
        top = self.top_of_subject
        if request.headroom is not None and top is not None:
            found["headroom"] = request.headroom - (top - boxes_xyxy[:, 1]) / sides[:, 1]
        return {name: np.where(values > LEAST_CUT, values, 0.0) for name, values in found.items()}

    def adjusted(self, boxes_xyxy: FloatArray, scores: FloatArray) -> FloatArray:
        """Scores (K,) of boxes (K, 4), in frame pixels, with the soft wishes counted in."""
        request = self.request
        result = np.array(scores, dtype=np.float64)
        if self.subject and request.subject:
            result -= request.subject * (1 - self.subject.kept(boxes_xyxy))
        for regions, sign in ((request.prefer, 1), (request.avoid, -1)):
            for region in regions:
                result += sign * region.weight * _inside(region.box, boxes_xyxy)
        if request.focus is not None:
            centres = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2
            halves = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) / 2
            away = np.abs(np.array(request.focus) - centres) / halves
            result -= FOCUS_PULL * np.minimum(away.max(axis=1), 1) ** 2
        return result


def least_sides(request: CropRequest, largest_wh: tuple[float, float]) -> SizeWH:
    """The smallest width and height of a crop, in pixels, where ``largest_wh`` is the largest of its ratio."""
    match request.min_size:
        case None:
            return (1, 1)
        case (width, height):
            return (width, height)
        case share:
            width, height = (max(1, math.ceil(share * side - LEAST_CUT)) for side in largest_wh)
            return (width, height)


def check_request(request: CropRequest, size_wh: SizeWH) -> None:
    """Refuse a request that contradicts the frame.

    Raises:
        RequestError: a box or the focus lies outside the frame, or the size is larger than the frame can fill.
    """
    width, height = size_wh
    for what, boxes in (
        ("keep", request.keep),
        ("prefer", _boxes(request.prefer)),
        ("avoid", _boxes(request.avoid)),
    ):
        for box in boxes:
            if box.x1 < 0 or box.y1 < 0 or box.x2 > width or box.y2 > height:
                raise RequestError(
                    f"The box to {what}, {_listed(box.as_tuple())}, reaches outside the frame of "
                    f"{width}x{height} pixels."
                )
    if request.focus and not (0 <= request.focus[0] <= width and 0 <= request.focus[1] <= height):
        raise RequestError(
            f"The focus {_listed(request.focus)} lies outside the frame of {width}x{height} pixels."
        )
    if request.size and not request.upscale and (request.size[0] > width or request.size[1] > height):
        raise RequestError(
            f"The size {request.size[0]}x{request.size[1]} is larger than the frame of {width}x{height} pixels; "
            "allow it with upscale (--upscale)."
        )


def satisfying(violations: dict[str, FloatArray], count: int) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """The boxes that come closest to all hard wishes, and the names of the wishes that even these break.

    From the most important wish on, only the boxes that fulfil it stay, or, where none does, those that break it
    least: so nothing is broken for the sake of something less important. Of ``ALL_OR_NOTHING`` all stay then.

    Args:
        violations: see ``Wishes.violations``.
        count: number of boxes, K.

    Returns:
        Indices in rising order, at least one if K is; and the names, most important first.
    """
    left = np.arange(count)
    broken = []
    for name, values in violations.items():
        least = values[left].min(initial=np.inf)
        if least > 0:
            broken.append(name)
        if least == 0 or name not in ALL_OR_NOTHING:
            left = left[values[left] <= least + LEAST_CUT]
    return left, tuple(broken)


def _cuts(held: Sequence[Box], boxes_xyxy: FloatArray) -> FloatArray:
    """How many of the held boxes are cut, and the shares that are lost of them; shape (K,)."""
    total = np.zeros(len(boxes_xyxy))
    for box in held:
        lost = 1 - _inside(box, boxes_xyxy)
        total += np.where(lost > LEAST_CUT, 1 + lost, 0.0)
    return total


def _inside(box: Box, boxes_xyxy: FloatArray) -> FloatArray:
    """Share of a box that lies inside each of (K, 4) boxes; shape (K,)."""
    wide = np.minimum(boxes_xyxy[:, 2], box.x2) - np.maximum(boxes_xyxy[:, 0], box.x1)
    high = np.minimum(boxes_xyxy[:, 3], box.y2) - np.maximum(boxes_xyxy[:, 1], box.y1)
    share: FloatArray = np.clip(wide, 0, None) * np.clip(high, 0, None) / box.area
    return share


def _joint(first: Box, second: Box) -> Box:
    return Box(
        min(first.x1, second.x1), min(first.y1, second.y1), max(first.x2, second.x2), max(first.y2, second.y2)
    )


def _boxes(regions: Sequence[Region]) -> list[Box]:
    return [region.box for region in regions]


def _listed(numbers: Sequence[float]) -> str:
    return ",".join(f"{number:g}" for number in numbers)
