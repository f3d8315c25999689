"""Distillation from beginning to end: teachers, their scores, the student; stopped and continued."""

import json
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest
import torch
from beside import Notes
from rated import photographs, write_rated

from cadrage.datasets.division import divide_gaicd
from cadrage.errors import DataError, ImageError, RequestError
from cadrage.learning import distill as distilling
from cadrage.learning import run as running
from cadrage.learning.augmentation import mirror
from cadrage.learning.checkpoints import load_checkpoint, load_network
from cadrage.learning.distill import cut_windows, teach
from cadrage.learning.epochs import Silent
from cadrage.learning.network import CropNetwork, NetworkConfig
from cadrage.learning.recipes import DistillConfig, TrainConfig
from cadrage.learning.run import photographs_in, result_of, run_recipe, usual_processes
from cadrage.learning.samples import rated_samples
from cadrage.learning.scoring import predict_mos
from cadrage.learning.train import evaluate

TEACHER = TrainConfig(
    network=NetworkConfig(backbone="timm:mobilenetv3_small_050", width=32, hidden=16),
    short_side=64,
    epochs=1,
    images_per_step=4,
    crops_per_image=None,
    learning_rate=2e-3,
    keep="last",
)
RECIPE = DistillConfig(
    teachers=(TEACHER, replace(TEACHER, seed=1, network=replace(TEACHER.network, channels=4))),
    student=replace(TEACHER, epochs=2, seed=2, ema=0.9),
    windows=1,
    unrated=5,
    students=2,
)
RATED, TAUGHT = 6, 6 + 6 + 5


@pytest.fixture(autouse=True)
def short_shards(monkeypatch):
    monkeypatch.setattr(distilling, "SHARD", 4)


@pytest.fixture(scope="module")
def division(tmp_path_factory):
    return divide_gaicd(write_rated(tmp_path_factory.mktemp("rated"), train=RATED, val=3), 0, 0)


@pytest.fixture(scope="module")
def unrated(tmp_path_factory):
    return photographs(tmp_path_factory.mktemp("unrated") / "photographs", 7)


class Stages(Silent):
    """Writes down the stages, and stops at a step of one if asked to."""

    def __init__(self, stage=None, done=None):
        self.seen, self.stop = [], (stage, done)

    def step(self, stage, done, total):
        self.seen.append((stage, done, total))
        if (stage, done) == self.stop:
            raise KeyboardInterrupt


class WaitsForCompanion(Silent):
    """Keeps this process at its first teacher until a companion has trained the other."""

    def __init__(self, told):
        self.told = told

    def step(self, stage, done, total):
        end = time.monotonic() + 300
        while stage == "teacher-0" and not (self.told / "teacher-1").exists():
            assert time.monotonic() < end
            time.sleep(0.05)


def follow_recipe(division, unrated, folder, recipe=RECIPE, watcher=None, processes=1):
    how = {"initial_weights": None, "device": "cpu", "processes": processes, "watcher": watcher}
    return run_recipe(recipe, division, unrated, folder, **how)


@pytest.fixture(scope="module")
def whole(division, unrated, tmp_path_factory):
    """A run that nothing interrupted, and its stages."""
    folder, watcher = tmp_path_factory.mktemp("runs") / "whole", Stages()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distilling, "SHARD", 4)
        follow_recipe(division, unrated, folder, watcher=watcher)
    return folder, watcher.seen


def test_teachers_then_their_scores_then_the_student(whole):
    folder, seen = whole
    stages = list(dict.fromkeys(stage for stage, _, _ in seen))
    assert stages[2:] == [
        "opening photographs to teach",
        "teacher-0",
        "teacher-1",
        "taught",
        "student-0",
        "student-1",
    ]
    assert [(done, total) for stage, done, total in seen if stage == "taught"] == [
        (done, TAUGHT) for done in (4, 8, 12, 16, 17)
    ]
    network, record = load_network(result_of(RECIPE, folder))
    assert network.config == RECIPE.student.network
    assert record["epoch"] == 2
    assert record["data"]["distilled"] == {"teachers": 2, "windows": 6, "unrated": 5}
    assert record["data"]["students"] == 2
    assert json.loads((folder / "student/run.json").read_text()) == json.loads(json.dumps(record))
    assert json.loads((folder / "run.json").read_text())["config"] == json.loads(json.dumps(RECIPE.to_dict()))


