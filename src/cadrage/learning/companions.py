"""Processes that help with a run: each follows the recipe in the same folder, and ``sharing`` divides the work."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from cadrage.processes import end_all, end_in_order, start_with_pipe

Work = Callable[[], object]


@contextmanager
def companions(count: int, follow: Work) -> Iterator[None]:
    """Let other processes do the same as the block, as long as it runs.

    They are ended with it, when all that is shared is done or it raises, and end by themselves where this process
    is killed. One that fails is no harm: what it was at is taken up by another, which meets the same error if there
    is one.

    Args:
        count: how many; may be 0.
        follow: the work, a picklable function.
    """
    started: list[BaseProcess] = []
    try:
        started += [_start(follow) for _ in range(count)]
        yield
    finally:
        end_all(started)


def _start(follow: Work) -> BaseProcess:
    process, ours = start_with_pipe(_accompany)
    # Megabytes, for which a pipe has no room: sending takes until the process has imported what it needs.
    threading.Thread(target=_send, args=(ours, follow), daemon=True).start()
    return process


def _send(pipe: Connection, follow: Work) -> None:
    with pipe, suppress(OSError):  # the process has ended already
        pipe.send(follow)


def _accompany(pipe: Connection) -> None:
    end_in_order(lambda _: sys.exit(1))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        with suppress(Exception), pipe:
            follow: Work = pipe.recv()
            follow()
    finally:
        os._exit(0)  # told to end while the interpreter takes its leave, it would complain


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
