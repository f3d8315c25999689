"""The search for the box that a caption describes: Adam on the box's own parameters, several runs as one batch.

As in CAGIC the two networks are frozen and the crop is what is optimised; the scale is annealed and there are
several runs (abstract and poster). Optimiser, rate, number of steps, starts and stopping are not published: all are
parameters, and each measure against instability can be switched off alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from cadrage.captions.boxes import BoxSpace
from cadrage.captions.memory import give_back_freed
from cadrage.captions.objective import CaptionLoss, Target
from cadrage.captions.objective import Kind as LossKind
from cadrage.captions.protocols import Captioner, Judge, Salient
from cadrage.captions.sampler import Pyramid
from cadrage.captions.search.aggregate import Beliefs, Rule, aggregate, consensus, heard
from cadrage.captions.search.measuring import Objective, over
from cadrage.captions.search.refine import refine
from cadrage.captions.search.runs import Run, Runs, in_order
from cadrage.captions.search.schedule import SCALES, Schedule
from cadrage.captions.search.starts import Kind, all_over, best_candidates, candidates, start_boxes
from cadrage.captions.search.workers import Workers, workers
from cadrage.errors import RequestError

SHARPNESS: Mapping[LossKind, float] = {"bag": 1.4, "likelihood": 1.0}
"""How much a caption's loss counts in a consensus. The likelihood's, a mean over words, counts once for each word:
the logarithm of a sentence's probability is a sum."""

MOST_SEED = 2**32 - 1
"""Largest seed: what every generator of random numbers takes."""

Looks = tuple[Tensor, Tensor]
"""Boxes (K, 4) and their losses (K, 2) or, for all of C captions, (C, K, 2)."""

Watch = Callable[[int, int], None]
"""Told how many steps are done, and of how many."""


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """How the search is made.

    Attributes:
        steps: gradient steps, from 0 to 1,000.
        restarts: runs for each caption, from 1 to 100.
        learning_rate: of Adam, in the box space's parameters.
        starts: where runs begin: "frame", "grid", or "anchors", the best of ``candidates`` by the objective.
        candidates: boxes that "anchors" looks at, at most, from 1 to 1,000.
        schedule: annealing of the scale; afterwards each run goes on from its best box with its scale free. None
            leaves the scale free from the start.
        multi_scale: sample crops from a pyramid; else plain bilinear sampling of the photograph.
        reach: how many octaves coarser than needed samples are taken; None for none.
        aggregate: how the runs become one answer; "consensus" hears the candidates and the boxes on the runs' ways,
            but for those that were seen with a ``reach``, whose losses are others; "mean", "median" and "cluster"
            are of the runs that no halving ended.
        sharpness: how much the caption's loss counts in "consensus", above 0; None for what ``SHARPNESS`` says.
        salience: how much "consensus" expects that what is described is the photograph's subject, from 0 to 100,
            where the judge is ``Salient``: of two boxes that are as likely otherwise, one that is the subject's
            is likelier by e to the power of this than one without any of it.
        patience: a run ends after so many steps without gain while its scale is free; None for never.
        halvings: how many times, at equal distances, the worse half of the runs ends.
        least_scale: smallest scale of a box, in (0, 1].
        most_elongated: of a free ratio, see ``BoxSpace``.
        refine: try neighbours of the answer in the end, and keep better ones.
        seed: of the starts that are random, from 0 to ``MOST_SEED``.

    Raises:
        RequestError: a value is outside its range.
    """

    steps: int = 20
    restarts: int = 8
    learning_rate: float = 0.15
    starts: Kind = "anchors"
    candidates: int = 180
    schedule: Schedule | None = SCALES["linear"]
    multi_scale: bool = True
    reach: Schedule | None = None
    aggregate: Rule | Literal["consensus"] = "consensus"
    sharpness: float | None = None
    salience: float = 5.0
    patience: int | None = 8
    halvings: int = 2
    least_scale: float = 0.2
    most_elongated: float = 2.0
    refine: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        bounds = {
            "steps": (self.steps, 0, 1_000),
            "restarts": (self.restarts, 1, 100),
            "candidates": (self.candidates, 1, 1_000),
            "halvings": (self.halvings, 0, 10),
            "patience": (1 if self.patience is None else self.patience, 1, 10_000),
        }
        for name, (value, least, most) in bounds.items():
            if not least <= value <= most:
                raise RequestError(f"The number of {name} is from {least} to {most:,}; got {value}.")
        if not 0 <= self.seed <= MOST_SEED:
            raise RequestError(f"The seed is from 0 to {MOST_SEED:,}; got {self.seed}.")
        if self.starts not in get_args(Kind):
            raise RequestError(f"There are no starts '{self.starts}': give {', '.join(get_args(Kind))}.")
        if self.sharpness is not None and not 0 < self.sharpness <= 1e6:
            raise RequestError(f"The sharpness lies above 0; got {self.sharpness:g}.")
        if not 0 <= self.salience <= 100:
            raise RequestError(f"The weight of the subject lies from 0 to 100; got {self.salience:g}.")
        if not 0 < self.learning_rate <= 10:
            raise RequestError(f"The learning rate lies above 0, up to 10; got {self.learning_rate:g}.")


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a search found for one caption.

    Attributes:
        box: shape (4,), in pixels of the picture: the answer.
        terms: shape (2,): its caption and aesthetics losses.
        runs: one for each restart whose start was measured in time.
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
    shared: Workers | None = None,
) -> list[Found]:
    """Find the boxes that captions describe.

    Args:
        picture: the photograph, of the captioner's kind of floating point.
        space: of the boxes.
        targets: captions, at least one; they share the photograph, the candidates' measurement and the time.
        captioner: frozen.
        judge: of this photograph's crops; None for the caption alone.
        loss: how the distance from a caption is measured.
        weight: of the aesthetics loss; with 0 the judge is not asked how pleasing crops are.
        config: how the search is made.
        deadline: time of ``time.monotonic`` after which nothing more is tried: the answers are made of what was
            seen by then, of a few candidates at least.
        watch: told of each step.
        shared: who works on the passes; None for workers of its own.

    Returns:
        One for each caption, the same for the same input, unless the deadline has come first.
    """
    if not config.multi_scale:
        picture = Pyramid(picture.levels[:1], picture.size_wh)
    with workers() if shared is None else nullcontext(shared) as threads:
        objective = Objective(picture, captioner, judge, loss, weight, threads)
        return _search(objective, space, targets, config, deadline, watch)


