"""The rules of photography, written down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cadrage.bench.methods.attention import Attention, Look
from cadrage.bench.methods.derived import box_from_scores
from cadrage.bench.methods.interface import Entry, MethodOptions, Picture
from cadrage.geometry import AspectRatio, Box, FloatArray
from cadrage.subject import CERTAIN, inside

POWER_POINTS = (1 / 3, 2 / 3)
THIRDS_WIDTH, BALANCE_WIDTH = 0.17, 0.2
"""sigma_1 and sigma_3 of Liu et al."""

BALANCE_WEIGHT, BORDER_WEIGHT = 0.3, 1.0
"""Beside a weight of 1 for the thirds."""


@dataclass(frozen=True, slots=True, eq=False)
class Composition:
    """Hand-made rules: subjects on the thirds, visual balance, and a border that cuts few edges.

    Points of thirds and balance are those of Liu, Chen, Wolf and Cohen-Or, "Optimizing photo composition" (Computer
    Graphics Forum 2010); the border is the boundary simplicity of Fang, Lin, Mech and Shen, "Automatic image
    cropping using visual composition, boundary simplicity and content preservation models" (ACM Multimedia 2014).
    The subjects are the connected regions of the saliency map at 0.5 or more. Of region i, M_i is the map's sum
    inside the crop, and c_i its centre of mass there, in shares of the crop's sides; distances add both axes.

        thirds  = sum_i M_i exp(-D_i^2 / (2 * 0.17)) / sum_i M_i,   D_i from c_i to the nearest point of thirds
        balance = exp(-d^2 / (2 * 0.2)),   d from sum_i M_i c_i / sum_i M_i to the middle of the crop
        cut     = g / (g + G),   g the mean brightness gradient along the crop's border, G that of the frame
        score   = thirds + 0.3 balance - cut

    Without a subject in the crop, thirds and balance are 0. A side of the crop on the frame's own border cuts
    nothing. The weights are not fitted to any ratings.
    """

    attention: Attention
    name: str = "composition"

    @property
    def version(self) -> str:
        """Of the formulas and the model."""
        return f"1, {self.attention.version}"

    @classmethod
    def of(cls, options: MethodOptions) -> Composition:
        """Load the model of the spec.

        Raises:
            WeightsError: it is missing or damaged.
        """
        return cls(
            Attention(options), f"composition={options.argument}" if options.argument else "composition"
        )

    def scores(self, picture: Picture, boxes_xyxy: FloatArray) -> FloatArray:
        """Shape (K,), from -1 to 1.3."""
        return composition_scores(self.attention.look(picture), boxes_xyxy, picture.size_wh)

    def box(self, picture: Picture, ratio: AspectRatio | None) -> Box:
        """The best of the grid anchors or of the ratio's candidates."""
        look = self.attention.look(picture)
        return box_from_scores(
            lambda boxes: composition_scores(look, boxes, picture.size_wh), picture.size_wh, ratio
        )


def composition_scores(look: Look, boxes_xyxy: FloatArray, size_wh: tuple[int, int]) -> FloatArray:
    """The formula of ``Composition`` for boxes (K, 4) in pixels of a frame; shape (K,)."""
    masses, centres = subjects_inside(look.attention, boxes_xyxy, size_wh)
    cut = border_cut(gradient(look.pixels), boxes_xyxy, size_wh)
    return thirds(masses, centres) + BALANCE_WEIGHT * balance(masses, centres) - BORDER_WEIGHT * cut


