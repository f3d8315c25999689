"""The warning of the commands that measure models: this one has learnt from what it is measured on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from cadrage.cli.console import complain
from cadrage.datasets.division import learned_from

if TYPE_CHECKING:
    from cadrage.datasets.entities import CaptionedImage


def warn_if_learned(name: str, training: Mapping[str, Any], release: str, part: str) -> None:
    """Say on the error stream where figures flatter a model; see ``learned_from``."""
    if learned_from(training, release, part):
        _warn(name)


def warn_if_captioner_learned(
    spec: str | None, every: Collection[CaptionedImage], measured: Collection[CaptionedImage]
) -> None:
    """The same of a captioner, by its name, and some of all photographs of a data set."""
    from cadrage.captions.captioners.shipped import training_of  # noqa: PLC0415
    from cadrage.captions.evaluation import learned  # noqa: PLC0415

    if learned.learned_from(training_of(spec), every, measured):
        _warn("The shipped captioner" if spec is None else spec)


def _warn(name: str) -> None:
    complain(f"{name} has learnt from photographs of this part: on others it is worse.")
