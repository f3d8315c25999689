"""The warning of the commands that measure models: this one has learnt from what it is measured on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cadrage.cli.console import complain
from cadrage.datasets.division import learned_from


def warn_if_learned(name: str, training: Mapping[str, Any], release: str, part: str) -> None:
    """Say on the error stream where figures flatter a model; see ``learned_from``."""
    if learned_from(training, release, part):
        complain(f"{name} has learnt from photographs of this part: on others it is worse.")