@pytest.mark.parametrize("kept", [0, 0.6], ids=["no photograph", "truncated"])
def test_a_damaged_unrated_photograph_is_refused_before_the_teachers_learn(division, unrated, tmp_path, kept):
    damaged = tmp_path / "damaged.jpg"
    whole = unrated[0].read_bytes()
    damaged.write_bytes(whole[: int(kept * len(whole))] or b"no photograph")
    watcher = Stages()
    with pytest.raises(ImageError, match=r"damaged\.jpg"):
        follow_recipe(division, [damaged, *unrated[:4]], tmp_path / "run", watcher=watcher)
    assert "teacher-0" not in {stage for stage, _, _ in watcher.seen}


def shards(folder):
    return [load_checkpoint(path) for path in sorted((folder / "taught").glob("*.pt"))]


def test_rated_photographs_windows_and_unrated_photographs_are_taught(whole, division, unrated):
    names = [name for shard in shards(whole[0]) for name in shard["names"]]
    rated = [image.name for image in division.training]
    assert names[: 2 * RATED] == [*rated, *(f"{name} window 0" for name in rated)]
    assert len(names) == len(set(names)) == TAUGHT
    assert set(names[2 * RATED :]) < set(map(str, unrated))


def test_what_is_taught_is_the_teachers_mean_over_both_mirror_images(whole, division):
    folder, _ = whole
    teachers = [load_network(folder / f"teacher-{number}/network.pt")[0] for number in (0, 1)]
    sample = next(rated_samples(division.training, TEACHER.raster_rule))
    views = [sample, replace(sample, **dict(zip(("raster", "boxes_xyxy"), flipped(sample), strict=True)))]
    expected = np.mean([predict_mos(teacher, view) for teacher in teachers for view in views], axis=0)
    np.testing.assert_allclose(shards(folder)[0]["scores"][0], expected, atol=1e-5)


def flipped(sample):
    return mirror(sample.raster, sample.boxes_xyxy)


@pytest.mark.parametrize(
    ("stage", "done"),
    [("teacher-1", 2), ("taught", 8), ("taught", TAUGHT), ("student-0", 3), ("student-1", 8)],
)
def test_a_run_that_was_stopped_in_any_stage_ends_with_the_same_student(
    whole, division, unrated, tmp_path, stage, done
):
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        follow_recipe(division, unrated, run, watcher=Stages(stage, done))
    finished = {path: path.stat().st_mtime_ns for path in (run / "taught").glob("*.pt")}
    follow_recipe(division, unrated, run)
    assert {path: path.stat().st_mtime_ns for path in finished} == finished  # read, not made again
    ours, expected = (load_checkpoint(result_of(RECIPE, folder))["state"] for folder in (run, whole[0]))
    assert all(torch.equal(tensor, expected[name]) for name, tensor in ours.items())


def test_processes_that_share_a_run_end_with_the_same_student_as_one(
    whole, division, unrated, tmp_path, monkeypatch
):
    monkeypatch.setattr(distilling, "SHARD", 128)  # as in the others
    run, told = tmp_path / "run", tmp_path / "told"
    told.mkdir()
    found = run_recipe(
        RECIPE, division, unrated, run, initial_weights=None, device="cpu", processes=2,
        watcher=WaitsForCompanion(told), companion=Notes(told),
    )  # fmt: skip
    assert (told / "teacher-1").exists()
    expected = load_checkpoint(result_of(RECIPE, whole[0]))["state"]
    for state in (load_checkpoint(result_of(RECIPE, run))["state"], found.state_dict()):
        assert all(torch.equal(state[name], tensor) for name, tensor in expected.items())


def test_a_command_that_is_given_twice_shares_its_run(whole, division, unrated, tmp_path):
    run = tmp_path / "run"
    call = partial(
        run_recipe, RECIPE, division, unrated, run, initial_weights=None, device="cpu", processes=1
    )
    with ProcessPoolExecutor(2, get_context("spawn")) as two:
        networks = [one.result() for one in [two.submit(call) for _ in range(2)]]
    expected = load_checkpoint(result_of(RECIPE, whole[0]))["state"]
    for network in networks:
        assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in expected.items())


