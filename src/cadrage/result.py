"""The answer to a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cadrage.geometry import Box

RESULT_SCHEMA = "1.1"
"""Version of ``CropResult.to_dict()``: the first number changes when a reader of the old form would fail."""


@dataclass(frozen=True, slots=True)
class Crop:
    """One crop of a photograph.

    Attributes:
        box: in frame pixels, whole numbers.
        score: predicted mean opinion score, on the raters' scale of 1 to 5; a bad box may fall below.
        ratio: the ratio asked for, ``"16:9"``, ``"free"`` or ``"original"``.
        margin: score less the score of the baseline, the largest crop of this ratio; for ``"free"`` the whole
            frame.
        rank: 1 for the best of this ratio.
        adjusted: the score with the soft wishes (subject, prefer, avoid, focus) counted in; it orders the crops.
        subject: share, in [0, 1], of the salient subject inside the crop; ``None`` where none is found.
        broken: names of the hard wishes that this crop could not fulfil, most important first.
    """

    box: Box
    score: float
    ratio: str
    margin: float
    rank: int
    adjusted: float
    subject: float | None = None
    broken: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the box as four whole numbers."""
        return {
            "rank": self.rank,
            "box": self.box.rounded(),
            "score": self.score,
            "margin": self.margin,
            "adjusted": self.adjusted,
            "subject": self.subject,
            "broken": list(self.broken),
        }


@dataclass(frozen=True, slots=True)
class RatioCrops:
    """The crops of one ratio.

    Attributes:
        ratio: the ratio asked for.
        baseline: the largest crop of this ratio that the request allows, in the middle of its room; for ``"free"``
            the whole frame.
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
        focus: where the photograph's subject is, a point in frame pixels: the request's own, or the one found;
            ``None`` where none is found.
        faces: boxes of the faces found, in frame pixels, where the request asked for them.
    """

    source: str
    size_wh: tuple[int, int]
    groups: tuple[RatioCrops, ...]
    model: str
    version: str
    focus: tuple[float, float] | None = None
    faces: tuple[Box, ...] = ()

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
            "focus": self.focus,
            "faces": [face.rounded() for face in self.faces],
            "ratios": [group.to_dict() for group in self.groups],
        }
