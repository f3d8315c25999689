"""CPC, the comparative photo composition data set (Wei et al., CVPR 2018, "Good View Hunting").

About 10,800 photographs, each with 24 views that people compared; a view's score comes from their answers, on the
data set's own scale and not from 1 to 5. Labels lie in ``image_crop.json``, pictures in ``images``::

    {"NAME.jpg": {"bboxes": [[x1, y1, x2, y2], ...], "scores": [2.5, ...]}, ...}

Scores may also be one list a view, with a number from each person: their mean counts. The layout is written down
here from programs that read the data set; no copy of it was at hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cadrage.datasets.faults import Faults
from cadrage.datasets.pictures import write_pictures
from cadrage.datasets.scored_views import ViewFields, load_views, save_views
from cadrage.datasets.types import RatedImage

LABELS = "image_crop.json"
PICTURES = "images"
FIELDS = ViewFields("bboxes", "scores")


def load_cpc(root: Path, *, allow_missing: bool = False) -> tuple[RatedImage, ...]:
    """Read the views and their scores. Pictures are not opened.

    Args:
        root: the folder that holds ``image_crop.json`` and ``images``.
        allow_missing: leave out labels without a picture.

    Returns:
        The images in the order of the file, without parts.

    Raises:
        DataError: the file is missing or malformed, pictures are missing or have no label; the message names file
            and line, or how many and the first three.
    """
    faults = Faults()
    return faults.none_in(
        load_views(root / LABELS, root / PICTURES, FIELDS, faults, allow_missing=allow_missing)
    )


def save_cpc(images: Iterable[RatedImage], root: Path, *, copy_pictures: bool = True) -> None:
    """Write images in the layout that ``load_cpc`` reads; parts are not kept.

    Args:
        images: what to write.
        root: the folder to write into, made if missing; files of the same names are replaced.
        copy_pictures: copy the pictures too, else write labels only.

    Raises:
        DataError: names do not differ, or a file cannot be written.
    """
    pictures = save_views(tuple(images), root / LABELS, FIELDS)
    if copy_pictures:
        write_pictures(pictures, root / PICTURES)
