"""Multi-scale bilinear sampling: what it samples, and its gradients."""

import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional

from cadrage.captions.sampler import pyramid, sample_crops
from cadrage.errors import RequestError


def smooth(height=48, width=64, channels=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand((1, channels, 4, 5), generator=generator, dtype=torch.float64)
    return functional.interpolate(coarse, size=(height, width), mode="bicubic")[0]


def test_levels_halve_down_to_the_least_side():
    levels = pyramid(torch.zeros(3, 40, 101)).levels
    assert [tuple(level.shape[-2:]) for level in levels] == [(40, 101), (20, 51), (10, 26), (5, 13)]
    assert len(pyramid(torch.zeros(3, 400, 400), most_levels=2).levels) == 2


def test_a_level_is_the_mean_of_what_it_covers_at_odd_borders_too():
    picture = torch.arange(35, dtype=torch.float64).reshape(1, 5, 7)
    with_border = pyramid(torch.nn.functional.pad(picture, (0, 4, 0, 5), mode="replicate")[:, :9, :9]).levels[
        1
    ]
    assert with_border[0, 0, 0, 0] == picture[0, :2, :2].mean()
    assert with_border[0, 0, 4, 4] == picture[0, 4, 6]


def test_at_its_own_size_a_crop_is_its_pixels():
    picture = smooth()
    box = torch.tensor([[8.0, 4.0, 40.0, 28.0]], dtype=torch.float64)
    crop = sample_crops(pyramid(picture), box, (32, 24))
    torch.testing.assert_close(crop[0], picture[:, 4:28, 8:40])


def test_at_half_size_a_crop_is_the_means_of_its_pixels():
    picture = torch.rand((3, 32, 48), dtype=torch.float64)
    crop = sample_crops(pyramid(picture), torch.tensor([[0.0, 0, 48, 32]], dtype=torch.float64), (24, 16))
    torch.testing.assert_close(crop, functional.avg_pool2d(picture[None], 2))


def test_between_two_levels_a_crop_is_a_blend():
    picture = torch.rand((1, 64, 64), dtype=torch.float64)
    box, source = torch.tensor([[0.0, 0, 64, 64]], dtype=torch.float64), pyramid(picture)
    size = (48, 48)
    octave = torch.log2(torch.tensor(64 / 48)).item()
    fine, coarse = (
        sample_crops(pyramid(picture, 1), box, size),
        sample_crops(source, box, size, reach=1 - octave),
    )
    torch.testing.assert_close(sample_crops(source, box, size), (1 - octave) * fine + octave * coarse)


def test_a_crop_depends_on_no_other():
    source = pyramid(smooth())
    boxes = torch.tensor([[0, 0, 64, 48], [3, 5, 20, 17], [10.5, 2.25, 60, 44]], dtype=torch.float64)
    together = sample_crops(source, boxes, (12, 9))
    alone = torch.cat([sample_crops(source, box[None], (12, 9)) for box in boxes])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=0)


@pytest.mark.parametrize("reach", [0.0, 0.7])
def test_gradients_are_exact(reach):
    source = pyramid(smooth())
    boxes = torch.tensor(
        [[1.3, 2.1, 61.7, 44.9], [7.2, 9.4, 30.1, 31.3]], dtype=torch.float64, requires_grad=True
    )
    assert gradcheck(
        lambda given: sample_crops(source, given, (7, 5), reach=reach), boxes, eps=1e-7, atol=1e-4
    )


def test_gradients_reach_the_picture():
    picture = smooth(12, 16, 1).requires_grad_()
    box = torch.tensor([[1.0, 1.0, 14.0, 11.0]], dtype=torch.float64)
    assert gradcheck(lambda given: sample_crops(pyramid(given), box, (4, 3)), picture)


def test_samples_that_reach_farther_feel_what_is_farther_away():
    """Of a spot outside the crop plain sampling knows nothing; coarse levels carry its light over the border."""
    picture = torch.zeros((1, 64, 64), dtype=torch.float64)
    picture[0, 24:40, 44:48] = 1
    pulls = []
    for reach in (0.0, 3.0):
        box = torch.tensor([[8.0, 16.0, 40.0, 48.0]], dtype=torch.float64, requires_grad=True)
        sample_crops(pyramid(picture), box, (32, 32), reach=reach).sum().backward()
        pulls.append(box.grad[0, 2].item())
    assert pulls[0] == 0
    assert pulls[1] > 0.1


def test_what_cannot_be_sampled_is_refused():
    with pytest.raises(RequestError, match="needs a picture"):
        pyramid(torch.zeros(3, 0, 4))
    with pytest.raises(RequestError, match="cannot reach -1 octaves"):
        sample_crops(pyramid(smooth()), torch.tensor([[0.0, 0, 4, 4]], dtype=torch.float64), (2, 2), reach=-1)
