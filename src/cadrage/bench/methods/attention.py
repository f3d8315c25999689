"""Where a photograph draws the eye, as a map, and how much of a map lies inside crops."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from cadrage.bench.methods.interface import MethodOptions, Picture
from cadrage.errors import WeightsError
from cadrage.geometry import FloatArray
from cadrage.imaging import RasterRule, open_photo, raster
from cadrage.runtime import Scorer
from cadrage.weights import WeightsEntry


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


def model_version(entry: WeightsEntry) -> str:
    """Name, version and checksum of a model: two exports of one name and version are told apart."""
    return f"{entry.name} {entry.version} {entry.encode.sha256[:8]}{entry.score.sha256[:8]}"


def inside(cells: FloatArray, boxes_xyxy: FloatArray, size_wh: tuple[int, int]) -> FloatArray:
    """Sum of the cells inside boxes; a cell on the border counts by the share of it that lies inside.

    Args:
        cells: shape (h, w), over the whole frame.
        boxes_xyxy: shape (K, 4), in frame pixels.
        size_wh: width and height of the frame in pixels.

    Returns:
        Shape (K,).
    """
    rows, columns = cells.shape
    across = _covered(boxes_xyxy[:, [0, 2]] * (columns / size_wh[0]), columns)
    down = _covered(boxes_xyxy[:, [1, 3]] * (rows / size_wh[1]), rows)
    sums: FloatArray = ((down @ cells) * across).sum(axis=1)
    return sums


def _covered(spans: FloatArray, cells: int) -> FloatArray:
    """Shares (K, cells) of the cells of an axis that lie within K spans (K, 2), in cells."""
    begins = np.arange(cells)
    shares: FloatArray = np.minimum(spans[:, 1:], begins + 1) - np.maximum(spans[:, :1], begins)
    return np.clip(shares, 0, 1, out=shares)
