"""The options of caption-guided cropping as text, for tables that compare them: ``cagic:restarts=1,weight=0``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, get_args

from cadrage.captions.cropper import CaptionRequest
from cadrage.captions.objective import Kind as LossKind
from cadrage.captions.search.aggregate import Rule
from cadrage.captions.search.schedule import REACHES, SCALES, Schedule
from cadrage.captions.search.starts import Kind as StartKind
from cadrage.errors import RequestError

Value = TypeVar("Value")

Reader = Callable[[str], Any]


def _one_of(known: Mapping[str, Value]) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        if text not in known:
            raise ValueError(" or ".join(known))
        return known[text]

    return read


def _named(*names: str) -> Callable[[str], str]:
    return _one_of({name: name for name in names})


_SWITCH = _one_of({"on": True, "off": False})
_SCALES: dict[str, Schedule | None] = {"off": None, **SCALES}
_REACHES: dict[str, Schedule | None] = {
    "off": None,
    **{name.replace(" ", "-"): one for name, one in REACHES.items()},
}

_SEARCH: Mapping[str, tuple[str, Reader]] = {
    "steps": ("steps", int),
    "restarts": ("restarts", int),
    "rate": ("learning_rate", float),
    "starts": ("starts", _named(*get_args(StartKind))),
    "candidates": ("candidates", int),
    "annealing": ("schedule", _one_of(_SCALES)),
    "multi-scale": ("multi_scale", _SWITCH),
    "reach": ("reach", _one_of(_REACHES)),
    "aggregate": ("aggregate", _named(*get_args(Rule), "consensus")),
    "sharpness": ("sharpness", float),
    "salience": ("salience", float),
    "patience": ("patience", lambda text: None if text == "off" else int(text)),
    "halvings": ("halvings", int),
    "least-scale": ("least_scale", float),
    "refine": ("refine", _SWITCH),
}
"""Attribute of ``SearchConfig`` and reader of each option."""

_LOSS: Mapping[str, tuple[str, Reader]] = {
    "loss": ("kind", _named(*get_args(LossKind))),
    "direction": ("direction", _named("user", "captioner")),
    "words": ("words", _named("spoken", "forced")),
    "smoothing": ("smoothing", float),
    "end": ("with_end", _SWITCH),
}
"""Attribute of ``CaptionLoss`` and reader of each option."""

WEIGHT, AESTHETICS = "weight", "aesthetics"

OPTIONS = (*_SEARCH, *_LOSS, WEIGHT, AESTHETICS)


def changed(request: CaptionRequest, text: str) -> tuple[CaptionRequest, str | None]:
    """Change a request by options.

    Args:
        request: what holds where no option says otherwise.
        text: ``NAME=VALUE`` with commas between; may be empty.

    Returns:
        The request, and what judges aesthetics, if an option says that.

    Raises:
        RequestError: an option is unknown or its value cannot be used.
    """
    aesthetics = None
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        if name == AESTHETICS and value:
            aesthetics = value
        elif name == WEIGHT:
            request = replace(request, weight_aesthetic=_read(part, value, float))
        elif name in _SEARCH:
            attribute, read = _SEARCH[name]
            request = replace(
                request, search=replace(request.search, **{attribute: _read(part, value, read)})
            )
        elif name in _LOSS:
            attribute, read = _LOSS[name]
            request = replace(request, loss=replace(request.loss, **{attribute: _read(part, value, read)}))
        else:
            raise RequestError(f"'{part}' is no option of cagic: give NAME=VALUE of {', '.join(OPTIONS)}.")
    return request, aesthetics


def _read(part: str, value: str, read: Callable[[str], Value]) -> Value:
    try:
        return read(value)
    except ValueError as error:
        wanted = "a number" if read in {int, float} or "literal" in str(error) else str(error)
        raise RequestError(f"'{part}' cannot be used: its value is {wanted}.") from None
