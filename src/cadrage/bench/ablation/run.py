"""Runs of an ablation table, each in a folder of its own, and what they came to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cadrage.bench.ablation.tables import AblationTable, Row, figures_of
from cadrage.datasets.division import Division
from cadrage.errors import DataError, RequestError
from cadrage.learning.augmentation import AugmentationConfig
from cadrage.learning.cost import Cost, cost_of
from cadrage.learning.epochs import Silent, Watcher
from cadrage.learning.recipes import TrainConfig, named, result_config, with_changes
from cadrage.learning.run import run_recipe

PLAIN = AugmentationConfig(mirror=0.0)


@dataclass(frozen=True, slots=True)
class AblationConfig:
    """How the networks of a table are trained.

    Attributes:
        recipe: name of the recipe that every row changes: "paper", or "default" for its student without teachers.
        epochs: other number of epochs, or the recipe's.
        backbone: the backbone of every row in the place of its own; rows that then are the same are run once.
        weights: initial weights by backbone, see ``build_trunk``; ``"imagenet"`` where none are given.
        pixels: how the initial weights expect pixels, a name of ``recipes.PIXEL_RULES``, or as the recipe has it.
        seed: of every run.
    """

    recipe: str = "paper"
    epochs: int | None = None
    backbone: str | None = None
    weights: Mapping[str, str] | None = None
    pixels: str | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a row came to.

    Attributes:
        row: of the table.
        measured: figures by column, on the validation part.
        epochs: trained.
        cost: of the network.
    """

    row: Row
    measured: Mapping[str, float | None]
    epochs: int
    cost: Cost

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.row.name,
            "measured": dict(self.measured),
            "published": dict(self.row.published),
            "epochs": self.epochs,
            **asdict(self.cost),
        }


def rows_of(table: AblationTable, config: AblationConfig, names: Sequence[str] = ()) -> tuple[Row, ...]:
    """The rows to run.

    Args:
        table: the table.
        config: may put another backbone into all of them.
        names: parts of the names of the rows wanted; none for all.

    Raises:
        RequestError: a name fits no row.
    """
    for name in names:
        if not any(name in row.name for row in table.rows):
            listed = "; ".join(row.name for row in table.rows)
            raise RequestError(f"Table {table.number} has no row '{name}': its rows are {listed}.")
    rows = [row for row in table.rows if not names or any(name in row.name for name in names)]
    if config.backbone is None:
        return tuple(rows)
    replaced: dict[str, Row] = {}
    for row in rows:
        name = row.name.replace(str(row.network["backbone"]), config.backbone)
        # Published figures are of the paper's backbones; beside another one they would mislead.
        changed = replace(row, name=name, network={**row.network, "backbone": config.backbone}, published={})
        replaced.setdefault(name, row if row.network["backbone"] == config.backbone else changed)
    return tuple(replaced.values())


def recipe_of(row: Row, config: AblationConfig) -> TrainConfig:
    """The training of a row."""
    base = result_config(with_changes(named(config.recipe), pixels=config.pixels))
    backbone = str(row.network["backbone"])
    return replace(
        base,
        network=replace(base.network, **row.network),
        augmentation=base.augmentation if row.augmented else PLAIN,
        epochs=config.epochs or base.epochs,
        seed=config.seed,
        frozen_blocks=base.frozen_blocks if backbone == base.network.backbone else 0,
    )


def run_row(
    row: Row,
    config: AblationConfig,
    division: Division,
    folder: Path,
    *,
    device: str = "auto",
    threads: int = 1,
    watcher: Watcher | None = None,
) -> Outcome:
    """Train a row's network, or continue, or read what an earlier call has done.

    Args:
        row: the row.
        config: how it is trained.
        division: rated photographs; there must be some to validate on.
        folder: of the table; the row's run is a folder in it.
        device: see ``run_recipe``.
        threads: CPU threads.
        watcher: is told how it goes.

    Raises:
        DataError: there are no validation photographs.
        RequestError: the folder holds another run, or the device is missing.
        WeightsError: the initial weights are missing or damaged.
    """
    if not division.validation:
        raise DataError("An ablation needs validation photographs.")
    recipe = recipe_of(row, config)
    run = folder / row.name.replace(", ", "-").replace(" ", "-")
    weights = (config.weights or {}).get(recipe.network.backbone, "imagenet")
    run_recipe(
        recipe,
        division,
        [],
        run,
        initial_weights=None if weights == "none" else weights,
        device=device,
        threads=threads,
        watcher=watcher or Silent(),
    )
    history = json.loads((run / "run.json").read_text(encoding="utf-8"))["history"]
    kept = max(history, key=_srcc) if recipe.keep == "best" else history[-1]
    return Outcome(row, figures_of(kept["validation"]), len(history), cost_of(recipe.network))


def _srcc(line: Mapping[str, Any]) -> float:
    return float(line["validation"]["srcc"] or 0.0)
