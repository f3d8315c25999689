"""Order, ties and diversity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cadrage.candidates import grid_anchors
from cadrage.geometry import iou_matrix
from cadrage.selection import AGREEMENT, most_agreed, order, pick, rounded

scores_of_any_length = hnp.arrays(np.float64, st.integers(0, 40), elements=st.floats(1, 5, width=32))


def strips(*spans: tuple[float, float]) -> np.ndarray:
    """Boxes one pixel high, so that overlap can be read off."""
    return np.array([(start, 0, end, 1) for start, end in spans], dtype=np.float64)


def test_scores_are_rounded_to_four_decimals():
    assert rounded([3.14159, 2.00004, -0.5]).tolist() == [3.1416, 2.0, -0.5]


def test_best_first_and_ties_in_candidate_order():
    assert order([2.0, 3.0, 1.0, 3.0, 2.0]).tolist() == [1, 3, 0, 4, 2]


def test_scores_that_differ_by_less_than_the_rounding_are_ties():
    assert order([3.00001, 3.00004]).tolist() == [0, 1]
    assert order([3.0001, 3.0004]).tolist() == [1, 0]


@given(scores_of_any_length)
def test_order_is_a_permutation_that_never_ascends(scores):
    ranked = order(scores)
    assert sorted(ranked) == list(range(len(scores)))
    assert (np.diff(rounded(scores)[ranked]) <= 0).all()


@given(scores_of_any_length, st.randoms(use_true_random=False))
def test_noise_of_arithmetic_does_not_change_the_order(scores, random):
    noise = np.array([random.uniform(-1e-6, 1e-6) for _ in scores])
    safe = rounded(scores)  # far from where rounding decides
    assert order(safe + noise).tolist() == order(safe).tolist()


def test_a_candidate_too_similar_to_a_better_one_is_passed_over():
    boxes = strips((0, 10), (1, 11), (20, 30), (5, 15))
    # Overlaps with the first: 9/11, 0 and 5/15.
    assert pick([4, 3, 2, 1], boxes, top=3, max_overlap=0.5).tolist() == [0, 2, 3]
    assert pick([4, 3, 2, 1], boxes, top=3, max_overlap=0.3).tolist() == [0, 2]
    assert pick([4, 3, 2, 1], boxes, top=3, max_overlap=1.0).tolist() == [0, 1, 2]


def test_the_bound_itself_is_allowed():
    boxes = strips((0, 10), (5, 15))
    assert pick([2, 1], boxes, top=2, max_overlap=5 / 15).tolist() == [0, 1]


def test_no_candidates_give_no_picks():
    assert pick([], np.zeros((0, 4)), top=3).tolist() == []


@given(
    hnp.arrays(np.float64, 87, elements=st.floats(1, 5, width=32)),
    st.integers(1, 10),
    st.floats(0, 1),
)
def test_picks_differ_descend_and_grow_from_the_front(scores, top, max_overlap):
    boxes = grid_anchors((600, 400))
    picked = pick(scores, boxes, top=top, max_overlap=max_overlap)
    assert picked[0] == order(scores)[0]
    assert 1 <= len(picked) <= top
    assert (np.diff(rounded(scores)[picked]) <= 0).all()
    overlaps = iou_matrix(boxes[picked], boxes[picked])[np.triu_indices(len(picked), 1)]
    assert (overlaps <= max_overlap).all()
    longer = pick(scores, boxes, top=top + 1, max_overlap=max_overlap)
    assert longer[: len(picked)].tolist() == picked.tolist()


@pytest.mark.parametrize("size_wh", [(600, 400), (400, 600), (500, 500), (1920, 1080)])
def test_by_default_there_are_five_free_crops_that_differ(size_wh):
    boxes = grid_anchors(size_wh)
    for seed in range(50):
        smooth = -np.abs(boxes - np.random.default_rng(seed).choice(boxes)).sum(axis=1)
        assert len(pick(smooth, boxes, top=5)) == 5


def shifted(*starts):
    """Boxes of 100 x 100 pixels side by side, from these x on."""
    return np.array([[x, 0, x + 100, 100] for x in starts], dtype=np.float64)


def test_the_crop_in_the_midst_of_equally_good_ones_is_agreed_on():
    assert most_agreed([3, 3, 3], shifted(0, 5, 10)) == 1
    assert most_agreed([3.01, 3, 3], shifted(0, 5, 10)) == 1


def test_a_clearly_better_crop_is_taken_whatever_lies_around_it():
    assert most_agreed([3 + 10 * AGREEMENT, 3, 3], shifted(0, 5, 10)) == 0


def test_expected_overlap_by_hand():
    # IoU 90/110 of neighbours, 80/120 of the outer two; says e^0, e^-1, e^-1.
    scores, boxes = [3, 3 - AGREEMENT, 3 - AGREEMENT], shifted(0, 10, 20)
    say = np.exp([0, -1, -1]) / (1 + 2 / np.e)
    first, second = say @ [1, 90 / 110, 80 / 120], say @ [90 / 110, 1, 90 / 110]
    assert most_agreed(scores, boxes, max_overlap=0.5) == (0 if first > second else 1)


def test_what_lies_apart_from_a_better_crop_is_not_agreed_on():
    assert most_agreed([3.01, 3, 3, 3], shifted(0, 500, 505, 510)) == 0


@given(
    st.integers(1, 40).flatmap(lambda n: hnp.arrays(np.float64, n, elements=st.floats(1, 5))), st.floats(0, 1)
)
def test_scores_never_rise_along_a_list_that_begins_with_the_agreed_crop(scores, max_overlap):
    boxes = grid_anchors((640, 480))[: len(scores)]
    scores = rounded(scores[: len(boxes)])
    first = most_agreed(scores, boxes, max_overlap)
    picked = pick(scores, boxes, top=9, max_overlap=max_overlap, first=first)
    assert (np.diff(scores[picked]) <= 0).all()
    assert picked[0] == first
