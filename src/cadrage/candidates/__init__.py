"""Candidate crops: what boxes of a frame may be returned.

``grid`` holds the grid anchors of GAIC, whose corners sit on the centres of a coarse grid of bins;
``ratios`` holds lattices of whole-pixel boxes of one required shape; ``free`` joins both where a request has
limits. All boxes are in frame pixels, float64 of shape (K, 4), columns x1, y1, x2, y2.
"""

from cadrage.candidates.free import free_candidates
from cadrage.candidates.grid import (
    OFFICIAL_PYTORCH_GRID,
    PAPER_GRID,
    RELEASED_LABELS_GRID,
    AspectBounds,
    Corners,
    GridSpec,
    anchor_bins,
    bins_of,
    feasible_bins,
    grid_anchors,
)
from cadrage.candidates.official import OFFICIAL_RATIO_UNITS, official_ratio_anchors
from cadrage.candidates.ratios import (
    RatioLattice,
    SizeLimits,
    largest_box,
    nearest_size,
    ratio_candidates,
    ratio_lattice,
    ratio_sizes,
)

__all__ = [
    "OFFICIAL_PYTORCH_GRID",
    "OFFICIAL_RATIO_UNITS",
    "PAPER_GRID",
    "RELEASED_LABELS_GRID",
    "AspectBounds",
    "Corners",
    "GridSpec",
    "RatioLattice",
    "SizeLimits",
    "anchor_bins",
    "bins_of",
    "feasible_bins",
    "free_candidates",
    "grid_anchors",
    "largest_box",
    "nearest_size",
    "official_ratio_anchors",
    "ratio_candidates",
    "ratio_lattice",
    "ratio_sizes",
]
