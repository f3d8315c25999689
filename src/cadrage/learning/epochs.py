"""What every training here shares: epochs that can be killed and continued, and what is told of them.

A run lives in a folder: ``state.pt`` (what to continue from, written after every epoch), ``network.pt`` (the
result so far), ``run.json`` (configuration, data, versions, history) and TensorBoard scalars. Every epoch draws
from random generators seeded by the run's seed and the epoch's number, so a run that was killed and continued
ends with the same weights as one that was not: to the last bit on a CPU with the same number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from cadrage.errors import RequestError
from cadrage.learning.checkpoints import (
    begin_run,
    environment,
    hold_run,
    load_checkpoint,
    save_atomically,
    write_record,
)

STATE = "state.pt"

Parts = Mapping[str, nn.Module | torch.optim.Optimizer]
"""Everything that an epoch changes, by name."""


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


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a run a step is.

    Attributes:
        done: steps done before it, over all epochs.
        total: steps of the whole run.
        generator: of everything that the step draws.
    """

    done: int
    total: int
    generator: torch.Generator


class Run:
    """A training in its folder: what an earlier call has done of it, and the epochs that are left.

    Attributes:
        folder: of the run.
        history: the epochs done.
    """

    def __init__(self, folder: Path, header: Mapping[str, Any], parts: Parts, device: str) -> None:
        """Begin it, or bring the parts to where an earlier call ended.

        Args:
            folder: made if missing.
            header: what makes it this run and no other: configuration, data, initial weights; plain values.
            parts: everything that an epoch changes.
            device: "cpu" or "cuda".

        Raises:
            RequestError: the folder holds another run, cannot be used, or is in use by another process.
        """
        self.folder = folder
        self.history: list[Epoch] = []
        self._header, self._parts, self._device = dict(header), parts, device
        self._record = begin_run(folder, header, device)
        self._lock = hold_run(folder)
        if (folder / STATE).exists():
            resumed = load_checkpoint(folder / STATE)
            for name, part in parts.items():
                part.load_state_dict(resumed[name])
            self.history += [Epoch(**line) for line in resumed["history"]]

    @property
    def made(self) -> dict[str, Any]:
        """How what the last epoch made was made: the header, the epoch, its validation, the environment."""
        last = self.history[-1]
        told = {"epoch": last.epoch, "validation": last.validation, "environment": environment(self._device)}
        return {**self._header, **told}

    def go(
        self,
        *,
        epochs: int,
        seed: int,
        plan: Callable[[torch.Generator], Sequence[list[int]]],
        step: Callable[[list[int], Place], tuple[float, float]],
        report: Callable[[], Mapping[str, Any] | None],
        keep: Callable[[], None],
        watcher: Watcher | None = None,
        branch: int = 0,
    ) -> None:
        """Go through the epochs that are left.

        Args:
            epochs: how many there are in all.
            seed: of the run.
            plan: draws the steps of an epoch, the same number each time: indices of what each learns from.
            step: learns, and returns the loss and the learning rate.
            report: what is measured after an epoch.
            keep: called after every epoch, to write the network.
            watcher: is told of every step and epoch; the stage is the folder's name.
            branch: which draws the epochs after the first make; branches of a seed share their first epoch.

        Raises:
            RequestError: the loss grew beyond all bounds.
        """
        watcher, name = watcher or Silent(), self.folder.name
        try:
            total = epochs * len(plan(torch.Generator()))
            scalars = _scalar_writer(self.folder, after=len(self.history))
            for epoch in range(len(self.history), epochs):
                draw = seed * 100_003 + epoch + (branch * 1_009 if epoch else 0)
                generator = torch.Generator().manual_seed(draw)
                torch.manual_seed(draw)
                steps = plan(generator)
                losses, rate = 0.0, 0.0
                for number, indices in enumerate(steps):
                    done = epoch * len(steps) + number
                    loss, rate = step(indices, Place(done, total, generator))
                    if not math.isfinite(loss):
                        raise RequestError(
                            f"The loss became {loss} in epoch {epoch + 1} of {name}: lower the learning rate."
                        )
                    losses += loss
                    watcher.step(name, done + 1, total)
                self.history.append(Epoch(epoch + 1, losses / len(steps), rate, report()))
                _log(scalars, self.history[-1])
                watcher.epoch(name, self.history[-1])
                keep()
                self._save()
            scalars.close()
        finally:
            self._lock.release()

    def _save(self) -> None:
        lines = [line.to_dict() for line in self.history]
        write_record(self.folder, {**self._record, "history": lines})
        state = {name: part.state_dict() for name, part in self._parts.items()}
        save_atomically({**state, "history": lines}, self.folder / STATE)


def descend(
    optimiser: torch.optim.Optimizer, loss: Tensor, rate: float, *, longest: float | None = None
) -> float:
    """One step of an optimiser.

    Args:
        optimiser: a group of its parameters may have a ``share`` of the learning rate.
        loss: to minimise.
        rate: the learning rate.
        longest: the gradient is shortened to this, over all parameters; ``None`` for as it is.

    Returns:
        The loss as a number.
    """
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("share", 1.0)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if longest is not None:
        every = [parameter for group in optimiser.param_groups for parameter in group["params"]]
        nn.utils.clip_grad_norm_(every, longest)
    optimiser.step()
    return float(loss.detach())


def cosine(step: int, steps: int, warmup_steps: int) -> float:
    """Half a cosine from one to zero, after a linear rise from zero."""
    return rise(step, warmup_steps) * 0.5 * (1 + math.cos(math.pi * step / steps))


def rise(step: int, warmup_steps: int) -> float:
    """A linear rise from zero to one over the first steps."""
    return min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, decay: float, done: int) -> None:
    """Move averaged weights towards the network's, faster in the first steps; a decay of 0 copies them."""
    decay = min(decay, (1 + done) / (10 + done))
    for kept, current in zip(average.parameters(), network.parameters(), strict=True):
        kept.lerp_(current, 1 - decay)
    for held, latest in zip(average.buffers(), network.buffers(), strict=True):
        held.copy_(latest)


def _scalar_writer(run: Path, after: int) -> Any:  # noqa: ANN401  (tensorboard is untyped)
    """Writes TensorBoard scalars of a run whose first epochs, so many, are written."""
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  (seconds to import)

    # Purged: an epoch that was logged, but killed before its state was written, comes again.
    return SummaryWriter(str(run / "tensorboard"), purge_step=after + 1)


def _log(scalars: Any, line: Epoch) -> None:  # noqa: ANN401
    scalars.add_scalar("train/loss", line.loss, line.epoch)
    scalars.add_scalar("train/learning_rate", line.learning_rate, line.epoch)
    for name, value in (line.validation or {}).items():
        if isinstance(value, int | float):
            scalars.add_scalar(f"validation/{name}", value, line.epoch)
