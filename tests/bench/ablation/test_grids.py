"""What the paper prints of its grids."""

import pytest

from cadrage.annotation.quality.pilot import INTERVALS, PAPER_GRIDS
from cadrage.bench.ablation.grids import PUBLISHED


def test_every_grid_of_the_pilot_has_published_figures():
    assert tuple(PUBLISHED) == PAPER_GRIDS


@pytest.mark.parametrize("grid", PAPER_GRIDS, ids=lambda grid: f"{grid[0]}, {grid[1]}")
def test_published_candidates_are_those_of_all_intervals_and_their_shares(grid):
    published = PUBLISHED[grid]
    assert len(published.per_interval) == len(published.shares) == len(INTERVALS)
    assert sum(published.per_interval) == pytest.approx(published.candidates, abs=0.2)
    for interval, number, share in zip(INTERVALS, published.per_interval, published.shares, strict=True):
        slip = 0.009 if (grid, interval) == ((12, 4), "[1,2)") else 0  # 12.9 % is printed for 9.9 of 82.5
        assert share - slip == pytest.approx(number / published.candidates, abs=0.003)
