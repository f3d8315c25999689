"""Methods that are compared, each in a file of its own, behind one interface.

To add one, write its file and a line of ``METHODS``; ``docs/methods.md`` has an example.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from cadrage.bench.methods.centre import Centre
from cadrage.bench.methods.chance import Chance
from cadrage.bench.methods.composition import Composition
from cadrage.bench.methods.derived import box_from_scores, scores_from_box
from cadrage.bench.methods.gaic import gaic
from cadrage.bench.methods.interface import Method, MethodOptions, Picture
from cadrage.bench.methods.largest import Largest
from cadrage.bench.methods.prior import Prior
from cadrage.bench.methods.ranker import Ranker
from cadrage.bench.methods.saliency import Saliency
from cadrage.bench.methods.smartcrop import SmartCrop
from cadrage.bench.methods.vips import Vips
from cadrage.bench.methods.whole import Whole
from cadrage.errors import RequestError

__all__ = [
    "METHODS",
    "Method",
    "MethodOptions",
    "Picture",
    "box_from_scores",
    "make_method",
    "scores_from_box",
]

Maker = Callable[[MethodOptions], Method]


_PLAIN: Mapping[str, Maker] = {
    "whole": lambda _: Whole(),
    "centre": lambda _: Centre(),
    "largest": lambda _: Largest(),
    "vips-attention": lambda options: Vips(options, "attention"),
    "vips-entropy": lambda options: Vips(options, "entropy"),
    "smartcrop": SmartCrop,
}
"""Methods whose spec is their name."""

_WITH_ARGUMENT: Mapping[str, Maker] = {
    "random": Chance.of,
    "prior": Prior.of,
    "saliency": Saliency.of,
    "composition": Composition.of,
    "gaic": gaic,
    "vfn": partial(Ranker, "vfn"),
    "ven": partial(Ranker, "ven"),
}
"""Methods whose spec may go on with ``=`` and an argument."""

METHODS: Mapping[str, Maker] = {**_PLAIN, **_WITH_ARGUMENT}
"""How each method is made, by name."""


def make_method(spec: str, options: MethodOptions | None = None) -> Method:
    """Make a method.

    Args:
        spec: a name of ``METHODS``, or name and argument: ``prior=GAICD_DIR``, ``gaic=runs/large/network.pt``.
        options: what it is made from; the argument of the spec is added.

    Raises:
        DataError: the data that it learns from is malformed.
        MissingExtraError: a package that it needs is not installed.
        RequestError: there is no such method, or its argument is of no use or lacking.
        WeightsError: its model is missing or damaged.

    Example:
        >>> make_method("centre").box(Picture("a", Path("a.jpg"), (1000, 500)), None)
        Box(x1=50.0, y1=25.0, x2=950.0, y2=475.0)
    """
    name, mark, argument = spec.partition("=")
    if name not in METHODS:
        raise RequestError(f"There is no method '{name}': choose {', '.join(METHODS)}.")
    if mark and not argument:
        raise RequestError(f"The method '{spec}' has nothing after '='.")
    if mark and name in _PLAIN:
        raise RequestError(f"The method '{name}' takes nothing after '='; got '{argument}'.")
    return METHODS[name](replace(options or MethodOptions(), argument=argument if mark else None))
