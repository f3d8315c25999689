"""The training of one network, from samples to a checkpoint; read it from top to bottom.

What it shares with other trainings, above all that it can be killed and continued, is in ``epochs``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cadrage.errors import DataError
from cadrage.learning.checkpoints import load_checkpoint, save_network
from cadrage.learning.devices import require_device
from cadrage.learning.epochs import (
    STATE,
    Epoch,
    Place,
    Run,
    Watcher,
    cosine,
    descend,
    follow,
    rise,
)
from cadrage.learning.losses import ranking_loss
from cadrage.learning.network import CropNetwork
from cadrage.learning.recipes import TrainConfig
from cadrage.learning.samples import Sample, Step, draw_step, plan_epoch
from cadrage.learning.scoring import encode, predict_mos
from cadrage.metrics import ranking_report


def train(
    config: TrainConfig,
    training: Sequence[Sample],
    validation: Sequence[Sample],
    folder: Path,
    *,
    data: Mapping[str, Any],
    initial_weights: str | Path | None = None,
    device: str = "cpu",
    watcher: Watcher | None = None,
) -> CropNetwork:
    """Train a network, or continue the run in a folder.

    Args:
        config: every setting.
        training: samples to learn from.
        validation: samples to choose the epoch by and to report; may be empty when ``config.keep`` is "last".
        folder: of the run; made if missing, continued if it holds the same run.
        data: names the data (set, release, split, seed) in the record.
        initial_weights: of the backbone, see ``build_trunk``; recorded by name, and not read again when a run
            is continued.
        device: "cpu" or "cuda".
        watcher: is told of every step and epoch; the stage is the folder's name.

    Returns:
        The resulting network in evaluation mode; it is also in ``folder/network.pt``.

    Raises:
        RequestError: the folder holds another run, the device is missing, or the loss grew beyond all bounds.
        DataError: there are no samples.
    """
    if not training or (config.keep == "best" and not validation):
        raise DataError("Training needs photographs, and validation photographs to choose the epoch by.")
    require_device(device)
    header = run_header(config.to_dict(), data, initial_weights)
    torch.manual_seed(config.seed)
    network = CropNetwork(config.network, None if (folder / STATE).exists() else initial_weights).to(device)
    # In evaluation mode throughout: validation must neither use nor change batch statistics.
    average = CropNetwork(config.network).to(device).eval()
    average.load_state_dict(network.state_dict())
    freeze(network, config.frozen_blocks)
    optimiser = make_optimiser(config, network)
    run = Run(folder, header, {"network": network, "average": average, "optimiser": optimiser}, device)

    def step(indices: list[int], place: Place) -> tuple[float, float]:
        rate = config.learning_rate * schedule(config, place.done, place.total)
        drawn = draw_step(
            [training[i] for i in indices], config.augmentation, config.crops_per_image, place.generator
        )
        loss = take_step(config, network, optimiser, drawn.to(torch.device(device)), rate)
        follow(average, network, config.ema, place.done)
        return loss, rate

    def keep() -> None:
        if config.keep == "last" or _is_best(run.history):
            save_network(average, folder / "network.pt", run.made)

    run.go(
        epochs=config.epochs,
        seed=config.seed,
        plan=lambda generator: plan_epoch(training, config.images_per_step, generator),
        step=step,
        report=lambda: evaluate(average, validation) if validation else None,
        keep=keep,
        watcher=watcher,
        branch=config.branch,
    )
    if not (folder / "network.pt").exists():  # of a run that had ended
        keep()
    average.load_state_dict(load_checkpoint(folder / "network.pt")["state"])
    return average


def run_header(
    config: Mapping[str, Any], data: Mapping[str, Any], initial_weights: str | Path | None
) -> dict[str, Any]:
    """What makes a run this one and no other, as plain values."""
    start = None if initial_weights is None else Path(initial_weights).name
    return {"config": dict(config), "data": dict(data), "initial_weights": start}


def freeze(network: CropNetwork, blocks: int) -> None:
    """Keep the first blocks of the backbone as they are."""
    for block in network.trunk.first_blocks[:blocks]:
        block.requires_grad_(False)


def make_optimiser(config: TrainConfig, network: CropNetwork) -> torch.optim.Optimizer:
    """Adam or AdamW over what is not frozen."""
    kind = torch.optim.Adam if config.optimiser == "adam" else torch.optim.AdamW
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return kind(trained, lr=config.learning_rate, weight_decay=config.weight_decay)


def schedule(config: TrainConfig, step: int, steps: int) -> float:
    """Factor of the learning rate at a step, in [0, 1]."""
    if config.schedule == "cosine":
        return cosine(step, steps, config.warmup_steps)
    return rise(step, config.warmup_steps)


def take_step(
    config: TrainConfig, network: CropNetwork, optimiser: torch.optim.Optimizer, step: Step, rate: float
) -> float:
    """One optimisation step; returns its loss."""
    network.train()
    network.trunk.eval()  # batch statistics of one to four photographs are worse than ImageNet's
    features = encode(network, step.rasters, config.precision)
    predictions = network.score(features, step.boxes_xyxy, step.image_index)
    return descend(optimiser, step_loss(config, predictions, step), rate)


def step_loss(config: TrainConfig, predictions: Tensor, step: Step) -> Tensor:
    """Loss against the ratings and against the teachers, each where there is one."""
    loss = predictions.new_zeros(())
    for targets, weight in ((step.mos, config.rated), (step.taught, config.taught)):
        known = ~targets.isnan()
        if not weight or not known.any():
            continue
        images, index = torch.unique(step.image_index[known], return_inverse=True)
        wanted = (targets[known] - config.network.mos_mean) / config.network.mos_std
        share = len(images) / len(step.rasters)
        loss = loss + weight * share * ranking_loss(
            config.loss, predictions[known], wanted, index, len(images)
        )
    return loss


def evaluate(network: CropNetwork, samples: Sequence[Sample]) -> dict[str, Any]:
    """Every ranking metric of the network on rated samples, as plain values."""
    pairs = [(sample.mos.double().numpy(), predict_mos(network, sample)) for sample in samples]
    return ranking_report(pairs).to_dict()


def _is_best(history: Sequence[Epoch]) -> bool:
    # Where every photograph's ratings are all equal there is no correlation, and each epoch is as good.
    values = [(line.validation or {}).get("srcc") for line in history]
    known = [-math.inf if value is None else float(value) for value in values]
    return known[-1] >= max(known)
