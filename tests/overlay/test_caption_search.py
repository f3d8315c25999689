"""The pictures of a search for a caption's crop."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageChops

from cadrage.geometry import Box
from cadrage.overlay.caption_search import SearchShown, search_frames, search_picture


@pytest.fixture
def shown():
    """A search whose path ended after two steps, while another run went on to six."""
    return SearchShown(
        title="garden.jpg",
        caption="a red ball",
        image=Image.new("RGB", (120, 80), "green"),
        size_wh=(120, 80),
        crop=Box(10, 10, 60, 60),
        path=[Box(0, 0, 120, 80), Box(0, 0, 80, 80), Box(5, 5, 60, 60)],
        losses=[[3.0, 2.0, 2.5], [3.0, 2.5, 2.4, 2.3, 2.2, 2.1, 1.0]],
        words=[],
        notes=["box 10,10,60,60"],
    )


def changed_columns(first, second):
    """Columns in which two pictures of one size differ."""
    difference = np.asarray(ImageChops.difference(first, second)).any(axis=(0, 2))
    return np.flatnonzero(difference)


def without_later_steps(shown):
    """The same axes, and of the longer run only what is as long as the path: the rest is no number."""
    path_run, longer = shown.losses
    return replace(shown, losses=[path_run, [*longer[:3], *[float("nan")] * 3, longer[-1]]])


def test_runs_that_outlast_the_path_are_drawn_to_their_ends(shown):
    columns = changed_columns(search_picture(shown), search_picture(without_later_steps(shown)))
    assert columns.max() - columns.min() > 100


def test_an_animation_draws_as_far_as_it_has_come_and_all_in_the_end(shown):
    frames, shorter = list(search_frames(shown)), list(search_frames(without_later_steps(shown)))
    assert len(frames) == 4
    assert len({frame.size for frame in frames}) == 1
    assert [bool(len(changed_columns(*two))) for two in zip(frames, shorter, strict=True)] == [
        False,
        False,
        False,
        True,
    ]