def _search(
    objective: Objective,
    space: BoxSpace,
    targets: Sequence[Target],
    config: SearchConfig,
    deadline: float | None,
    watch: Watch | None,
) -> list[Found]:
    give_back_freed()
    starts, terms, looks = _starts(objective, space, targets, config, deadline)
    give_back_freed()
    restarts = starts.shape[1]
    runs = Runs(space, starts.flatten(0, 1), terms.flatten(0, 1), objective.totals, restarts)
    _descend(objective, runs, [one for one in targets for _ in range(restarts)], config, deadline, watch)
    give_back_freed()
    every = [runs.of(number) for number in range(len(targets))]
    if config.aggregate == "consensus":
        boxes = torch.stack(
            [
                _agreed(made, (looks[0], looked), target, objective, space, config)
                for made, looked, target in zip(every, looks[1], targets, strict=True)
            ]
        )
        answers = boxes, objective.measure(boxes, targets)
    else:
        answers = _answers(objective, space, targets, runs, config.aggregate, deadline, refined=config.refine)
    in_time = not over(deadline)
    return [Found(box, terms, made, in_time) for box, terms, made in zip(*answers, every, strict=True)]


def _starts(
    objective: Objective,
    space: BoxSpace,
    targets: Sequence[Target],
    config: SearchConfig,
    deadline: float | None,
) -> tuple[Tensor, Tensor, Looks]:
    """The boxes (C, R, 4) that the runs begin with, their losses (C, R, 2), and the candidates that they are of."""
    dtype = objective.picture.levels[0].dtype
    if config.starts != "anchors":
        boxes = start_boxes(config.starts, space, config.restarts, config.seed, dtype=dtype)
        terms = objective.measure_each(boxes, targets, deadline)
        starts = boxes[: terms.shape[1]].expand(len(targets), -1, -1)
        return starts, terms, (boxes[:0], terms[:, :0])
    boxes = candidates(space, config.candidates).to(dtype)
    order = torch.arange(len(boxes)) if deadline is None else all_over(len(boxes))
    terms = objective.measure_each(boxes[order], targets, deadline)
    order, places = order[: terms.shape[1]].sort()
    boxes, terms = boxes[order], terms[:, places]
    chosen = torch.stack(
        [best_candidates(boxes, losses, config.restarts) for losses in objective.totals(terms)]
    )
    return boxes[chosen], terms.gather(1, chosen[..., None].expand(-1, -1, 2)), (boxes, terms)


