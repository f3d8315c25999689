"""What written crops are called: a template, and stems that keep all names of a call apart."""

from __future__ import annotations

import itertools
import os
import re
import string
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cadrage.errors import RequestError
from cadrage.imaging.photo import printable
from cadrage.request import CropRequest

FIELDS = ("stem", "ratio", "rank", "width", "height", "parent")
"""What a template may hold: the photograph's name less its suffix, the crop's ratio, its rank, its width and height
in written pixels, and the name of the photograph's folder."""

_SIDES = ("width", "height")


@dataclass(frozen=True, slots=True)
class NameTemplate:
    """The name of a crop's file, less the suffix, such as ``"{stem}_{ratio}"``.

    Attributes:
        text: literal text and ``FIELDS`` in braces.

    Raises:
        RequestError: it is empty, or holds an unknown field or a character that no file name can have.

    Example:
        >>> NameTemplate("{stem}_{ratio}").name(stem="beach", ratio="16:9")
        'beach_16x9'
    """

    text: str

    def __post_init__(self) -> None:
        for literal, field in self._parts():
            if set(literal) & {"/", "\\", "\0"}:
                raise RequestError(f"--name {self.text!r} names a file; it cannot hold a folder.")
            if field is not None and field not in FIELDS:
                known = ", ".join(f"{{{name}}}" for name in FIELDS)
                raise RequestError(f"--name {self.text!r} has no field {{{field}}}: choose from {known}.")
        if not self.text.strip(" ."):
            raise RequestError(f"--name {self.text!r} is no name for a file.")

    @classmethod
    def default(cls, request: CropRequest) -> NameTemplate:
        """``beach_16x9``, or ``beach_16x9_2`` where several crops of a ratio were asked for."""
        return cls("{stem}_{ratio}_{rank}" if request.top > 1 else "{stem}_{ratio}")

    @property
    def has_sides(self) -> bool:
        """Whether width or height of the crop are in the name."""
        return not self._fields().isdisjoint(_SIDES)

    @property
    def has_stem(self) -> bool:
        """Whether the photograph's name is in the name."""
        return "stem" in self._fields()

    def check(self, request: CropRequest, photographs: int) -> None:
        """See that the names of a call can differ.

        Args:
            request: what the crops are asked to be.
            photographs: how many the call has.

        Raises:
            RequestError: several crops would have one name, or could have for the place of width and height.
        """
        needed = (
            ("stem", photographs > 1, "several photographs"),
            ("ratio", len(request.ratios) > 1, "several ratios"),
            ("rank", request.top > 1, "several crops of a ratio"),
        )
        fields = self._fields()
        for field, several, what in needed:
            if several and field not in fields:
                raise RequestError(f"--name {self.text!r} must hold {{{field}}}, since there are {what}.")
        if request.size is None and self.has_sides and not self._sides_end():
            # They are known only when the crop is. At the end, each after a separator, they can be told from the
            # rest, and names that differ in the rest differ.
            raise RequestError(
                f"--name {self.text!r}: {{width}} and {{height}} must come last, each after other text without "
                "digits, such as {stem}_{width}x{height}."
            )

    def name(
        self,
        *,
        stem: str = "",
        parent: str = "",
        ratio: str = "",
        rank: int = 1,
        size_wh: tuple[int, int] | None = None,
    ) -> str:
        """The name of one crop; without ``size_wh`` its fields stay as they are."""
        width, height = size_wh or ("{width}", "{height}")
        return self.text.format(
            stem=stem, parent=parent, ratio=ratio.replace(":", "x"), rank=rank, width=width, height=height
        )

    def names(self, stem: str, parent: str, request: CropRequest) -> list[str]:
        """The names of all crops of a photograph, as far as they are known before it is cropped."""
        ranks = range(1, request.top + 1)
        return [
            self.name(stem=stem, parent=parent, ratio=str(ratio), rank=rank, size_wh=request.size)
            for ratio, rank in itertools.product(request.ratios, ranks)
        ]

    def without_sides(self, name: str) -> str | None:
        """A finished name with width and height put back to their fields; ``None`` if it is not of this form."""
        parts = self._parts()
        first = next(index for index, (_, field) in enumerate(parts) if field in _SIDES)
        tail = "".join(re.escape(literal) + (r"\d+" if field else "") for literal, field in parts[first:])
        match = re.fullmatch(f"(.*){tail}", name, re.DOTALL | re.IGNORECASE)
        if match is None:
            return None
        return match[1] + "".join(
            literal + (f"{{{field}}}" if field else "") for literal, field in parts[first:]
        )

    def _fields(self) -> set[str | None]:
        return {field for _, field in self._parts()}

    def _parts(self) -> list[tuple[str, str | None]]:
        """Pieces of literal text, each with the field after it."""
        try:
            parsed = list(string.Formatter().parse(self.text))
        except ValueError as error:
            raise RequestError(f"--name {self.text!r} has a brace without its other half.") from error
        if any(form or conversion for _, _, form, conversion in parsed):
            raise RequestError(f"--name {self.text!r}: nothing but a field's name may be in braces.")
        return [(literal, field) for literal, field, _, _ in parsed]

    def _sides_end(self) -> bool:
        parts = self._parts()
        first = next(index for index, (_, field) in enumerate(parts) if field in _SIDES)
        *sides, last = parts[first:] if parts[-1][1] is None else [*parts[first:], ("", None)]
        apart = all(
            field in _SIDES and literal and not any(map(str.isdigit, literal)) for literal, field in sides
        )
        return apart and not any(map(str.isdigit, last[0]))


