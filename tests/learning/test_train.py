"""Training: it learns, it says what it measured, and stopping it anywhere changes nothing."""

import json
import math
import random
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from rated import load_part, write_rated
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from cadrage.datasets.division import divide_gaicd
from cadrage.errors import CadrageError, DataError, RequestError, WeightsError
from cadrage.learning.checkpoints import load_checkpoint, load_network
from cadrage.learning.epochs import Silent, follow
from cadrage.learning.losses import LossConfig
from cadrage.learning.network import IMAGENET_MEAN, CropNetwork, NetworkConfig
from cadrage.learning.recipes import (
    CENTRED_MEAN,
    DEFAULT,
    PAPER,
    PIXEL_RULES,
    TrainConfig,
    usual_pixels,
    with_changes,
)
from cadrage.learning.run import run_recipe
from cadrage.learning.samples import Sample, Step, rated_samples
from cadrage.learning.train import evaluate, freeze, schedule, step_loss, train

BACKBONE = "timm:mobilenetv3_small_050"
CONFIG = TrainConfig(
    network=NetworkConfig(backbone=BACKBONE, width=32, hidden=16, norm=True, dropout=0.2),
    short_side=64,
    epochs=3,
    images_per_step=2,
    crops_per_image=20,
    learning_rate=2e-3,
    loss=LossConfig(correlation=1.0),
    ema=0.8,
)
DATA = {"data_set": "discs"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_rated(tmp_path_factory.mktemp("rated"), train=12, val=6)


@pytest.fixture(scope="module")
def parts(root):
    return [list(rated_samples(load_part(root, part), CONFIG.raster_rule)) for part in ("train", "val")]


@pytest.fixture(scope="module")
def whole(parts, tmp_path_factory):
    """A run that nothing interrupted."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    train(CONFIG, *parts, run, data=DATA)
    return run


def same_tensors(first, second):
    assert first.keys() == second.keys()
    return all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def assert_same_result(run, whole):
    ours, expected = (load_checkpoint(folder / "network.pt") for folder in (run, whole))
    assert same_tensors(ours["state"], expected["state"])
    for name in ("epoch", "validation", "config"):
        assert ours["record"][name] == expected["record"][name]
    state, expected = (load_checkpoint(folder / "state.pt") for folder in (run, whole))
    assert same_tensors(state["network"], expected["network"])
    assert state["history"] == expected["history"]


class StoppedError(Exception):
    """A run was stopped."""


class StopAt(Silent):
    """Stops a run when so many steps are done, or when so many epochs have ended."""

    def __init__(self, *, step=None, epoch=None):
        self.last_step, self.last_epoch = step, epoch

    def step(self, stage, done, total):
        if done == self.last_step:
            raise StoppedError

    def epoch(self, stage, line):
        if line.epoch == self.last_epoch:
            raise StoppedError


def test_a_run_belongs_to_one_process_at_a_time(parts, tmp_path):
    class Other(Silent):
        def step(self, stage, done, total):
            with pytest.raises(RequestError, match="Another process is at work on"):
                train(CONFIG, *parts, tmp_path / "run", data=DATA)
            raise StoppedError

    with pytest.raises(StoppedError):
        train(CONFIG, *parts, tmp_path / "run", data=DATA, watcher=Other())
    with pytest.raises(StoppedError):  # which it may now: nobody is at work
        train(CONFIG, *parts, tmp_path / "run", data=DATA, watcher=StopAt(step=1))


def test_a_finished_run_makes_its_network_again_where_it_can(whole, parts, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    expected = load_checkpoint(run / "network.pt")
    last_is_best = load_checkpoint(run / "state.pt")["history"][-1]["epoch"] == expected["record"]["epoch"]
    (run / "network.pt").unlink()
    if last_is_best:
        train(CONFIG, *parts, run, data=DATA)
        assert same_tensors(load_checkpoint(run / "network.pt")["state"], expected["state"])
    else:
        with pytest.raises(WeightsError, match="There is no checkpoint"):
            train(CONFIG, *parts, run, data=DATA)


def test_it_learns_what_people_like(parts, tmp_path):
    config = replace(CONFIG, network=replace(CONFIG.network, norm=False, dropout=0), crops_per_image=None)
    train(config, *parts, tmp_path / "run", data=DATA)
    history = json.loads((tmp_path / "run/run.json").read_text())["history"]
    assert [line["epoch"] for line in history] == [1, 2, 3]
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    untrained = evaluate(CropNetwork(config.network).eval(), parts[1])["srcc"]
    assert history[-1]["validation"]["srcc"] > max(0.6, untrained + 0.2)


def test_bfloat16_trains_all_but_the_frozen_blocks(parts, tmp_path):
    network = NetworkConfig(width=32, hidden=16, geometry=True)
    config = replace(
        CONFIG, network=network, epochs=2, precision="bfloat16", optimiser="adamw", frozen_blocks=2
    )
    trained = train(config, *parts, tmp_path / "run", data=DATA)
    assert not trained.training
    torch.manual_seed(config.seed)
    initial = dict(CropNetwork(network).named_parameters())
    kept = {name for name, weight in trained.named_parameters() if torch.equal(weight, initial[name])}
    assert kept == {name for name in initial if name.startswith(("trunk.stages.0.0.", "trunk.stages.0.1."))}


def test_the_reported_validation_is_that_of_the_saved_network(whole, parts):
    network, record = load_network(whole / "network.pt")
    assert evaluate(network, parts[1]) == record["validation"]
    best = max(record["validation"]["srcc"] for record in load_checkpoint(whole / "state.pt")["history"])
    assert record["validation"]["srcc"] == best


def test_neither_training_nor_validation_touches_the_trunks_batch_statistics(whole):
    torch.manual_seed(CONFIG.seed)
    initial = CropNetwork(CONFIG.network).state_dict()
    statistics = [
        name for name in initial if name.startswith("trunk") and ("running" in name or "num_" in name)
    ]
    assert statistics
    state = load_checkpoint(whole / "state.pt")
    for tensors in (load_checkpoint(whole / "network.pt")["state"], state["network"], state["average"]):
        assert all(torch.equal(tensors[name], initial[name]) for name in statistics)


def test_the_record_says_what_was_done_with_what(whole):
    record = json.loads((whole / "run.json").read_text())
    assert TrainConfig.from_dict(record["config"]) == CONFIG
    assert record["data"] == DATA
    assert record["initial_weights"] is None
    (session,) = record["sessions"]
    assert session["torch"] == torch.__version__
    assert session["threads"] == 1
    assert session.keys() == {"cadrage", "torch", "python", "device", "threads"}
    scalars = EventAccumulator(str(whole / "tensorboard")).Reload()
    assert [point.step for point in scalars.Scalars("validation/srcc")] == [1, 2, 3]
    losses = [point.value for point in scalars.Scalars("train/loss")]
    np.testing.assert_allclose(losses, [line["loss"] for line in record["history"]], rtol=1e-6)


@pytest.mark.parametrize(
    "stop",
    [{"step": 1}, {"step": 6}, {"epoch": 1}, {"step": 9}, {"epoch": 2}, {"step": 20}, {"epoch": 3}],
    ids=str,
)
def test_a_run_that_was_stopped_ends_with_the_same_weights(parts, whole, tmp_path, stop):
    run = tmp_path / "run"
    with pytest.raises(StoppedError):
        train(CONFIG, *parts, run, data=DATA, watcher=StopAt(**stop))
    torch.rand(7)  # whatever else the process did meanwhile
    train(CONFIG, *parts, run, data=DATA)
    assert_same_result(run, whole)
    assert len(json.loads((run / "run.json").read_text())["sessions"]) == 2


def test_a_kill_between_two_files_changes_nothing(parts, whole, tmp_path):
    run = tmp_path / "run"
    with pytest.raises(StoppedError):
        train(CONFIG, *parts, run, data=DATA, watcher=StopAt(step=9))
    shutil.copy(run / "state.pt", tmp_path)
    with pytest.raises(StoppedError):
        train(CONFIG, *parts, run, data=DATA, watcher=StopAt(step=15))
    shutil.copy(tmp_path / "state.pt", run)  # the network and the record are an epoch ahead of the state
    train(CONFIG, *parts, run, data=DATA)
    assert_same_result(run, whole)


def test_a_finished_run_is_not_trained_further(parts, whole, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    before = (run / "network.pt").read_bytes()
    train(CONFIG, *parts, run, data=DATA, watcher=StopAt(step=1))
    assert (run / "network.pt").read_bytes() == before


COMMAND = [sys.executable, "-c", "from cadrage.cli import main; main()", "train", "gaicd"]


def test_a_killed_command_continues_to_the_same_weights(root, tmp_path):
    recipe = with_changes(PAPER, seed=4, epochs=3, backbone=BACKBONE)
    whole = tmp_path / "whole"
    run_recipe(recipe, divide_gaicd(root, 0, 0), [], whole, initial_weights=None, device="cpu")
    run = tmp_path / "run"
    command = [*COMMAND, root, "--run", run, "--recipe", "paper", "--weights", "none"]
    command += ["--seed", "4", "--epochs", "3", "--backbone", BACKBONE]
    moments = [random.uniform(0, 2) for _ in range(2)]
    for moment in moments:
        kill_at_work(command, run, moment)
    finished = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, ""), moments
    assert finished.stdout.endswith(f"The network is in {run / 'network.pt'}\n")
    assert_same_result(run, whole)


def kill_at_work(command, run, seconds):
    """Start a command, let it come to its run, and kill it some seconds later."""
    sessions = sessions_of(run)
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and sessions_of(run) == sessions:
            time.sleep(0.02)
        time.sleep(seconds)
        process.kill()


def sessions_of(run):
    path = run / "run.json"
    return len(json.loads(path.read_text())["sessions"]) if path.exists() else 0


@pytest.mark.parametrize(
    "changed",
    [
        {"config": replace(CONFIG, epochs=4)},
        {"config": replace(CONFIG, seed=1)},
        {"data": {"data_set": "squares"}},
        {"initial_weights": "other.pth"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_another_run_in_the_same_folder_is_refused(parts, whole, tmp_path, changed):
    run = shutil.copytree(whole, tmp_path / "run")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    call = {"config": CONFIG, "data": DATA, **changed}
    with pytest.raises(RequestError) as refusal:
        train(call.pop("config"), *parts, run, **call)
    assert str(refusal.value) == f"{run} holds another run: give it another folder, or remove it."
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_other_versions_and_threads_do_not_keep_a_run_from_continuing(parts, whole, tmp_path):
    run = shutil.copytree(whole, tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    record["sessions"][0] |= {"torch": "1.0", "threads": 64, "device": "cuda"}
    (run / "run.json").write_text(json.dumps(record))
    train(CONFIG, *parts, run, data=DATA)
    assert [session["threads"] for session in json.loads((run / "run.json").read_text())["sessions"]] == [
        64,
        1,
    ]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda run: run.write_text("a file"), "cannot be the folder of a run"),
        (lambda run: (run.mkdir(), (run / "run.json").write_text("{")), "run.json is damaged"),
        (lambda run: (run.mkdir(), (run / "run.json").write_text("[]")), "holds another run"),
        (lambda run: (run.mkdir(), (run / "state.pt").write_bytes(b"")), "holds another run"),
    ],
    ids=["a file", "a damaged record", "another record", "a state without a record"],
)
def test_a_folder_that_is_no_run_is_refused(parts, tmp_path, spoil, message):
    spoil(tmp_path / "run")
    with pytest.raises(RequestError, match=message):
        train(CONFIG, *parts, tmp_path / "run", data=DATA)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"training": []}, DataError, "needs photographs"),
        ({"validation": []}, DataError, "validation photographs to choose the epoch by"),
        ({"device": "abacus"}, RequestError, "no device 'abacus': choose cpu or cuda"),
        ({"initial_weights": "missing.pth"}, CadrageError, "not from a file"),
    ],
    ids=str,
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    parts, tmp_path, options, error, message
):
    call = {
        "config": CONFIG,
        "training": parts[0],
        "validation": parts[1],
        "folder": tmp_path / "run",
        "data": {},
    }
    with pytest.raises(error, match=message):
        train(**{**call, **options})
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_cuda_device_is_a_sentence(parts, tmp_path):
    with pytest.raises(RequestError, match="There is no CUDA device here"):
        train(CONFIG, *parts, tmp_path / "run", data=DATA, device="cuda")


def test_a_loss_that_explodes_ends_the_run_with_a_sentence(parts, tmp_path):
    with pytest.raises(
        RequestError, match=r"The loss became (nan|inf) in epoch 1 of run: lower the learning"
    ):
        train(replace(CONFIG, learning_rate=1e30, ema=0), *parts, tmp_path / "run", data=DATA)
    assert not (tmp_path / "run/network.pt").exists()


def test_photographs_whose_ratings_are_all_equal_choose_no_epoch(parts, tmp_path):
    flat = [replace(sample, mos=torch.full_like(sample.mos, 3)) for sample in parts[1][:2]]
    train(replace(CONFIG, epochs=2), parts[0][:2], flat, tmp_path / "run", data=DATA)
    assert load_network(tmp_path / "run/network.pt")[1]["epoch"] == 2


def test_without_validation_the_last_epoch_is_kept(parts, tmp_path):
    train(replace(CONFIG, epochs=2, keep="last"), parts[0][:2], [], tmp_path / "run", data=DATA)
    _, record = load_network(tmp_path / "run/network.pt")
    assert (record["epoch"], record["validation"]) == (2, None)


def step_of(mos, taught, images=2):
    mos, taught = torch.tensor(mos), torch.tensor(taught)
    index = torch.arange(images).repeat_interleave(len(mos) // images)
    return Step(torch.zeros(images, 3, 64, 64), torch.zeros(len(mos), 4), index, mos, taught)


NAN = math.nan


@pytest.mark.parametrize(
    ("mos", "taught", "expected"),
    [
        # Predictions are 0, that is MOS 2.95; a rating of 3.75 is 1 away in units of 0.8 and costs 1/2.
        ([3.75] * 4, [NAN] * 4, 0.5),
        ([NAN] * 4, [3.75] * 4, 2 * 0.5),
        ([3.75] * 4, [2.95] * 4, 0.5),
        ([3.75, 3.75, NAN, NAN], [NAN] * 4, 0.5 / 2),  # one of the two photographs is rated
        ([NAN] * 4, [NAN] * 4, 0),
    ],
)
def test_ratings_and_teachers_count_where_there_are_any(mos, taught, expected):
    config = replace(CONFIG, loss=LossConfig(), rated=1.0, taught=2.0)
    loss = step_loss(config, torch.zeros(4), step_of(mos, taught))
    assert float(loss) == pytest.approx(expected)


def test_the_learning_rate_rises_and_then_follows_a_cosine():
    config = replace(CONFIG, schedule="cosine", warmup_steps=4)
    factors = [schedule(config, step, 100) for step in range(100)]
    assert factors[0] == 0.25
    assert factors[2] == pytest.approx(0.75, abs=0.001)
    assert factors[50] == pytest.approx(0.5)
    assert 0 < factors[99] < 0.001
    assert schedule(replace(CONFIG, schedule="constant"), 99, 100) == 1


def test_the_average_follows_the_weights():
    first, second = (CropNetwork(CONFIG.network) for _ in range(2))
    start, goal = first.reduce.weight.clone(), second.reduce.weight.clone()
    follow(first, second, 0.75, done=1000)
    torch.testing.assert_close(first.reduce.weight, 0.75 * start + 0.25 * goal)
    follow(first, second, 0, done=1000)
    assert same_tensors(first.state_dict(), second.state_dict())


def test_a_pixel_rule_is_for_the_weights_that_are_given():
    def means(recipe):
        return {config.network.pixel_mean for config in (*recipe.teachers, recipe.student)}

    changed = with_changes(DEFAULT, pixels="imagenet")
    assert changed.student.network.pixel_mean == IMAGENET_MEAN
    assert {teacher.network.pixel_mean for teacher in changed.teachers} == {CENTRED_MEAN}
    assert means(with_changes(DEFAULT, pixels="imagenet", backbone="resnet50")) == {IMAGENET_MEAN}
    assert means(with_changes(DEFAULT)) == {CENTRED_MEAN}


@pytest.mark.parametrize(
    ("backbone", "rule"),
    [
        ("mobilenet_v2", "imagenet"),
        ("timm:resnet18", "imagenet"),
        ("timm:tf_efficientnet_b0", "imagenet"),
        ("timm:tf_efficientnet_lite0", "centred"),
        ("timm:vit_tiny_patch16_224", "centred"),
        ("timm:tf_efficientnet_b0_ap", "centred"),  # an old name
        ("timm:no_such_network", "imagenet"),
        ("timm:resnet18.no_such_weights", "imagenet"),
    ],
)
def test_pixels_are_those_that_weights_were_trained_with(backbone, rule):
    assert usual_pixels(backbone) == PIXEL_RULES[rule]


def test_pixels_of_other_weights_are_timms_own():
    mean, deviation = usual_pixels("timm:vit_base_patch16_clip_224")
    assert mean == pytest.approx((122.77, 116.75, 104.09), abs=0.01)
    assert deviation == pytest.approx((68.50, 66.63, 70.32), abs=0.01)
    changed = with_changes(DEFAULT, backbone="timm:vit_base_patch16_clip_224", pixels=(mean, deviation))
    assert (changed.student.network.pixel_mean, changed.student.network.pixel_std) == (mean, deviation)


def test_first_blocks_are_frozen():
    network = CropNetwork(NetworkConfig())
    freeze(network, 3)
    frozen = {name.split(".")[3] for name, weight in network.named_parameters() if not weight.requires_grad}
    assert frozen == {"0", "1", "2"}


def test_first_parts_of_a_timm_network_are_frozen():
    network = CropNetwork(NetworkConfig(backbone="timm:tf_efficientnet_lite2"))
    freeze(network, 4)
    frozen = {name for name, weight in network.named_parameters() if not weight.requires_grad}
    parts = {".".join(name.split(".")[2:4]) for name in frozen}
    assert parts == {"conv_stem.weight", "bn1.weight", "bn1.bias", "blocks.0", "blocks.1"}


def test_samples_of_any_kind_can_be_trained_on_together(parts, tmp_path):
    taught = Sample(
        "taught", parts[0][0].raster, parts[0][0].boxes_xyxy, parts[0][0].mos * NAN, parts[0][0].mos
    )
    config = replace(CONFIG, epochs=1, keep="last", images_per_step=3)
    train(config, [*parts[0][:3], taught], [], tmp_path / "run", data=DATA)
    assert load_checkpoint(tmp_path / "run/state.pt")["history"][0]["loss"] > 0
