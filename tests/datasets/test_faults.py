"""What is wrong with a copy, in words: with how many and where, and of one thing as of one."""

import pytest

from cadrage.datasets.check import OUTSIDE
from cadrage.datasets.faults import UNUSABLE, Problem, problems_of
from cadrage.datasets.folders import without
from cadrage.datasets.releases import TWICE

ODD = "/what we have/boxes that are in"
"""A folder whose name reads like a problem."""


@pytest.mark.parametrize(
    ("several", "one"),
    [
        (OUTSIDE, "box outside its picture"),
        (UNUSABLE, "label that cannot be used"),
        (TWICE, "image in more than one part, as of mixed releases"),
        (without("picture", "a", "b"), "file of a has no picture in b"),
        (without("mask", "a", "b"), "file of a has no mask in b"),
        (f"pictures in {ODD} have no label in b", f"picture in {ODD} has no label in b"),
        ("images of a have no annotation", "image of a has no annotation"),
        ("of the 5 pictures that a names are not in b", "of the 5 pictures that a names is not in b"),
        ("pictures that cannot be read", "picture that cannot be read"),
        ("folders that are no part: expected a, b", "folder that is no part: expected a, b"),
        ("files of other data sets in a", "file of another data set in a"),
        (
            "labels or masks of another size than their pictures",
            "label or mask of another size than its picture",
        ),
        (
            "labels or pictures beside the folders of the parts, as of another release",
            "label or picture beside the folders of the parts, as of another release",
        ),
        (
            "parts with other numbers of images than published",
            "part with another number of images than published",
        ),
    ],
)
def test_of_one_thing_is_said_as_of_one(several, one):
    assert str(Problem(several, 1, ("x",))) == f"1 {one}: x."
    assert str(Problem(several, 2, ("x", "y"))) == f"2 {several}: x; y."


def test_of_many_the_first_three_are_named():
    (problem,) = problems_of(UNUSABLE, ["a", "b", "c", "d"])
    assert str(problem) == f"4 {UNUSABLE}: a; b; c; ...."
