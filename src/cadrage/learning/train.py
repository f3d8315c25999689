"""The training of one network, from samples to a checkpoint; read it from top to bottom.

A run lives in a folder: ``state.pt`` (what to continue from, written after every epoch), ``network.pt`` (the
result so far), ``run.json`` (configuration, data, versions, history) and TensorBoard scalars. Every epoch draws
from random generators seeded by the run's seed and the epoch's number, so a run that was killed and continued
ends with the same weights as one that was not: to the last bit on a CPU with the same number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from cadrage.errors import DataError, RequestError
from cadrage.learning.checkpoints import (
    begin_run,
    environment,
    load_checkpoint,
    save_atomically,
    save_network,
    write_record,
)
from cadrage.learning.losses import ranking_loss
from cadrage.learning.network import CropNetwork
from cadrage.learning.recipes import TrainConfig
from cadrage.learning.samples import Sample, Step, draw_step, plan_epoch, steps_per_epoch
from cadrage.learning.scoring import encode, predict_mos
from cadrage.metrics import ranking_report


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of a run's history."""

    epoch: int
    loss: float
    learning_rate: float
    validation: Mapping[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "epoch": self.epoch,
            "loss": self.loss,
            "learning_rate": self.learning_rate,
            "validation": dict(self.validation) if self.validation is not None else None,
        }


class Watcher(Protocol):
    """Is told how work goes on."""

    def step(self, stage: str, done: int, total: int) -> None:
        """``done`` of ``total`` steps of a stage are done."""

    def epoch(self, stage: str, line: Epoch) -> None:
        """An epoch of a stage has ended."""


class Silent:
    """A watcher that does nothing."""

    def step(self, stage: str, done: int, total: int) -> None:
        """Ignore it."""

    def epoch(self, stage: str, line: Epoch) -> None:
        """Ignore it."""


