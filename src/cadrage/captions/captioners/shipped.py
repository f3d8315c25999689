"""Captioners by name: the one that is shipped, a file of ours, or a model of ``transformers``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cadrage.captions.captioners.small import load_captioner_file
from cadrage.captions.protocols import Captioner

SHIPPED = Path(__file__).parents[2] / "weights" / "captioner" / "captioner.safetensors"

SUFFIXES = {".safetensors", ".pt", ".pth"}


def load_captioner(spec: str | Path | None = None, *, allow_pickle: bool = False) -> Captioner:
    """A captioner, frozen, in evaluation mode.

    Args:
        spec: ``None`` for the shipped one; a file that ``cadrage train captioner`` made; or the folder or the hub
            name of a vision-to-text model of ``transformers``.
        allow_pickle: also read a hub model's weights in torch's own format, where there are no safetensors.

    Raises:
        WeightsError: there is no such captioner, or it cannot be used.
        MissingExtraError: a library is missing.
    """
    if spec is None:
        return load_captioner_file(SHIPPED)[0]
    if _is_ours(spec):
        return load_captioner_file(Path(spec))[0]
    from cadrage.captions.captioners.hub import load_hub_captioner  # noqa: PLC0415  (transformers takes seconds to import)

    return load_hub_captioner(spec, allow_pickle=allow_pickle)


def training_of(spec: str | Path | None = None) -> Mapping[str, Any]:
    """The record of a captioner's training, which only a file of ours has; of others it is empty.

    Raises:
        WeightsError: the file cannot be read.
    """
    if spec is None:
        return load_captioner_file(SHIPPED)[1]
    return load_captioner_file(Path(spec))[1] if _is_ours(spec) else {}


def _is_ours(spec: str | Path) -> bool:
    """Whether a file of ours is named, and no model of ``transformers``."""
    return Path(spec).suffix in SUFFIXES and not Path(spec).is_dir()