@pytest.mark.parametrize(
    ("recipe", "processes", "message"),
    [
        (TEACHER, 2, "trains one network, which processes cannot share: use --threads"),
        (RECIPE, 0, "number of processes must be from 1 to 64, not 0"),
        (RECIPE, 65, "number of processes must be from 1 to 64, not 65"),
    ],
)
def test_an_impossible_number_of_processes_is_refused_before_any_work(
    division, tmp_path, recipe, processes, message
):
    with pytest.raises(RequestError, match=message):
        follow_recipe(division, [], tmp_path / "run", recipe, processes=processes)
    assert not (tmp_path / "run").exists()


def test_cpus_are_used_by_as_many_processes_as_there_are_teachers_at_most(monkeypatch):
    monkeypatch.setattr(running, "available_cpus", lambda: 8)
    assert usual_processes(RECIPE, "cpu", 1) == 2
    assert usual_processes(RECIPE, "cpu", 8) == 1
    assert usual_processes(RECIPE, "cpu", 16) == 1
    assert usual_processes(RECIPE, "cuda", 1) == 1
    assert usual_processes(TEACHER, "cpu", 1) == 1
    monkeypatch.setattr(running, "available_cpus", lambda: 1)
    assert usual_processes(RECIPE, "cpu", 1) == 1


def test_with_fewer_unrated_photographs_all_are_taught(division, unrated, tmp_path):
    follow_recipe(division, unrated[:1], tmp_path / "run")
    record = load_checkpoint(result_of(RECIPE, tmp_path / "run"))["record"]
    assert record["data"]["distilled"] == {"teachers": 2, "windows": 6, "unrated": 1}


def test_scores_of_other_photographs_are_not_used(whole, division, tmp_path):
    others = photographs(tmp_path / "others", 7)
    with pytest.raises(RequestError, match="holds another run: give it another folder, or remove it"):
        follow_recipe(division, others, whole[0])
    (run := tmp_path / "run").mkdir()
    shutil.copytree(whole[0] / "taught", run / "taught")
    for teacher in ("teacher-0", "teacher-1"):
        shutil.copytree(whole[0] / teacher, run / teacher)
    with pytest.raises(RequestError) as refusal:
        follow_recipe(division, others, run)
    assert str(refusal.value) == (
        f"{run / 'taught'} holds scores of other photographs: remove it or use another run."
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"smallest_window": 0.8},
        {"windows": 2},
        {"student": replace(RECIPE.student, epochs=3)},
        {"teachers": RECIPE.teachers[:1]},
        {"students": 3},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_another_recipe_in_the_same_folder_is_refused_at_once(whole, division, unrated, changed):
    watcher = Stages()
    with pytest.raises(RequestError, match="holds another run: give it another folder, or remove it"):
        follow_recipe(division, unrated, whole[0], replace(RECIPE, **changed), watcher)
    assert {stage for stage, _, _ in watcher.seen} == {
        "opening training photographs",
        "opening validation photographs",
    }


def test_one_network_is_not_trained_in_the_folder_of_a_distillation(whole, division):
    with pytest.raises(RequestError, match="holds another run"):
        follow_recipe(division, [], whole[0], TEACHER)


def test_unrated_photographs_that_are_of_no_use_are_refused_before_any_work(division, unrated, tmp_path):
    watcher = Stages()
    with pytest.raises(DataError, match="trains one network on ratings: unrated photographs are of no use"):
        follow_recipe(division, unrated[:1], tmp_path / "run", TEACHER, watcher)
    assert watcher.seen == []
    assert not (tmp_path / "run").exists()


def test_an_unreadable_photograph_is_named_and_may_be_replaced_by_a_good_one(
    whole, division, unrated, tmp_path
):
    copies = photographs(tmp_path / "copies", 7)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(0)).tolist()
    good = {path: path.read_bytes() for path in copies}
    for index in order:
        copies[index].write_text("no picture")
    with pytest.raises(ImageError, match=r"unrated\d\d.png"):
        follow_recipe(division, copies, tmp_path / "run")
    for path, content in good.items():
        path.write_bytes(content)
    follow_recipe(division, copies, tmp_path / "run")
    assert result_of(RECIPE, tmp_path / "run").exists()


