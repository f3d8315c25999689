"""How processes begin and end: what a signal does to this one, and what a terminal does to those it starts."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

PATIENCE = 5.0
"""Seconds that a process gets to end before it is killed."""


def end_in_order(leave: Callable[[int], object]) -> None:
    """Have the signals that end a process call a function instead, once.

    They are SIGTERM, and SIGHUP of a terminal that closes, unless it is ignored as under nohup.

    Args:
        leave: raises, so that files half-written are removed; is given the number of the signal.
    """
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]

    def once(number: int, _frame: object) -> None:
        for one in numbers:
            signal.signal(one, signal.SIG_IGN)
        leave(number)

    for number in numbers:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, once)


@contextlib.contextmanager
def deaf_to_the_terminal() -> Iterator[None]:
    """Processes started within see neither Ctrl-C nor the end of the terminal, which reach all: ours ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker  # noqa: PLC0415  (the command line only needs the above)

    resource_tracker.ensure_running()  # its own start would let them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_with_pipe(work: Callable[..., object], *arguments: object) -> tuple[BaseProcess, Connection]:
    """Start a process of its own, not a copy of this one. It is ended with this one, unless that is killed.

    Args:
        work: a function of a module; is given its end of a pipe, and then the arguments.
        arguments: picklable, and small: the process starts with them.

    Returns:
        The process, which is deaf to the terminal, and our end of the pipe.
    """
    import multiprocessing  # noqa: PLC0415

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, *arguments), daemon=True)
    with deaf_to_the_terminal():
        process.start()
    theirs.close()
    return process, ours


def end_all(processes: Collection[BaseProcess]) -> None:
    """End processes that end in order, side by side, and kill those that take longer than ``PATIENCE``."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(PATIENCE)
        if process.is_alive():
            process.kill()
            process.join()
