"""A pool of processes that survives its workers.

The library's own executor gives up on everything when the kernel kills one worker, and it takes all work in at
once. Here a worker that dies costs the item it was at, another takes its place, and no more items are read than
the workers need.

Imports nothing large: a worker imports this file first, and then sets how many threads numpy may start.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from cadrage.errors import CadrageError
from cadrage.processes import end_all, end_in_order, start_with_pipe

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MOST_PROCESSES = 256
"""Workers that may be asked for: more than machines have processors, and few enough for any system to start."""

AHEAD = 2
"""Items at a worker: the one it is at, and one so that it need not wait for the next."""

WINDOW = 32
"""Items for each worker between the oldest unfinished one and the newest: what may have to wait for its turn."""


@dataclass(slots=True, eq=False)
class _Worker(Generic[Item]):
    """A process, our end of its pipe, and the items it has, oldest first."""

    process: BaseProcess
    pipe: Connection
    items: deque[tuple[int, Item]] = field(default_factory=deque)
    ready: bool = False


class Pool(Generic[Item, Answer]):
    """Workers, each made by ``prepare`` in a fresh process.

    Example:
        >>> with Pool(partial(make_cropper, "default"), lost, processes=2) as pool:
        ...     for number, answer in pool.answers(photographs):
        ...         print(number, answer)
    """

    def __init__(
        self,
        prepare: Callable[[], Callable[[Item], Answer]],
        lost: Callable[[Item, str], Answer],
        *,
        processes: int,
    ) -> None:
        """Say how; the processes start when the pool is entered.

        Args:
            prepare: called once in each worker; what it returns is called with each item. It, the items and the
                answers must be picklable.
            lost: the answer for an item whose worker ended, from the item and how it ended ("was killed by
                signal 9").
            processes: number of workers.
        """
        self._prepare = pickle.dumps(prepare)
        self._lost = lost
        self._processes = processes
        self._workers: list[_Worker[Item]] = []

    def __enter__(self) -> Pool[Item, Answer]:
        self._workers = [self._start() for _ in range(self._processes)]
        return self

    def __exit__(self, *about: object) -> None:
        end_all([worker.process for worker in self._workers])
        for worker in self._workers:
            worker.pipe.close()
        self._workers = []

    def answers(self, items: Iterable[Item]) -> Iterator[tuple[int, Answer]]:
        """Work through items.

        Args:
            items: read as they are needed.

        Yields:
            The number of an item, from 0, and its answer, as it is done.

        Raises:
            CadrageError: ``prepare`` raised it, or workers end before they are ready.
        """
        waiting = _Waiting(items, WINDOW * self._processes)
        while True:
            self._hand_out(waiting)
            busy = [worker for worker in self._workers if worker.items]
            if not busy:
                return
            pipes = {worker.pipe: worker for worker in busy}
            for pipe in wait(list(pipes)):
                worker = pipes[pipe]  # type: ignore[index]
                try:
                    kind, content = worker.pipe.recv()
                except (EOFError, OSError):
                    yield from self._bury(worker, waiting)
                    continue
                if kind == "refused":
                    raise CadrageError(content)
                if kind == "ready":
                    worker.ready = True
                    continue
                number, _ = worker.items.popleft()
                waiting.finished(number)
                yield number, content

    def _hand_out(self, waiting: _Waiting[Item]) -> None:
        """Give every worker its first item, then every worker its second."""
        for depth in range(AHEAD):
            for worker in self._workers:
                if len(worker.items) == depth and (item := waiting.next()):
                    worker.items.append(item)
                    with contextlib.suppress(OSError):  # it died; the pipe's end tells so in a moment
                        worker.pipe.send(item[1])

    def _bury(self, worker: _Worker[Item], waiting: _Waiting[Item]) -> Iterator[tuple[int, Answer]]:
        """A worker ended: the item it was at is lost, the next goes to another, and one takes its place."""
        worker.process.join()
        worker.pipe.close()
        self._workers.remove(worker)
        if worker.ready:
            number, item = worker.items.popleft()
            waiting.finished(number)
            yield number, self._lost(item, _end_of(worker.process.exitcode))
        waiting.again(worker.items)
        if worker.ready:
            self._workers.append(self._start())
        elif not self._workers:
            end = _end_of(worker.process.exitcode)
            raise CadrageError(f"The processes that do the work cannot start: the last of them {end}.")

    def _start(self) -> _Worker[Item]:
        return _Worker(*start_with_pipe(_serve, self._prepare))


class _Waiting(Generic[Item]):
    """Numbered items that no worker has, within a window from the oldest unfinished one."""

    def __init__(self, items: Iterable[Item], window: int) -> None:
        self._items = enumerate(items)
        self._window = window
        self._again: deque[tuple[int, Item]] = deque()
        self._unfinished: dict[int, None] = {}

    def next(self) -> tuple[int, Item] | None:
        """The next item; ``None`` if there is none, or the oldest one must be finished first."""
        if self._again:
            return self._again.popleft()
        oldest = next(iter(self._unfinished), None)
        newest = next(reversed(self._unfinished), None)
        if oldest is not None and newest is not None and newest - oldest >= self._window:
            return None
        item = next(self._items, None)
        if item:
            self._unfinished[item[0]] = None
        return item

    def again(self, items: Iterable[tuple[int, Item]]) -> None:
        """Items come back from a worker that never began them."""
        self._again.extend(items)

    def finished(self, number: int) -> None:
        """An item is done."""
        del self._unfinished[number]


def _serve(pipe: Connection, prepare: bytes) -> None:
    """The life of a worker: make ready, then answer items until it is told to end."""
    told = threading.Event()

    def leave(_number: int) -> None:
        """End as an exception does, so that a file half-written is removed."""
        told.set()
        sys.exit(0)

    end_in_order(leave)
    try:
        _answer(pipe, prepare)
    finally:
        # The exception may have struck anywhere, also where it leads to others: nobody needs to read of them.
        if told.is_set():
            os._exit(0)


def _answer(pipe: Connection, prepare: bytes) -> None:
    """Make ready, then answer items until the pipe's other end is closed."""
    for library in ("OMP", "OPENBLAS", "MKL", "VECLIB"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            work: Callable[[Any], Any] = pickle.loads(prepare)()  # noqa: S301  (from our own parent)
        except CadrageError as error:
            pipe.send(("refused", str(error)))
            return
        pipe.send(("ready", None))
        while True:
            item = pipe.recv()
            pipe.send(("done", work(item)))


def _end_of(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        reason = ", most likely since memory ran out" if exit_code == -signal.SIGKILL else ""
        return f"was killed by signal {-exit_code}{reason}"
    return f"ended with exit code {exit_code}"
