"""Processes that help with a run: each follows the recipe in the same folder, and ``sharing`` divides the work."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait

from cadrage.errors import CadrageError


@contextmanager
def companions(count: int, follow: Callable[[], object]) -> Iterator[None]:
    """Let other processes do the same as the block, and wait for them at its end.

    They are ended where the block raises, and end by themselves where this process is killed. One that fails is
    no harm: what it was at is taken up by another, which meets the same error if there is one.

    Args:
        count: how many; may be 0.
        follow: the work, a picklable function.
    """
    context = multiprocessing.get_context("spawn")
    started = [context.Process(target=_accompany, args=(follow,), daemon=True) for _ in range(count)]
    try:
        for process in started:
            process.start()
        yield
        for process in started:
            process.join()
    finally:
        for process in started:
            if process.is_alive():
                process.kill()  # as good as any end: a run may be killed at any moment
                process.join()


def _accompany(follow: Callable[[], object]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(CadrageError, KeyboardInterrupt):
        follow()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
