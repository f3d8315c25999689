"""One call of ``cadrage crop``: its options as a value, checked against each other before any work."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cadrage.batch.jobs import Task, Writing
from cadrage.batch.names import NameTemplate
from cadrage.batch.pool import MOST_PROCESSES
from cadrage.cli.files import FolderRule, Found
from cadrage.errors import RequestError
from cadrage.imaging import OutputRule, require_lossless
from cadrage.imaging.photo import printable
from cadrage.request import CropRequest
from cadrage.threads import available_cpus, require_threads

STREAM = Path("-")
"""Standard input as a photograph, standard output as a folder."""

SHEET_LIMIT = 100
"""Photographs on a contact sheet, at most: it is one picture, and grows by 500 pixels with each."""

MANY = 48
"""From so many photographs on, processes pay: each takes about half a second to start, a photograph 20 to 30 ms."""

MANIFEST = "manifest.jsonl"


@dataclass(frozen=True, slots=True)
class CropCall:
    """The options of ``cadrage crop``; see its help.

    Raises:
        RequestError: two of them contradict each other, or one is outside its range.
        MissingExtraError: cropping without loss is asked for and cannot be done here.
    """

    photos: tuple[Path, ...]
    request: CropRequest
    as_json: bool = False
    sheet: Path | None = None
    dry_run: bool = False
    out: Path | None = None
    format: str | None = None
    quality: int | None = None
    strip: bool = False
    lossless: bool = False
    name: str | None = None
    overwrite: bool | None = None
    recursive: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    processes: int | None = None
    manifest: Path | None = None
    resume: bool = False
    model: str | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.processes is not None and not 1 <= self.processes <= MOST_PROCESSES:
            raise RequestError(
                f"The number of processes must be from 1 to {MOST_PROCESSES}, not {self.processes}."
            )
        if self.threads is not None:
            require_threads(self.threads)
        self._check_writing()
        self._check_streams()
        self._check_record()

    @property
    def from_stream(self) -> bool:
        """Whether the photograph comes from standard input."""
        return STREAM in self.photos

    @property
    def to_stream(self) -> bool:
        """Whether the crop goes to standard output."""
        return self.out == STREAM

    @property
    def has_hard_wishes(self) -> bool:
        """Whether there is something that a crop may fail to fulfil."""
        wanted = self.request
        bounds = (wanted.focus, wanted.min_size, wanted.min_area, wanted.max_area, wanted.headroom)
        return bool(wanted.keep) or wanted.faces or any(bound is not None for bound in bounds)

    @property
    def folder_rule(self) -> FolderRule:
        """What of a folder is taken."""
        return FolderRule(self.recursive, self.include, self.exclude, skip=self.out)

    @property
    def task(self) -> Task:
        """What is done to every photograph."""
        if self.out is None:
            return Task(self.request)
        quality = OutputRule().quality if self.quality is None else self.quality
        rule = OutputRule(self.format, quality, self.strip, self.lossless)
        template = NameTemplate.default(self.request) if self.name is None else NameTemplate(self.name)
        return Task(self.request, Writing(rule, template, self.overwrite is not False))

    def manifest_file(self, found: Found) -> Path | None:
        """Where the manifest goes: where it was asked for, or to the crops of folders."""
        if self.manifest or self.out is None or self.to_stream or not found.in_folders:
            return self.manifest
        return self.out / MANIFEST

    def workers(self, photographs: int) -> int:
        """How many processes work; 1 is this one."""
        wanted = self.processes
        if wanted is None:
            wanted = available_cpus() if photographs >= MANY and self.threads is None else 1
        return max(1, min(wanted, photographs))

    def check_found(self, found: Found) -> None:
        """Refuse, before any work, what could not be done with the photographs found.

        Raises:
            RequestError: the sheet would replace one or has no room for them, names would not be distinct, or
                there is no manifest to go on with.
        """
        photos = list(found.photos)
        if self.sheet:
            _check_sheet(self.sheet, photos)
        if self.out and self.name is not None:
            NameTemplate(self.name).check(self.request, len(photos))
        if self.resume and self.manifest_file(found) is None and photos:
            raise RequestError(
                "--resume needs a manifest: give --manifest, or --out with a folder of photographs."
            )

    def _check_writing(self) -> None:
        given = {
            "--format": self.format,
            "--quality": self.quality,
            "--strip": self.strip or None,
            "--lossless": self.lossless or None,
            "--name": self.name,
            "--no-overwrite": self.overwrite,
        }
        if self.out is None and (unused := [name for name, value in given.items() if value is not None]):
            raise RequestError(f"{unused[0]} is about written crops: give --out too.")
        if self.lossless and self.request.size:
            raise RequestError("--lossless cuts and cannot scale: leave out --size or --lossless.")
        if self.lossless:
            require_lossless()
        if self.out and not self.to_stream and self.out.exists() and not self.out.is_dir():
            raise RequestError(f"--out {printable(str(self.out))} is a file; a folder is needed.")
        _ = self.task

    def _check_streams(self) -> None:
        folder_options = {
            "--recursive": self.recursive,
            "--manifest": self.manifest,
            "--resume": self.resume,
            "--dry-run": self.dry_run,
            "--processes": self.processes,
        }
        used = next((name for name, value in folder_options.items() if value), None)
        if self.from_stream and len(self.photos) > 1:
            raise RequestError("Standard input (-) is one photograph: give no other beside it.")
        if self.from_stream and used:
            raise RequestError(f"Standard input (-) is one photograph: leave out {used}.")
        if not self.to_stream:
            return
        if used or self.as_json:
            raise RequestError(
                f"--out - writes one picture to standard output: leave out {used or '--json'}."
            )
        if self.name is not None:
            raise RequestError("--out - writes to standard output, which has no name: leave out --name.")
        if len(self.photos) > 1:
            raise RequestError("--out - takes one crop: give one photograph.")
        if self.request.top > 1 or len(self.request.ratios) > 1:
            raise RequestError("--out - takes one crop: give one ratio, and no --top.")
        if sys.stdout.isatty():
            raise RequestError("--out - writes a picture: lead the output to a file or another program.")

    def _check_record(self) -> None:
        if self.manifest and self.manifest.suffix.lower() != ".jsonl":
            raise RequestError(f"--manifest {printable(str(self.manifest))} must end in .jsonl.")
        if self.resume and self.sheet:
            raise RequestError("--sheet shows the photographs of one run: leave it out with --resume.")
        if self.resume and self.overwrite is False:
            raise RequestError(
                "--resume makes again what the earlier run was writing when it ended: leave out --no-overwrite."
            )
        if self.resume and self.dry_run:
            raise RequestError("--dry-run shows a whole run: leave out --resume.")
        inputs = [os.path.realpath(photo) for photo in self.photos]
        if self.resume and self.out and os.path.realpath(self.out) in inputs:
            raise RequestError(
                f"--out {printable(str(self.out))} is a folder that is read, and --resume could not tell "
                "photographs from crops: give another."
            )


def _check_sheet(sheet: Path, photos: Sequence[Path]) -> None:
    name = printable(str(sheet))
    if sheet.suffix.lower() != ".png":
        raise RequestError(f"--sheet {name} must end in .png.")
    if _is_one_of(sheet, photos):
        raise RequestError(f"--sheet {name} is one of the photographs; choose another name.")
    if len(photos) > SHEET_LIMIT:
        raise RequestError(f"--sheet has room for {SHEET_LIMIT} photographs and these are {len(photos)}.")


def _is_one_of(file: Path, photos: Iterable[Path]) -> bool:
    return os.path.realpath(file) in map(os.path.realpath, photos)
