"""The training of a saliency head on the trunk of a crop scorer, which it leaves as it is, to the last bit.

A run lives in a folder like that of a crop scorer's training: ``run.json``, ``network.pt`` (the crop scorer with
its head), ``state.pt`` and TensorBoard scalars; while it goes on, also ``views``. It can be stopped and continued
in the same way.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from cadrage.datasets.masks import MaskDivision, read_mask
from cadrage.datasets.types import MaskedImage
from cadrage.errors import DataError, WeightsError
from cadrage.imaging import RasterRule, open_photo
from cadrage.learning.checkpoints import save_network
from cadrage.learning.devices import use_device
from cadrage.learning.epochs import Place, Run, Silent, Watcher, cosine, descend, follow
from cadrage.learning.network import CropNetwork
from cadrage.learning.saliency_head import SALIENCY_STRIDE, SaliencyHead, overlap_loss
from cadrage.learning.saliency_recipe import SaliencyConfig
from cadrage.learning.saliency_views import TARGET_STRIDE, View, make_views
from cadrage.learning.samples import plan_epoch, raster_tensor
from cadrage.learning.scoring import load_any, predict_saliency
from cadrage.saliency_metrics import saliency_report

PREFIX = "saliency_head."
VIEWS = "views"


def train_saliency(
    config: SaliencyConfig,
    source: Path,
    division: MaskDivision,
    folder: Path,
    *,
    device: str = "auto",
    threads: int = 1,
    watcher: Watcher | None = None,
) -> CropNetwork:
    """Train a saliency head, or continue the run in a folder.

    Args:
        config: every setting.
        source: checkpoint of a crop scorer's run; a saliency head that it has is replaced.
        division: photographs with masks; validation photographs are only reported on.
        folder: of the run.
        device: "cpu", "cuda", or "auto" for CUDA where there is a device.
        threads: CPU threads.
        watcher: is told how it goes.

    Returns:
        The crop scorer with its head, in evaluation mode; it is also in ``folder/network.pt``.

    Raises:
        WeightsError: the checkpoint is missing, damaged, or not of a cadrage run.
        DataError: there is nothing to learn from, or a mask does not fit its photograph.
        RequestError: the folder holds another run, the device is missing, or the loss grew beyond all bounds.
    """
    device = use_device(device, threads)
    if not division.training:
        raise DataError("Training needs photographs.")
    watcher = watcher or Silent()
    network, average, made, rule = _scorer(source, config)
    network.to(device).eval()
    header = {
        "config": config.to_dict(),
        "data": division.record(),
        "network": {"file": source.name, "sha256": _checksum(source)},
    }
    student = SaliencyHead(network.trunk.channels, config.channels, config.dropout).to(device).train()
    student.load_state_dict(average.state_dict())
    optimiser = torch.optim.AdamW(
        student.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    run = Run(folder, header, {"student": student, "average": average, "optimiser": optimiser}, device)
    if len(run.history) == config.epochs:
        shutil.rmtree(folder / VIEWS, ignore_errors=True)  # where the run was killed just before it would be
        return network

    validation = [(raster_tensor(open_photo(image.path), rule), image) for image in division.validation]
    views = make_views(network, division.training, config, rule, folder / VIEWS, watcher)

    def step(indices: list[int], place: Place) -> tuple[float, float]:
        rate = config.learning_rate * cosine(place.done, place.total, config.warmup_steps)
        loss = take_step(config, student, optimiser, [views[index] for index in indices], rate)
        follow(average, student, config.ema, place.done)
        return loss, rate

    run.go(
        epochs=config.epochs,
        seed=config.seed,
        plan=lambda generator: plan_epoch(views, config.images_per_step, generator),
        step=step,
        report=lambda: evaluate(network, validation) if validation else None,
        keep=lambda: save_network(network, folder / "network.pt", {**made, "saliency": run.made}),
        watcher=watcher,
    )
    shutil.rmtree(folder / VIEWS)
    return network


def _scorer(
    source: Path, config: SaliencyConfig
) -> tuple[CropNetwork, SaliencyHead, dict[str, Any], RasterRule]:
    """The crop scorer of a checkpoint, the fresh head that is put on it, its record, and its raster's rule."""
    scorer, record, rule = load_any(source)
    if "config" not in record:
        raise WeightsError(
            f"{source} is no network of a cadrage run: a saliency head is trained on one of those."
        )
    torch.manual_seed(config.seed)
    network = CropNetwork(replace(scorer.config, saliency=0))
    kept = {key: value for key, value in scorer.state_dict().items() if not key.startswith(PREFIX)}
    network.load_state_dict(kept)
    return network, network.add_saliency(config.channels), record, rule


def _checksum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def take_step(
    config: SaliencyConfig,
    head: nn.Module,
    optimiser: torch.optim.Optimizer,
    views: Sequence[View],
    rate: float,
) -> float:
    """One optimisation step on views of one shape; returns its loss."""
    device = next(head.parameters()).device
    maps = tuple(
        torch.stack(level).to(device).float() for level in zip(*(view.maps for view in views), strict=True)
    )
    targets = torch.stack([view.target for view in views]).to(device).float() / 255
    loss = overlap_loss(finer(head(maps)), targets, config.overlap)
    return descend(optimiser, loss, rate)


def finer(logits: Tensor) -> Tensor:
    """The head's map at the stride of the targets, as users of the map resample it: (B, h, w) to (B, 2h, 2w)."""
    scale = SALIENCY_STRIDE // TARGET_STRIDE
    return functional.interpolate(logits[:, None], scale_factor=scale, mode="bilinear")[:, 0]


def evaluate(network: CropNetwork, samples: Sequence[tuple[Tensor, MaskedImage]]) -> Mapping[str, Any]:
    """Every saliency metric of the network on rasters, uint8 (3, H, W), of masked photographs, as plain values."""
    pairs = ((predict_saliency(network, raster), read_mask(image)) for raster, image in samples)
    return saliency_report(pairs).to_dict()