def subjects_inside(
    cells: FloatArray, boxes_xyxy: FloatArray, size_wh: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    """Mass of each subject inside each crop, and where its centre is.

    Args:
        cells: the saliency map, shape (h, w), over the whole frame.
        boxes_xyxy: shape (K, 4), in frame pixels.
        size_wh: width and height of the frame in pixels.

    Returns:
        Masses (K, R), and centres of mass (K, R, 2) in shares of the crop's sides, (0.5, 0.5) where there is none.
    """
    rows, columns = cells.shape
    labels, count = connected(cells >= CERTAIN)
    masses, centres = np.zeros((len(boxes_xyxy), count)), np.full((len(boxes_xyxy), count, 2), 0.5)
    x = (np.arange(columns) + 0.5) * size_wh[0] / columns
    y = (np.arange(rows) + 0.5) * size_wh[1] / rows
    sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    for region in range(count):
        weights = np.where(labels == region + 1, cells, 0.0)
        mass = inside(weights, boxes_xyxy, size_wh)
        there = mass > 0
        moments = [
            inside(moment, boxes_xyxy[there], size_wh) for moment in (weights * x, weights * y[:, None])
        ]
        middle = np.stack(moments, axis=1) / mass[there, None]
        masses[:, region] = mass
        centres[there, region] = (middle - boxes_xyxy[there, :2]) / sides[there]
    return masses, centres


def connected(wanted: NDArray[np.bool_]) -> tuple[NDArray[np.int64], int]:
    """Number the connected regions of a map from 1, cells that touch along a side together; 0 elsewhere."""
    labels = np.zeros(wanted.shape, dtype=np.int64)
    count = 0
    for start in zip(*map(np.ndarray.tolist, np.nonzero(wanted)), strict=True):
        if labels[start]:
            continue
        count += 1
        labels[start] = count
        reached = [start]
        while reached:
            row, column = reached.pop()
            for cell in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                within = 0 <= cell[0] < wanted.shape[0] and 0 <= cell[1] < wanted.shape[1]
                if within and wanted[cell] and not labels[cell]:
                    labels[cell] = count
                    reached.append(cell)
    return labels, count


def thirds(masses: FloatArray, centres: FloatArray) -> FloatArray:
    """How near the subjects are to the points of thirds, (K, R) and (K, R, 2) to (K,), in [0, 1]."""
    away = np.abs(centres[..., None] - POWER_POINTS).min(axis=-1).sum(axis=-1)
    total = masses.sum(axis=1)
    near = (masses * np.exp(-(away**2) / (2 * THIRDS_WIDTH))).sum(axis=1)
    mean: FloatArray = np.divide(near, total, out=np.zeros_like(total), where=total > 0)
    return mean


def balance(masses: FloatArray, centres: FloatArray) -> FloatArray:
    """How near all subjects together are to the middle, (K, R) and (K, R, 2) to (K,), in [0, 1]."""
    total = masses.sum(axis=1)
    moment = (masses[..., None] * (centres - 0.5)).sum(axis=1)
    away = np.abs(np.divide(moment, total[:, None], out=moment, where=total[:, None] > 0)).sum(axis=1)
    return np.where(total > 0, np.exp(-(away**2) / (2 * BALANCE_WIDTH)), 0.0)


def gradient(pixels: NDArray[np.uint8]) -> FloatArray:
    """Length of the brightness gradient at each pixel of (H, W, 3), by central differences; shape (H, W)."""
    down, across = np.gradient(pixels.mean(axis=2))
    length: FloatArray = np.hypot(down, across)
    return length


def border_cut(edges: FloatArray, boxes_xyxy: FloatArray, size_wh: tuple[int, int]) -> FloatArray:
    """How much the border of each crop cuts through, in [0, 1].

    Args:
        edges: length of the gradient, shape (H, W), over the whole frame.
        boxes_xyxy: shape (K, 4), in frame pixels.
        size_wh: width and height of the frame in pixels.

    Returns:
        Shape (K,), g / (g + G); 0 where both are 0.
    """
    height, width = edges.shape
    x1, y1, x2, y2 = np.rint(boxes_xyxy * np.tile(np.divide((width, height), size_wh), 2)).astype(int).T
    x2, y2 = np.maximum(x2, x1 + 1).clip(max=width), np.maximum(y2, y1 + 1).clip(max=height)
    x1, y1 = np.minimum(x1, x2 - 1), np.minimum(y1, y2 - 1)
    bare = edges.copy()
    bare[[0, -1]] = 0  # what lies on the frame's own border is not cut by the crop
    bare[:, [0, -1]] = 0
    along_x = np.pad(bare.cumsum(axis=1), ((0, 0), (1, 0)))
    along_y = np.pad(bare.cumsum(axis=0), ((1, 0), (0, 0)))
    crossed = sum(along_x[y, x2] - along_x[y, x1] for y in (y1, y2 - 1))
    crossed = crossed + sum(along_y[y2, x] - along_y[y1, x] for x in (x1, x2 - 1))
    mean = crossed / (2 * (x2 - x1) + 2 * (y2 - y1))
    total = mean + edges.mean()
    cut: FloatArray = np.divide(mean, total, out=np.zeros(len(boxes_xyxy)), where=total > 0)
    return cut


METHODS = (Entry("composition", Composition.of, takes_argument=True),)