def _descend(
    objective: Objective,
    runs: Runs,
    targets: Sequence[Target],
    config: SearchConfig,
    deadline: float | None,
    watch: Watch | None,
) -> None:
    """Let runs, each with its caption, go their ways side by side, so that time that runs out does so for all."""
    schedule, steps, reach = config.schedule, config.steps, 0.0
    annealed = schedule.lasts(steps) if schedule else 0
    halved_at = {(part + 1) * steps // (config.halvings + 1) for part in range(config.halvings)}
    runs.begin(config.learning_rate)
    for step in range(steps):
        if over(deadline) or not runs.active.any():
            break
        now = config.reach.at(step, steps) if config.reach else 0.0
        if now != reach:
            reach = now
            runs.correct(objective.measure(runs.best, targets, reach))
        if step == annealed and step:
            runs.begin(config.learning_rate)
        if step and step in halved_at:
            runs.halve()
        scale = schedule.at(step, steps) if schedule and step < annealed else None
        boxes, active = runs.boxes(scale), runs.active
        going = [targets[row] for row in active.nonzero()[:, 0].tolist()]
        runs.step(boxes, *objective.slopes(boxes, going, reach, deadline), reach)
        if scale is None and config.patience is not None:
            runs.end_stale(config.patience)
        if watch:
            watch(step + 1, steps)
    if reach:
        runs.correct(objective.measure(runs.best, targets))


def _agreed(
    runs: Sequence[Run],
    looks: Looks,
    target: Target,
    objective: Objective,
    space: BoxSpace,
    config: SearchConfig,
) -> Tensor:
    """The box, shape (4,), that agrees best with all that was seen of a caption, and with it its neighbours."""
    seen, terms = [looks[0]], [looks[1]]
    needed = [torch.ones(len(looks[0]), dtype=torch.bool)]
    for run in runs:
        alike = run.reach == 0
        seen.append(run.boxes[alike])
        terms.append(run.terms[alike])
        totals = in_order(objective.totals(terms[-1]))
        needed.append(torch.arange(len(totals)) == totals.argmin())
    chosen = heard(torch.cat(needed))
    heard_boxes = torch.cat(seen)[chosen]
    beliefs = Beliefs.of(
        heard_boxes, _doubts(heard_boxes, torch.cat(terms)[chosen], target, objective, config)
    )
    boxes = consensus(beliefs)[None].to(seen[0].dtype)
    if config.refine:
        boxes, _ = refine(boxes, -beliefs.agreement(boxes), space, lambda near: -beliefs.agreement(near))
    return boxes[0]


def _doubts(
    boxes: Tensor, terms: Tensor, target: Target, objective: Objective, config: SearchConfig
) -> Tensor:
    """Less the logarithm of how likely boxes (K, 4) of losses (K, 2) are to be the right one, shape (K,)."""
    sharpness = SHARPNESS[objective.loss.kind] if config.sharpness is None else config.sharpness
    if objective.loss.kind == "likelihood":
        sharpness *= len(target.numbers)
    doubts = sharpness * terms[:, 0] + objective.weight * terms[:, 1]
    if config.salience and isinstance(objective.judge, Salient):
        doubts = doubts - config.salience * objective.judge.salience(boxes)
    return doubts


def _answers(
    objective: Objective,
    space: BoxSpace,
    targets: Sequence[Target],
    runs: Runs,
    rule: Rule,
    deadline: float | None,
    *,
    refined: bool,
) -> tuple[Tensor, Tensor]:
    """Boxes (C, 4) and losses (C, 2) of each caption's runs together."""
    groups = runs.best.reshape(len(targets), -1, 4)
    totals = objective.totals(runs.best_terms).reshape(len(targets), -1)
    # Runs that were ended for being worse would pull a mean their way.
    counted = torch.ones_like(runs.halved) if rule == "best" else ~runs.halved
    boxes = torch.stack(
        [
            aggregate(rule, boxes[kept], losses[kept])
            for boxes, losses, kept in zip(groups, totals, counted.reshape(totals.shape), strict=True)
        ]
    )
    if rule != "best":
        boxes = space.boxes(space.theta(boxes))
    terms = objective.measure(boxes, targets)
    if refined and not over(deadline):

        def measure(near: Tensor) -> Tensor:
            each = [one for one in targets for _ in range(len(near) // len(targets))]
            return objective.totals(objective.measure(near, each, deadline=deadline))

        boxes, _ = refine(boxes, objective.totals(terms), space, measure)
        terms = objective.measure(boxes, targets)
    return boxes, terms
