"""What a crop may be asked to be: one value that Python, the command line and JSON share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from cadrage.errors import RequestError
from cadrage.geometry import AspectRatio, Box
from cadrage.numbers import is_number, plain
from cadrage.selection import MAX_OVERLAP

Shape = AspectRatio | Literal["free", "original"]
"""What a crop may look like: one ratio, any ratio, or the frame's own."""

Policy = Literal["best", "minimal", "keep-full"]

MOST_CROPS = 1000
"""Crops of one ratio that may be asked for; no frame has as many that differ."""

MOST_PIXELS_A_SIDE = 65_535
"""Longest side of an output; no format that is written has longer ones."""

TOLERANCE = 0.15
"""Points of the 1-5 scale that count as no difference; raters differ by more about most crops."""

SUBJECT = 4.0
"""Points of the 1-5 scale that a crop loses with the whole of the subject.

With release 2.1.0 of the default model, on 100 photographs with masks (``benchmarks/subject.py``), crops at 1:1,
4:5 and 16:9 lose 8.3, 11.7 and 16.4 % of the subject at 0, 6.2, 9.2 and 12.0 % at 2, 5.5, 8.3 and 11.2 % at 4, 5.1,
7.7 and 10.5 % at 6. On 26 photographs of GAICD the best crops at 1:1 and 16:9 score 0.05 less at 2, 0.08 less at
4 and 0.10 less at 6.
"""


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the frame that a crop should hold, or should leave out.

    Attributes:
        box: in frame pixels.
        weight: points of the 1-5 scale for the whole of it; more than 0.

    Raises:
        RequestError: the weight is no such number.
    """

    box: Box
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not is_number(self.weight) or self.weight <= 0:
            raise RequestError(f"The weight of a region must be a number above 0, not {self.weight!r}.")


@dataclass(frozen=True, slots=True)
class CropRequest:
    """Which crops are wanted.

    Hard wishes, from the most important on: ``keep``, the faces of ``faces``, ``focus``, ``min_size``,
    ``max_area``, ``min_area``, ``headroom``. Where they cannot all hold, the least important are broken, as
    little as possible, and the result names them. The frame and the ratio always hold. Soft wishes (``prefer``,
    ``avoid``, ``subject``) are weighed against the score, in points of its 1-5 scale.

    Attributes:
        ratios: at least one of what ``AspectRatio.parse`` reads, a number (width over height), ``"free"`` (the grid
            anchors, from 1:2 to 2.2:1) or ``"original"`` (the frame's own). Each is answered by itself; kept parsed
            and without repetition.
        top: crops per ratio, at most; 1 to ``MOST_CROPS``.
        max_overlap: largest intersection over union of two crops of one ratio, in [0, 1].
        size: width and height, in pixels, that the written crops shall have; it is the ratio then, and no other
            may be given. The box does not depend on it beyond its ratio: a crop with fewer pixels is enlarged.
        upscale: accept a size that the frame cannot fill without enlarging.
        min_size: smallest crop: a share, in (0, 1], of the sides of the largest crop of the ratio, or width and
            height in pixels.
        min_area: smallest share of the frame's area, in [0, 1].
        max_area: largest share of the frame's area, in (0, 1].
        keep: boxes that are never cut.
        prefer: parts that the crop should hold.
        avoid: parts that it should leave out.
        focus: a point, in frame pixels, that the crop holds, near its middle rather than its border.
        headroom: least share of the crop's height between its top and the top of what it keeps (``keep``, faces,
            or the subject found), in [0, 0.5].
        policy: ``"best"`` takes the best crop (of free ones, see ``selection.most_agreed``); ``"minimal"`` the
            largest that is hardly worse; ``"keep-full"`` the largest crop allowed unless another is clearly better.
        tolerance: what "hardly" and "clearly" mean: points of the 1-5 scale, in [0, 4].
        subject: points, in [0, 100], that a crop loses with the whole of the salient subject; 0 for no regard to
            it.
        faces: find faces and keep them (extra ``faces``).

    Raises:
        RequestError: a value is outside its range, or two of them contradict each other.
    """

    ratios: tuple[str | float | AspectRatio, ...] = ("free",)
    top: int = 1
    max_overlap: float = MAX_OVERLAP
    size: tuple[int, int] | None = None
    upscale: bool = False
    min_size: float | tuple[int, int] | None = None
    min_area: float | None = None
    max_area: float | None = None
    keep: tuple[Box, ...] = ()
    prefer: tuple[Region, ...] = ()
    avoid: tuple[Region, ...] = ()
    focus: tuple[float, float] | None = None
    headroom: float | None = None
    policy: Policy = "best"
    tolerance: float = TOLERANCE
    subject: float = SUBJECT
    faces: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, plain(getattr(self, field.name)))
        object.__setattr__(self, "ratios", self._shapes())
        object.__setattr__(self, "keep", tuple(map(_box, _listed(self.keep, "keep"))))
        object.__setattr__(self, "prefer", tuple(map(_region, _listed(self.prefer, "prefer"))))
        object.__setattr__(self, "avoid", tuple(map(_region, _listed(self.avoid, "avoid"))))
        if self.focus is not None:
            object.__setattr__(self, "focus", _pair(self.focus, "The focus is a point x,y"))
        if isinstance(self.min_size, Sequence):
            object.__setattr__(self, "min_size", _size(self.min_size, "The smallest crop"))
        self._check_ranges()

    def _shapes(self) -> tuple[Shape, ...]:
        shapes = parse_shapes(self.ratios)
        if self.size is None:
            return shapes
        width, height = _size(self.size, "The size")
        object.__setattr__(self, "size", (width, height))
        shape = AspectRatio(width, height)
        if shapes not in (("free",), (shape,)):
            raise RequestError(f"The size {width}x{height} is the ratio already: give no other beside it.")
        return (shape,)

    def _check_ranges(self) -> None:
        if not isinstance(self.top, int) or isinstance(self.top, bool) or not 1 <= self.top <= MOST_CROPS:
            raise RequestError(f"The number of crops must be from 1 to {MOST_CROPS}, not {self.top!r}.")
        _check(self.max_overlap, 0, 1, "largest overlap")
        if is_number(self.min_size) and not 0 < self.min_size <= 1:
            raise RequestError(
                f"The smallest crop must be a share above 0 and at most 1, or WxH pixels, not {self.min_size!r}."
            )
        if self.min_size is not None and not isinstance(self.min_size, tuple):
            _check(self.min_size, 0, 1, "smallest crop")
        for value, what in ((self.min_area, "smallest area"), (self.max_area, "largest area")):
            if value is not None:
                _check(value, 0, 1, what)
        if self.max_area == 0:
            raise RequestError("The largest area must be above 0.")
        if self.max_area is not None and self.max_area <= (self.min_area or 0):
            raise RequestError(
                f"The largest area, {self.max_area:g}, must be more than the smallest, {self.min_area or 0:g}."
            )
        if self.headroom is not None:
            _check(self.headroom, 0, 0.5, "headroom")
        if self.policy not in get_args(Policy):
            raise RequestError(f"The policy must be {', '.join(get_args(Policy))}, not {self.policy!r}.")
        _check(self.tolerance, 0, 4, "tolerance")
        _check(self.subject, 0, 100, "weight of the subject")
        for flag, what in ((self.upscale, "upscale"), (self.faces, "faces")):
            if not isinstance(flag, bool):
                raise RequestError(f"'{what}' must be true or false, not {flag!r}.")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is at its default is left out."""
        plain = CropRequest()
        changed = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != getattr(plain, field.name)
        }
        if self.size is not None:
            del changed["ratios"]
        return {name: _plain(value) for name, value in changed.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CropRequest:
        """The reverse of ``to_dict``; what is missing is at its default.

        Raises:
            RequestError: a name is unknown, or a value is outside its range.
        """
        if not isinstance(values, Mapping):
            raise RequestError("A request is an object of names and values.")
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise RequestError(f"A request has no '{name}': choose from {', '.join(known)}.")
        return cls(**values)


def parse_shapes(
    ratios: str | float | AspectRatio | Iterable[str | float | AspectRatio],
) -> tuple[Shape, ...]:
    """Read one ratio or several; see ``CropRequest.ratios``.

    Raises:
        RequestError: there is none, or one is not a ratio.
    """
    several = ratios if isinstance(ratios, Iterable) and not isinstance(ratios, str | bytes) else [ratios]
    # By their text, which names the crops and their files.
    shapes = {str(shape): shape for shape in map(_parse_shape, several)}
    if not shapes:
        raise RequestError("At least one ratio is needed.")
    return tuple(shapes.values())


def _parse_shape(ratio: object) -> Shape:
    ratio = plain(ratio)
    if isinstance(ratio, AspectRatio):
        return ratio
    if is_number(ratio):
        return AspectRatio(ratio, 1)
    if not isinstance(ratio, str):
        raise RequestError(
            f"A ratio is text such as '16:9', or width over height as a number, not {ratio!r}."
        )
    match ratio.strip().lower():
        case "free":
            return "free"
        case "original":
            return "original"
    return AspectRatio.parse(ratio)


def _check(value: object, low: float, high: float, what: str) -> None:
    if not is_number(value) or not low <= value <= high:
        raise RequestError(f"The {what} must be from {low} to {high}, not {value!r}.")


def _listed(values: object, name: str) -> Iterable[object]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise RequestError(f"'{name}' is a list, not {values!r}.")
    return values


def _box(value: object) -> Box:
    if isinstance(value, Box):
        return value
    value = _plain_numbers(value)
    if not isinstance(value, Sequence) or len(value) != 4 or not all(map(is_number, value)):
        raise RequestError(f"A box is four numbers x1,y1,x2,y2, not {value!r}.")
    return Box(*value)


def _region(value: object) -> Region:
    if isinstance(value, Region):
        return Region(_box(value.box), value.weight)
    if isinstance(value, Mapping) and "box" in value and value.keys() <= {"box", "weight"}:
        return Region(_box(value["box"]), value.get("weight", 1.0))
    return Region(_box(value))


def _plain_numbers(value: object) -> object:
    value = plain(value)
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def _pair(value: object, what: str) -> tuple[Any, Any]:
    value = _plain_numbers(value)
    if not isinstance(value, Sequence) or len(value) != 2 or not all(map(is_number, value)):
        raise RequestError(f"{what}, two numbers, not {value!r}.")
    return value[0], value[1]


def _size(value: object, what: str) -> tuple[int, int]:
    width, height = _pair(value, f"{what} is width and height in pixels")
    whole = all(isinstance(side, int) and 1 <= side <= MOST_PIXELS_A_SIDE for side in (width, height))
    if not whole:
        raise RequestError(
            f"{what} must be whole pixels from 1 to {MOST_PIXELS_A_SIDE} a side, not {width}x{height}."
        )
    return width, height


def _plain(value: Any) -> Any:  # noqa: ANN401
    """A field as JSON has it."""
    if isinstance(value, Box):
        return list(value.as_tuple())
    if isinstance(value, Region):
        return {"box": list(value.box.as_tuple()), "weight": value.weight}
    if isinstance(value, AspectRatio):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value
