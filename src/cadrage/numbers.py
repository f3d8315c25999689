"""What counts as a number among values that users write, in Python, in JSON or in text."""

from __future__ import annotations

import sys
from typing import Any, TypeGuard

import numpy as np

_GREATEST = sys.float_info.max


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is a finite number that a float can hold; texts of digits and truth values are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _GREATEST


def plain(value: Any) -> Any:  # noqa: ANN401
    """Numbers and arrays of numpy as Python's numbers and lists; anything else as it is."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def to_number(text: str) -> float:
    """The number that a text is, as ``float`` reads it, but without Python's underscores between digits.

    Raises:
        ValueError: it is none.
    """
    if "_" in text:
        raise ValueError(text)
    return float(text)
