"""From many networks to one: an ensemble teaches a single network on rated and on unrated photographs.

Ratings are few, photographs are not. Several networks are trained on the ratings; their mean score, averaged with
the mirrored photograph's, is better than any one of them. It is written down for the grid anchors of unrated
photographs and of windows cut from the rated ones, and a smaller network learns from it beside the ratings
(Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015).
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from cadrage.datasets.types import RatedImage
from cadrage.errors import RequestError
from cadrage.geometry import Box
from cadrage.imaging import Photo, cut, open_photo
from cadrage.learning.checkpoints import (
    begin_run,
    environment,
    load_checkpoint,
    save_atomically,
    save_network,
)
from cadrage.learning.devices import require_device
from cadrage.learning.epochs import Silent, Watcher
from cadrage.learning.network import CropNetwork
from cadrage.learning.recipes import DistillConfig, TrainConfig
from cadrage.learning.samples import Sample, unrated_sample
from cadrage.learning.scoring import predict_mos
from cadrage.learning.train import evaluate, run_header, train

SHARD = 128
"""Photographs taught between two writes: what a kill can lose."""


def distill(
    config: DistillConfig,
    images: Sequence[RatedImage],
    training: Sequence[Sample],
    validation: Sequence[Sample],
    unrated: Sequence[Path],
    run: Path,
    *,
    data: Mapping[str, Any],
    initial_weights: str | Path | None = None,
    device: str = "cpu",
    watcher: Watcher | None = None,
) -> CropNetwork:
    """Train the teachers, let them score, train the students; continues where an earlier call was killed.

    Args:
        config: every setting.
        images: the rated photographs for training, to cut windows from.
        training: the same photographs as samples.
        validation: rated samples to report on, and to choose epochs by where the configurations say so.
        unrated: photographs without ratings.
        run: folder of the run; the teachers' and the students' runs, the taught scores and, in ``student``, the
            result are inside it.
        data: names the data in the records.
        initial_weights: of the student's backbone, see ``build_trunk``, and of teachers of the same one; others
            start from ImageNet's, or at random like it.
        device: "cpu" or "cuda".
        watcher: is told how it goes, see ``train``.

    Returns:
        The mean of the students.

    Raises:
        RequestError: the folder holds another run, or the device is missing.
        DataError: there are no samples.
        ImageError: an unrated photograph is none.
    """
    require_device(device)
    begin_run(run, run_header(config.to_dict(), data, initial_weights), device)
    generator = torch.Generator().manual_seed(config.student.seed)
    order = torch.randperm(len(unrated), generator=generator)[: config.unrated].tolist()
    unrated_photos = [
        open_photo(unrated[index]) for index in order
    ]  # before hours of work: one may be damaged
    shared: dict[str, Any] = {"device": device, "watcher": watcher}
    own = config.student.network.backbone

    def start(member: TrainConfig) -> str | Path | None:
        same = initial_weights is None or member.network.backbone == own
        return initial_weights if same else "imagenet"

    teachers = [
        train(
            member,
            training,
            validation,
            run / f"teacher-{number}",
            data=data,
            initial_weights=start(member),
            **shared,
        )
        for number, member in enumerate(config.teachers)
    ]
    rule = config.student.raster_rule
    sources = itertools.chain(
        training,
        (unrated_sample(window, rule) for window in cut_windows(images, config, generator)),
        (unrated_sample(photo, rule) for photo in unrated_photos),
    )
    total = len(training) + len(images) * config.windows + len(order)
    taught = list(teach(teachers, sources, total, run / "taught", watcher or Silent()))
    lesson = {"teachers": len(teachers), "windows": len(images) * config.windows, "unrated": len(order)}
    told = {**data, "distilled": lesson}
    students = [
        train(
            replace(config.student, branch=branch),
            taught,
            validation,
            run / f"student-{branch}",
            data=told,
            initial_weights=initial_weights,
            **shared,
        )
        for branch in range(config.students)
    ]
    result = mean_network(students)
    record = run_header(config.student.to_dict(), {**told, "students": config.students}, initial_weights)
    measured = evaluate(result, validation) if validation else None
    folder = run / "student"
    folder.mkdir(exist_ok=True)
    made = {
        **record,
        "epoch": config.student.epochs,
        "validation": measured,
        "environment": environment(device),
    }
    save_network(result, folder / "network.pt", made)
    return result


@torch.no_grad()
def mean_network(networks: Sequence[CropNetwork]) -> CropNetwork:
    """A network whose weights are the mean of those of networks of one configuration, in evaluation mode.

    It is one only where they began alike and stayed near each other (Wortsman et al., "Model soups", ICML 2022).
    """
    states = [network.state_dict() for network in networks]
    mean = copy.deepcopy(networks[0])
    for name, kept in mean.state_dict().items():
        if kept.is_floating_point():
            kept.copy_(torch.stack([state[name] for state in states]).mean(dim=0))
    return mean.eval()


def cut_windows(
    images: Iterable[RatedImage], config: DistillConfig, generator: torch.Generator
) -> Iterator[Photo]:
    """Cut random windows, of a random share of width and of height, out of photographs."""
    low = config.smallest_window
    for image in images:
        for number in range(config.windows):
            share_x, share_y, place_x, place_y = torch.rand(4, generator=generator).tolist()
            photo = open_photo(image.path)
            width, height = photo.size_wh
            wide, high = width * (low + (1 - low) * share_x), height * (low + (1 - low) * share_y)
            left, top = (width - wide) * place_x, (height - high) * place_y
            window = cut(photo, Box(left, top, left + wide, top + high))
            yield open_photo(window, name=f"{image.name} window {number}")


def teach(
    teachers: Sequence[CropNetwork], sources: Iterable[Sample], total: int, folder: Path, watcher: Watcher
) -> Iterator[Sample]:
    """Give every sample the teachers' mean score, averaged with that of its mirror image.

    Scores are written to ``folder`` in shards and read from there when an earlier call made them.

    Args:
        teachers: in evaluation mode.
        sources: samples.
        total: how many there are, for the watcher.
        folder: of the shards.
        watcher: is told of every shard.

    Raises:
        RequestError: the folder holds scores of other photographs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    left = iter(sources)
    for number in itertools.count():
        shard = list(itertools.islice(left, SHARD))
        if not shard:
            return
        path = folder / f"{number:05d}.pt"
        names = [sample.name for sample in shard]
        if path.exists():
            written = load_checkpoint(path)
            if written["names"] != names:
                raise RequestError(
                    f"{folder} holds scores of other photographs: remove it or use another run."
                )
            scores = written["scores"]
        else:
            scores = [
                torch.from_numpy(predict_mos(teachers, sample, mirrored=True, precision="bfloat16")).float()
                for sample in shard
            ]
            save_atomically({"names": names, "scores": scores}, path)
        watcher.step(folder.name, number * SHARD + len(shard), total)
        for sample, taught in zip(shard, scores, strict=True):
            yield sample.with_teacher(taught)
