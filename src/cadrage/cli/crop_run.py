"""The run behind ``cadrage crop``: find, crop, record, tell, in the order of the photographs."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

from cadrage.batch.jobs import Done, Job
from cadrage.batch.manifest import Manifest, RunHeader, output_of
from cadrage.batch.names import distinct_stems
from cadrage.batch.run import do_jobs, do_jobs_in_processes
from cadrage.cli.console import INTERRUPTED, Progress
from cadrage.cli.crop_call import CropCall
from cadrage.cli.crop_dry import run_dry
from cadrage.cli.crop_report import Report, too_long_to_show
from cadrage.cli.files import Found, find_photos
from cadrage.cropper import Cropper
from cadrage.errors import ImageError
from cadrage.faces import FaceFinder
from cadrage.result import CropResult
from cadrage.weights import load_entry

_MOST_BYTES = 1_000_000_000
"""Longest file taken from standard input."""

_PART = 1 << 20


def run(call: CropCall) -> int:
    """Do a call and return its exit code.

    Raises:
        CadrageError: the call cannot be begun.
    """
    streams = call.from_stream or call.to_stream
    found = (
        Found(dict.fromkeys(call.photos, Path())) if streams else find_photos(call.photos, call.folder_rule)
    )
    call.check_found(found)
    jobs = _jobs(call, found)
    if call.dry_run:
        return run_dry(call, found, jobs)
    exit_code = _run_jobs(call, found, jobs)
    for job in jobs:
        if job.sink:
            job.sink.seek(0)
            shutil.copyfileobj(job.sink, sys.stdout.buffer)
    return exit_code


def _jobs(call: CropCall, found: Found) -> list[Job]:
    """The photographs of a call, each with the place of its crops."""
    if call.from_stream or call.to_stream:
        data = _standard_input() if call.from_stream else None
        sink = BytesIO() if call.to_stream else None
        return [Job(photo, call.out or Path(), "stdin", data, sink) for photo in found.photos]
    if call.out is None or call.task.writing is None:
        return [Job(photo) for photo in found.photos]
    folders = {photo: call.out / below for photo, below in found.photos.items()}
    stems = distinct_stems(folders, call.task.writing.template, call.request)
    return [Job(photo, folder, stems[photo]) for photo, folder in folders.items()]


def _standard_input() -> bytes:
    content = bytearray()
    while part := sys.stdin.buffer.read(_PART) if sys.stdin else b"":
        content += part
        if len(content) > _MOST_BYTES:
            raise ImageError(f"The standard input has more than {_MOST_BYTES:,} bytes.")
    return bytes(content)


def _run_jobs(call: CropCall, found: Found, jobs: Sequence[Job]) -> int:
    if call.request.faces:
        FaceFinder()  # for its sentence, if its extra is missing, once and now
    cropper = Cropper(call.model, threads=call.threads) if call.workers(len(jobs)) == 1 else None
    with contextlib.ExitStack() as stack:
        file = call.manifest_file(found)
        manifest = stack.enter_context(_manifest(call, file)) if file and jobs else None
        todo = [job for job in jobs if manifest is None or job.source not in manifest.done]
        quiet = call.to_stream or (call.as_json and sys.stdout.isatty())
        progress = stack.enter_context(Progress("cropping", len(todo), quiet=quiet))
        report = Report(
            progress,
            as_json=call.as_json,
            with_broken=call.has_hard_wishes,
            with_files=call.out is not None,
            silent=call.to_stream or (manifest is not None and too_long_to_show(len(todo))),
            listed=manifest is not None,
        )
        report.already_done(len(jobs) - len(todo))
        for folder, error in found.errors.items():
            report.tell(Done(str(folder), 0.0, error=str(error)))
        shown: list[CropResult] = []
        try:
            for done in _in_order(_answers(call, cropper, todo), manifest, progress):
                report.tell(done)
                shown += [done.result] if call.sheet and done.result else []
        except KeyboardInterrupt:
            progress.complain(
                "stopped; the same command with --resume does the rest." if manifest else "stopped."
            )
            return INTERRUPTED
        report.finish()
        if call.sheet and shown:
            from cadrage.cli.crop_sheet import write_sheet  # noqa: PLC0415  (the calls without need not wait)

            write_sheet(call.sheet, shown, jobs, report)
        return report.exit_code


def _manifest(call: CropCall, file: Path) -> Manifest:
    entry = load_entry(call.model)
    output = output_of(call.task, call.out)
    header = RunHeader(call.request.to_dict(), entry.name, entry.version, output)
    return Manifest(file, header, resume=call.resume)


def _answers(call: CropCall, cropper: Cropper | None, jobs: Sequence[Job]) -> Iterator[tuple[int, Done]]:
    """What becomes of each job, here or in as many processes as there is work for."""
    if cropper:
        return do_jobs(cropper, call.task, jobs)
    workers = call.workers(len(jobs))
    return do_jobs_in_processes(call.model, call.task, jobs, processes=workers, threads=call.threads or 1)


def _in_order(
    answers: Iterator[tuple[int, Done]], manifest: Manifest | None, progress: Progress
) -> Iterator[Done]:
    """Record what is done as it is done, and pass it on in the order of the jobs."""
    early: dict[int, Done] = {}
    following = 0
    with contextlib.closing(answers):  # type: ignore[type-var]  # a generator: ends its processes
        for number, done in answers:
            if manifest:
                manifest.add(done)
            early[number] = done
            progress.advance()
            while following in early:
                yield early.pop(following)
                following += 1
