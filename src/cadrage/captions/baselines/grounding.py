"""Referring-expression localisers: open-vocabulary detectors that find the place of a phrase.

They stand where the paper compares with MAttNet, for which there are no weights that can be had. Nothing is
differentiated through them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cadrage.captions.captioners.hub_files import (
    from_hub,
    load_whole,
    require_words,
    transformers_for,
)
from cadrage.captions.vocabulary import words_of
from cadrage.errors import RequestError, WeightsError
from cadrage.geometry import Box

PHRASES_END_WITH_A_STOP = ("grounding-dino", "mm-grounding-dino")
"""Model types that want phrases in lower case, each with a full stop."""

FAMILIES = (*PHRASES_END_WITH_A_STOP, "owlvit", "owlv2")
"""Model types that can be used."""


@dataclass(frozen=True, slots=True, eq=False)
class Grounder:
    """A detector of ``transformers`` and its processor."""

    kind: str
    model: Any
    processor: Any

    def box(self, picture: NDArray[np.uint8], text: str) -> Box:
        """Where a phrase is.

        Args:
            picture: RGB, shape (H, W, 3).
            text: what to find; what the network cannot read of a long one is left out.

        Returns:
            The box it is surest of, in the picture's pixels; the whole picture where that box has no area.

        Raises:
            RequestError: the text holds no words.
        """
        words = words_of(text)
        if not words:
            raise RequestError("The caption holds no words.")
        height, width = picture.shape[:2]
        phrase = " ".join(words)
        said = f"{phrase}." if self.kind in PHRASES_END_WITH_A_STOP else phrase
        given = self.processor(
            images=picture,
            text=[said] if self.kind in PHRASES_END_WITH_A_STOP else [[said]],
            return_tensors="pt",
            input_data_format="channels_last",
            truncation=True,
        )
        with torch.no_grad():
            found = self.model(**given)
        sure = found.logits[0].amax(dim=-1)
        cx, cy, wide, high = found.pred_boxes[0, sure.argmax()].tolist()
        # OWLv2 pads pictures to squares below and to the right, and its boxes are shares of the square.
        across, down = (max(width, height),) * 2 if self.kind == "owlv2" else (width, height)
        x1, x2 = (min(max((cx + side * wide / 2) * across, 0), width) for side in (-1, 1))
        y1, y2 = (min(max((cy + side * high / 2) * down, 0), height) for side in (-1, 1))
        return Box(x1, y1, x2, y2) if x2 > x1 and y2 > y1 else Box(0, 0, width, height)


def load_grounder(spec: str | Path, *, allow_pickle: bool = False) -> Grounder:
    """A localiser from a model hub, or from a folder written by ``save_pretrained``.

    Args:
        spec: name on the hub, such as "IDEA-Research/grounding-dino-tiny" or "google/owlv2-base-patch16-ensemble",
            or path of a folder.
        allow_pickle: also read weights in torch's own format, where there are no safetensors.

    Raises:
        MissingExtraError: ``transformers`` is not installed.
        WeightsError: there is no such model, no way to the hub, no weights, or it is no detector of phrases.
    """
    transformers = transformers_for("A localiser from a model hub")
    what = "localiser"
    config = from_hub(what, spec, transformers.AutoConfig.from_pretrained)
    if config.model_type not in FAMILIES:
        raise WeightsError(
            f"{spec} is no localiser that can be used: it is of the type '{config.model_type}', and those of "
            f"{', '.join(FAMILIES)} can."
        )
    kind = transformers.AutoModelForZeroShotObjectDetection
    model = load_whole(what, spec, kind, allow_pickle=allow_pickle)
    processor = from_hub(what, spec, transformers.AutoProcessor.from_pretrained)
    require_words(spec, processor.tokenizer)
    return Grounder(config.model_type, model, processor)
