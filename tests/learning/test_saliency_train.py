"""Training of a saliency head: it learns, leaves the crop scorer alone, and can be stopped anywhere."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from masked import disc, write_masked

from cadrage.datasets.masks import divide_masks
from cadrage.errors import DataError, RequestError, WeightsError
from cadrage.imaging import RasterRule
from cadrage.learning.checkpoints import load_checkpoint, load_network, save_network
from cadrage.learning.epochs import Silent
from cadrage.learning.network import CropNetwork, NetworkConfig
from cadrage.learning.recipes import TrainConfig
from cadrage.learning.saliency_recipe import SaliencyConfig
from cadrage.learning.saliency_train import train_saliency
from cadrage.learning.saliency_views import cell_shares, draw_views, draw_window
from cadrage.learning.scoring import load_any

SCORER = TrainConfig(
    network=NetworkConfig(backbone="timm:mobilenetv3_small_050", width=32, hidden=16, norm=True),
    short_side=64,
)
CONFIG = SaliencyConfig(
    channels=4, windows=2, epochs=4, images_per_step=4, learning_rate=1e-2, warmup_steps=2, ema=0.8
)


@pytest.fixture(scope="module")
def division(tmp_path_factory):
    return divide_masks(write_masked(tmp_path_factory.mktemp("masked") / "discs", 16), 4, seed=0)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("scorer") / "network.pt"
    save_network(CropNetwork(SCORER.network), path, {"config": SCORER.to_dict(), "epoch": 7})
    return path


@pytest.fixture(scope="module")
def whole(division, source, tmp_path_factory):
    """A run that nothing interrupted."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    train_saliency(CONFIG, source, division, run)
    return run


class Stopping(Silent):
    """Ends the run as a kill would, at a step of a stage."""

    def __init__(self, stage, at):
        self.stage, self.at = stage, at

    def step(self, stage, done, total):
        if (stage, done) == (self.stage, self.at):
            raise KeyboardInterrupt


def test_it_learns_where_the_discs_are(whole):
    history = json.loads((whole / "run.json").read_text())["history"]
    assert [line["epoch"] for line in history] == [1, 2, 3, 4]
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    last = history[-1]["validation"]
    assert last["images"] == 4
    assert last["mae"] < history[0]["validation"]["mae"]
    assert last["max_f"] > 0.6


def test_the_crop_scorer_is_the_same_to_the_last_bit(whole, source):
    (before, old_record), (after, record) = load_network(source), load_network(whole / "network.pt")
    kept = {
        name: value for name, value in after.state_dict().items() if not name.startswith("saliency_head.")
    }
    assert kept.keys() == before.state_dict().keys()
    assert all(torch.equal(value, before.state_dict()[name]) for name, value in kept.items())
    raster = torch.from_numpy(disc(50)[0]).permute(2, 0, 1)[None].float()
    boxes = torch.tensor([[0.0, 0, 64, 64], [5, 9, 60, 50]])
    with torch.no_grad():
        assert torch.equal(before(raster, boxes), after(raster, boxes))
    assert {name: record[name] for name in old_record} == old_record
    assert record["saliency"]["config"]["channels"] == 4
    assert record["saliency"]["epoch"] == 4
    assert record["saliency"]["data"]["validation"] == "4 drawn with seed 0"
    assert load_any(whole / "network.pt")[2] == RasterRule(short_side=64)


def test_what_was_made_on_the_way_is_removed(whole):
    assert {path.name for path in whole.iterdir()} == {
        ".lock",
        "network.pt",
        "run.json",
        "state.pt",
        "tensorboard",
    }


@pytest.mark.parametrize(("stage", "at"), [("encoding views", 5), ("run", 3), ("run", 20)])
def test_a_run_that_was_stopped_ends_as_one_that_was_not(whole, division, source, tmp_path, stage, at):
    with pytest.raises(KeyboardInterrupt):
        train_saliency(CONFIG, source, division, tmp_path / "run", watcher=Stopping(stage, at))
    train_saliency(CONFIG, source, division, tmp_path / "run")
    first, second = (load_checkpoint(run / "network.pt")["state"] for run in (whole, tmp_path / "run"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_finished_run_is_read_not_repeated(whole, division, source, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    network = train_saliency(CONFIG, source, division, run, watcher=Stopping("encoding views", 12))
    state = load_checkpoint(whole / "network.pt")["state"]
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_another_head_takes_the_place_of_the_first(whole, division, tmp_path):
    again = replace(CONFIG, channels=2, epochs=1)
    network = train_saliency(again, whole / "network.pt", division, tmp_path / "run")
    assert network.config.saliency == 2
    assert load_network(tmp_path / "run/network.pt")[0].config.saliency == 2


def test_another_runs_folder_is_refused(whole, division, source):
    with pytest.raises(RequestError, match="holds another run"):
        train_saliency(replace(CONFIG, seed=1), source, division, whole)


def test_without_photographs_or_a_runs_network_there_is_no_training(division, source, tmp_path):
    with pytest.raises(DataError, match="needs photographs"):
        train_saliency(CONFIG, source, replace(division, training=()), tmp_path / "run")
    with pytest.raises(WeightsError, match="no checkpoint"):
        train_saliency(CONFIG, tmp_path / "missing.pt", division, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_loss_beyond_bounds_ends_the_run_with_a_sentence(division, source, tmp_path):
    wild = replace(CONFIG, learning_rate=1e30, warmup_steps=0)
    with pytest.raises(RequestError, match="lower the learning rate"):
        train_saliency(wild, source, division, tmp_path / "run")


class TestViews:
    def test_targets_follow_their_views(self, division):
        """The disc is bright: in every view, mirrored or not, bright cells are the target's."""
        config = replace(CONFIG, windows=6)
        rule = RasterRule(short_side=64)
        image = division.training[0]
        views = list(draw_views(image, config, rule, torch.Generator().manual_seed(1)))
        assert len(views) == 8
        for raster, target in views:
            light = torch.nn.functional.avg_pool2d(raster.mean(0)[None], 4)[0]
            assert light.shape == target.shape
            together = np.corrcoef(light.flatten(), target.flatten().float())[0, 1]
            assert together > 0.9
        assert torch.equal(views[1][0], views[0][0].flip(-1))

    def test_windows_keep_enough_of_the_object_and_of_the_ground(self):
        mask = disc(0)[1]
        generator = torch.Generator().manual_seed(0)
        for _ in range(50):
            x1, y1, x2, y2 = draw_window(mask, CONFIG, generator).rounded()
            inside = mask[y1:y2, x1:x2]
            assert inside.sum() >= 0.4 * mask.sum()
            assert inside.mean() <= 0.9
            assert (x2 - x1) >= 0.45 * mask.shape[1] - 1

    def test_a_picture_that_is_all_object_is_taken_whole(self):
        box = draw_window(np.ones((40, 60), bool), CONFIG, torch.Generator().manual_seed(0))
        assert box.as_tuple() == (0, 0, 60, 40)

    def test_a_target_is_the_share_that_the_object_covers(self):
        mask = np.zeros((32, 32), bool)
        mask[:, :6] = True
        shares = cell_shares(mask, torch.zeros(3, 32, 32))
        assert shares.dtype == torch.uint8
        assert shares[0].tolist() == [255, 128, 0, 0, 0, 0, 0, 0]


def test_the_record_names_every_setting(whole, source):
    record = json.loads((whole / "run.json").read_text())
    assert record["config"] == json.loads(json.dumps(CONFIG.to_dict()))
    assert record["network"]["file"] == source.name
    assert len(record["network"]["sha256"]) == 64
