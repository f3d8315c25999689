"""Processes that work on one run together: each does what no other is doing, and waits for what another does.

A lock dies with its process, so what a killed one was at is free to be taken up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from cadrage.learning.checkpoints import acquired
from cadrage.learning.epochs import Watcher

Result = TypeVar("Result")


def share(work: Mapping[str, Callable[[], Result]], locks: Path, watcher: Watcher) -> list[Result]:
    """Do pieces of work that other processes may be doing, too.

    Args:
        work: what does each piece, by name: it takes up what a killed process left half done, and when another has
            done the piece it finds the result.
        locks: folder of the locks, the same for all processes; made if missing.
        watcher: is told what is waited for.

    Returns:
        The result of every piece, in the same order.

    Raises:
        RequestError: the folder cannot hold locks.
    """
    results: dict[str, Result] = {}
    for patient in (False, True):
        for name, do in work.items():
            if name in results:
                continue
            if patient:
                watcher.step(f"waiting for {name}", 0, 1)
            with _held(locks / f"{name}.lock", patient) as ours:
                if ours:
                    results[name] = do()
    return [results[name] for name in work]


@contextmanager
def _held(path: Path, patient: bool) -> Iterator[bool]:
    """Hold a lock as long as the block runs; whether it is held, which an impatient caller may not get."""
    lock = acquired(path, patient=patient)
    if lock is None:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
