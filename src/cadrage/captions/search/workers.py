"""Threads that share a batch, each of which does its part from beginning to end.

Left to itself torch divides every single operator among its threads, which then wait for each other some hundred
times in a pass: on two CPUs a search took as long as on one. Threads with a part each wait once in a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch

MOST = 8
"""Threads, at most: each holds what its part needs, and searches have few parts."""

Part = TypeVar("Part")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class Workers:
    """Who works on the parts of a batch.

    Attributes:
        threads: that they are shared among; None for the caller's alone.
    """

    threads: Executor | None = None

    def each(self, work: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
        """What work makes of every part. They are begun in their order, and a single one is the caller's.

        Raises:
            Exception: what ``work`` raised, for the first part for which it did.
        """
        if self.threads is None or len(parts) < 2:
            return [work(part) for part in parts]
        return list(self.threads.map(work, parts))


@contextmanager
def workers() -> Iterator[Workers]:
    """As many threads as torch may use in this one, for a while; each calculates on one CPU, and this one as well.

    Sums that are divided among CPUs are rounded otherwise, and searches are sensitive: so results do not depend on
    how many there are.
    """
    count = torch.get_num_threads()
    if count == 1:
        yield Workers()
        return
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(
            min(count, MOST), initializer=torch.set_num_threads, initargs=(1,)
        ) as threads:
            yield Workers(threads)
    finally:
        torch.set_num_threads(count)  # what a thread sets is also what later ones begin with
