"""GAIC as a method: exported models, checkpoints, the authors' files."""

import numpy as np
import pytest
from PIL import Image

from cadrage import Cropper, __version__
from cadrage.bench.methods import MethodOptions, Picture, make_method
from cadrage.candidates import grid_anchors, ratio_candidates
from cadrage.geometry import AspectRatio


@pytest.fixture(scope="module")
def half_white(tmp_path_factory):
    """128 x 64 pixels, the right half white."""
    pixels = np.zeros((64, 128, 3), dtype=np.uint8)
    pixels[:, 64:] = 255
    path = tmp_path_factory.mktemp("gaic") / "half.png"
    Image.fromarray(pixels).save(path)
    return Picture.of("half", path)


def test_a_model_scores_what_it_sees(tiny_entry, half_white):
    method = make_method(f"gaic={tiny_entry.folder}", MethodOptions(threads=1))
    boxes = np.array([[0.0, 0, 64, 64], [64, 0, 128, 64], [32, 0, 96, 64]])
    assert method.scores(half_white, boxes) == pytest.approx([1, 5, 3])
    assert method.name == f"gaic={tiny_entry.folder}"
    assert method.version.startswith(f"{__version__}, tiny 7.1 {tiny_entry.encode.sha256[:8]}")


def test_its_box_is_the_croppers_best(tiny_entry, half_white):
    method = make_method(f"gaic={tiny_entry.folder}")
    cropper = Cropper(tiny_entry)
    assert method.box(half_white, None) == cropper.crop(half_white.path).best.box
    assert method.box(half_white, AspectRatio(1, 1)) == cropper.crop(half_white.path, "1:1").best.box
    assert method.box(half_white, AspectRatio(1, 1)).x1 == 64


def test_without_an_argument_it_is_the_default_model():
    method = make_method("gaic")
    assert method.name == "gaic"
    assert Cropper().model in method.version


def test_an_official_checkpoint_scores_with_the_official_preprocessing(half_white, tmp_path):
    torch = pytest.importorskip("torch")
    from official_reference import official_entries, random_official

    from cadrage.datasets.types import RatedImage
    from cadrage.learning.scoring import checkpoint_method

    path = tmp_path / "official.pth"
    torch.save(official_entries(random_official("shufflenet_v2_x1_0", 2020)), path)
    method = make_method(f"gaic={path}")
    boxes = grid_anchors(half_white.size_wh, corners="rounded")
    rated = RatedImage("half", half_white.path, boxes, np.full(len(boxes), 3.0))
    scores = method.scores(half_white, boxes)
    assert scores.tolist() == checkpoint_method(path)[0](rated).tolist()
    best = boxes[scores.round(9).argmax()]
    assert method.box(half_white, None).as_tuple() == tuple(best)
    square = method.box(half_white, AspectRatio(1, 1)).as_tuple()
    assert square in map(tuple, ratio_candidates(half_white.size_wh, AspectRatio(1, 1)).tolist())


def test_another_checkpoint_has_another_version(tmp_path):
    torch = pytest.importorskip("torch")
    from official_reference import official_entries, random_official

    path = tmp_path / "official.pth"
    versions = set()
    for head in (2020, 2019):
        torch.save(official_entries(random_official("shufflenet_v2_x1_0", head)), path)
        versions.add(make_method(f"gaic={path}").version)
    assert len(versions) == 2


def test_a_checkpoint_calculates_in_the_threads_asked_for(tmp_path):
    torch = pytest.importorskip("torch")
    from official_reference import official_entries, random_official

    path = tmp_path / "official.pth"
    torch.save(official_entries(random_official("shufflenet_v2_x1_0", 2020)), path)
    usual = torch.get_num_threads()
    try:
        for threads in (1, 3):
            make_method(f"gaic={path}", MethodOptions(threads=threads))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(usual)
