"""The models that are shipped, and the reader of any other.

Wherever a model is asked for, the answer may be nothing (the default model), the name of a model shipped in
this package, or the path of a folder written by ``cadrage export``.
"""

from __future__ import annotations

import os
from pathlib import Path

from cadrage.errors import WeightsError
from cadrage.weights.card import CARD_FILE, render_card
from cadrage.weights.entry import ENTRY_FILE, GraphFile, InputRule, WeightsEntry, read_entry, write_entry

__all__ = [
    "CARD_FILE",
    "DEFAULT_MODEL",
    "GraphFile",
    "InputRule",
    "WeightsEntry",
    "load_entry",
    "render_card",
    "shipped_models",
    "write_entry",
]

DEFAULT_MODEL = "default"

CHECKPOINT_SUFFIXES = (".pt", ".pth")
"""Endings of the files that trainings write, our own and the authors'."""

_SHIPPED = Path(__file__).parent


def shipped_models() -> tuple[str, ...]:
    """Names of the models in this package, in alphabetical order."""
    return tuple(sorted(file.parent.name for file in _SHIPPED.glob(f"*/{ENTRY_FILE}")))


def load_entry(name_or_path: str | os.PathLike[str] | None = None) -> WeightsEntry:
    """Find a model and check that its files are whole.

    Args:
        name_or_path: a name of ``shipped_models()``, the path of a folder with an ``entry.json``, or the name that
            results and cards give a shipped model, looked up in this order; ``None`` is the default model. A
            folder called ``default`` is written ``./default``.

    Raises:
        WeightsError: there is no such model, it is a checkpoint that is to be exported first, or its files are
            missing, malformed or damaged.

    Example:
        >>> load_entry().name
        'gaic-mobilenetv2'
    """
    try:
        wanted = os.fspath(DEFAULT_MODEL if name_or_path is None else name_or_path)
    except TypeError:
        raise WeightsError(f"A model is a name or the path of a folder, not {name_or_path!r}.") from None
    shipped = shipped_models()
    if wanted in shipped:
        return read_entry(_SHIPPED / wanted)
    folder = Path(wanted)
    if folder.is_dir():
        return read_entry(folder)
    for entry in map(read_entry, (_SHIPPED / name for name in shipped)):
        if entry.name == wanted:
            return entry
    if folder.suffix in CHECKPOINT_SUFFIXES and folder.is_file():
        raise WeightsError(
            f"{wanted} is a checkpoint and no model yet: "
            f"'cadrage export {wanted} --out FOLDER' makes a model of it."
        )
    known = f"one of {', '.join(shipped)}" if shipped else "(none is installed)"
    raise WeightsError(
        f"There is no model '{wanted}': give a name, {known}, or a folder with an {ENTRY_FILE}."
    )
