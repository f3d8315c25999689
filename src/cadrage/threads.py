"""How many threads there may be: CPUs that the process may use, and the most that may be asked for."""

from __future__ import annotations

import math
import os
from pathlib import Path

from cadrage.errors import RequestError

MOST_THREADS = 1024
"""Threads that may be asked for: many more than help, and few enough for any system to start."""


def require_threads(count: int) -> None:
    """Refuse a number of threads that no system can start.

    Raises:
        RequestError: it is not from 1 to ``MOST_THREADS``.
    """
    if not isinstance(count, int) or not 1 <= count <= MOST_THREADS:
        raise RequestError(f"The number of threads must be from 1 to {MOST_THREADS}, not {count!r}.")


def available_cpus(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """CPUs this process may use: its affinity, or the quota of its control group where that is less.

    Args:
        cgroup: where the control groups are mounted; either version is read.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cpu_quota(cgroup)
    return allowed if quota is None else max(1, min(allowed, math.floor(quota)))


def _cpu_quota(cgroup: Path) -> float | None:
    for files in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):
        try:
            quota, period = " ".join((cgroup / name).read_text() for name in files).split()
        except (OSError, ValueError):
            continue
        # "max" in version 2 and -1 in version 1 mean no limit.
        return int(quota) / int(period) if quota.isdigit() else None
    return None
