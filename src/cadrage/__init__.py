"""cadrage finds the best crops of a photograph: ranked, for any aspect ratio, on a plain CPU.

>>> from cadrage import Cropper
>>> Cropper().crop("beach.jpg", ratios=["16:9"]).best.box  # doctest: +SKIP
Box(x1=0, y1=187, x2=4032, y2=2455)
"""

from importlib import import_module
from typing import TYPE_CHECKING

from cadrage.errors import (
    CadrageError,
    DataError,
    ImageError,
    MissingExtraError,
    RequestError,
    WeightsError,
)

if TYPE_CHECKING:
    from cadrage.cropper import Cropper
    from cadrage.geometry import AspectRatio, Box
    from cadrage.request import CropRequest, Region
    from cadrage.result import Crop, CropResult, RatioCrops

__version__ = "0.1.0"

__all__ = [
    "AspectRatio",
    "Box",
    "CadrageError",
    "Crop",
    "CropRequest",
    "CropResult",
    "Cropper",
    "DataError",
    "ImageError",
    "MissingExtraError",
    "RatioCrops",
    "Region",
    "RequestError",
    "WeightsError",
]

_HOMES = {
    "AspectRatio": "cadrage.geometry",
    "Box": "cadrage.geometry",
    "Crop": "cadrage.result",
    "CropRequest": "cadrage.request",
    "CropResult": "cadrage.result",
    "Cropper": "cadrage.cropper",
    "RatioCrops": "cadrage.result",
    "Region": "cadrage.request",
}


def __getattr__(name: str) -> object:
    """Import the cropper, and with it numpy, Pillow and ONNX Runtime, at its first use only."""
    if name not in _HOMES:
        raise AttributeError(f"module 'cadrage' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
