"""A weights entry: a folder that holds a model together with everything needed to use and to judge it.

The folder contains ``entry.json``, the two graphs it names (``encode.onnx`` and ``score.onnx``) and, for
people, ``card.md``. The input rule travels with the graphs, so that no one can pair a model with the wrong
preprocessing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from cadrage.atomic import replacing
from cadrage.errors import WeightsError

ENTRY_FILE = "entry.json"
SCHEMA = 1
"""Version of the layout of ``entry.json``."""

_JSON_NAMES: dict[type, str] = {dict: "object", list: "array", str: "string", int: "whole number"}
_Value = TypeVar("_Value", dict[str, Any], list[Any], str, int)


@dataclass(frozen=True, slots=True)
class GraphFile:
    """One ONNX file of an entry.

    Attributes:
        path: name of the file inside the entry's folder.
        sha256: checksum of its bytes, 64 hexadecimal digits in lower case.
    """

    path: str
    sha256: str

    @classmethod
    def of(cls, file: Path) -> GraphFile:
        """Describe an existing file by its name and its checksum."""
        with file.open("rb") as stream:
            return cls(file.name, hashlib.file_digest(stream, "sha256").hexdigest())


@dataclass(frozen=True, slots=True)
class InputRule:
    """The working raster a model was trained on, in pixels.

    Attributes:
        short_side: length of the shorter side.
        multiple: both sides are multiples of this.
        max_long_side: the longer side is never over this.
    """

    short_side: int
    multiple: int
    max_long_side: int


@dataclass(frozen=True, slots=True)
class WeightsEntry:
    """A model, its input rule and its history.

    Attributes:
        folder: where the files lie.
        name: name of the model.
        version: version of the weights; every result names it.
        license: terms of the weights, those of the training data included.
        encode: graph from the working raster to the features.
        score: graph from features and boxes to scores.
        input: how the working raster is made.
        training: data set, release, split, seeds, recipe and initial weights.
        metrics: one mapping a measurement: data set, split, metric rule and values.
        parameters: number of parameters of the network.
        precision: arithmetic of the graphs, such as ``"float32"`` or ``"int8"``.
        created: ISO date of the export.
    """

    folder: Path
    name: str
    version: str
    license: str
    encode: GraphFile
    score: GraphFile
    input: InputRule
    training: Mapping[str, Any]
    metrics: tuple[Mapping[str, Any], ...]
    parameters: int
    precision: str
    created: str

    def to_dict(self) -> dict[str, Any]:
        """The content of ``entry.json``."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "version": self.version,
            "license": self.license,
            "files": {"encode": asdict(self.encode), "score": asdict(self.score)},
            "input": asdict(self.input),
            "training": dict(self.training),
            "metrics": [dict(row) for row in self.metrics],
            "parameters": self.parameters,
            "precision": self.precision,
            "created": self.created,
        }


def write_entry(entry: WeightsEntry) -> Path:
    """Write ``entry.json`` into the entry's folder and return its path."""
    target = entry.folder / ENTRY_FILE
    with replacing(target) as part:
        part.write_text(json.dumps(entry.to_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return target


def read_entry(folder: Path) -> WeightsEntry:
    """Read the entry of a folder and compare its graphs with their checksums.

    Raises:
        WeightsError: ``entry.json`` is missing or malformed, or a graph is missing or not the one described.
    """
    file = folder / ENTRY_FILE
    try:
        entry = _entry(folder, json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise WeightsError(f"{file}: cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{file}: is not a weights entry ({error}).") from error
    for graph in (entry.encode, entry.score):
        _verify(folder / graph.path, graph)
    return entry


def _verify(file: Path, graph: GraphFile) -> None:
    try:
        found = GraphFile.of(file)
    except OSError as error:
        raise WeightsError(f"{file}: cannot be read ({error.strerror}).") from error
    if found.sha256 != graph.sha256:
        raise WeightsError(
            f"{file}: is damaged, its checksum is not the one of {ENTRY_FILE}; install or export it again."
        )


def _entry(folder: Path, data: object) -> WeightsEntry:
    """Build the entry from parsed JSON; a ``ValueError`` says which value is wrong."""
    if (schema := _take(data, "schema", int)) != SCHEMA:
        raise ValueError(f"its schema is {schema} and this version reads {SCHEMA}")
    files = _take(data, "files", dict)
    return WeightsEntry(
        folder=folder,
        name=_take(data, "name", str),
        version=_take(data, "version", str),
        license=_take(data, "license", str),
        encode=_graph(_take(files, "encode", dict)),
        score=_graph(_take(files, "score", dict)),
        input=_input_rule(_take(data, "input", dict)),
        training=_take(data, "training", dict),
        metrics=tuple(_take(data, "metrics", list)),
        parameters=_take(data, "parameters", int),
        precision=_take(data, "precision", str),
        created=_take(data, "created", str),
    )


def _graph(data: dict[str, Any]) -> GraphFile:
    path = _take(data, "path", str)
    if Path(path).name != path:
        raise ValueError(f"'path' must name a file of the same folder, not '{path}'")
    return GraphFile(path, _take(data, "sha256", str))


def _input_rule(data: dict[str, Any]) -> InputRule:
    short_side, multiple, max_long_side = (
        _take(data, key, int) for key in ("short_side", "multiple", "max_long_side")
    )
    ordered = 0 < multiple <= short_side <= max_long_side
    if not ordered or short_side % multiple or max_long_side % multiple:
        raise ValueError(f"'input' is no rule: {short_side} to {max_long_side} pixels in steps of {multiple}")
    return InputRule(short_side, multiple, max_long_side)


def _take(data: object, key: str, kind: type[_Value]) -> _Value:
    value = data.get(key) if isinstance(data, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"'{key}' must be given as a JSON {_JSON_NAMES[kind]}")  # noqa: TRY004
    return value
