from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cadrage.imaging.orientation import frame_region, stored_region, turned, upright


@pytest.mark.parametrize("orientation", range(1, 9))
class TestRegions:
    def test_the_stored_region_turned_is_the_region_of_the_frame(self, orientation, scene):
        frame_wh = turned(scene.size, orientation)
        region = (5, 9, 41, 60)
        stored = scene.crop(stored_region(region, orientation, frame_wh))
        assert np.array_equal(
            np.asarray(upright(stored, orientation)), np.asarray(upright(scene, orientation, region))
        )

    def test_and_back(self, orientation):
        frame_wh = turned((96, 64), orientation)
        stored = stored_region((5, 9, 41, 60), orientation, frame_wh)
        assert frame_region(stored, orientation, (96, 64)) == (5, 9, 41, 60)
        assert Image.new("L", (96, 64)).crop(stored).size == turned((36, 51), orientation)
