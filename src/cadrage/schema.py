"""JSON Schema (draft 2020-12) of the request and of the result, made from their dataclasses.

Names, types and defaults are those of the fields; descriptions and ranges ("in [0, 1]", "more than 0", "at least
one") are read from the docstrings, so that what people read and what programs check is one text. The tests hold it
against what ``CropRequest`` accepts.

A schema says less than ``CropRequest`` checks where one value depends on another: the corners of a box must be in
order, ``min_area`` less than ``max_area``, and no side of a ratio over 1000 times the other. It says more in the
spelling: lists are JSON arrays, names of ratios are in lower case, and beside ``size`` there are no ``ratios``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from cadrage import request as request_module
from cadrage.errors import RequestError
from cadrage.geometry import NAMED_RATIOS, AspectRatio, Box
from cadrage.request import MOST_PIXELS_A_SIDE, CropRequest, Region
from cadrage.result import RESULT_SCHEMA, Crop, CropResult, RatioCrops

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_INTERVAL = re.compile(r"\bin ([\[(])([\d.]+), ([\d.]+)([\])])")
_COUNT = re.compile(r"\b(\d+) to ``(\w+)``")
_ABOVE = re.compile(r"\bmore than (\d+(?:\.\d+)?)")
_PLAIN_TYPES: Mapping[object, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    NoneType: "null",
}


def request_schema() -> Schema:
    """The schema of what ``CropRequest.from_dict`` reads and ``CropRequest.to_dict`` writes."""
    writer = _Writer(
        {
            Box: {"$ref": "#/$defs/box"},
            Region: {"$ref": "#/$defs/region"},
            AspectRatio: {"$ref": "#/$defs/ratio"},
            tuple[int, int]: {"$ref": "#/$defs/pixels"},
        },
        whole=False,
    )
    return {
        **_head("request", "What crops are wanted", CropRequest),
        **writer.of(CropRequest),
        "additionalProperties": False,
        "if": {"required": ["size"], "properties": {"size": {"not": {"type": "null"}}}},
        "then": {"properties": {"ratios": {"const": ["free"]}}},
        "$defs": {
            "box": _box({"type": "number"}),
            "pixels": {
                "description": "Width and height in pixels.",
                **_repeated({"type": "integer", "minimum": 1, "maximum": MOST_PIXELS_A_SIDE}, 2),
            },
            "ratio": _ratio(),
            "region": {
                "description": _summary(Region),
                "anyOf": [
                    {**writer.of(Region), "additionalProperties": False},
                    {"$ref": "#/$defs/box"},
                ],
            },
        },
    }


def result_schema() -> Schema:
    """The schema of what ``CropResult.to_dict`` writes; a later minor version may have more members."""
    writer = _Writer(
        {
            Box: {"$ref": "#/$defs/box"},
            Crop: {"$ref": "#/$defs/crop"},
            RatioCrops: {"$ref": "#/$defs/group"},
            tuple[int, int]: _repeated({"type": "integer", "minimum": 1}, 2),
        },
        whole=True,
    )
    group = writer.of(RatioCrops, left_out=("baseline_score",))
    group["properties"]["baseline"] = _scored_box(writer.of(RatioCrops)["properties"])
    whole = writer.of(CropResult, renamed={"size_wh": "size", "groups": "ratios"})
    major, _, _ = RESULT_SCHEMA.partition(".")
    layout = {
        "description": "The version of this layout.",
        "type": "string",
        "pattern": rf"^{major}\.[0-9]+$",
    }
    return {
        **_head("result", "The answer to a request", CropResult),
        **whole,
        "required": ["schema", *whole["required"]],
        "properties": {"schema": layout, **whole["properties"]},
        "$defs": {
            "box": _box({"type": "integer"}),
            "crop": writer.of(Crop, left_out=("ratio",)),
            "group": group,
        },
    }


@dataclass(frozen=True, slots=True)
class _Writer:
    """Turns dataclasses into object schemas.

    Attributes:
        known: schemas of the types that JSON has in a form of their own.
        whole: every member is always there, so that all are required and defaults say nothing.
    """

    known: Mapping[object, Schema]
    whole: bool

    def of(
        self, kind: type, *, renamed: Mapping[str, str] | None = None, left_out: tuple[str, ...] = ()
    ) -> Schema:
        """The schema of a dataclass; ``renamed`` are fields with other names in JSON."""
        types, texts, names = get_type_hints(kind), _texts(kind), renamed or {}
        parts = {names.get(part.name, part.name): part for part in fields(kind) if part.name not in left_out}
        properties = {
            name: self._member(part, types[part.name], texts[part.name]) for name, part in parts.items()
        }
        required = [name for name, part in parts.items() if self.whole or part.default is MISSING]
        return {"type": "object", "required": required, "properties": properties}

    def _member(self, part: Field[Any], annotation: object, text: str) -> Schema:
        schema = {"description": _prose(text), **self._type(annotation, text)}
        if part.default is not MISSING and not self.whole:
            schema["default"] = list(part.default) if isinstance(part.default, tuple) else part.default
        return schema

    def _type(self, annotation: object, text: str) -> Schema:
        """The schema of a type; ``text`` states the limits of the numbers in it."""
        if annotation in self.known:
            return self.known[annotation]
        if annotation in _PLAIN_TYPES:
            limits = _range(text) if annotation in (int, float) else {}
            return {"type": _PLAIN_TYPES[annotation], **limits}
        return self._compound(annotation, text)

    def _compound(self, annotation: object, text: str) -> Schema:
        origin: Any = get_origin(annotation)
        parts = get_args(annotation)
        if origin is Literal:
            return {"enum": list(parts)}
        if origin is UnionType and AspectRatio in parts:
            return self._type(AspectRatio, text)  # in JSON it is what stands beside it
        if origin is UnionType:
            return {"anyOf": [self._type(part, text) for part in parts]}
        if origin is tuple and parts[1:] == (...,):
            least = {"minItems": 1} if "at least one" in text else {}
            return {"type": "array", "items": self._type(parts[0], text), **least}
        if origin is tuple and len(set(parts)) == 1:
            return _repeated(self._type(parts[0], text), len(parts))
        raise TypeError(f"{annotation} has no JSON form.")


def _head(name: str, title: str, kind: type) -> Schema:
    return {
        "$schema": _DIALECT,
        "$id": f"urn:cadrage:{name}:{RESULT_SCHEMA}",
        "version": RESULT_SCHEMA,
        "title": title,
        "description": _summary(kind),
    }


def _repeated(items: Schema, count: int) -> Schema:
    return {"type": "array", "items": items, "minItems": count, "maxItems": count}


def _box(items: Schema) -> Schema:
    return {
        "description": "x1, y1, x2, y2 in pixels of the upright photograph: x to the right, y down; x1 < x2, "
        "y1 < y2.",
        **_repeated(items, 4),
    }


def _scored_box(members: Mapping[str, Schema]) -> Schema:
    """The baseline and its score, two fields of ``RatioCrops``, as the one object that they are in JSON."""
    box, score = dict(members["baseline"]), members["baseline_score"]
    return {
        "description": box.pop("description"),
        "type": "object",
        "required": ["box", "score"],
        "properties": {"box": box, "score": score},
    }


def _ratio() -> Schema:
    number = r"(?=[0-9.]*[1-9])([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,2})?"
    names = [*get_args(get_args(request_module.Shape)[1]), *NAMED_RATIOS]
    return {
        "description": f"Width to height as W:H, W/H, WxH or one number, or a name: {', '.join(names)}.",
        "type": ["string", "number"],
        "exclusiveMinimum": 0,
        "pattern": f"^({'|'.join(names)}|{number}([:/x]{number})?)$",
        "examples": ["16:9", "1.91", 1.5, "square", "free", "original"],
    }


def _range(text: str) -> Schema:
    """The limits that a docstring states for a number."""
    limits: Schema = {}
    if match := _INTERVAL.search(text):
        opening, low, high, closing = match.groups()
        limits["minimum" if opening == "[" else "exclusiveMinimum"] = _number(low)
        limits["maximum" if closing == "]" else "exclusiveMaximum"] = _number(high)
    elif match := _COUNT.search(text):
        limits["minimum"] = int(match[1])
        limits["maximum"] = getattr(request_module, match[2])
    elif match := _ABOVE.search(text):
        limits["exclusiveMinimum"] = _number(match[1])
    return limits


def _number(text: str) -> float:
    return float(text) if "." in text else int(text)


def _sections(kind: type) -> tuple[str, str]:
    """A class's docstring before its attributes, and the attributes."""
    text = inspect.cleandoc(kind.__doc__ or "")
    before, found, after = text.partition("\nAttributes:\n")
    if not found:
        raise RequestError("A schema is made from docstrings, and this Python has left them out (-OO).")
    return before, after


def _summary(kind: type) -> str:
    return _prose(_sections(kind)[0])


def _texts(kind: type) -> dict[str, str]:
    """The text of each attribute in a class's docstring."""
    attributes = re.split(r"\n(?=\S)", _sections(kind)[1])[0]
    entries = re.split(r"^ {4}(\w+): ", attributes, flags=re.MULTILINE)[1:]
    return dict(zip(entries[::2], entries[1::2], strict=True))


def _prose(text: str) -> str:
    """A docstring's text in lines as long as they come, without the marks of code."""
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    text = "\n\n".join(filter(None, paragraphs)).replace("``", "`").replace("`None`", "null")
    return text[:1].upper() + text[1:]
