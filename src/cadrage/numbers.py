"""What counts as a number among values that users write, in Python or in JSON."""

from __future__ import annotations

import sys
from typing import TypeGuard

_GREATEST = sys.float_info.max


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is a finite number that a float can hold; texts of digits and truth values are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _GREATEST