def distinct_stems(
    folders: Mapping[Path, Path], template: NameTemplate, request: CropRequest
) -> dict[Path, str]:
    """The stem that names the results of each photograph, so that nothing of this call is overwritten.

    It is the photograph's own unless a result would then have the name of another photograph's result, or of
    one of the photographs themselves; then ``-2``, ``-3`` and so on follows. Names that differ in case or
    suffix only count as equal, since some file systems and most people take them so.

    Args:
        folders: the photographs of the whole call, each with the folder of its results.
        template: of the names.
        request: its ratios and ranks are in the names.

    Raises:
        RequestError: the template has no stem, and its name is that of the photograph.
    """
    places = {folder: _same(os.path.realpath(folder)) for folder in {*folders.values()}}
    taken = _names_of_photographs(folders, set(places.values()), template, request)
    stems: dict[Path, str] = {}
    for photo, folder in folders.items():
        there = taken.setdefault(places[folder], set())
        for number in itertools.count(1):
            stem = photo.stem if number == 1 else f"{photo.stem}-{number}"
            names = {_same(name) for name in template.names(stem, parent_of(photo), request)}
            if there.isdisjoint(names):
                break
            if not template.has_stem:
                raise RequestError(f"--name {template.text!r} would replace {printable(str(photo))} itself.")
        there |= names
        stems[photo] = stem
    return stems


def parent_of(photo: Path) -> str:
    """Name of the folder that a photograph is in, also where the path does not say it."""
    said = photo.parent.name
    return said if said not in {"", ".."} else Path(os.path.realpath(photo)).parent.name


def _names_of_photographs(
    folders: Mapping[Path, Path], places: set[str], template: NameTemplate, request: CropRequest
) -> dict[str, set[str]]:
    """The names, in each folder of results, that photographs of the call have there."""
    homes = {home: _same(os.path.realpath(home)) for home in {photo.parent for photo in folders}}
    taken: dict[str, set[str]] = {}
    open_sides = template.has_sides and request.size is None
    for photo in folders:
        if (home := homes[photo.parent]) in places:
            names = taken.setdefault(home, set())
            names.add(_same(photo.stem))
            if open_sides and (form := template.without_sides(photo.stem)):
                names.add(_same(form))
    return taken


def _same(name: str) -> str:
    """One text for all names that some file system takes for the same."""
    return unicodedata.normalize("NFC", name).casefold()
