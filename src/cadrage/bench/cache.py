"""What methods answered, kept on disk: a re-run computes nothing again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from cadrage.atomic import replacing
from cadrage.bench.methods.interface import Method, Picture
from cadrage.bench.origin import Making
from cadrage.errors import CadrageError, DataError, ImageError
from cadrage.geometry import AspectRatio, Box, FloatArray
from cadrage.threads import available_cpus

MOST_BYTES = 1 << 30
"""Size to which ``AnswerCache.trim`` cuts a cache down: about half a million answers."""

ABANDONED = 3600
"""Seconds after which a file that is not finished yet belongs to a process that was killed."""

LAYOUT = 2
"""Of the entries; entries of another one are not found."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Timed(Generic[Answer]):
    """An answer and its cost.

    Attributes:
        value: the answer.
        seconds: the time it took when it was computed, decoding included.
        making: how it was computed.
        cached: whether it came from the cache.
    """

    value: Answer
    seconds: float
    making: Making
    cached: bool


@dataclass(frozen=True, slots=True)
class AnswerCache:
    """Scores and boxes of methods in a folder, one small file each; any number of processes may share it.

    An answer is found by all that it depends on: name and version of the method, name, size and bytes of the
    picture, and the boxes or the ratio asked for. So it cannot be stale: where picture or method changes, it is not
    found. The same holds for the number of threads, on which the cost depends. With an answer is kept when, with
    which versions and in how many threads it was computed. A file appears whole or not at all, and one that cannot
    be read is computed again.

    Attributes:
        folder: where the files lie; made when the first one is written.
        threads: for one picture, that the methods were made with.
    """

    folder: Path
    threads: int = field(default_factory=available_cpus)

    def scores(self, method: Method, picture: Picture, boxes_xyxy: FloatArray) -> Timed[FloatArray]:
        """A method's scores of crops, computed only where they are not known.

        Args:
            method: the scorer.
            picture: the picture.
            boxes_xyxy: shape (K, 4), in frame pixels.

        Returns:
            The scores, shape (K,).

        Raises:
            DataError: the method's scores are not one finite number for each crop, or the cache cannot be written.
            ImageError: the picture cannot be read.
        """
        boxes = np.ascontiguousarray(boxes_xyxy, dtype=np.float64)

        def complete(scores: FloatArray) -> bool:
            return scores.shape == (len(boxes),) and bool(np.isfinite(scores).all())

        def compute() -> FloatArray:
            scores = np.asarray(method.scores(picture, boxes), dtype=np.float64)
            if not complete(scores):
                raise DataError(
                    f"The method '{method.name}' must give {len(boxes)} finite scores for '{picture.name}'; "
                    f"got {scores.size}."
                )
            return scores

        def known(values: Any) -> FloatArray:  # noqa: ANN401
            scores = np.array(values, dtype=np.float64)
            if not complete(scores):
                raise ValueError("not the scores of these boxes")
            return scores

        key = self._key(method, picture, f"scores {boxes.shape}", boxes.tobytes())
        return self._answer(key, compute, np.ndarray.tolist, known)

    def box(self, method: Method, picture: Picture, ratio: AspectRatio | None) -> Timed[Box]:
        """The box that a method takes, computed only where it is not known.

        Args:
            method: the cropper.
            picture: the picture.
            ratio: the shape asked for; None for a free one.

        Raises:
            DataError: the cache cannot be written.
            ImageError: the picture cannot be read.
        """
        shape = "free" if ratio is None else f"{ratio.width!r}:{ratio.height!r}"
        return self._answer(
            self._key(method, picture, f"box {shape}", b""),
            lambda: method.box(picture, ratio),
            lambda box: [float(side) for side in box.as_tuple()],
            lambda values: Box(*map(float, values)),
        )

    def clear(self) -> int:
        """Remove every answer; the number of files that were removed."""
        return self.trim(0)

    def trim(self, most_bytes: int = MOST_BYTES) -> int:
        """Remove the answers that were not used for the longest time until the rest is small enough.

        Args:
            most_bytes: what may be left.

        Returns:
            The number of files removed. Files that another process removes meanwhile do no harm.
        """
        found = []
        for file in [*self.folder.glob("??/*.json"), *self.folder.glob("??/.cadrage-*.part")]:
            try:
                status = file.stat()
            except FileNotFoundError:
                continue
            if file.suffix == ".json" or time.time() - status.st_mtime > ABANDONED:
                found.append((status.st_mtime_ns, status.st_size, file))
        left, removed = sum(size for _, size, _ in found), 0
        for _, size, file in sorted(found):
            if left <= most_bytes:
                break
            file.unlink(missing_ok=True)
            left -= size
            removed += 1
        return removed

    def _key(self, method: Method, picture: Picture, question: str, rest: bytes) -> str:
        try:
            with picture.path.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise ImageError(f"{picture.path} cannot be read: {error.strerror}.") from error
        asked = [method.name, method.version, picture.name, *picture.size_wh, content, question]
        return hashlib.sha256(json.dumps([LAYOUT, self.threads, *asked]).encode() + rest).hexdigest()

    def _answer(
        self,
        key: str,
        compute: Callable[[], Answer],
        dump: Callable[[Answer], list[float]],
        load: Callable[[Any], Answer],
    ) -> Timed[Answer]:
        file = self.folder / key[:2] / f"{key[2:]}.json"
        known = _known(file, load)
        if known is not None:
            return known
        start = time.perf_counter()
        answer = compute()
        seconds = time.perf_counter() - start
        making = Making.now(self.threads)
        content = {"answer": dump(answer), "seconds": seconds, **asdict(making)}
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with replacing(file) as part:
                part.write_text(json.dumps(content), encoding="utf-8")
        except OSError as error:
            raise DataError(
                f"The cache {self.folder} cannot be written: {error.strerror}. Give another folder."
            ) from error
        return Timed(answer, seconds, making, cached=False)


def default_folder() -> Path:
    """``cadrage/bench`` in the user's cache folder: ``XDG_CACHE_HOME``, by default ``~/.cache``."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    # The standard says that a path which is not absolute does not count.
    home = Path(given) if Path(given).is_absolute() else Path.home() / ".cache"
    return home / "cadrage" / "bench"


def _known(file: Path, load: Callable[[Any], Answer]) -> Timed[Answer] | None:
    """What a file holds; nothing where there is none, or one that was not written by this module."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        making = Making(str(content["made"]), dict(content["versions"]), int(content["threads"]))
        known = Timed(load(content["answer"]), float(content["seconds"]), making, cached=True)
    except (OSError, ValueError, TypeError, KeyError, RecursionError, CadrageError):
        return None
    with contextlib.suppress(OSError):  # as in a folder that may only be read
        os.utime(file)  # ``trim`` takes others first
    return known
