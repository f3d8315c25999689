"""The request: ranges, contradictions, and its way through JSON."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadrage import AspectRatio, Box, CropRequest, Region, RequestError


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"size": (0, 10)}, "whole pixels from 1"),
        ({"size": (1200.5, 630)}, "whole pixels"),
        ({"size": "1200x630"}, "width and height in pixels, two numbers"),
        ({"size": (1200, 630), "ratios": ("1:1",)}, "is the ratio already"),
        ({"min_size": 0}, "share above 0 and at most 1"),
        ({"min_size": 1.5}, "share above 0 and at most 1"),
        ({"min_size": (0, 5)}, "whole pixels"),
        ({"min_size": "half"}, "smallest crop"),
        ({"min_area": -0.1}, "smallest area must be from 0 to 1"),
        ({"min_area": 0.8, "max_area": 0.5}, "must be more than the smallest"),
        ({"max_area": 0}, "largest area must be above 0"),
        ({"avoid": [Region((0, 0, 5))]}, "four numbers"),
        ({"keep": [(1, 2, 3)]}, "four numbers"),
        ({"keep": [(10, 0, 5, 5)]}, "x1 < x2"),
        ({"keep": "1,2,3,4"}, "'keep' is a list"),
        ({"keep": 5}, "'keep' is a list"),
        ({"prefer": [{"box": [0, 0, 1, 1], "weight": 0}]}, "weight of a region"),
        ({"prefer": [{"box": [0, 0, 1, 1], "wieght": 1}]}, "four numbers"),
        ({"focus": (1,)}, "a point x,y"),
        ({"focus": (float("nan"), 1)}, "a point x,y"),
        ({"headroom": 0.6}, "headroom must be from 0 to 0.5"),
        ({"policy": "worst"}, "best, minimal, keep-full, not 'worst'"),
        ({"policy": ["best"]}, "policy"),
        ({"tolerance": -1}, "tolerance"),
        ({"subject": True}, "weight of the subject"),
        ({"upscale": 1}, "'upscale' must be true or false"),
    ],
)
def test_a_wrong_request_is_refused_in_one_sentence(values, said):
    with pytest.raises(RequestError, match=said) as caught:
        CropRequest.from_dict(values)
    assert "\n" not in str(caught.value)


def test_numbers_and_arrays_of_numpy_are_taken_as_pythons():
    given = CropRequest(
        np.float32(1.5), top=np.int64(2), keep=np.array([[0, 0, 50, 50]]), prefer=[tuple(np.arange(4.0) + 1)],
        avoid=[Region((1, 2, 3, 4))], focus=np.array([5.0, 6.0]), headroom=np.float64(0.25),
        min_area=np.float32(0.5),
    )  # fmt: skip
    plain = CropRequest(
        1.5, top=2, keep=[(0, 0, 50, 50)], prefer=[(1, 2, 3, 4)], avoid=[(1, 2, 3, 4)], focus=(5, 6),
        headroom=0.25, min_area=0.5,
    )  # fmt: skip
    assert given == plain
    assert json.loads(json.dumps(given.to_dict())) == plain.to_dict()
    assert CropRequest(size=(np.int64(300), np.int32(200))).to_dict() == {"size": [300, 200]}


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(RequestError, match="no 'keeep': choose from ratios, top"):
        CropRequest.from_dict({"keeep": []})


@pytest.mark.parametrize("values", [[], None, "16:9", 5])
def test_a_request_is_an_object(values):
    with pytest.raises(RequestError, match="object"):
        CropRequest.from_dict(values)


def test_a_size_is_a_ratio():
    assert CropRequest(size=(1200, 630)).ratios == (AspectRatio(1200, 630),)


def test_lists_of_json_become_the_values_of_python():
    request = CropRequest.from_dict(
        {
            "keep": [[1, 2, 3, 4]],
            "prefer": [[0, 0, 9, 9], {"box": [0, 0, 5, 5], "weight": 2}],
            "min_size": [8, 6],
        }
    )
    assert request.keep == (Box(1, 2, 3, 4),)
    assert request.prefer == (Region(Box(0, 0, 9, 9)), Region(Box(0, 0, 5, 5), 2))
    assert request.min_size == (8, 6)


def test_what_is_at_its_default_is_left_out():
    assert CropRequest().to_dict() == {}


boxes = st.builds(
    lambda x, y, w, h: (x, y, x + w, y + h), *[st.integers(0, 90)] * 2, *[st.integers(1, 90)] * 2
)
requests = st.builds(
    CropRequest,
    ratios=st.lists(st.sampled_from(["free", "original", "16:9", "1.91", "square"]), min_size=1, unique=True),
    top=st.integers(1, 1000),
    min_size=st.none() | st.floats(0.01, 1) | st.tuples(st.integers(1, 999), st.integers(1, 999)),
    min_area=st.none() | st.floats(0, 0.5),
    max_area=st.none() | st.floats(0.6, 1),
    keep=st.lists(boxes, max_size=3),
    prefer=st.lists(boxes, max_size=2),
    avoid=st.lists(boxes, max_size=2),
    focus=st.none() | st.tuples(st.floats(0, 99), st.floats(0, 99)),
    headroom=st.none() | st.floats(0, 0.5),
    policy=st.sampled_from(["best", "minimal", "keep-full"]),
    faces=st.booleans(),
)


@given(requests | st.builds(CropRequest, size=st.tuples(st.integers(60, 60_000), st.integers(60, 600))))
def test_a_request_survives_json(request):
    assert CropRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request
