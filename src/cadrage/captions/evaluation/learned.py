"""Whether a captioner has learnt from the photographs that it is measured on."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from cadrage.datasets.entities import CaptionedImage
from cadrage.datasets.gaicd import split_by_seed

_DRAWN = re.compile(r"(\d+) photographs, seed (\d+)")
"""How ``CaptionDivision`` describes a validation part."""


def learned_from(
    record: Mapping[str, Any], every: Collection[CaptionedImage], measured: Collection[CaptionedImage]
) -> bool:
    """Whether a captioner has learnt from photographs, so that figures on them say little.

    Args:
        record: of its training, with what ``CaptionDivision.record`` said under ``data``; anything of a captioner
            that was made elsewhere.
        every: all photographs of a data set.
        measured: those of them that it is measured on.

    Returns:
        True where that is known. The record does not name its data set: one of as many photographs is taken for it.
    """
    data = record.get("data")
    if not isinstance(data, Mapping):
        return False
    counts = data.get("training_images"), data.get("validation_images")
    if not all(isinstance(count, int) for count in counts) or sum(counts) != len(every):  # type: ignore[arg-type]
        return False
    drawn = _DRAWN.fullmatch(str(data.get("validation")))
    unseen = split_by_seed(every, int(drawn[1]), int(drawn[2]))[1] if drawn and counts[0] else ()
    return not {image.name for image in measured} <= {image.name for image in unseen}
