"""A recipe on a data set: from a folder of rated photographs to a network, the same way every time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from cadrage.datasets.division import Division
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError, RequestError
from cadrage.learning.backbones import build_trunk
from cadrage.learning.companions import companions
from cadrage.learning.devices import use_device
from cadrage.learning.distill import distill
from cadrage.learning.epochs import STATE, Silent, Watcher
from cadrage.learning.network import CropNetwork
from cadrage.learning.recipes import Recipe, TrainConfig, result_config
from cadrage.learning.samples import Sample, rated_samples
from cadrage.learning.train import train
from cadrage.threads import available_cpus

MOST_PROCESSES = 64
"""Processes that may be asked for: each holds all photographs, and no recipe has as many networks."""


def photographs_in(folders: Sequence[Path]) -> list[Path]:
    """Every JPEG or PNG file below the folders, by path.

    Raises:
        DataError: a folder is missing or has none.
    """
    found: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder." if folder.exists() else f"{folder} does not exist.")
        inside = sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png"})
        if not inside:
            raise DataError(f"{folder} holds no JPEG or PNG file.")
        found.extend(inside)
    return found


def run_recipe(
    recipe: Recipe,
    division: Division,
    photographs: Sequence[Path],
    folder: Path,
    *,
    initial_weights: str | Path | None,
    device: str = "auto",
    threads: int = 1,
    processes: int = 1,
    watcher: Watcher | None = None,
    companion: Watcher | None = None,
) -> CropNetwork:
    """Follow a recipe, or continue where an earlier call was stopped.

    Args:
        recipe: what to do.
        division: rated photographs.
        photographs: unrated ones; a recipe of one network has no use for them, one that distils uses as many as it
            says, or all there are.
        folder: of the run.
        initial_weights: of the backbones, see ``build_trunk``.
        device: "cpu", "cuda", or "auto" for CUDA where there is a device.
        threads: CPU threads of each process.
        processes: that share the work of a recipe that distils; see ``usual_processes``.
        watcher: is told how it goes.
        companion: is told how it goes in the other processes, where it is unpickled.

    Raises:
        DataError: photographs are missing or given for nothing.
        RequestError: the folder holds another run, the device is missing, or a number is outside its range.
        WeightsError: the initial weights are missing, damaged, or another backbone's.
    """
    device = use_device(device, threads)
    _check(recipe, photographs, processes)
    student = result_config(recipe)
    if not _has_begun(recipe, folder):
        _check_weights(student, initial_weights)
    watcher = watcher or Silent()
    training = _samples("training", division.training, student, watcher)
    validation = _samples("validation", division.validation, student, watcher)
    shared: dict[str, Any] = {
        "data": division.record(),
        "initial_weights": initial_weights,
        "device": device,
        "watcher": watcher,
    }
    if isinstance(recipe, TrainConfig):
        return train(recipe, training, validation, folder, **shared)
    same = partial(
        run_recipe,
        recipe,
        division,
        photographs,
        folder,
        initial_weights=initial_weights,
        device=device,
        threads=threads,
        watcher=companion,
    )
    with companions(processes - 1, same):
        return distill(recipe, division.training, training, validation, photographs, folder, **shared)


def usual_processes(recipe: Recipe, device: str, threads: int) -> int:
    """How many processes of so many threads use all CPUs, at most one a teacher; one on CUDA or for one network."""
    if isinstance(recipe, TrainConfig) or device != "cpu":
        return 1
    return max(1, min(available_cpus() // threads, len(recipe.teachers)))


def _check(recipe: Recipe, photographs: Sequence[Path], processes: int) -> None:
    if not 1 <= processes <= MOST_PROCESSES:
        raise RequestError(f"The number of processes must be from 1 to {MOST_PROCESSES}, not {processes}.")
    if not isinstance(recipe, TrainConfig):
        return
    if photographs:
        raise DataError("This recipe trains one network on ratings: unrated photographs are of no use to it.")
    if processes > 1:
        raise RequestError("This recipe trains one network, which processes cannot share: use --threads.")


def _has_begun(recipe: Recipe, folder: Path) -> bool:
    """Whether the resulting network has learnt something already, and so needs no initial weights any more."""
    return ((folder if isinstance(recipe, TrainConfig) else folder / "student-0") / STATE).exists()


def _check_weights(config: TrainConfig, initial_weights: str | Path | None) -> None:
    """Load them once for nothing: a student's are read for good only after hours of its teachers' training."""
    network = config.network
    build_trunk(network.backbone, initial_weights=initial_weights, same_padding=network.same_padding)


def result_of(recipe: Recipe, folder: Path) -> Path:
    """The file of the network that a run of the recipe makes."""
    return (folder if isinstance(recipe, TrainConfig) else folder / "student") / "network.pt"


def _samples(stage: str, images: Sequence[RatedImage], config: TrainConfig, watcher: Watcher) -> list[Sample]:
    samples = []
    for sample in rated_samples(images, config.raster_rule, official=config.network.pooling == "official"):
        samples.append(sample)
        watcher.step(f"opening {stage} photographs", len(samples), len(images))
    return samples
