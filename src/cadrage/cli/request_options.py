"""The options that make a ``CropRequest``, for every command that takes one.

Imports nothing but Typer, so that help is quick; ``cadrage.cli.request_text`` makes the request of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_SHAPE = "Shape and number"
_SIZE = "Smallest and largest"
_HOLD = "What the crop holds, in pixels of the upright photograph"
_POLICY = "When a photograph is left alone"
_REQUEST = "All of the above as JSON"

Ratios = Annotated[
    list[str] | None,
    typer.Option(
        "--ratio",
        "-r",
        metavar="RATIO",
        help="Shape of the crop: 16:9, 1.91, square, original or free (the default); may be repeated.",
        rich_help_panel=_SHAPE,
    ),
]
Size = Annotated[
    str | None,
    typer.Option(
        "--size",
        metavar="WxH",
        help="Exact size of the written crop, such as 1200x630; it is the ratio too.",
        rich_help_panel=_SHAPE,
    ),
]
Upscale = Annotated[
    bool | None,
    typer.Option(
        "--upscale/--no-upscale",
        help="Accept a --size that is larger than the photograph.",
        show_default=False,
        rich_help_panel=_SHAPE,
    ),
]
Top = Annotated[
    int | None,
    typer.Option(
        "--top",
        metavar="K",
        help="Crops for each ratio, at most; they differ visibly. By a caption the first is what all runs agree "
        "on, whose loss need not be the least. [1]",
        rich_help_panel=_SHAPE,
    ),
]
MaxOverlap = Annotated[
    float | None,
    typer.Option(
        "--max-overlap",
        metavar="IOU",
        help="Intersection over union of two crops of one ratio, at most; lower means more variety. [0.8]",
        rich_help_panel=_SHAPE,
    ),
]
MinSize = Annotated[
    str | None,
    typer.Option(
        "--min-size",
        metavar="SHARE|WxH",
        help="Smallest crop: 0.9 of the sides of the largest of that ratio, or 800x600 pixels.",
        rich_help_panel=_SIZE,
    ),
]
MinArea = Annotated[
    float | None,
    typer.Option(
        "--min-area",
        metavar="SHARE",
        help="Smallest share of the photograph's area, 0 to 1.",
        rich_help_panel=_SIZE,
    ),
]
MaxArea = Annotated[
    float | None,
    typer.Option(
        "--max-area",
        metavar="SHARE",
        help="Largest share of the photograph's area, 0 to 1.",
        rich_help_panel=_SIZE,
    ),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        "--keep",
        metavar="x1,y1,x2,y2",
        help="A part that is never cut; may be repeated.",
        rich_help_panel=_HOLD,
    ),
]
Prefer = Annotated[
    list[str] | None,
    typer.Option(
        "--prefer",
        metavar="x1,y1,x2,y2[,W]",
        help="A part that is worth W points of score to hold (1 unless given); may be repeated.",
        rich_help_panel=_HOLD,
    ),
]
Avoid = Annotated[
    list[str] | None,
    typer.Option(
        "--avoid",
        metavar="x1,y1,x2,y2[,W]",
        help="A part that is worth W points to leave out; may be repeated.",
        rich_help_panel=_HOLD,
    ),
]
Focus = Annotated[
    str | None,
    typer.Option(
        "--focus",
        metavar="x,y",
        help="A point that the crop holds, near its middle rather than its border.",
        rich_help_panel=_HOLD,
    ),
]
Headroom = Annotated[
    float | None,
    typer.Option(
        "--headroom",
        metavar="SHARE",
        help="Share of the crop's height to leave above what it keeps, 0 to 0.5.",
        rich_help_panel=_HOLD,
    ),
]
Subject = Annotated[
    float | None,
    typer.Option(
        "--subject",
        metavar="W",
        help="Points that a crop loses with the whole of the subject found; 0 for no regard to it. [4]",
        rich_help_panel=_HOLD,
    ),
]
Faces = Annotated[
    bool | None,
    typer.Option(
        "--faces/--no-faces",
        help="Find faces and never cut them (extra 'faces').",
        show_default=False,
        rich_help_panel=_HOLD,
    ),
]
PolicyName = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="best|minimal|keep-full",
        help="Take the best crop, the largest that is hardly worse, or the largest unless another is clearly "
        "better. [best]",
        rich_help_panel=_POLICY,
    ),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        "--tolerance",
        metavar="POINTS",
        help="What 'hardly' and 'clearly' mean, in points of the 1-5 scale. [0.15]",
        rich_help_panel=_POLICY,
    ),
]
RequestFile = Annotated[
    Path | None,
    typer.Option(
        "--request",
        metavar="FILE.json",
        help="A request in a file; an option given beside it replaces that field.",
        rich_help_panel=_REQUEST,
    ),
]
