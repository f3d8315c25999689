"""Pictures for people: boxes drawn on a photograph, the contact sheet of its crops, and why it was cropped so.

Pure functions from small pictures to pictures. Boxes are in frame pixels, and come with the size of the frame that
they refer to; the pictures they are drawn on may be of any smaller size.
"""

from cadrage.overlay.boxes import COLOURS, LabelledCrop, colours_of, draw_boxes
from cadrage.overlay.explanation import Explained, explanation
from cadrage.overlay.sheet import PREVIEW_WH, SheetRow, contact_sheet

__all__ = [
    "COLOURS",
    "PREVIEW_WH",
    "Explained",
    "LabelledCrop",
    "SheetRow",
    "colours_of",
    "contact_sheet",
    "draw_boxes",
    "explanation",
]
