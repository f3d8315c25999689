"""Runs of an ablation table, each in a folder of its own, and what they came to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cadrage.bench.ablation.tables import AblationTable, Row, figures_of
from cadrage.datasets.division import Division
from cadrage.errors import DataError, RequestError
from cadrage.learning.augmentation import AugmentationConfig
from cadrage.learning.backbones import build_trunk
from cadrage.learning.cost import Cost, cost_of
from cadrage.learning.epochs import STATE, Silent, Watcher
from cadrage.learning.recipes import TrainConfig, named, result_config, with_changes
from cadrage.learning.run import run_recipe

PLAIN = AugmentationConfig(mirror=0.0)

DOWNLOADED = "imagenet"
"""The initial weights where none are given, see ``build_trunk``."""


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
        """Plain values; what is published is under the name of the backbone that it is of."""
        return {
            "name": self.row.name,
            "measured": dict(self.measured),
            "published": {one.backbone: one.to_dict() for one in self.row.published},
            "epochs": self.epochs,
            **asdict(self.cost),
        }


def rows_of(table: AblationTable, config: AblationConfig, names: Sequence[str] = ()) -> tuple[Row, ...]:
    """The rows to run.

    Args:
        table: the table.
        config: may put another backbone into all of them. Rows that then are the same become one; what is
            published of them is kept, or where the backbone is among theirs, what is published of that one.
        names: of the rows wanted, before or after that; none for all. Each is a whole name, or else a part of one
            between commas, or else any text that names hold.

    Raises:
        RequestError: a name fits no row, or weights are given for a backbone that no row has.
    """
    merged: dict[str, Row] = {}
    known_as: dict[str, list[str]] = {}
    for row in table.rows:
        changed = row if config.backbone is None else _with_backbone(row, config.backbone)
        published = merged[changed.name].published if changed.name in merged else ()
        merged[changed.name] = replace(changed, published=(*published, *changed.published))
        known_as.setdefault(changed.name, [changed.name]).append(row.name)
    rows = [_with_nearest_figures(row) for row in merged.values()]
    _check_backbones(table, rows, config)
    chosen: set[str] = set()
    for name in names:
        found = _named(name, known_as)
        if not found:
            listed = "; ".join(row.name for row in table.rows)
            raise RequestError(f"Table {table.number} has no row '{name}': its rows are {listed}.")
        chosen |= found
    return tuple(row for row in rows if not names or row.name in chosen)


def _with_backbone(row: Row, backbone: str) -> Row:
    name = row.name.replace(str(row.network["backbone"]), backbone)
    return replace(row, name=name, network={**row.network, "backbone": backbone})


def _with_nearest_figures(row: Row) -> Row:
    own = tuple(one for one in row.published if one.backbone == row.network["backbone"])
    return replace(row, published=own or row.published)


def _check_backbones(table: AblationTable, rows: Sequence[Row], config: AblationConfig) -> None:
    """Of the whole table: the same weights may be given with any choice of its rows."""
    backbones = list(dict.fromkeys(str(row.network["backbone"]) for row in rows))
    for backbone in config.weights or {}:
        if backbone not in backbones:
            raise RequestError(
                f"Table {table.number} has no row of the backbone '{backbone}', which initial weights are given "
                f"for: its rows have {', '.join(backbones)}."
            )


def _named(wanted: str, known_as: Mapping[str, Sequence[str]]) -> set[str]:
    """Those that a text names, by the strictest reading that fits any."""
    readings: tuple[Callable[[str], bool], ...] = (
        lambda name: wanted == name,
        lambda name: wanted in name.split(", "),
        lambda name: wanted in name,
    )
    for fits in readings:
        if found := {name for name, names in known_as.items() if any(map(fits, names))}:
            return found
    return set()


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


def prepare_weights(rows: Sequence[Row], config: AblationConfig, folder: Path) -> None:
    """Read or download the initial weights of every run that is to begin, so that none fails after hours of others.

    Args:
        rows: to be run.
        config: how they are trained.
        folder: of the table; a run in it that has begun needs no initial weights any more.

    Raises:
        RequestError: the recipe or the pixel rule is unknown.
        WeightsError: a backbone is unknown, or weights are missing or damaged, or could not be downloaded.
    """
    networks = [recipe_of(row, config).network for row in rows if not (_run_of(row, folder) / STATE).exists()]
    starts = {(one.backbone, one.same_padding): _initial_weights(one.backbone, config) for one in networks}
    # Files first: a wrong one should be told before anything is downloaded.
    for (backbone, same_padding), weights in sorted(starts.items(), key=lambda start: start[1] == DOWNLOADED):
        build_trunk(backbone, initial_weights=weights, same_padding=same_padding)


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
    run = _run_of(row, folder)
    run_recipe(
        recipe,
        division,
        [],
        run,
        initial_weights=_initial_weights(recipe.network.backbone, config),
        device=device,
        threads=threads,
        watcher=watcher or Silent(),
    )
    history = json.loads((run / "run.json").read_text(encoding="utf-8"))["history"]
    kept = max(history, key=_srcc) if recipe.keep == "best" else history[-1]
    return Outcome(row, figures_of(kept["validation"]), len(history), cost_of(recipe.network))


def _run_of(row: Row, folder: Path) -> Path:
    return folder / row.name.replace(", ", "-").replace(" ", "-")


def _initial_weights(backbone: str, config: AblationConfig) -> str | None:
    weights = (config.weights or {}).get(backbone, DOWNLOADED)
    return None if weights == "none" else weights


def _srcc(line: Mapping[str, Any]) -> float:
    return float(line["validation"]["srcc"] or 0.0)
