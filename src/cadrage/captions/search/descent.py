"""The search for the box that a caption describes: Adam on the box's own parameters, several runs as one batch.

As in CAGIC the two networks are frozen and the crop is what is optimised; the scale is annealed and there are
several runs (abstract and poster). Optimiser, rate, number of steps, starts and stopping are not published: all are
parameters, and each measure against instability can be switched off alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from cadrage.captions.boxes import BoxSpace
from cadrage.captions.objective import CaptionLoss, Target, caption_loss, cross_entropy, mean_words
from cadrage.captions.objective import Kind as LossKind
from cadrage.captions.protocols import Captioner, Judge
from cadrage.captions.sampler import Pyramid, sample_crops
from cadrage.captions.search.aggregate import Beliefs, Rule, aggregate, consensus
from cadrage.captions.search.refine import refine
from cadrage.captions.search.runs import Run, Runs
from cadrage.captions.search.schedule import SCALES, Schedule
from cadrage.captions.search.starts import Kind, best_candidates, candidates, start_boxes
from cadrage.errors import RequestError

AT_ONCE = 8
"""Crops in one pass without gradients, at most."""

MOST_RUNS = 32
"""Runs in one batch with gradients, at most; captions beyond it wait for the next batch."""

SHARPNESS: Mapping[LossKind, float] = {"bag": 1.0, "likelihood": 4.0}
"""How much losses count in a consensus. The likelihood is a mean over words, of which phrases have about four."""

Looks = tuple[Tensor, Tensor]
"""Boxes (K, 4) and their total losses (K,)."""

Watch = Callable[[int, int], None]
"""Told how many steps are done, and of how many."""


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """How the search is made.

    Attributes:
        steps: gradient steps, 0 or more.
        restarts: runs for each caption, at least 1.
        learning_rate: of Adam, in the box space's parameters.
        starts: where runs begin: "frame", "grid", or "anchors", the best of ``candidates`` by the objective.
        candidates: boxes that "anchors" looks at, at least 1.
        schedule: annealing of the scale; afterwards each run goes on from its best box with its scale free. None
            leaves the scale free from the start.
        multi_scale: sample crops from a pyramid; else plain bilinear sampling of the photograph.
        reach: how many octaves coarser than needed samples are taken; None for none.
        aggregate: how the runs become one answer; "consensus" hears the candidates and every box on the runs' ways.
        sharpness: how much losses count in "consensus", above 0; None for what ``SHARPNESS`` says.
        patience: a run ends after so many steps without gain while its scale is free; None for never.
        halvings: how many times, at equal distances, the worse half of the runs ends.
        least_scale: smallest scale of a box, in (0, 1].
        most_elongated: of a free ratio, see ``BoxSpace``.
        refine: try neighbours of the answer in the end, and keep better ones.
        seed: of the starts that are random.

    Raises:
        RequestError: a value is outside its range.
    """

    steps: int = 30
    restarts: int = 8
    learning_rate: float = 0.15
    starts: Kind = "anchors"
    candidates: int = 180
    schedule: Schedule | None = SCALES["linear"]
    multi_scale: bool = True
    reach: Schedule | None = None
    aggregate: Rule | Literal["consensus"] = "consensus"
    sharpness: float | None = None
    patience: int | None = 8
    halvings: int = 2
    least_scale: float = 0.2
    most_elongated: float = 2.0
    refine: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        bounds = {
            "steps": (self.steps, 0, 10_000),
            "restarts": (self.restarts, 1, 1_000),
            "candidates": (self.candidates, 1, 10_000),
            "halvings": (self.halvings, 0, 10),
            "patience": (1 if self.patience is None else self.patience, 1, 10_000),
        }
        for name, (value, least, most) in bounds.items():
            if not least <= value <= most:
                raise RequestError(f"The number of {name} is from {least} to {most:,}; got {value}.")
        if self.starts not in get_args(Kind):
            raise RequestError(f"There are no starts '{self.starts}': give {', '.join(get_args(Kind))}.")
        if self.sharpness is not None and not 0 < self.sharpness <= 1e6:
            raise RequestError(f"The sharpness lies above 0; got {self.sharpness:g}.")
        if not 0 < self.learning_rate <= 10:
            raise RequestError(f"The learning rate lies above 0, up to 10; got {self.learning_rate:g}.")


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """What is minimised over the boxes of one photograph.

    Attributes:
        picture: the photograph.
        captioner: frozen.
        judge: of this photograph's crops, frozen; None for the caption alone.
        loss: how the distance from a caption is measured.
        weight: of the aesthetics loss (lambda of the paper).
    """

    picture: Pyramid
    captioner: Captioner
    judge: Judge | None
    loss: CaptionLoss
    weight: float

    def terms(self, boxes_xyxy: Tensor, targets: Sequence[Target], reach: float = 0.0) -> Tensor:
        """Caption and aesthetics losses of boxes (K, 4), each for its own of K captions, shape (K, 2)."""
        crops = self.crops(boxes_xyxy, reach)
        said = caption_loss(self.captioner, crops, targets, self.loss)
        return torch.stack([said, self._aesthetics(crops, boxes_xyxy, reach)], dim=1)

    def measure(self, boxes_xyxy: Tensor, targets: Sequence[Target], reach: float = 0.0) -> Tensor:
        """As ``terms``, without gradients and in parts that need little memory."""
        with torch.no_grad():
            parts = [
                self.terms(boxes_xyxy[at : at + AT_ONCE], targets[at : at + AT_ONCE], reach)
                for at in range(0, len(boxes_xyxy), AT_ONCE)
            ]
        return torch.cat(parts)

    def measure_each(self, boxes_xyxy: Tensor, targets: Sequence[Target]) -> Tensor:
        """Losses of all of K boxes for each of C captions, shape (C, K, 2), without gradients.

        What the captioner says of its own does not depend on the caption and is asked for once.
        """
        if self.loss.kind != "bag" or self.loss.words != "spoken":
            return torch.stack([self.measure(boxes_xyxy, [target] * len(boxes_xyxy)) for target in targets])
        parts = []
        with torch.no_grad():
            for part in torch.split(boxes_xyxy, AT_ONCE):
                crops = self.crops(part)
                means = mean_words(self.captioner, self.captioner.spoken(crops), self.loss)
                bags = [target.bag.expand(len(part), -1) for target in targets]
                said = torch.stack([cross_entropy(bag, means, self.loss) for bag in bags])
                pleasing = self._aesthetics(crops, part, 0.0).expand(len(targets), -1)
                parts.append(torch.stack([said, pleasing], dim=2))
        return torch.cat(parts, dim=1)

    def totals(self, terms: Tensor) -> Tensor:
        """Total losses of losses (..., 2); what could not be measured is infinitely bad."""
        return (terms[..., 0] + self.weight * terms[..., 1]).nan_to_num(nan=torch.inf, posinf=torch.inf)

    def crops(self, boxes_xyxy: Tensor, reach: float = 0.0) -> Tensor:
        """Crops as the captioner reads them, shape (K, 3, h, w)."""
        return sample_crops(self.picture, boxes_xyxy, self.captioner.size_wh, reach=reach)

    def _aesthetics(self, crops: Tensor, boxes_xyxy: Tensor, reach: float) -> Tensor:
        if self.judge is None:
            return boxes_xyxy.new_zeros(len(boxes_xyxy))
        seen: Tensor | None = crops
        if self.judge.size_wh is None:
            seen = None
        elif self.judge.size_wh != self.captioner.size_wh:
            seen = sample_crops(self.picture, boxes_xyxy, self.judge.size_wh, reach=reach)
        return -self.judge.judge(seen, boxes_xyxy)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a search found for one caption.

    Attributes:
        box: shape (4,), in pixels of the picture: the answer.
        terms: shape (2,): its caption and aesthetics losses.
        runs: one for each restart.
        in_time: whether the search came to its end before the time limit.
    """

    box: Tensor
    terms: Tensor
    runs: tuple[Run, ...]
    in_time: bool