def test_windows_are_of_random_place_and_bounded_size(division):
    config = replace(RECIPE, windows=20, smallest_window=0.6)
    (image,) = division.training[:1]
    sizes = [window.size_wh for window in cut_windows([image], config, torch.Generator().manual_seed(0))]
    width, height = 96, 64
    assert len(sizes) == 20
    assert all(
        0.6 * width - 1 <= wide <= width and 0.6 * height - 1 <= high <= height for wide, high in sizes
    )
    assert len(set(sizes)) > 15


def test_teaching_yields_each_sample_with_its_scores(division, tmp_path):
    teacher = CropNetwork(TEACHER.network).eval()
    samples = list(rated_samples(division.training, TEACHER.raster_rule))
    taught = teach([teacher], samples, tmp_path / "taught", locks=tmp_path / "locks", watcher=Silent())
    assert [sample.name for sample in taught] == [sample.name for sample in samples]
    for before, after in zip(samples, taught, strict=True):
        assert torch.equal(before.mos, after.mos)
        assert after.taught.shape == after.mos.shape
        assert after.taught.isfinite().all()


def test_students_share_their_first_epoch_and_the_result_is_the_mean_of_their_weights(whole):
    folder, _ = whole
    students = [folder / f"student-{branch}" for branch in (0, 1)]
    first, other = (json.loads((student / "run.json").read_text())["history"] for student in students)
    assert first[0] == other[0]
    assert first[1]["loss"] != other[1]["loss"]
    left, right = (load_checkpoint(student / "network.pt")["state"] for student in students)
    mean = load_checkpoint(result_of(RECIPE, folder))["state"]
    assert any(not torch.equal(tensor, right[name]) for name, tensor in left.items())
    for name, tensor in left.items():
        torch.testing.assert_close(
            mean[name], (tensor + right[name]) / 2 if tensor.is_floating_point() else tensor
        )


def test_the_result_is_measured_itself(whole, division):
    network, record = load_network(result_of(RECIPE, whole[0]))
    validation = list(rated_samples(division.validation, RECIPE.student.raster_rule))
    assert record["validation"] == evaluate(network, validation)


def test_a_recipe_without_students_is_refused():
    with pytest.raises(RequestError, match="at least one student"):
        replace(RECIPE, students=0)


def test_networks_that_see_different_rasters_cannot_teach_each_other():
    with pytest.raises(RequestError, match="the same raster and pooling"):
        replace(RECIPE, student=replace(TEACHER, short_side=96))


def test_photographs_are_found_below_folders(tmp_path):
    for name in ("b/two.JPG", "b/c/three.jpeg", "b/one.png", "b/text.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = photographs_in([tmp_path / "b"])
    assert [str(path.relative_to(tmp_path)) for path in found] == ["b/c/three.jpeg", "b/one.png", "b/two.JPG"]
    (tmp_path / "empty").mkdir()
    for folder, message in (("empty", "holds no JPEG or PNG file"), ("missing", "does not exist")):
        with pytest.raises(DataError, match=message):
            photographs_in([tmp_path / folder])


def test_teachers_of_another_backbone_start_from_weights_of_their_own(
    division, unrated, tmp_path, monkeypatch
):
    small, large = replace(TEACHER.network, backbone="mobilenet_v2"), TEACHER.network
    recipe = replace(
        RECIPE,
        teachers=(replace(TEACHER, network=large), replace(TEACHER, network=small)),
        student=replace(TEACHER, network=small),
    )
    started = {}

    def train(config, training, validation, run, *, initial_weights, **_):
        started[run.name] = initial_weights
        return CropNetwork(config.network).eval()

    monkeypatch.setattr(distilling, "train", train)
    for weights in ("own.safetensors", None):
        distilling.distill(
            recipe,
            [],
            [],
            [],
            [],
            tmp_path / str(weights),
            data={},
            initial_weights=weights,
        )
        other = None if weights is None else "imagenet"
        students = {"student-0": weights, "student-1": weights}
        assert started == {"teacher-0": other, "teacher-1": weights, **students}
