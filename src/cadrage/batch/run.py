"""The jobs of a run, one after the other here or side by side in processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from cadrage.batch.jobs import Done, Job, Task, do_job
from cadrage.batch.pool import Pool
from cadrage.cropper import Cropper
from cadrage.imaging.photo import printable


def do_jobs(cropper: Cropper, task: Task, jobs: Iterable[Job]) -> Iterator[tuple[int, Done]]:
    """Crop photographs in this process.

    Yields:
        The number of a job, from 0, and what became of it.
    """
    for number, job in enumerate(jobs):
        yield number, do_job(cropper, task, job)


def do_jobs_in_processes(
    model: str | None, task: Task, jobs: Iterable[Job], *, processes: int, threads: int = 1
) -> Iterator[tuple[int, Done]]:
    """Crop photographs in processes of their own; memory does not grow with their number.

    Args:
        model: name or folder of a model; ``None`` is the default model.
        task: what is wanted.
        jobs: read as they are needed.
        processes: how many.
        threads: of each process.

    Yields:
        The number of a job, from 0, and what became of it, as it is done. A photograph whose process was killed
        gets an error.

    Raises:
        CadrageError: the model cannot be loaded, or the processes cannot start.
    """
    with Pool(partial(_prepare, model, threads, task), _lost, processes=processes) as pool:
        yield from pool.answers(jobs)


def _prepare(model: str | None, threads: int, task: Task) -> Callable[[Job], Done]:
    return partial(do_job, Cropper(model, threads=threads), task)


def _lost(job: Job, end: str) -> Done:
    return Done(job.source, 0.0, error=f"{printable(job.source)} could not be cropped: its process {end}.")
