"""Parameters and boxes: any vector is a box of the frame, and a box can be found again."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from cadrage.captions.boxes import BoxSpace
from cadrage.errors import RequestError
from cadrage.geometry import AspectRatio

SPACES = {
    "free": BoxSpace.of((640, 480), None),
    "wide": BoxSpace.of((640, 480), AspectRatio(16, 9)),
    "tall": BoxSpace.of((640, 480), AspectRatio(9, 16), least_scale=0.05),
    "own": BoxSpace.of((640, 480), AspectRatio(4, 3)),
}
numbers = st.floats(-60, 60)


@pytest.mark.parametrize("name", SPACES)
@given(values=st.lists(st.tuples(numbers, numbers, numbers, numbers), min_size=1, max_size=5))
def test_any_vector_is_a_box_of_the_frame_with_the_ratio(name, values):
    space = SPACES[name]
    boxes = space.boxes(torch.tensor(values, dtype=torch.float64)[:, : space.dimensions])
    x1, y1, x2, y2 = boxes.unbind(1)
    assert (boxes >= 0).all()
    assert (x2 <= 640).all()
    assert (y2 <= 480).all()
    shares = (x2 - x1) * (y2 - y1) / (space.largest_wh[0] * space.largest_wh[1])
    assert (shares.sqrt() >= space.least_scale - 1e-9).all()
    relative = ((x2 - x1) / space.largest_wh[0]) / ((y2 - y1) / space.largest_wh[1])
    bound = space.most_elongated * (1 + 1e-9)
    assert ((relative <= bound) & (relative >= 1 / bound)).all()


@pytest.mark.parametrize("name", SPACES)
def test_a_box_is_found_again(name):
    space = SPACES[name]
    theta = torch.randn(
        (50, space.dimensions), dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    boxes = space.boxes(theta)
    torch.testing.assert_close(space.boxes(space.theta(boxes)), boxes, atol=1e-6, rtol=0)


def test_a_box_of_another_ratio_keeps_centre_and_area():
    (found,) = SPACES["wide"].boxes(
        SPACES["wide"].theta(torch.tensor([[200.0, 150, 400, 350]], dtype=torch.float64))
    )
    x1, y1, x2, y2 = found.tolist()
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx((300, 250))
    assert (x2 - x1) * (y2 - y1) == pytest.approx(200 * 200)
    assert (x2 - x1) / (y2 - y1) == pytest.approx(16 / 9)


def test_an_annealed_scale_takes_the_parameters_place():
    space = SPACES["own"]
    boxes = space.boxes(torch.zeros((2, 3), dtype=torch.float64), scale=0.5)
    assert boxes.tolist() == [[160, 120, 480, 360]] * 2
    whole = space.boxes(torch.randn((2, 3), dtype=torch.float64), scale=1)
    assert whole.tolist() == [[0, 0, 640, 480]] * 2


def test_gradients_are_exact():
    theta = torch.tensor([[0.3, -0.2, 0.4, 0.6]], dtype=torch.float64, requires_grad=True)
    assert gradcheck(SPACES["free"].boxes, theta)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"least_scale": 0}, "smallest scale lies above 0"),
        ({"most_elongated": 0.5}, "elongation is at least 1"),
    ],
)
def test_impossible_spaces_are_refused(settings, message):
    with pytest.raises(RequestError, match=message):
        BoxSpace((10, 10), (10, 10), **settings)
