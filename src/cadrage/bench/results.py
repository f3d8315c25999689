"""What a bench has found: one cell for each method and protocol, kept as files so that a report can be extended."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cadrage.atomic import replacing
from cadrage.bench.origin import Origin
from cadrage.errors import DataError
from cadrage.geometry import FloatArray

FORMAT = 2
"""Of the files; another number is another layout."""

CELLS = "cells"
"""Folder of the cells in that of a report."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What was measured on; only cells of one ground may stand in one table.

    Attributes:
        data_set: as printed.
        release: as detected from the files.
        split: which part, and how it was drawn if it was.
        kind: of protocol, such as ``ranking``.
        rule: of the protocol, such as the ratio asked for.
        digest: fingerprint of images and labels.
    """

    data_set: str
    release: str
    split: str
    kind: str
    rule: str
    digest: str

    @property
    def title(self) -> str:
        """As printed above a table."""
        return f"{self.data_set}, {self.release} release, split {self.split}; {self.kind}, {self.rule}"


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One method on one ground, image by image.

    Attributes:
        ground: what was measured on.
        method: name, as in ``--methods``.
        version: of its code and weights.
        images: names of the T images.
        pictures: their files, for the galleries.
        sizes_wh: width and height of their frames, shape (T, 2).
        metrics: by key, shape (T,) each; NaN where undefined.
        weights: of the images in the mean of a metric, as in ``Measured``.
        chosen_xyxy: the crops that the method takes, shape (T, 4), in frame pixels.
        references_xyxy: what people preferred in each image, shape (R, 4) each.
        seconds: median time for an image, decoding included; NaN where it was not measured.
        origin: command, dates, versions and threads.
    """

    ground: Ground
    method: str
    version: str
    images: tuple[str, ...]
    pictures: tuple[str, ...]
    sizes_wh: FloatArray
    metrics: dict[str, FloatArray]
    chosen_xyxy: FloatArray
    references_xyxy: tuple[FloatArray, ...]
    seconds: float
    origin: Origin
    weights: dict[str, FloatArray] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """Of the cell's file: the same for the same method, version and ground."""
        ground = self.ground
        key = [ground.data_set, ground.release, ground.split, ground.kind, ground.rule, ground.digest]
        digest = hashlib.sha256("\0".join([*key, self.method, self.version]).encode()).hexdigest()[:12]
        words = re.sub(r"[^a-z0-9]+", "-", f"{ground.data_set} {ground.kind} {self.method}".lower())
        return f"{words.strip('-')[:60]}-{digest}.json"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, NaN as None."""
        return {
            "format": FORMAT,
            "ground": {name: getattr(self.ground, name) for name in Ground.__slots__},
            "method": self.method,
            "version": self.version,
            "seconds": _plain(self.seconds),
            "origin": asdict(self.origin),
            "images": list(self.images),
            "pictures": list(self.pictures),
            "sizes_wh": _plain(self.sizes_wh),
            "metrics": {key: _plain(values) for key, values in self.metrics.items()},
            "weights": {key: _plain(values) for key, values in self.weights.items()},
            "chosen_xyxy": _plain(self.chosen_xyxy),
            "references_xyxy": [_plain(boxes) for boxes in self.references_xyxy],
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Cell:
        """The cell that ``to_dict`` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is none, or its numbers do not fit together.
        """
        if value["format"] != FORMAT:
            raise ValueError(f"format {value['format']} instead of {FORMAT}")
        images = tuple(value["images"])
        return cls(
            ground=Ground(**value["ground"]),
            method=value["method"],
            version=value["version"],
            images=images,
            pictures=tuple(value["pictures"]),
            sizes_wh=_array(value["sizes_wh"], (len(images), 2)),
            metrics={key: _array(row, (len(images),)) for key, row in value["metrics"].items()},
            chosen_xyxy=_array(value["chosen_xyxy"], (len(images), 4)),
            references_xyxy=tuple(_array(rows, (len(rows), 4)) for rows in value["references_xyxy"]),
            seconds=float(_array(value["seconds"], ())),
            origin=Origin(**value["origin"]),
            weights={key: _array(row, (len(images),)) for key, row in value["weights"].items()},
        )


def _plain(value: FloatArray | float) -> Any:  # noqa: ANN401
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value.tolist()] if value.ndim else _plain(value.item())
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if math.isnan(value) else value


def _array(value: Any, shape: tuple[int, ...]) -> FloatArray:  # noqa: ANN401
    array = np.array(value, dtype=np.float64)  # which makes NaN of None
    if array.size == 0:
        array = array.reshape(shape)
    if array.shape != shape:
        raise ValueError(f"numbers of shape {array.shape} instead of {shape}")
    return array


def save_cell(cell: Cell, folder: Path) -> Path:
    """Write a cell into the folder of a report, in place of an earlier one of the same method and ground.

    Raises:
        DataError: the file cannot be written.
    """
    path = folder / CELLS / cell.file_name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            part.write_text(json.dumps(cell.to_dict(), allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.") from error
    return path


def load_cells(folder: Path) -> list[Cell]:
    """Every cell of a report's folder, by file name; none where the folder does not exist.

    Raises:
        DataError: a file is no cell of this version of cadrage.
    """
    found = []
    for path in sorted((folder / CELLS).glob("*.json")):
        try:
            found.append(Cell.from_dict(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"{path} is no result of a bench that this version of cadrage can read ({error}): "
                "remove it, or name another folder."
            ) from error
    return found
