"""Methods measured on cases, one answer after the other, each kept as soon as it is there."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np

from cadrage.captions.evaluation.cases import CaptionCase
from cadrage.captions.evaluation.describing import describe
from cadrage.captions.evaluation.methods import NO_RUNS, Answer, CropMethod
from cadrage.captions.protocols import Captioner
from cadrage.errors import CaptionError, DataError, RequestError
from cadrage.geometry import Box, FloatArray, as_boxes, iou_matrix
from cadrage.imaging import Photo

LAYOUT = 1
"""Of the lines of a run; lines of another one are not read."""


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One answer of a method.

    Attributes:
        box: in frame pixels; the whole frame where the method refused the caption.
        runs_xyxy: of a search's restarts, shape (R, 4).
        seconds: the time it took, with the decoding of the photograph.
        said: what a captioner says of the crop; ``None`` where none was asked.
        refused: why the method gave no answer; empty if it did.
    """

    box: Box
    runs_xyxy: FloatArray
    seconds: float
    said: str | None = None
    refused: str = ""


Key = tuple[str, str, tuple[int, int], int]
"""What an answer depends on beside the method: name, caption and frame of the case, and the seed."""

Records = Mapping[Key, Record]


def key_of(case: CaptionCase, seed: int) -> Key:
    """What a case's answer is kept by."""
    return case.name, case.caption, case.size_wh, seed


