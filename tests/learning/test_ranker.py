"""Rankers of cut-out crops: the older learned croppers."""

from dataclasses import replace

import pytest
import torch
from rated import write_rated

from cadrage.datasets.division import divide_gaicd
from cadrage.errors import DataError, RequestError, WeightsError
from cadrage.imaging import RasterRule
from cadrage.learning.checkpoints import load_checkpoint
from cadrage.learning.epochs import Silent
from cadrage.learning.ranker import (
    RECIPES,
    CropRanker,
    load_ranker,
    rank_crops,
    ranker_recipe,
    save_ranker,
    squares_of,
)
from cadrage.learning.ranker_train import evaluate, pair_loss, train_ranker
from cadrage.learning.samples import rated_samples

SMALL = {
    "backbone": "timm:mobilenetv3_small_050",
    "side": 32,
    "short_side": 64,
    "learning_rate": 3e-3,
    "warmup_steps": 1,
    "precision": "float32",
}


def small(name, **changes):
    return replace(RECIPES[name], **{**SMALL, **changes})


@pytest.fixture(scope="module")
def division(tmp_path_factory):
    return divide_gaicd(write_rated(tmp_path_factory.mktemp("rated"), train=8, val=4), 0, 0)


def test_the_hinge_counts_pairs_of_one_photograph_that_differ_enough():
    scores, values = torch.tensor([2.0, 1.5, 0.0, 5.0]), torch.tensor([3.0, 2.0, 1.9, 1.0])
    index = torch.tensor([0, 0, 0, 1])
    # 3 > 2: 1 - 0.5; 3 > 1.9: 1 - 2 is none; 2 and 1.9 are too close; the other photograph is alone.
    assert pair_loss(scores, values, index, 1.0, 0.25).item() == pytest.approx((0.5 + 0) / 2)


def test_where_nothing_is_compared_there_is_no_loss():
    ones = torch.ones(3, requires_grad=True)
    loss = pair_loss(ones, torch.ones(3), torch.zeros(3, dtype=torch.long), 1.0, 0.25)
    loss.backward()
    assert (loss.item(), ones.grad.abs().sum().item()) == (0, 0)


def test_squares_are_the_crops_pixels():
    raster = torch.arange(3 * 8 * 12, dtype=torch.float32).reshape(3, 8, 12)
    boxes = torch.tensor([[4, 2, 8, 6], [3.6, 1.6, 8.4, 6.4], [0, 0, 12, 8]])
    first, rounded, whole = squares_of(raster, boxes, 4)
    assert torch.equal(first, raster[:, 2:6, 4:8])
    assert torch.equal(rounded, first)
    torch.testing.assert_close(whole.mean(), raster.mean())


def test_a_box_of_nothing_is_one_pixel():
    raster = torch.rand(3, 8, 12)
    (square,) = squares_of(raster, torch.tensor([[12.0, 8.0, 12.0, 8.0]]), 2)
    assert torch.equal(square, raster[:, 7:, 11:].expand(3, 2, 2))


def test_ratings_are_learnt(division, tmp_path):
    ranker = train_ranker(small("ven", epochs=12), division, tmp_path, device="cpu")
    samples = list(rated_samples(division.training, RasterRule(short_side=64)))
    untrained = CropRanker(ranker.config).eval()
    assert evaluate(ranker, samples)["srcc"] > 0.3 + max(0, evaluate(untrained, samples)["srcc"])


def test_photographs_come_to_score_above_their_windows(division, tmp_path):
    ranker = train_ranker(small("vfn", epochs=8), division, tmp_path, device="cpu")
    won = []
    for sample in rated_samples(division.training, RasterRule(short_side=64)):
        height, width = sample.size_hw
        boxes = torch.tensor([[0, 0, width, height], [0, 0, 0.6 * width, 0.6 * height]])
        whole, window = rank_crops(ranker, sample.raster, boxes)
        won.append(whole > window)
    assert sum(won) > 0.7 * len(won)


class Killed(Silent):
    def step(self, stage, done, total):
        if done == 3:
            raise KeyboardInterrupt


def test_a_run_that_was_killed_ends_with_the_same_weights(division, tmp_path):
    config = small("ven", epochs=2)
    with pytest.raises(KeyboardInterrupt):
        train_ranker(config, division, tmp_path / "killed", device="cpu", watcher=Killed())
    for name in ("killed", "whole"):
        train_ranker(config, division, tmp_path / name, device="cpu")
    killed, whole = (load_checkpoint(tmp_path / name / "network.pt")["state"] for name in ("killed", "whole"))
    assert all(torch.equal(killed[key], whole[key]) for key in whole)


def test_a_saved_ranker_scores_the_same(division, tmp_path):
    ranker = CropRanker(small("ven")).eval()
    save_ranker(ranker, tmp_path / "network.pt", {})
    sample = next(rated_samples(division.validation, RasterRule(short_side=64)))
    assert (
        rank_crops(load_ranker(tmp_path / "network.pt"), sample.raster, sample.boxes_xyxy)
        == rank_crops(ranker, sample.raster, sample.boxes_xyxy)
    ).all()


def test_what_is_no_ranker_is_refused(division, tmp_path):
    torch.save({"format": "something"}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match="is not a cadrage crop ranker"):
        load_ranker(tmp_path / "other.pt")
    with pytest.raises(RequestError, match="no ranker 'gan': choose vfn or ven"):
        ranker_recipe("gan")
    with pytest.raises(DataError, match="needs photographs"):
        train_ranker(small("ven"), replace(division, training=()), tmp_path / "none", device="cpu")
