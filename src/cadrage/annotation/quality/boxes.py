"""How far the boxes of a project of captions agree: intersection over union between raters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cadrage.annotation.store import Rater, Store, project_of, raters
from cadrage.annotation.store.boxes import Drawing, captioned, drawn
from cadrage.geometry import Box, FloatArray, as_boxes, iou_matrix

AGREEING = 0.5
"""Mean IoU of a caption's raters from which on they agree."""


@dataclass(frozen=True, slots=True)
class CaptionAgreement:
    """How far the raters of one caption agree.

    Attributes:
        photograph: name of the photograph.
        position: the caption's place among the photograph's captions, from 0.
        text: the caption.
        boxes: how many raters drew a box that counts.
        iou: mean IoU over all pairs of raters; ``None`` below two raters.
        consensus: the median of each edge, in frame pixels; ``None`` without a box.
        whole_frame: mean IoU of the boxes with the whole frame; ``None`` without a box.
    """

    photograph: str
    position: int
    text: str
    boxes: int
    iou: float | None
    consensus: Box | None
    whole_frame: float | None


@dataclass(frozen=True, slots=True)
class RaterAgreement:
    """How far one rater agrees with the others.

    Attributes:
        name: of the rater.
        boxes: how many the rater drew.
        iou: mean over the rater's captions that others drew for of the mean IoU with them; ``None`` if there is
            no such caption. Excluded raters are compared too, but nobody is compared with them.
        seconds: median time for a box; ``None`` without a box.
        excluded: why the rater's boxes do not count, if they do not.
    """

    name: str
    boxes: int
    iou: float | None
    seconds: float | None
    excluded: str | None


@dataclass(frozen=True, slots=True)
class BoxReport:
    """How far the boxes of a project agree.

    Attributes:
        title: of the project.
        captions: all captions, by photograph and position.
        raters: all raters, in the order of their coming.
    """

    title: str
    captions: tuple[CaptionAgreement, ...]
    raters: tuple[RaterAgreement, ...]

    @property
    def shared(self) -> tuple[CaptionAgreement, ...]:
        """The captions that two or more raters drew for: all figures but ``whole_frame`` rest on these."""
        return tuple(caption for caption in self.captions if caption.iou is not None)

    @property
    def iou(self) -> float | None:
        """Mean over the shared captions of their raters' mean IoU; ``None`` if none is shared."""
        return _mean([caption.iou for caption in self.captions])

    @property
    def deviation(self) -> float | None:
        """Standard deviation of that IoU over the shared captions; ``None`` if none is shared."""
        values = [caption.iou for caption in self.shared if caption.iou is not None]
        return float(np.std(values)) if values else None

    @property
    def agreeing(self) -> float | None:
        """Share of the shared captions whose raters agree: mean IoU of 0.5 or more; ``None`` if none is shared."""
        return _mean([float(caption.iou >= AGREEING) for caption in self.shared if caption.iou is not None])

    @property
    def whole_frame(self) -> float | None:
        """Mean IoU of the boxes with the whole frame: what somebody who draws nothing would reach."""
        return _mean([caption.whole_frame for caption in self.captions])

    @property
    def note(self) -> str | None:
        """Why there is no figure of agreement, if there is none."""
        if self.shared:
            return None
        drawing = sum(rater.boxes > 0 and rater.excluded is None for rater in self.raters)
        if drawing == 0:
            return "No box has been drawn yet: there is nothing to measure."
        if drawing == 1:
            return "Only one rater has drawn boxes: agreement needs two."
        return "No caption has boxes from two raters yet: agreement needs two."

    def to_dict(self) -> dict[str, Any]:
        """Plain values; a box is ``[x1, y1, x2, y2]``, a figure that there is not is ``None``."""
        return {
            "title": self.title,
            "note": self.note,
            "shared_captions": len(self.shared),
            "iou": self.iou,
            "iou_deviation": self.deviation,
            "agreeing": self.agreeing,
            "whole_frame": self.whole_frame,
            "raters": [asdict(rater) for rater in self.raters],
            "captions": [
                {
                    **asdict(one),
                    "consensus": None if one.consensus is None else list(one.consensus.as_tuple()),
                }
                for one in self.captions
            ],
        }


def report_boxes(store: Store) -> BoxReport:
    """Measure a project of captions.

    Raises:
        DataError: it is no project of captions.
    """
    title = project_of(store, "captions").title
    with store.reading():  # one state of the project, also while people draw
        people = {rater.id: rater for rater in raters(store)}
        drawings = list(drawn(store))
        photographs = captioned(store)
    by_caption: dict[int, list[Drawing]] = {}
    for drawing in drawings:
        by_caption.setdefault(drawing.caption, []).append(drawing)
    found = []
    for photograph, captions in photographs:
        for caption in captions:
            counting = [one for one in by_caption.get(caption.id, []) if people[one.rater].excluded is None]
            boxes = as_boxes([one.box for one in counting])
            found.append(
                CaptionAgreement(
                    photograph.name,
                    caption.position,
                    caption.text,
                    len(boxes),
                    mean_pairwise_iou(boxes),
                    consensus_box(boxes),
                    _with_frame(boxes, photograph.size_wh),
                )
            )
    agreements = [_of_rater(rater, by_caption, people) for rater in people.values()]
    return BoxReport(title, tuple(found), tuple(agreements))


def mean_pairwise_iou(boxes_xyxy: FloatArray) -> float | None:
    """Mean IoU over all pairs of boxes, shape (N, 4); ``None`` where N is below 2."""
    count = len(boxes_xyxy)
    if count < 2:
        return None
    return float(iou_matrix(boxes_xyxy, boxes_xyxy)[np.triu_indices(count, 1)].mean())


def consensus_box(boxes_xyxy: FloatArray) -> Box | None:
    """The median of each edge of boxes of shape (N, 4); ``None`` where there is no box."""
    return Box(*np.median(boxes_xyxy, axis=0).tolist()) if len(boxes_xyxy) else None


def _with_frame(boxes_xyxy: FloatArray, size_wh: tuple[int, int]) -> float | None:
    frame = np.array([[0.0, 0.0, *size_wh]])
    return float(iou_matrix(boxes_xyxy, frame).mean()) if len(boxes_xyxy) else None


def _of_rater(
    rater: Rater, by_caption: Mapping[int, list[Drawing]], people: Mapping[int, Rater]
) -> RaterAgreement:
    values: list[float | None] = []
    spent: list[int] = []
    for drawings in by_caption.values():
        own = [one for one in drawings if one.rater == rater.id]
        others = [one for one in drawings if one.rater != rater.id and people[one.rater].excluded is None]
        spent += [one.milliseconds for one in own]
        if own and others:
            pairs = iou_matrix(as_boxes([own[0].box]), as_boxes([one.box for one in others]))
            values.append(float(pairs.mean()))
    seconds = float(np.median(spent)) / 1000 if spent else None
    return RaterAgreement(rater.name, len(spent), _mean(values), seconds, rater.excluded)


def _mean(values: list[float] | list[float | None]) -> float | None:
    """Mean of the values that there are."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