class RunFile:
    """The answers of one method: one JSON line each, in a file of a run's folder.

    The file's name follows from name and version of the method and of who describes the crops: where one of these
    changes, another file begins. A last line that was torn by a kill is overwritten.

    Attributes:
        path: the file.
        known: the answers in it.

    Example:
        >>> with RunFile(folder, method) as file:
        ...     answers = measure(method, cases, (0,), file)
    """

    def __init__(self, folder: Path, method: CropMethod, speaker: str = "") -> None:
        """Name it; nothing is read or written yet.

        Args:
            folder: of the run, made if missing.
            method: whose answers.
            speaker: version of the captioner that describes crops; empty for none.
        """
        parts = [str(LAYOUT), method.name, method.version, speaker]
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
        words = "".join(letter if letter.isalnum() else "-" for letter in method.name)[:40]
        self.path = folder / f"{words}-{digest}.jsonl"
        self.known: dict[Key, Record] = {}
        self._stream: IO[bytes]

    def __enter__(self) -> RunFile:
        """Read what is known.

        Raises:
            DataError: the file cannot be read or written, or holds something else.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            whole = self._read() if self.path.exists() else 0
            self._stream = self.path.open("r+b" if self.path.exists() else "w+b")
            self._stream.truncate(whole)
            self._stream.seek(whole)
        except OSError as error:
            raise DataError(f"{self.path} cannot be used: {error.strerror}.") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def _read(self) -> int:
        """Take up the lines that are whole; how many bytes they are."""
        size = 0
        for line in self.path.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            try:
                entry = json.loads(line)
                width, height = entry["size"]
                key = entry["case"], entry["caption"], (width, height), entry["seed"]
                box, runs = Box(*entry["box"]), as_boxes(entry["runs"])
                self.known[key] = Record(box, runs, entry["seconds"], entry["said"], entry["refused"])
            except (ValueError, KeyError, TypeError, RequestError) as error:
                raise DataError(
                    f"{self.path} holds no answers: remove it, or choose another --run."
                ) from error
            size += len(line)
        return size

    def add(self, key: Key, record: Record) -> None:
        """Keep an answer."""
        name, caption, size_wh, seed = key
        entry: dict[str, Any] = {
            "case": name,
            "caption": caption,
            "size": size_wh,
            "seed": seed,
            "box": record.box.as_tuple(),
            "runs": record.runs_xyxy.tolist(),
            "seconds": record.seconds,
            "said": record.said,
            "refused": record.refused,
        }
        self._stream.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        self._stream.flush()
        self.known[key] = record


def measure(
    method: CropMethod,
    cases: Sequence[CaptionCase],
    seeds: Sequence[int],
    file: RunFile | None = None,
    *,
    speaker: Captioner | None = None,
    advance: Callable[[], None] = lambda: None,
) -> Records:
    """Ask a method for the crops of cases.

    Args:
        method: whom to ask.
        cases: the photographs and captions.
        seeds: of each case; a method that has no use for seeds is asked once.
        file: where answers are kept, open; what it knows is not asked again.
        speaker: a captioner that describes the crops of the first seed; ``None`` for none.
        advance: told of each answer.

    Returns:
        By ``key_of`` case and seed.

    Raises:
        ImageError: a photograph cannot be read.
        DataError: the file cannot be written.
    """
    found: dict[Key, Record] = {}
    for case, seed in asked(method, cases, seeds):
        key = key_of(case, seed)
        spoken = speaker if seed == seeds[0] else None
        record = file.known.get(key) if file else None
        if record is None or (spoken and record.said is None):
            record = _answered(method, case, seed, spoken)
            if file:
                file.add(key, record)
        found[key] = record
        advance()
    return found


def asked(
    method: CropMethod, cases: Sequence[CaptionCase], seeds: Sequence[int]
) -> Iterator[tuple[CaptionCase, int]]:
    """Every case with every seed that can matter to the method."""
    for case in cases:
        for seed in seeds if method.is_seeded else seeds[:1]:
            yield case, seed


def _answered(method: CropMethod, case: CaptionCase, seed: int, speaker: Captioner | None) -> Record:
    photo = case.photo()
    begun = time.perf_counter()
    refused = ""
    try:
        answer = method.answer(photo, case.caption, seed)
    except CaptionError as error:
        answer, refused = Answer(_whole(photo), NO_RUNS), str(error)
    seconds = time.perf_counter() - begun
    said = None if speaker is None else describe(speaker, photo, [answer.box])[0]
    # Rounded as they are kept, so that a repeated command prints the same.
    return Record(answer.box, answer.runs_xyxy.round(2), round(seconds, 4), said, refused)


def _whole(photo: Photo) -> Box:
    return Box(0, 0, *photo.size_wh)


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """How near a method's boxes are to the truth, case by case (T) and seed by seed (S).

    Attributes:
        best: intersection over union with the nearest true box, shape (T, S).
        mean: with all true boxes, on average, shape (T, S).
        hits: whether the box's centre lies in a true box, 0 or 1, shape (T, S).
        seconds: shape (T, S).
        run_means: mean of ``best`` over the restarts of each search, shape (T, S); NaN where there are none.
        run_deviations: and its standard deviation, shape (T, S).
        refused: captions that the method could do nothing with: they count with the whole frame.
    """

    best: FloatArray
    mean: FloatArray
    hits: FloatArray
    seconds: FloatArray
    run_means: FloatArray
    run_deviations: FloatArray
    refused: int


def measures_of(cases: Sequence[CaptionCase], seeds: Sequence[int], records: Records) -> Measures:
    """Compare a method's answers to cases with the truth; ``seeds`` are those it was asked with."""
    shape = len(cases), len(seeds)
    best, mean, hits, seconds = (np.zeros(shape) for _ in range(4))
    run_means, run_deviations = np.full(shape, np.nan), np.full(shape, np.nan)
    for row, case in enumerate(cases):
        for column, seed in enumerate(seeds):
            record = records[key_of(case, seed)]
            overlaps = iou_matrix(as_boxes([record.box]), case.boxes_xyxy)[0]
            best[row, column], mean[row, column] = overlaps.max(), overlaps.mean()
            hits[row, column] = centre_is_in(record.box, case.boxes_xyxy)
            seconds[row, column] = record.seconds
            if len(record.runs_xyxy):
                of_runs = iou_matrix(record.runs_xyxy, case.boxes_xyxy).max(axis=1)
                run_means[row, column], run_deviations[row, column] = of_runs.mean(), of_runs.std()
    refused = sum(bool(records[key_of(case, seeds[0])].refused) for case in cases)
    return Measures(best, mean, hits, seconds, run_means, run_deviations, refused)


def centre_is_in(box: Box, boxes_xyxy: FloatArray) -> bool:
    """Whether the centre of a box lies in one of others, shape (K, 4)."""
    x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    x1, y1, x2, y2 = boxes_xyxy.T
    return bool(((x1 <= x) & (x < x2) & (y1 <= y) & (y < y2)).any())
