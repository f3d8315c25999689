"""Which file of a folder of crops belongs to which photograph: by its name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cadrage.errors import DataError, RequestError
from cadrage.geometry import AspectRatio
from cadrage.imaging.formats import readable_suffixes

UNRATIOED = ("free", "original")
"""Shapes of crops that are no ratio."""

_CROP = re.compile(r"(.+)_(\d+(?:\.\d+)?x\d+(?:\.\d+)?|free|original)(?:_(\d+))?", re.DOTALL)
"""Names that ``cadrage crop --out`` gives: photograph, ratio, and rank where several of a ratio were asked for."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a crop's name can mean.

    Attributes:
        photograph: name of the photograph, less its suffix.
        ratio: as ``cadrage crop`` is asked for it, such as ``"16:9"``; ``None`` if the name says none.
        rank: 1 for the best of its ratio.
    """

    photograph: str
    ratio: str | None = None
    rank: int = 1


@dataclass(frozen=True, slots=True)
class Matched:
    """The crops of a folder.

    Attributes:
        crops: by name of the photograph, less its suffix.
        strays: files that belong to no photograph.
    """

    crops: Mapping[str, Path]
    strays: tuple[str, ...]


def ratio_named(text: str) -> str:
    """A ratio as results name it.

    Raises:
        RequestError: it is none.
    """
    word = text.strip().lower()
    return word if word in UNRATIOED else str(AspectRatio.parse(text))


def pictures_below(folder: Path) -> dict[str, Path]:
    """The pictures of a folder and the folders below it, by their path in it, with ``/``, less the suffix.

    Raises:
        DataError: there is no such folder, it holds no picture, or two of one name.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}.")
    suffixes = readable_suffixes()
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if path.suffix.lower() not in suffixes or any(part.startswith(".") for part in place.parts):
            continue
        name = key_of(place)
        if name in found:
            raise DataError(f"{found[name]} and {path.name} have one name: one must go.")
        found[name] = path
    if not found:
        raise DataError(f"{folder} holds no pictures.")
    return found


def key_of(place: Path) -> str:
    """What photographs and their crops are matched by: the path with ``/``, less a picture's suffix."""
    is_picture = place.suffix.lower() in readable_suffixes()  # "IMG_1.5" has none
    return unicodedata.normalize("NFC", (place.with_suffix("") if is_picture else place).as_posix())


def readings(name: str) -> tuple[Reading, ...]:
    """What a crop's name can mean: the photograph's own, and the photograph's with a ratio behind it."""
    own = Reading(name)
    match = _CROP.fullmatch(name)
    if match is None:
        return (own,)
    ratio = match[2] if match[2] in UNRATIOED else match[2].replace("x", ":")
    return own, Reading(match[1], ratio, int(match[3] or 1))


def photographs_of(folders: Iterable[Mapping[str, Path]]) -> set[str]:
    """The photographs that folders of crops seem to be of, where the photographs themselves are not known."""
    return {readings(name)[-1].photograph for files in folders for name in files}


def match_crops(
    folder: Path, files: Mapping[str, Path], photographs: Collection[str], ratio: str | None
) -> Matched:
    """Find each photograph's crop in a folder.

    Args:
        folder: the folder, for messages.
        files: its pictures, see ``pictures_below``.
        photographs: names of the photographs, less the suffix.
        ratio: which crops are meant if some photograph has several, as ``ratio_named`` says it.

    Raises:
        RequestError: a file can be of two photographs, a photograph has several crops, or none has any.
    """
    candidates: dict[str, dict[str, Reading]] = {}
    strays = []
    for name in files:
        meant = [one for one in readings(name) if one.photograph in photographs]
        if len(meant) > 1:
            raise RequestError(
                f"{files[name]} can be the crop of '{meant[0].photograph}' or of '{meant[1].photograph}': "
                "rename one of them."
            )
        if not meant:
            strays.append(files[name].name)
        elif meant[0].rank == 1:
            candidates.setdefault(meant[0].photograph, {})[name] = meant[0]
    if not candidates:
        raise RequestError(f"No picture in {folder} has the name of a photograph of the study.")
    crops = {}
    is_choice = ratio is not None and any(len(named) > 1 for named in candidates.values())
    for photograph, named in candidates.items():
        chosen = [name for name, one in named.items() if one.ratio == ratio or not is_choice]
        if len(chosen) > 1:
            names = ", ".join(files[name].name for name in chosen)
            raise RequestError(
                f"{folder} has several crops of '{photograph}' ({names}): choose with --ratio."
            )
        if chosen:
            crops[photograph] = files[chosen[0]]
    return Matched(crops, tuple(strays))
