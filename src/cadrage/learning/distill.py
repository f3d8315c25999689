"""From many networks to one: an ensemble teaches a single network on rated and on unrated photographs.

Ratings are few, photographs are not. Several networks are trained on the ratings; their mean score, averaged with
the mirrored photograph's, is better than any one of them. It is written down for the grid anchors of unrated
photographs and of windows cut from the rated ones, and a smaller network learns from it beside the ratings
(Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015).
"""

from __future__ import annotations

import copy
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
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
    write_record,
)
from cadrage.learning.devices import require_device
from cadrage.learning.epochs import Silent, Watcher
from cadrage.learning.network import CropNetwork
from cadrage.learning.recipes import DistillConfig, TrainConfig
from cadrage.learning.samples import Sample, unrated_sample
from cadrage.learning.scoring import predict_mos
from cadrage.learning.sharing import share
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

    Several processes may do the same in the same folder at the same time: they share the work.

    Args:
        config: every setting.
        images: the rated photographs for training, to cut windows from.
        training: the same photographs as samples.
        validation: rated samples to report on, and to choose epochs by where the configurations say so.
        unrated: photographs without ratings.
        run: folder of the run; the teachers' and the students' runs, the taught scores, locks and, in
            ``student``, the result are inside it.
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
    generator = torch.Generator().manual_seed(config.student.seed)
    order = torch.randperm(len(unrated), generator=generator)[: config.unrated].tolist()
    # Windows are drawn after them: with other photographs they would be other windows of the same names.
    names = [len(unrated), *(str(unrated[index]) for index in order)]
    header = run_header(config.to_dict(), data, initial_weights)
    begin_run(run, {**header, "unrated": hashlib.sha256(repr(names).encode()).hexdigest()[:12]}, device)
    watcher = watcher or Silent()
    # Decoded before hours of work: one may be damaged.
    samples = [*training]
    lesson = {"windows": len(images) * config.windows, "unrated": len(order)}
    unrated_photos = (open_photo(unrated[index]) for index in order)
    for photo in itertools.chain(cut_windows(images, config, generator), unrated_photos):
        samples.append(unrated_sample(photo, config.student.raster_rule))
        watcher.step("opening photographs to teach", len(samples) - len(training), sum(lesson.values()))
    together: dict[str, Any] = {"locks": run / "locks", "watcher": watcher}
    own = config.student.network.backbone

    def train_all(
        kind: str, members: Iterable[TrainConfig], samples: Sequence[Sample], data: Mapping[str, Any]
    ) -> list[CropNetwork]:
        work = {}
        for number, member in enumerate(members):
            same = initial_weights is None or member.network.backbone == own
            work[f"{kind}-{number}"] = partial(
                train,
                member,
                samples,
                validation,
                run / f"{kind}-{number}",
                data=data,
                initial_weights=initial_weights if same else "imagenet",
                device=device,
                watcher=watcher,
            )
        return share(work, **together)

    teachers = train_all("teacher", config.teachers, training, data)
    taught = teach(teachers, samples, run / "taught", **together)
    told = {**data, "distilled": {"teachers": len(teachers), **lesson}}
    branches = [replace(config.student, branch=branch) for branch in range(config.students)]
    students = train_all("student", branches, taught, told)
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
    write_record(folder, made)
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
    teachers: Sequence[CropNetwork], samples: Sequence[Sample], folder: Path, *, locks: Path, watcher: Watcher
) -> list[Sample]:
    """Give every sample the teachers' mean score, averaged with that of its mirror image.

    Scores are written to ``folder`` in shards and read from there when another call made them.

    Args:
        teachers: in evaluation mode.
        samples: to score.
        folder: of the shards; made if missing.
        locks: see ``share``.
        watcher: is told of every shard.

    Raises:
        RequestError: the folder holds scores of other photographs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = itertools.count(1)
    shards = [samples[start : start + SHARD] for start in range(0, len(samples), SHARD)]

    def learn(shard: Sequence[Sample], path: Path) -> list[Sample]:
        scores = _scores(teachers, shard, path)
        watcher.step(folder.name, min(next(done) * SHARD, len(samples)), len(samples))
        return [sample.with_teacher(taught) for sample, taught in zip(shard, scores, strict=True)]

    work = {
        f"{folder.name}-{number}": partial(learn, shard, folder / f"{number:05d}.pt")
        for number, shard in enumerate(shards)
    }
    return [sample for shard in share(work, locks, watcher) for sample in shard]


def _scores(teachers: Sequence[CropNetwork], shard: Sequence[Sample], path: Path) -> list[torch.Tensor]:
    """The teachers' scores of each sample of a shard, from its file if that is there."""
    names = [sample.name for sample in shard]
    if not path.exists():
        scores = [torch.from_numpy(predict_mos(teachers, sample, mirrored=True)).float() for sample in shard]
        save_atomically({"names": names, "scores": scores}, path)
        return scores
    written = load_checkpoint(path)
    if written["names"] != names:
        raise RequestError(f"{path.parent} holds scores of other photographs: remove it or use another run.")
    found: list[torch.Tensor] = written["scores"]
    return found
