"""Training samples: boxes on the raster, and steps that visit every photograph once."""

import numpy as np
import pytest
import torch
from PIL import Image
from rated import load_part, write_rated

from cadrage.candidates import grid_anchors
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError
from cadrage.imaging import RasterRule, open_photo
from cadrage.learning.augmentation import AugmentationConfig
from cadrage.learning.samples import (
    Sample,
    draw_step,
    plan_epoch,
    rated_samples,
    unrated_sample,
)

RULE = RasterRule(short_side=64)
STILL = AugmentationConfig(mirror=0)
ROWS = [[0.0, 0, 300, 100], [30, 10, 150, 100]]


def rated(path, width=300, height=100, boxes=ROWS):
    Image.new("RGB", (width, height), (200, 100, 50)).save(path)
    return RatedImage("one", path, np.array(boxes), np.linspace(1, 5, len(boxes)))


def samples(shapes_hw, boxes=5):
    return [
        Sample(
            f"p{number}",
            torch.full((3, height, width), number, dtype=torch.uint8),
            torch.arange(boxes * 4.0).reshape(boxes, 4) + number,
            torch.arange(float(boxes)) + 10 * number,
            torch.full((boxes,), torch.nan),
        )
        for number, (height, width) in enumerate(shapes_hw)
    ]


MIXED = samples([(64, 96)] * 7 + [(96, 64)] * 3 + [(64, 64)])


def test_boxes_are_scaled_with_their_photograph(tmp_path):
    (sample,) = rated_samples([rated(tmp_path / "one.png")], RULE)
    assert sample.raster.shape == (3, 64, 192)
    assert sample.raster.dtype == torch.uint8
    assert sample.raster[:, 5, 5].tolist() == [200, 100, 50]
    # 300 x 100 becomes 192 x 64: both axes by 0.64.
    np.testing.assert_allclose(sample.boxes_xyxy, np.array(ROWS) * 0.64, atol=1e-4)
    assert sample.mos.tolist() == [1, 5]
    assert sample.taught.isnan().all()


def test_each_axis_has_its_own_scale(tmp_path):
    (sample,) = rated_samples([rated(tmp_path / "one.png", 310, 100)], RULE)  # also 192 x 64
    np.testing.assert_allclose(sample.boxes_xyxy[0], [0, 0, 300 * 192 / 310, 64], atol=1e-4)


def test_official_samples_are_resized_and_rounded_as_published(tmp_path):
    boxes = [[0.0, 0, 300, 100], [31, 11, 149, 99]]
    (sample,) = rated_samples([rated(tmp_path / "one.png", boxes=boxes)], RULE, official=True)
    assert sample.raster.shape == (3, 256, 768)
    # Times 2.56, low edges floored and high edges ceiled.
    assert sample.boxes_xyxy.tolist() == [[0, 0, 768, 256], [79, 28, 382, 254]]


def test_ratings_that_belong_to_a_larger_photograph_are_refused(tmp_path):
    image = rated(tmp_path / "one.png", 200, 100)
    with pytest.raises(DataError, match=r"one.png has 200 x 100 pixels, and some of its rated crops reach"):
        list(rated_samples([image], RULE))


def test_photographs_without_ratings_have_the_grid_anchors(tmp_path):
    rated(tmp_path / "one.png")
    sample = unrated_sample(open_photo(tmp_path / "one.png"), RULE)
    np.testing.assert_allclose(sample.boxes_xyxy, grid_anchors((192, 64)), atol=1e-4)
    assert sample.mos.isnan().all()
    assert len(sample.mos) == len(sample.boxes_xyxy)


def test_a_written_data_set_is_read(tmp_path):
    images = load_part(write_rated(tmp_path, train=2), "train")
    for image, sample in zip(images, rated_samples(images, RULE), strict=True):
        np.testing.assert_array_equal(sample.boxes_xyxy.numpy(), image.boxes_xyxy)  # 64 pixels: no scaling


@pytest.mark.parametrize("images_per_step", [1, 3])
def test_an_epoch_visits_every_photograph_once_in_steps_of_one_shape(images_per_step):
    plan = plan_epoch(MIXED, images_per_step, torch.Generator().manual_seed(0))
    assert sorted(index for step in plan for index in step) == list(range(len(MIXED)))
    for step in plan:
        assert len(step) <= images_per_step
        assert len({MIXED[index].size_hw for index in step}) == 1
    assert len(plan) == {1: 11, 3: 5}[images_per_step]


def test_epochs_differ_and_seeds_repeat_them():
    plans = [plan_epoch(MIXED, 2, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert plans[0] == plans[1] != plans[2]


def test_a_step_holds_all_crops_of_its_photographs():
    step = draw_step(MIXED[:2], STILL, None, torch.Generator())
    assert step.rasters.shape == (2, 3, 64, 96)
    assert step.rasters[:, 0, 0, 0].tolist() == [0, 1]
    assert step.image_index.tolist() == [0] * 5 + [1] * 5
    assert sorted(step.mos.tolist()) == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
    # Crops are shuffled, each together with its rating.
    for box, index, mos in zip(step.boxes_xyxy, step.image_index, step.mos, strict=True):
        assert torch.equal(box, MIXED[index].boxes_xyxy[int(mos) % 10])


def test_crops_are_drawn_without_replacement():
    drawn = [draw_step(MIXED[:1], STILL, 3, torch.Generator().manual_seed(seed)) for seed in range(20)]
    assert all(len(set(step.mos.tolist())) == 3 for step in drawn)
    assert {value for step in drawn for value in step.mos.tolist()} == {0, 1, 2, 3, 4}


def test_views_are_mirrored_with_their_boxes():
    step = draw_step(MIXED[:1], AugmentationConfig(mirror=1), None, torch.Generator())
    first = int(step.mos.argmin())
    assert step.boxes_xyxy[first].tolist() == [96 - 2, 1, 96 - 0, 3]
