"""What people think of a place on the grid, whatever the photograph shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cadrage.bench.methods.derived import box_from_scores
from cadrage.bench.methods.interface import Entry, MethodOptions, Picture
from cadrage.candidates import RELEASED_LABELS_GRID, bins_of, feasible_bins
from cadrage.datasets.division import fingerprint_of, parts_of
from cadrage.datasets.gaicd import load_gaicd
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError, RequestError
from cadrage.geometry import AspectRatio, Box, FloatArray, iou_matrix

PORTRAIT, LANDSCAPE = 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Ratings added up by orientation of the photograph and by grid anchor.

    Attributes:
        sums: shape (2, A), added mean opinion scores.
        counts: shape (2, A), how many.
    """

    sums: FloatArray
    counts: FloatArray

    def less(self, other: Tally) -> Tally:
        """Without the ratings of another tally that are part of this one."""
        return Tally(self.sums - other.sums, self.counts - other.counts)

    def means(self, orientation: int) -> FloatArray:
        """Mean score of each anchor, shape (A,), NaN where nobody rated it.

        Where no photograph has the orientation, those of the other one count.
        """
        if not self.counts[orientation].any():
            orientation = 1 - orientation
        sums, counts = self.sums[orientation], self.counts[orientation]
        means: FloatArray = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
        return means


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """The content-blind prior: the mean training MOS of the anchor at the same place of the 12 x 12 grid.

    Landscape photographs (square ones included) and portraits have a table each. A box that is no grid anchor gets
    the score of the rated anchor that it overlaps most. It looks at nothing but the size of the frame, so a method
    that does not beat it has learned nothing about photographs.

    Nothing is learned from the pictures that are evaluated: those held out are left out of the tables, unless that
    would leave none, and what is scored is always left out of its own.

    Attributes:
        total: of all training photographs.
        own: of each of them, by name.
        version: of the ratings it was made from.
    """

    total: Tally
    own: dict[str, Tally]
    version: str
    name: str = "prior"

    @classmethod
    def of(cls, options: MethodOptions) -> Prior:
        """Learn from the folder of the spec, ``prior=GAICD_DIR``, or of ``options.training``.

        Raises:
            DataError: the folder is not in the GAICD layout, or has nothing to learn from.
            RequestError: no folder is given.
        """
        root = Path(options.argument) if options.argument else options.training
        if root is None:
            raise RequestError(
                "The method 'prior' is made from rated photographs: give their folder as prior=DIR."
            )
        images = load_gaicd(root, "train" if parts_of(root) else "all", read_sizes=True)
        name = f"prior={options.argument}" if options.argument else "prior"
        return cls.from_images(images, options.held_out, name)

    @classmethod
    def from_images(
        cls, images: Sequence[RatedImage], held_out: frozenset[str] = frozenset(), name: str = "prior"
    ) -> Prior:
        """Learn from rated photographs whose sizes are known.

        Args:
            images: at least one.
            held_out: names of the pictures that will be evaluated; if these are all images, each is only left out
                of the table by which it is scored itself.
            name: as in ``--methods``.

        Raises:
            DataError: there is no image, or the size of one is unknown.
        """
        used = [image for image in images if image.name not in held_out] or list(images)
        if not used:
            raise DataError("The method 'prior' has no rated photograph to learn from.")
        own = {image.name: _tally(image) for image in used}
        total = Tally(
            np.sum([one.sums for one in own.values()], axis=0),
            np.sum([one.counts for one in own.values()], axis=0),
        )
        return cls(total, own, _version(used), name)

    def scores(self, picture: Picture, boxes_xyxy: FloatArray) -> FloatArray:
        """Shape (K,), on the scale of the raters.

        Raises:
            DataError: the picture is the only one that was learned from.
        """
        own = self.own.get(picture.name)
        means = (self.total.less(own) if own else self.total).means(_orientation(picture.size_wh))
        rated = ~np.isnan(means)
        if not rated.any():
            raise DataError(f"Beside '{picture.name}' itself, the method 'prior' has nothing to score it by.")
        side = np.tile(np.divide(picture.size_wh, _BINS), 2)
        anchors = (_ANCHORS[rated] + 0.5) * side
        result: FloatArray = means[rated][iou_matrix(boxes_xyxy, anchors).argmax(axis=1)]
        return result

    def box(self, picture: Picture, ratio: AspectRatio | None) -> Box:
        """The best of the grid anchors or of the ratio's candidates."""
        return box_from_scores(lambda boxes: self.scores(picture, boxes), picture.size_wh, ratio)


_ANCHORS = feasible_bins(RELEASED_LABELS_GRID)
_BINS = (RELEASED_LABELS_GRID.bins_x, RELEASED_LABELS_GRID.bins_y)


def _orientation(size_wh: tuple[int, int]) -> int:
    return LANDSCAPE if size_wh[0] >= size_wh[1] else PORTRAIT


def _tally(image: RatedImage) -> Tally:
    """The ratings of one photograph; crops that are no grid anchors do not count."""
    if image.size_wh is None:
        raise DataError(f"The size of '{image.name}' must be known to find its crops on the grid.")
    sums, counts = np.zeros((2, len(_ANCHORS))), np.zeros((2, len(_ANCHORS)))
    same = (bins_of(image.boxes_xyxy, image.size_wh)[:, None] == _ANCHORS).all(axis=2) & image.is_rated[
        :, None
    ]
    crops, anchors = np.nonzero(same)
    row = _orientation(image.size_wh)
    np.add.at(sums[row], anchors, image.mos[crops])
    np.add.at(counts[row], anchors, 1)
    return Tally(sums, counts)


def _version(images: Sequence[RatedImage]) -> str:
    return f"1, {len(images)} photographs {fingerprint_of(images)}"


METHODS = (Entry("prior", Prior.of, takes_argument=True),)
