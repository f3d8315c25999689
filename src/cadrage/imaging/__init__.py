"""Pictures in and out: open, limit, orient, shrink to the working raster, cut, save.

``open_photo`` reads headers only. Pixels are decoded where they are used and not kept: by ``raster`` and
``preview`` at the smallest scale that serves (shrink-on-load), by ``cut`` and ``cut_all`` at full size. All
coordinates and sizes are of the *frame*, the oriented, full-size picture.
"""

from cadrage.imaging.crops import cut, cut_all, whole_pixels
from cadrage.imaging.photo import FORMATS, PIXEL_LIMIT, Photo, Source, open_photo
from cadrage.imaging.raster import RasterRule, preview, raster, raster_size
from cadrage.imaging.saving import natural_suffix, save

__all__ = [
    "FORMATS",
    "PIXEL_LIMIT",
    "Photo",
    "RasterRule",
    "Source",
    "cut",
    "cut_all",
    "natural_suffix",
    "open_photo",
    "preview",
    "raster",
    "raster_size",
    "save",
    "whole_pixels",
]
