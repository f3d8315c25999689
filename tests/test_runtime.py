"""The scorer: features once, any boxes afterwards."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from cadrage.errors import RequestError, WeightsError
from cadrage.geometry import Box
from cadrage.runtime import BOXES_PER_RUN, Scorer
from cadrage.weights import GraphFile


@pytest.fixture(scope="module")
def scorer(tiny_entry) -> Scorer:
    return Scorer(tiny_entry, threads=1)


@pytest.fixture
def right_half_white() -> np.ndarray:
    """A raster of 128 x 64 pixels, black on the left and white on the right."""
    raster = np.zeros((64, 128, 3), np.uint8)
    raster[:, 64:] = 255
    return raster


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (96, 160, 3), dtype=np.uint8)


def some_boxes(count: int, size_wh=(160, 96)) -> np.ndarray:
    ends = np.random.default_rng(count).uniform(0, 1, (2, count, 2))
    low, high = np.minimum(*ends) * 0.5, 0.5 + np.maximum(*ends) * 0.5
    return np.concatenate([low, high], axis=1) * np.tile(size_wh, 2)


def test_features_are_an_unchangeable_value_that_knows_its_frame(scorer, right_half_white):
    features = scorer.encode(right_half_white, size_wh=(4000, 2000))
    assert features.raster_wh == (128, 64)
    assert features.frame_wh == (4000, 2000)
    assert features.array.shape == (1, 1, 4, 8)
    with pytest.raises(ValueError, match="read-only"):
        features.array[0] = 1


def test_a_model_may_make_a_saliency_map_beside_its_features(scorer, tiny_subject_entry, right_half_white):
    features = Scorer(tiny_subject_entry, threads=1).encode(right_half_white, size_wh=(4000, 2000))
    expected = np.zeros((8, 16), np.float32)
    expected[:, 8:] = 1
    np.testing.assert_array_equal(features.saliency, expected)
    assert features.saliency.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        features.saliency[0] = 1

    without = scorer.encode(right_half_white, size_wh=(4000, 2000))
    assert without.saliency is None
    np.testing.assert_array_equal(without.array, features.array)


def test_the_raster_is_the_frame_unless_another_is_given(scorer, right_half_white):
    features = scorer.encode(right_half_white)
    scores = scorer.score(features, [(0, 0, 64, 64), (64, 0, 128, 64), (0, 0, 128, 64)])
    np.testing.assert_allclose(scores, [1, 5, 3], atol=1e-6)
    assert scores.dtype == np.float64


def test_boxes_are_in_frame_pixels_on_both_axes(scorer):
    raster = np.zeros((64, 128, 3), np.uint8)
    raster[32:, 64:] = 255
    features = scorer.encode(raster, size_wh=(1000, 2000))
    scores = scorer.score(
        features, [Box(500, 1000, 1000, 2000), Box(500, 0, 1000, 2000), Box(0, 0, 500, 1000)]
    )
    np.testing.assert_allclose(scores, [5, 3, 1], atol=1e-6)


def test_no_boxes_give_no_scores(scorer, right_half_white):
    assert scorer.score(scorer.encode(right_half_white), []).shape == (0,)


@pytest.mark.parametrize("count", [1, BOXES_PER_RUN, BOXES_PER_RUN + 1, 5000])
def test_any_number_of_boxes_is_scored_as_each_by_itself(scorer, count):
    features = scorer.encode(noise(0))
    boxes = some_boxes(count)
    scores = scorer.score(features, boxes)
    assert scores.shape == (count,)
    for row in {0, count // 2, count - 1}:
        np.testing.assert_allclose(scorer.score(features, boxes[row : row + 1]), scores[row], atol=1e-6)


@pytest.mark.parametrize(
    "box",
    [(-1, 0, 10, 10), (0, -0.001, 10, 10), (0, 0, 128.5, 10), (0, 0, 10, 65), (200, 0, 300, 10)],
)
def test_a_box_outside_the_frame_is_refused_by_its_row(scorer, right_half_white, box):
    features = scorer.encode(right_half_white)
    with pytest.raises(RequestError, match=r"^Box 1, .* reaches outside the frame of 128x64 pixels\.$"):
        scorer.score(features, [(0, 0, 128, 64), box])


@pytest.mark.parametrize(
    "box",
    [(64, 0, 128 + 1e-10, 64), (64, -1e-10, 128, 64 + 1e-10), (64, 0, 128 + 1.2e-4, 64)],
)
def test_a_box_that_goes_over_the_edge_by_rounding_is_cut_there(scorer, right_half_white, box):
    features = scorer.encode(right_half_white)
    assert scorer.score(features, [box]) == scorer.score(features, [(64, 0, 128, 64)])


@pytest.mark.parametrize("box", [(64, 0, 128 + 1.3e-4, 64), (128, 0, 128 + 1e-10, 64)])
def test_a_box_that_is_more_than_rounding_outside_is_refused(scorer, right_half_white, box):
    with pytest.raises(RequestError, match="reaches outside the frame"):
        scorer.score(scorer.encode(right_half_white), [box])


@pytest.mark.parametrize(
    ("raster", "said"),
    [
        (np.zeros((64, 64, 3), np.float32), "uint8"),
        (np.zeros((64, 64), np.uint8), "shape"),
        (np.zeros((64, 64, 4), np.uint8), "shape"),
        (np.zeros((64, 65, 3), np.uint8), "multiples of 32, not 65x64"),
        (np.zeros((0, 64, 3), np.uint8), "multiples of 32, not 64x0"),
    ],
)
def test_a_raster_of_the_wrong_kind_is_refused(scorer, raster, said):
    with pytest.raises(RequestError, match=said):
        scorer.encode(raster)


def test_one_and_two_threads_give_the_same_scores(tiny_entry):
    boxes = some_boxes(300)
    one, two = (
        scorer.score(scorer.encode(noise(1)), boxes)
        for scorer in (Scorer(tiny_entry, threads=1), Scorer(tiny_entry, threads=2))
    )
    np.testing.assert_allclose(one, two, atol=1e-5)


def test_calls_from_eight_threads_equal_calls_in_a_row(scorer):
    def work(seed: int) -> np.ndarray:
        return scorer.score(scorer.encode(noise(seed)), some_boxes(50 + seed))

    serial = [work(seed) for seed in range(40)]
    with ThreadPoolExecutor(8) as pool:
        concurrent = list(pool.map(work, range(40)))
    for alone, together in zip(serial, concurrent, strict=True):
        np.testing.assert_array_equal(alone, together)


def test_model_and_version_are_those_of_the_entry(scorer):
    assert (scorer.model, scorer.version, scorer.threads) == ("tiny", "7.1", 1)


def test_a_model_can_be_given_as_its_folder(tiny_entry):
    assert Scorer(tiny_entry.folder).model == "tiny"


@pytest.mark.parametrize("threads", [0, -2, 10**12])
def test_a_number_of_threads_out_of_range_is_refused(tiny_entry, threads):
    with pytest.raises(RequestError, match=f"from 1 to 1024, not {threads}"):
        Scorer(tiny_entry, threads=threads)


def test_an_execution_provider_that_is_not_there_is_refused_with_those_that_are(tiny_entry):
    with pytest.raises(RequestError, match=r"'WarpDrive' here, only .*CPUExecutionProvider"):
        Scorer(tiny_entry, providers=["WarpDrive"])


def test_a_file_that_is_no_model_is_a_weights_error(tiny_entry, tmp_path):
    broken = tmp_path / "encode.onnx"
    broken.write_bytes(b"not a graph")
    with pytest.raises(WeightsError, match=r"encode\.onnx: ONNX Runtime cannot load this model"):
        Scorer(replace(tiny_entry, folder=tmp_path, encode=GraphFile.of(broken)))


def test_swapped_graphs_are_a_weights_error_that_says_what_was_expected(tiny_entry):
    swapped = replace(tiny_entry, encode=tiny_entry.score, score=tiny_entry.encode)
    with pytest.raises(WeightsError, match="from raster to features was expected"):
        Scorer(swapped)
