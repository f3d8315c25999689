"""Pictures in and out: open, limit, orient, shrink to the working raster, cut, save.

``open_photo`` reads headers only. Pixels are decoded where they are used and not kept: by ``raster`` and
``preview`` at the smallest scale that serves (shrink-on-load), by ``cut`` and ``cut_all`` at full size, and by
``write_crops``, which writes files in a format, quality and with the metadata of an ``OutputRule``. All
coordinates and sizes are of the *frame*, the oriented, full-size picture.
"""

from cadrage.imaging.crops import cut, cut_all, whole_pixels
from cadrage.imaging.lossless import aligned, lossless_grid, require_lossless
from cadrage.imaging.photo import FORMATS, PIXEL_LIMIT, Photo, Source, open_photo
from cadrage.imaging.raster import RasterRule, preview, raster, raster_size
from cadrage.imaging.saving import save
from cadrage.imaging.writing import OutputRule, Written, copies_coefficients, suffix_for, write_crops

__all__ = [
    "FORMATS",
    "PIXEL_LIMIT",
    "OutputRule",
    "Photo",
    "RasterRule",
    "Source",
    "Written",
    "aligned",
    "copies_coefficients",
    "cut",
    "cut_all",
    "lossless_grid",
    "open_photo",
    "preview",
    "raster",
    "raster_size",
    "require_lossless",
    "save",
    "suffix_for",
    "whole_pixels",
    "write_crops",
]
