"""The grid-size pilot: the counts of the paper's table, and MOS that crops of another grid stand in for."""

import numpy as np
import pytest

from cadrage.annotation.quality.pilot import PAPER_GRIDS, RatedFrame, pilot, rated_frames
from cadrage.annotation.quality.table import read_table
from cadrage.annotation.store import add_crops, crops_of, enter, exclude, grade, photographs
from cadrage.candidates import PAPER_GRID, GridSpec, grid_anchors
from cadrage.errors import DataError, RequestError
from cadrage.geometry import areas, as_boxes, iou_matrix

FRAMES = {"3:2": (1500, 1000), "4:3": (1200, 900), "16:9": (1920, 1080)}


def grid_of(bins, corner):
    return GridSpec(bins, bins, corner, corner, max_aspect=2.0)


def rated(size_wh, boxes_xyxy, mos=None):
    """A frame whose crops have a MOS that grows with their area."""
    if mos is None:
        mos = 1 + 4 * areas(boxes_xyxy) / (size_wh[0] * size_wh[1])
    return RatedFrame(size_wh, boxes_xyxy, np.asarray(mos, float))


@pytest.mark.parametrize(
    ("bins", "corner", "counts"),
    [(10, 3, (29, 31, 20)), (12, 4, (83, 87, 72)), (16, 5, (234, 251, 182))],
)
def test_candidates_are_as_many_as_table_2_implies(bins, corner, counts):
    """TPAMI 2020, table 2, has 28.4, 82.5 and 231.9 on the average of its photographs."""
    for size_wh, count in zip(FRAMES.values(), counts, strict=True):
        frame = rated(size_wh, grid_anchors(size_wh, PAPER_GRID, corners="rounded"))
        (row,) = pilot([frame], [grid_of(bins, corner)])
        assert row.candidates == count


def test_a_mix_of_frames_comes_near_the_paper_s_averages():
    mix = ["3:2"] * 7 + ["4:3"] * 2 + ["16:9"]
    frames = [rated(FRAMES[name], grid_anchors(FRAMES[name], PAPER_GRID, corners="rounded")) for name in mix]
    found = [row.candidates for row in pilot(frames, [grid_of(*grid) for grid in PAPER_GRIDS])]
    paper = [28.4, 30.9, 58.4, 82.5, 86.5, 131.3, 154.4, 173.7, 231.9]
    assert found == pytest.approx(paper, rel=0.03)


def test_the_second_row_of_the_table_is_two_grids_at_once():
    for size_wh in FRAMES.values():
        np.testing.assert_array_equal(
            grid_anchors(size_wh, grid_of(10, 4)), grid_anchors(size_wh, grid_of(10, 5))
        )


def test_the_rated_grid_itself_is_matched_exactly():
    frames = [rated(size, grid_anchors(size, PAPER_GRID, corners="rounded")) for size in FRAMES.values()]
    (row,) = pilot(frames, [PAPER_GRID])
    assert (row.name, row.photographs) == ("12x12/4x4", 3)
    assert (row.mean_iou, row.worst_iou, row.unmatched) == (1, 1, 0)
    mos = np.concatenate([frame.mos for frame in frames])
    assert row.per_interval == pytest.approx(np.histogram(mos, [1, 2, 3, 4, 5])[0] / 3)
    assert row.shares == pytest.approx(np.histogram(mos, [1, 2, 3, 4, 5])[0] / len(mos))


def test_a_candidate_takes_the_mos_of_the_crop_that_it_overlaps_most():
    size_wh, coarse = (1500, 1000), grid_of(10, 3)
    fine = grid_anchors(size_wh, GridSpec(24, 24, 9, 9), corners="rounded")
    frame = rated(size_wh, fine)
    (row,) = pilot([frame], [coarse])
    overlaps = iou_matrix(grid_anchors(size_wh, coarse, corners="rounded"), fine)
    mos = frame.mos[overlaps.argmax(axis=1)]
    assert row.per_interval == tuple(np.histogram(mos, [1, 2, 3, 4, 5])[0])
    assert row.mean_iou == pytest.approx(overlaps.max(axis=1).mean())
    assert row.worst_iou == pytest.approx(overlaps.max(axis=1).min())


def test_what_no_rated_crop_overlaps_enough_is_unmatched_and_not_guessed():
    size_wh = (1500, 1000)
    candidates = grid_anchors(size_wh, PAPER_GRID, corners="rounded")
    frame = rated(size_wh, candidates[:1], [4.2])
    (row,) = pilot([frame], [PAPER_GRID], least_iou=0.999)
    assert (row.candidates, row.unmatched) == (83, 82)
    assert (row.per_interval, row.shares) == ((0, 0, 0, 1), (0, 0, 0, 1))
    (nothing,) = pilot([rated(size_wh, as_boxes([(0, 0, 10, 10)]), [3])], [PAPER_GRID])
    assert (nothing.unmatched, nothing.per_interval) == (83, (0, 0, 0, 0))
    assert np.isnan([nothing.mean_iou, nothing.worst_iou, *nothing.shares]).all()


def test_intervals_hold_their_lower_bounds_and_the_last_both():
    size_wh = (1500, 1000)
    boxes = grid_anchors(size_wh, PAPER_GRID, corners="rounded")
    mos = np.full(len(boxes), 3.0)
    mos[:7] = [0.86, 1, 1.99, 2, 2.99, 4, 5]
    (row,) = pilot([rated(size_wh, boxes, mos)], [PAPER_GRID])
    assert row.per_interval == (3, 2, 76, 2)


def test_an_overlap_out_of_range_is_refused():
    with pytest.raises(RequestError, match="from 0 to 1"):
        pilot([], [], least_iou=1.2)


class TestProjects:
    def test_grades_of_excluded_raters_do_not_count(self, store):
        crops = [crop.id for crop in crops_of(store, photographs(store)[0].id) if crop.ratable]
        for name, value in (("Ada", 4), ("Ben", 5), ("Cy", 1)):
            grade(store, enter(store, name).id, crops[2], value, 900, is_repeat=False)
        exclude(store, "Cy", "always 1")
        (frame,) = rated_frames(read_table(store))
        assert (frame.size_wh, frame.mos.tolist()) == ((120, 80), [4.5])

    def test_where_nobody_graded_the_imported_mos_stands_in(self, store):
        with store.writing() as database:
            database.execute("DELETE FROM crop")
        for photograph in photographs(store)[:2]:
            add_crops(
                store, photograph, as_boxes([(0, 0, 90, 60), (9, 9, 99, 69)]), [True, True], [3.2, None]
            )
        (crop, _) = crops_of(store, photographs(store)[1].id)
        grade(store, enter(store, "Ada").id, crop.id, 5, 900, is_repeat=False)
        assert [frame.mos.tolist() for frame in rated_frames(read_table(store))] == [[3.2], [5.0]]

    def test_a_project_without_ratings_says_so(self, store):
        with pytest.raises(DataError, match="Nobody has rated a crop yet"):
            rated_frames(read_table(store))
