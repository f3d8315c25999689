"""The training of a crop ranker, from photographs to a checkpoint; it can be killed and continued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from cadrage.datasets.division import Division
from cadrage.errors import DataError
from cadrage.imaging import RasterRule
from cadrage.learning.augmentation import augment
from cadrage.learning.checkpoints import load_checkpoint
from cadrage.learning.devices import use_device
from cadrage.learning.epochs import STATE, Place, Run, Watcher, cosine, descend, follow
from cadrage.learning.ranker import CropRanker, RankerConfig, rank_crops, save_ranker, squares_of
from cadrage.learning.samples import Sample, plan_epoch, rated_samples
from cadrage.learning.train import run_header
from cadrage.metrics import ranking_report


def train_ranker(
    config: RankerConfig,
    division: Division,
    folder: Path,
    *,
    initial_weights: str | Path | None = None,
    device: str = "auto",
    threads: int = 1,
    watcher: Watcher | None = None,
) -> CropRanker:
    """Train a ranker, or continue the run in a folder.

    Args:
        config: every setting.
        division: rated photographs; where the recipe compares photographs with windows, their ratings are only
            reported on.
        folder: of the run.
        initial_weights: of the backbone, see ``build_trunk``.
        device: "cpu", "cuda", or "auto" for CUDA where there is a device.
        threads: CPU threads.
        watcher: is told how it goes.

    Returns:
        The ranker in evaluation mode; it is also in ``folder/network.pt``.

    Raises:
        DataError: there is nothing to learn from.
        RequestError: the folder holds another run, the device is missing, or the loss grew beyond all bounds.
    """
    device = use_device(device, threads)
    rule = RasterRule(short_side=config.short_side)
    training = list(rated_samples(division.training, rule))
    validation = list(rated_samples(division.validation, rule))
    if not training:
        raise DataError("Training needs photographs.")
    header = run_header(config.to_dict(), division.record(), initial_weights)
    torch.manual_seed(config.seed)
    ranker = CropRanker(config, None if (folder / STATE).exists() else initial_weights).to(device)
    average = CropRanker(config).to(device).eval()
    average.load_state_dict(ranker.state_dict())
    optimiser = torch.optim.AdamW(
        ranker.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    run = Run(folder, header, {"network": ranker, "average": average, "optimiser": optimiser}, device)

    def step(indices: list[int], place: Place) -> tuple[float, float]:
        rate = config.learning_rate * cosine(place.done, place.total, config.warmup_steps)
        ranker.eval()  # batch statistics of a few photographs are worse than ImageNet's
        loss = step_loss(config, ranker, [training[index] for index in indices], place.generator)
        number = descend(optimiser, loss, rate)
        follow(average, ranker, config.ema, place.done)
        return number, rate

    run.go(
        epochs=config.epochs,
        seed=config.seed,
        plan=lambda generator: plan_epoch(training, config.images_per_step, generator),
        step=step,
        report=lambda: evaluate(average, validation) if validation else None,
        keep=lambda: save_ranker(average, folder / "network.pt", run.made),
        watcher=watcher,
    )
    average.load_state_dict(load_checkpoint(folder / "network.pt")["state"])
    return average


def step_loss(
    config: RankerConfig, ranker: CropRanker, samples: Sequence[Sample], generator: torch.Generator
) -> Tensor:
    """Mean hinge over the pairs of crops that are compared, of all photographs of a step."""
    squares, values, index = [], [], []
    for position, sample in enumerate(samples):
        boxes, value = _drawn(config, sample, generator)
        view, boxes = augment(sample.raster.float(), boxes, config.augmentation, generator)
        squares.append(squares_of(view, boxes, config.side))
        values.append(value)
        index.append(torch.full((len(value),), position))
    device = next(ranker.parameters()).device
    scores = ranker(torch.cat(squares).to(device))
    return pair_loss(
        scores, torch.cat(values).to(device), torch.cat(index).to(device), config.margin, config.least_gap
    )


def pair_loss(scores: Tensor, values: Tensor, image_index: Tensor, margin: float, least_gap: float) -> Tensor:
    """Mean hinge over all pairs of crops of one photograph whose values differ enough.

    Args:
        scores: shape (K,), of the ranker.
        values: shape (K,), of which the higher is the better crop.
        image_index: shape (K,), the photograph of each crop.
        margin: by how much the better crop is to score higher.
        least_gap: of the values, for two crops to be compared.
    """
    same = image_index[:, None] == image_index
    compared = same & (values[:, None] - values >= least_gap)
    hinges = functional.relu(margin - (scores[:, None] - scores))
    return (hinges * compared).sum() / compared.sum().clamp_min(1)


def _drawn(config: RankerConfig, sample: Sample, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Crops of a photograph in raster pixels, (K, 4), and their values, (K,)."""
    if config.pairs == "rated":
        picked = torch.randperm(len(sample.mos), generator=generator)[: config.crops_per_image]
        return sample.boxes_xyxy[picked], sample.mos[picked]
    height, width = sample.size_hw
    frame = torch.tensor([width, height], dtype=torch.float32)
    low, high = config.window
    sides = frame * (low + (high - low) * torch.rand((config.crops_per_image, 2), generator=generator))
    starts = (frame - sides) * torch.rand((config.crops_per_image, 2), generator=generator)
    windows = torch.cat([starts, starts + sides], dim=1)
    whole = torch.tensor([[0.0, 0.0, width, height]])
    apart = config.least_gap * torch.tensor([1.0] + [0.0] * len(windows))
    return torch.cat([whole, windows]), apart


def evaluate(ranker: CropRanker, samples: Sequence[Sample]) -> Mapping[str, Any]:
    """Every ranking metric of a ranker on rated samples, as plain values."""
    pairs = [
        (sample.mos.double().numpy(), rank_crops(ranker, sample.raster, sample.boxes_xyxy))
        for sample in samples
    ]
    return ranking_report(pairs).to_dict()