def train(
    config: TrainConfig,
    training: Sequence[Sample],
    validation: Sequence[Sample],
    run: Path,
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
        run: the folder of the run; made if missing, continued if it holds the same run.
        data: names the data (set, release, split, seed) in the record.
        initial_weights: of the backbone, see ``build_trunk``; recorded by name, and not read again when a run
            is continued.
        device: "cpu" or "cuda".
        watcher: is told of every step and epoch; the stage is the folder's name.

    Returns:
        The resulting network in evaluation mode; it is also in ``run/network.pt``.

    Raises:
        RequestError: the folder holds another run, the device is missing, or the loss grew beyond all bounds.
        DataError: there are no samples.
    """
    if not training or (config.keep == "best" and not validation):
        raise DataError("Training needs photographs, and validation photographs to choose the epoch by.")
    require_device(device)
    header = run_header(config.to_dict(), data, initial_weights)
    state_path = run / "state.pt"
    watcher = watcher or Silent()
    torch.manual_seed(config.seed)
    network = CropNetwork(config.network, None if state_path.exists() else initial_weights).to(device)
    # In evaluation mode throughout: validation must neither use nor change batch statistics.
    average = CropNetwork(config.network).to(device).eval()
    average.load_state_dict(network.state_dict())
    freeze(network, config.frozen_blocks)
    optimiser = make_optimiser(config, network)
    history: list[Epoch] = []
    record = begin_run(run, header, device)
    if state_path.exists():
        resumed = load_checkpoint(state_path)
        network.load_state_dict(resumed["network"])
        average.load_state_dict(resumed["average"])
        optimiser.load_state_dict(resumed["optimiser"])
        history = [Epoch(**line) for line in resumed["history"]]

    per_epoch = steps_per_epoch(training, config.images_per_step)
    scalars = scalar_writer(run, after=len(history))
    for epoch in range(len(history), config.epochs):
        generator = torch.Generator().manual_seed(config.seed * 100_003 + epoch)
        torch.manual_seed(config.seed * 100_003 + epoch)
        plan = plan_epoch(training, config.images_per_step, generator)
        total = 0.0
        for number, indices in enumerate(plan):
            done = epoch * per_epoch + number
            rate = config.learning_rate * schedule(config, done, config.epochs * per_epoch)
            step = draw_step(
                [training[i] for i in indices], config.augmentation, config.crops_per_image, generator
            )
            loss = take_step(config, network, optimiser, step.to(torch.device(device)), rate)
            if not math.isfinite(loss):
                raise RequestError(
                    f"The loss became {loss} in epoch {epoch + 1} of {run.name}: lower the learning rate."
                )
            follow(average, network, min(config.ema, (1 + done) / (10 + done)))
            total += loss
            watcher.step(run.name, done + 1, config.epochs * per_epoch)
        report = evaluate(average, validation) if validation else None
        history.append(Epoch(epoch + 1, total / len(plan), rate, report))
        log_epoch(scalars, history[-1])
        watcher.epoch(run.name, history[-1])
        if config.keep == "last" or _is_best(history):
            made = {"epoch": epoch + 1, "validation": report, "environment": environment(device)}
            save_network(average, run / "network.pt", {**header, **made})
        lines = [line.to_dict() for line in history]
        write_record(run, {**record, "history": lines})
        save_atomically(
            {
                "network": network.state_dict(),
                "average": average.state_dict(),
                "optimiser": optimiser.state_dict(),
                "history": lines,
            },
            state_path,
        )
    scalars.close()
    average.load_state_dict(load_checkpoint(run / "network.pt")["state"])
    return average


def require_device(device: str) -> None:
    """Refuse a device that is not there.

    Raises:
        RequestError: so it is.
    """
    if device not in ("cpu", "cuda"):
        raise RequestError(f"There is no device '{device}': choose cpu or cuda.")
    if device == "cuda" and not torch.cuda.is_available():
        raise RequestError("There is no CUDA device here: train on the device cpu.")


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


def cosine(step: int, steps: int, warmup_steps: int) -> float:
    """Half a cosine from one to zero, after a linear rise from zero."""
    return rise(step, warmup_steps) * 0.5 * (1 + math.cos(math.pi * step / steps))


def rise(step: int, warmup_steps: int) -> float:
    """A linear rise from zero to one over the first steps."""
    return min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0


def take_step(
    config: TrainConfig, network: CropNetwork, optimiser: torch.optim.Optimizer, step: Step, rate: float
) -> float:
    """One optimisation step; returns its loss."""
    network.train()
    network.trunk.eval()  # batch statistics of one to four photographs are worse than ImageNet's
    features = encode(network, step.rasters, config.precision)
    predictions = network.score(features, step.boxes_xyxy, step.image_index)
    loss = step_loss(config, predictions, step)
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return float(loss.detach())


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


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the averaged weights towards the network's; a decay of 0 copies them."""
    for kept, current in zip(average.parameters(), network.parameters(), strict=True):
        kept.lerp_(current, 1 - decay)
    for held, latest in zip(average.buffers(), network.buffers(), strict=True):
        held.copy_(latest)


def evaluate(network: CropNetwork, samples: Sequence[Sample]) -> dict[str, Any]:
    """Every ranking metric of the network on rated samples, as plain values."""
    pairs = [(sample.mos.double().numpy(), predict_mos(network, sample)) for sample in samples]
    return ranking_report(pairs).to_dict()


def _is_best(history: Sequence[Epoch]) -> bool:
    # Where every photograph's ratings are all equal there is no correlation, and each epoch is as good.
    values = [(line.validation or {}).get("srcc") for line in history]
    known = [-math.inf if value is None else float(value) for value in values]
    return known[-1] >= max(known)


def scalar_writer(run: Path, after: int) -> Any:  # noqa: ANN401  (tensorboard is untyped)
    """Writes TensorBoard scalars of a run whose first epochs, so many, are written."""
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  (seconds to import)

    # Purged: an epoch that was logged, but killed before its state was written, comes again.
    return SummaryWriter(str(run / "tensorboard"), purge_step=after + 1)


def log_epoch(scalars: Any, line: Epoch) -> None:  # noqa: ANN401
    """Write an epoch's figures to a ``scalar_writer``."""
    scalars.add_scalar("train/loss", line.loss, line.epoch)
    scalars.add_scalar("train/learning_rate", line.learning_rate, line.epoch)
    for name, value in (line.validation or {}).items():
        if isinstance(value, int | float):
            scalars.add_scalar(f"validation/{name}", value, line.epoch)
