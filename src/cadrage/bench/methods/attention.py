"""Where a photograph draws the eye, as a map."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from cadrage.bench.methods.interface import MethodOptions, Picture
from cadrage.bench.methods.versions import model_version
from cadrage.errors import WeightsError
from cadrage.geometry import FloatArray
from cadrage.imaging import RasterRule, open_photo, raster
from cadrage.runtime import Scorer


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What is seen of a picture.

    Attributes:
        pixels: the working raster, uint8 of shape (H, W, 3).
        attention: shape (h, w), over the whole frame, in [0, 1]: how likely each cell shows the salient subject.
    """

    pixels: NDArray[np.uint8]
    attention: FloatArray


class Attention:
    """Saliency maps of a cadrage model: of the default one, or of that named in a spec, ``saliency=MODEL``."""

    def __init__(self, options: MethodOptions) -> None:
        """Load the model.

        Raises:
            WeightsError: the model is missing or damaged.
        """
        self._scorer = Scorer(options.argument, threads=options.threads)
        self._rule = RasterRule(**asdict(self._scorer.entry.input))

    @property
    def version(self) -> str:
        """Of the model."""
        return model_version(self._scorer.entry)

    def look(self, picture: Picture) -> Look:
        """Look at a picture.

        Raises:
            ImageError: it cannot be opened or decoded.
            WeightsError: the model makes no saliency maps.
        """
        pixels = raster(open_photo(picture.path), self._rule)
        saliency = self._scorer.encode(pixels, picture.size_wh).saliency
        if saliency is None:
            raise WeightsError(f"The model {self._scorer.model} makes no saliency maps.")
        return Look(pixels, saliency.astype(np.float64))
