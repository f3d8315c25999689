"""The card of a model: what a weights entry says, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cadrage.weights.entry import WeightsEntry

CARD_FILE = "card.md"


def render_card(entry: WeightsEntry, notes: str = "") -> str:
    """Write an entry out as Markdown.

    Args:
        entry: the model.
        notes: Markdown to end with: terms of the data, limits, caveats.
    """
    rule = entry.input
    lines = [
        f"# {entry.name} {entry.version}",
        "",
        f"- {entry.parameters:,} parameters, {entry.precision}, exported {entry.created}",
        f"- input: RGB, short side {rule.short_side}, long side a multiple of {rule.multiple} up to "
        f"{rule.max_long_side} pixels",
        "- output: predicted mean opinion score of each box, 1 (bad) to 5 (excellent)",
        f"- terms: {entry.license}",
    ]
    ranked = [row for row in entry.metrics if "max_f" not in row]
    masked = [row for row in entry.metrics if "max_f" in row]
    if entry.metrics:
        lines += ["", "## Measured"]
    if ranked:
        lines += ["", *_measured(ranked)]
    if masked:
        lines += ["", *_saliency(masked)]
    if entry.training:
        lines += ["", "## Training", "", *_listed(entry.training)]
    if notes:
        lines += ["", notes.strip()]
    return "\n".join(lines) + "\n"


def _measured(metrics: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        "| model | data set | split | images | ties | SRCC | PCC | Acc5 | Acc10 | regret |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in metrics:
        figures = [_figure(row.get(name)) for name in ("srcc", "pcc", "acc5_mean", "acc10_mean", "regret")]
        data = f"{row.get('data_set', '')}, {row.get('release', '')} release"
        cells = [
            row.get("method", ""),
            data,
            row.get("split", ""),
            row.get("images", ""),
            row.get("tie_rule", ""),
        ]
        lines.append("| " + " | ".join(map(str, [*cells, *figures])) + " |")
    lines += ["", "Acc5 and Acc10 are the means of Acc K/5 and Acc K/10 over K = 1 to 4, in percent."]
    return lines


def _saliency(metrics: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        "| model | saliency maps against | split | images | MAE | best F | mean F | S-measure |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in metrics:
        figures = [_figure(row.get(name)) for name in ("mae", "max_f", "mean_f", "s_measure")]
        named = [row.get(name, "") for name in ("method", "data_set", "split", "images")]
        lines.append("| " + " | ".join(map(str, [*named, *figures])) + " |")
    rules = sorted({str(row.get("rule", "")) for row in metrics})
    return [*lines, "", f"F-measure: {'; '.join(rules)}."]


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "-"


def _listed(values: Mapping[str, Any], indent: str = "") -> list[str]:
    lines = []
    for name, value in values.items():
        label = name.replace("_", " ")
        if isinstance(value, Mapping):
            lines += [f"{indent}- {label}:", *_listed(value, indent + "  ")]
        elif value not in (None, ""):
            lines.append(f"{indent}- {label}: {value}")
    return lines
