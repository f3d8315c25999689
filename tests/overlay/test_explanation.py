"""The density of good candidates and the heat map."""

import numpy as np
import pytest
from PIL import Image

from cadrage.geometry import Box
from cadrage.overlay import Explained, LabelledCrop, explanation
from cadrage.overlay.explanation import WARMTH, density


def test_density_is_one_where_all_candidates_lie_and_weighs_them_by_score():
    boxes = np.array([[0, 0, 60, 100], [40, 0, 100, 100]], dtype=float)
    covered = density(boxes, np.array([3.0, 3.0 - WARMTH]), (100, 100), (10, 5))
    better, worse = 1 / (1 + np.exp(-1)), np.exp(-1) / (1 + np.exp(-1))
    assert covered.shape == (5, 10)
    assert covered[0] == pytest.approx([better] * 4 + [1] * 2 + [worse] * 4)


@pytest.mark.parametrize("size_wh", [(300, 200), (1, 500), (900, 1)])
def test_any_frame_with_or_without_a_subject_is_explained(size_wh):
    whole = Box(0, 0, *size_wh)
    for saliency, focus in ((None, None), (np.eye(20, 30, dtype=np.float32), (0.5, 0.5))):
        one = Explained(
            title="a photograph\nof a long name" * 9,
            image=Image.new("RGB", size_wh, "teal"),
            size_wh=size_wh,
            crops=[LabelledCrop("free", whole, 3.0)],
            notes=["a note"],
            boxes=np.array([whole.as_tuple()]),
            scores=np.array([3.0]),
            saliency=saliency,
            focus=focus,
            model="tiny 7.1",
        )
        picture = explanation(one)
        assert picture.mode == "RGB"
        assert explanation(one).tobytes() == picture.tobytes()
