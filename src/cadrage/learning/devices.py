"""Where training calculates."""

from __future__ import annotations

import torch

from cadrage.errors import RequestError
from cadrage.threads import require_threads


def use_device(device: str, threads: int) -> str:
    """Choose a device, and calculate on CPUs in so many threads, for the whole process.

    Args:
        device: "cpu", "cuda", or "auto" for CUDA where there is a device.
        threads: CPU threads, 1 to ``threads.MOST_THREADS``.

    Returns:
        "cpu" or "cuda".

    Raises:
        RequestError: it is not there, or ``threads`` is outside its range.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    require_device(device)
    require_threads(threads)
    torch.set_num_threads(threads)
    return device


def require_device(device: str) -> None:
    """Refuse a device that is not there.

    Raises:
        RequestError: so it is.
    """
    if device not in ("cpu", "cuda"):
        raise RequestError(f"There is no device '{device}': choose cpu or cuda.")
    if device == "cuda" and not torch.cuda.is_available():
        raise RequestError("There is no CUDA device here: train on the device cpu.")