def search(
    picture: Pyramid,
    space: BoxSpace,
    targets: Sequence[Target],
    captioner: Captioner,
    judge: Judge | None,
    loss: CaptionLoss,
    weight: float,
    config: SearchConfig,
    *,
    deadline: float | None = None,
    watch: Watch | None = None,
) -> list[Found]:
    """Find the boxes that captions describe.

    Args:
        picture: the photograph, of the captioner's kind of floating point.
        space: of the boxes.
        targets: captions, at least one; they share the photograph, the starts' measurement and, up to
            ``MOST_RUNS`` runs, the batch.
        captioner: frozen.
        judge: of this photograph's crops; None for the caption alone.
        loss: how the distance from a caption is measured.
        weight: of the aesthetics loss; with 0 the judge is not asked.
        config: how the search is made.
        deadline: time of ``time.monotonic`` after which the best so far is the answer.
        watch: told of each step.

    Returns:
        One for each caption, the same for the same input, unless the deadline has come first.
    """
    if not config.multi_scale:
        picture = Pyramid(picture.levels[:1], picture.size_wh)
    objective = Objective(picture, captioner, judge if weight else None, loss, weight)
    starts, looks = _starts(objective, space, targets, config, picture.levels[0].dtype)
    together = max(1, MOST_RUNS // config.restarts)
    parts = [range(at, min(at + together, len(targets))) for at in range(0, len(targets), together)]
    found = []
    for number, part in enumerate(parts):
        found += _search_part(
            objective,
            space,
            [targets[one] for one in part],
            torch.cat([starts[one] for one in part]),
            [looks[one] for one in part],
            config,
            deadline,
            _counted(watch, number, len(parts), config.steps),
        )
    return found


def _counted(watch: Watch | None, part: int, parts: int, steps: int) -> Callable[[int], None]:
    def step_done(step: int) -> None:
        if watch:
            watch(part * steps + step, parts * steps)

    return step_done


def _starts(
    objective: Objective,
    space: BoxSpace,
    targets: Sequence[Target],
    config: SearchConfig,
    dtype: torch.dtype,
) -> tuple[list[Tensor], list[Looks]]:
    """The boxes (restarts, 4) that the runs of each caption begin with, and what was looked at to find them."""
    if config.starts != "anchors":
        boxes = start_boxes(config.starts, space, config.restarts, config.seed, dtype=dtype)
        return [boxes] * len(targets), [(boxes[:0], boxes.new_zeros(0))] * len(targets)
    boxes = candidates(space, config.candidates).to(dtype)
    losses = objective.totals(objective.measure_each(boxes, targets))
    starts = [best_candidates(boxes, of_one, config.restarts) for of_one in losses]
    return starts, [(boxes, of_one) for of_one in losses]


def _search_part(
    objective: Objective,
    space: BoxSpace,
    targets: Sequence[Target],
    starts: Tensor,
    looks: Sequence[Looks],
    config: SearchConfig,
    deadline: float | None,
    step_done: Callable[[int], None],
) -> list[Found]:
    """Search for captions whose runs make one batch; ``starts`` are those of the first, then of the second."""
    rows = [target for target in targets for _ in range(config.restarts)]
    runs = Runs(space, starts, objective.measure(starts, rows), objective.totals, config.restarts)
    schedule, steps, reach = config.schedule, config.steps, 0.0
    annealed = schedule.lasts(steps) if schedule else 0
    halved_at = {(part + 1) * steps // (config.halvings + 1) for part in range(config.halvings)}
    runs.begin(config.learning_rate)
    in_time = True
    for step in range(steps):
        in_time = deadline is None or time.monotonic() < deadline
        if not (in_time and runs.active.any()):
            break
        now = config.reach.at(step, steps) if config.reach else 0.0
        if now != reach:
            reach = now
            runs.correct(objective.measure(runs.best, rows, reach))
        if step == annealed and step:
            runs.begin(config.learning_rate)
        if step and step in halved_at:
            runs.halve()
        scale = schedule.at(step, steps) if schedule and step < annealed else None
        boxes, active = runs.boxes(scale), runs.active
        runs.step(
            boxes, objective.terms(boxes, [rows[row] for row in active.nonzero()[:, 0].tolist()], reach)
        )
        if scale is None and config.patience is not None:
            runs.end_stale(config.patience)
        step_done(step + 1)
    if reach:
        runs.correct(objective.measure(runs.best, rows))
    every = [runs.of(number) for number in range(len(targets))]
    if config.aggregate == "consensus":
        boxes = torch.stack(
            [_agreed(*one, objective, space, config) for one in zip(every, looks, strict=True)]
        )
        answers = boxes, objective.measure(boxes, targets)
    else:
        answers = _answers(
            objective, space, targets, runs, config.aggregate, refined=config.refine and in_time
        )
    return [Found(box, terms, made, in_time) for box, terms, made in zip(*answers, every, strict=True)]


def _agreed(
    runs: Sequence[Run], looks: Looks, objective: Objective, space: BoxSpace, config: SearchConfig
) -> Tensor:
    """The box, shape (4,), that agrees best with all that was seen of a caption, and with it its neighbours."""
    seen = torch.cat([looks[0], *(run.boxes for run in runs)])
    losses = torch.cat([looks[1], *(objective.totals(run.terms) for run in runs)])
    sharpness = SHARPNESS[objective.loss.kind] if config.sharpness is None else config.sharpness
    beliefs = Beliefs.of(seen, losses, sharpness)
    boxes = consensus(beliefs)[None].to(seen.dtype)
    if config.refine:
        boxes, _ = refine(boxes, -beliefs.agreement(boxes), space, lambda near: -beliefs.agreement(near))
    return boxes[0]


def _answers(
    objective: Objective,
    space: BoxSpace,
    targets: Sequence[Target],
    runs: Runs,
    rule: Rule,
    *,
    refined: bool,
) -> tuple[Tensor, Tensor]:
    """Boxes (C, 4) and losses (C, 2) of each caption's runs together."""
    groups = runs.best.reshape(len(targets), -1, 4)
    totals = objective.totals(runs.best_terms).reshape(len(targets), -1)
    boxes = torch.stack(
        [aggregate(rule, boxes, losses) for boxes, losses in zip(groups, totals, strict=True)]
    )
    if rule != "best":
        boxes = space.boxes(space.theta(boxes))
    terms = objective.measure(boxes, targets)
    if refined:

        def measure(near: Tensor) -> Tensor:
            each = len(near) // len(targets)
            return objective.totals(objective.measure(near, [one for one in targets for _ in range(each)]))

        boxes, _ = refine(boxes, objective.totals(terms), space, measure)
        terms = objective.measure(boxes, targets)
    return boxes, terms
