"""The metrics of the bench: what each is called, how it is printed, which way is better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from cadrage.metrics import ACCEPTED, RETURNED

PER_ANNOTATOR = "iou:"
"""Before the name of one of several annotators, in the key of the IoU with their boxes alone."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric, averaged over images.

    Attributes:
        key: its name in JSON.
        label: its name in tables.
        meaning: what it is, in a sentence.
        better: which way is better.
        digits: after the point, as the papers print it.
        percent: whether it is a share, stored from 0 to 1 and printed from 0 to 100.
    """

    key: str
    label: str
    meaning: str
    better: Literal["higher", "lower"] = "higher"
    digits: int = 3
    percent: bool = False

    @property
    def heading(self) -> str:
        """The label with its unit."""
        return f"{self.label} %" if self.percent else self.label

    def text(self, value: float) -> str:
        """A value as tables print it; a dash where it is undefined."""
        if math.isnan(value):
            return "-"
        # + 0.0: no minus before a zero
        return f"{round(100 * value if self.percent else value, self.digits) + 0.0:.{self.digits}f}"


def _accuracies() -> list[Metric]:
    found = []
    for n in ACCEPTED:
        for k in RETURNED:
            returned = (
                "Images whose best predicted crop is" if k == 1 else f"Share of the {k} best predicted crops"
            )
            among = f"{returned} among the {n} best rated"
            shared = {"digits": 1, "percent": True}
            found += [
                Metric(f"acc{k}_{n}", f"Acc{k}/{n}", f"{among}; ties at rank {n} count.", **shared),  # type: ignore[arg-type]
                Metric(
                    f"acc{k}_{n}_strict",
                    f"Acc{k}/{n} strict",
                    f"{among}; ties at rank {n} in file order.",
                    **shared,  # type: ignore[arg-type]
                ),
                Metric(
                    f"acc{k}_{n}_w",
                    f"Accw{k}/{n}",
                    f"{among}, weighted by exp(-ranks lost / {n}); no credit for ties.",
                    **shared,  # type: ignore[arg-type]
                ),
            ]
    return found


METRICS = {
    metric.key: metric
    for metric in (
        Metric("srcc", "SRCC", "Spearman's rank correlation with the MOS of an image's crops."),
        Metric("pcc", "PCC", "Pearson's correlation with the MOS of an image's crops."),
        *_accuracies(),
        Metric("regret", "regret", "MOS that the top-ranked crop lacks to the image's best.", "lower"),
        Metric("iou", "IoU", "Intersection over union with the person's box.", digits=4),
        Metric("bde", "BDE", "Mean shift of the four edges from the person's box.", "lower", 4),
        Metric("iou_best", "IoU max", "Largest IoU with one of the people's boxes.", digits=4),
        Metric("iou_mean", "IoU mean", "Mean IoU with all of the people's boxes.", digits=4),
        Metric("bde_best", "BDE min", "Smallest BDE from one of the people's boxes.", "lower", 4),
        Metric("bde_mean", "BDE mean", "Mean BDE from all of the people's boxes.", "lower", 4),
        Metric(
            "pair_accuracy",
            "pairs",
            "Share of pairs whose more voted crop scores higher; equal scores count a half.",
            digits=1,
            percent=True,
        ),
        Metric(
            "vote_share",
            "votes",
            "Share of single votes that the scores agree with; equal scores count a half.",
            digits=1,
            percent=True,
        ),
        Metric(
            "lost", "lost", "Share of the subject's pixels outside the crop.", "lower", digits=1, percent=True
        ),
        Metric("cut", "cut", "Crops that lose over a tenth of the subject.", "lower", digits=1, percent=True),
        Metric("area", "area", "Size of the crop: what crops less cuts less.", digits=1, percent=True),
    )
}
"""Every metric by its key."""


def metric_of(key: str) -> Metric:
    """The metric with a key, also the IoU with one annotator's boxes.

    Raises:
        KeyError: there is none.
    """
    if key.startswith(PER_ANNOTATOR):
        name = key.removeprefix(PER_ANNOTATOR)
        return Metric(key, f"IoU {name}", f"IoU with the boxes of annotator {name} alone.", digits=4)
    return METRICS[key]
