"""One photograph of a run: open, encode, choose, write."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from cadrage.batch.names import NameTemplate, parent_of
from cadrage.errors import CadrageError, ImageError, RequestError
from cadrage.geometry import Box
from cadrage.imaging import (
    PIXEL_LIMIT,
    OutputRule,
    Photo,
    Written,
    aligned,
    copies_coefficients,
    open_photo,
    suffix_for,
    write_crops,
)
from cadrage.imaging.photo import printable
from cadrage.request import CropRequest
from cadrage.result import Crop, CropResult
from cadrage.selection import rounded

if TYPE_CHECKING:
    from cadrage.cropper import Cropper
    from cadrage.runtime import Features


@dataclass(frozen=True, slots=True)
class Writing:
    """How the crops of a run are written.

    Attributes:
        rule: format, quality, what is kept.
        template: their names, less the suffix.
        overwrite: whether files of these names are replaced; else the photograph gets an error.
    """

    rule: OutputRule
    template: NameTemplate
    overwrite: bool = True


@dataclass(frozen=True, slots=True)
class Task:
    """What is done to every photograph of a run.

    Attributes:
        request: the crops wanted.
        writing: how they are written; ``None`` for boxes only.
    """

    request: CropRequest
    writing: Writing | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One photograph of a run.

    Attributes:
        photo: the file.
        folder: where its crops go.
        stem: what names them, see ``distinct_stems``.
        data: the file's content where it was not read from ``photo``; messages call it the standard input.
        sink: where its only crop goes instead of a file.
    """

    photo: Path
    folder: Path = Path()
    stem: str = ""
    data: bytes | None = field(default=None, repr=False)
    sink: BinaryIO | None = None

    @property
    def source(self) -> str:
        """The photograph as results name it."""
        return str(self.photo)

    def open(self, pixel_limit: int = PIXEL_LIMIT) -> Photo:
        """Open the photograph; nothing is decoded yet.

        Raises:
            ImageError: it cannot be opened, or has more pixels than the limit.
        """
        if self.data is None:
            return open_photo(self.photo, pixel_limit=pixel_limit)
        return open_photo(self.data, name="The standard input", pixel_limit=pixel_limit)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a photograph: a result, or the sentence that says why there is none.

    Attributes:
        source: the photograph as results name it.
        seconds: wall time that it took.
        result: its crops.
        written: the crops written, in the order of ``result.crops``; empty for boxes only.
        error: the sentence; empty if there is a result.
    """

    source: str
    seconds: float
    result: CropResult | None = None
    written: tuple[Written, ...] = ()
    error: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what could not be written as asked, each once."""
        return tuple(dict.fromkeys(note for one in self.written for note in one.notes))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: the result, each crop with its file and notes if it was written, or the error."""
        if self.result is None:
            return {"source": self.source, "error": self.error}
        record = self.result.to_dict()
        crops = (crop for group in record["ratios"] for crop in group["crops"])
        for crop, one in zip(crops, self.written, strict=False):
            crop["file"] = str(one.path)
            crop["notes"] = list(one.notes)
        return record


def do_job(cropper: Cropper, task: Task, job: Job) -> Done:
    """Crop one photograph; what goes wrong with it is in the answer, and nothing is half-written.

    Args:
        cropper: at work.
        task: what is wanted.
        job: the photograph.
    """
    start = time.perf_counter()
    try:
        result, written = crop_photo(cropper, task, job, job.open(cropper.pixel_limit))
    except CadrageError as error:
        return Done(job.source, time.perf_counter() - start, error=_named(job.source, error))
    except MemoryError:
        reason = f"{printable(job.source)} needs more memory than there is."
        return Done(job.source, time.perf_counter() - start, error=reason)
    return Done(job.source, time.perf_counter() - start, result, written)


def _named(source: str, error: CadrageError) -> str:
    """What is wrong, and with which photograph: an error of the request does not know it."""
    return f"{printable(source)}: {error}" if isinstance(error, RequestError) else str(error)


def crop_photo(
    cropper: Cropper, task: Task, job: Job, photo: Photo
) -> tuple[CropResult, tuple[Written, ...]]:
    """Crop an open photograph.

    Args:
        cropper: at work.
        task: what is wanted.
        job: name of the photograph and place of its crops.
        photo: the photograph.

    Returns:
        The result, and what was written, in the order of its crops.

    Raises:
        CadrageError: the photograph cannot be decoded, does not fit the request, or a crop cannot be written.
    """
    request, writing = task.request, task.writing
    features, faces = cropper.look(photo, request)
    result = cropper.choose(job.source, features, request, faces)
    if writing is None:
        return result, ()
    if copies_coefficients(photo, writing.rule):
        result = on_blocks(cropper, photo, features, result)
    targets = [job.sink] if job.sink else _targets(job, photo, result, writing, request)
    boxes = [crop.box for crop in result.crops]
    written = write_crops(photo, boxes, targets, writing.rule, size_wh=request.size)
    return result, tuple(written)


def planned(job: Job, photo: Photo, task: Task) -> tuple[Path, ...]:
    """The files that a photograph's crops would be written to; width and height are known only of a ``size``."""
    if task.writing is None:
        return ()
    suffix = suffix_for(photo, task.writing.rule)
    names = task.writing.template.names(job.stem, parent_of(job.photo), task.request)
    return tuple(job.folder / (name + suffix) for name in names)


def _targets(
    job: Job, photo: Photo, result: CropResult, writing: Writing, request: CropRequest
) -> list[Path]:
    """The files of a photograph's crops, in the order of ``result.crops``.

    Raises:
        ImageError: one is there already and may not be replaced.
    """
    suffix, parent = suffix_for(photo, writing.rule), parent_of(job.photo)
    names = (
        writing.template.name(
            stem=job.stem,
            parent=parent,
            ratio=crop.ratio,
            rank=crop.rank,
            size_wh=request.size or _size_of(crop.box),
        )
        for crop in result.crops
    )
    files = [job.folder / (name + suffix) for name in names]
    there = next((file for file in files if os.path.lexists(file)), None)
    if there and not writing.overwrite:
        raise ImageError(f"{printable(str(there))} is there already, and --no-overwrite keeps it.")
    return files


def on_blocks(cropper: Cropper, photo: Photo, features: Features, result: CropResult) -> CropResult:
    """The result with its boxes moved to where the file can be cut without decoding, and scored there."""
    groups = []
    for group in result.groups:
        boxes = [aligned(crop.box, photo) for crop in group.crops]
        scores = rounded(cropper.scorer.score(features, boxes)).tolist()
        crops = tuple(
            _moved(crop, box, score) for crop, box, score in zip(group.crops, boxes, scores, strict=True)
        )
        groups.append(replace(group, crops=crops))
    return replace(result, groups=tuple(groups))


def _moved(crop: Crop, box: Box, score: float) -> Crop:
    change = score - crop.score
    margin, adjusted = rounded([crop.margin + change, crop.adjusted + change]).tolist()
    return replace(crop, box=box, score=score, margin=margin, adjusted=adjusted)


def _size_of(box: Box) -> tuple[int, int]:
    x1, y1, x2, y2 = box.rounded()
    return x2 - x1, y2 - y1
