"""What each method made of each photograph: folders of crops, manifests, and the photographs left as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cadrage.annotation.store.raters import checked_name
from cadrage.annotation.study.manifests import Recorded, read_manifest
from cadrage.annotation.study.naming import match_crops, photographs_of, pictures_below, ratio_named
from cadrage.errors import RequestError
from cadrage.geometry import Box

ORIGINAL = "original"
"""In the place of a folder or manifest: the photographs themselves, not cropped."""

FEWEST, MOST = 2, 9
"""Methods of a study: there is a digit's key for each."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a study.

    Attributes:
        name: what reports call it.
        where: a folder of crops, a manifest, or ``ORIGINAL``.
    """

    name: str
    where: str

    @classmethod
    def parse(cls, text: str) -> Method:
        """Read ``NAME=WHERE``.

        Raises:
            RequestError: it has no name or no place.
        """
        name, _, where = text.partition("=")
        if not name.strip() or not where.strip():
            raise RequestError(
                f"--method {text!r}: give NAME=FOLDER, NAME=MANIFEST.jsonl or NAME={ORIGINAL}."
            )
        return cls(checked_name(name), where.strip())


@dataclass(frozen=True, slots=True)
class CropSource:
    """Where a crop comes from.

    Attributes:
        file: the crop's own file, or the photograph that it is cut from.
        box: in frame pixels of the photograph; ``None`` for the whole file.
        size_wh: width and height that the photograph must have for the box to fit; ``None`` for any.
    """

    file: Path
    box: Box | None = None
    size_wh: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A photograph of a study to be made.

    Attributes:
        key: what the photograph and its crops were matched by.
        name: of the photograph: the key, with a suffix where its file is known.
        file: the photograph itself; ``None`` where only crops of it are known.
        crops: by name of the method, all of them.
    """

    key: str
    name: str
    file: Path | None
    crops: Mapping[str, CropSource]


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """What a study will hold.

    Attributes:
        methods: their names, in the order given.
        photographs: those that every method has a crop of, by name.
        left_out: the others by name, with the reason.
        strays: by method, files in its folder that belong to no photograph.
    """

    methods: tuple[str, ...]
    photographs: tuple[Planned, ...]
    left_out: Mapping[str, str]
    strays: Mapping[str, tuple[str, ...]]


def plan_study(
    methods: Sequence[Method], photographs: Path | None = None, ratio: str | None = None
) -> StudyPlan:
    """Find the photographs that every method has a crop of.

    Args:
        methods: 2 to 9 of them.
        photographs: folder of the photographs; else they are known by the manifests, or by the crops' names only.
        ratio: which crops are taken of a method that has several of a photograph.

    Raises:
        RequestError: there are too few or too many methods, two of one name, a crop cannot be matched without
            doubt, or no photograph has a crop of every method.
        DataError: a folder or manifest cannot be read.
    """
    names = _checked_names(methods)
    ratio = ratio_named(ratio) if ratio else None
    folders = {one.name: pictures_below(Path(one.where)) for one in methods if _is_folder(one)}
    runs = {
        one.name: read_manifest(Path(one.where), ratio, photographs) for one in methods if _is_manifest(one)
    }
    files = _photographs(photographs, runs)
    if not files and any(one.where == ORIGINAL for one in methods):
        raise RequestError(f"Where the photographs of '{ORIGINAL}' are must be said: give --photographs.")
    keys = sorted(files or photographs_of(folders.values()))
    sources: dict[str, dict[str, CropSource | str]] = {}
    strays: dict[str, tuple[str, ...]] = {}
    for one in methods:
        if one.name in folders:
            matched = match_crops(Path(one.where), folders[one.name], keys, ratio)
            sources[one.name] = {key: CropSource(file) for key, file in matched.crops.items()}
            strays |= {one.name: matched.strays} if matched.strays else {}
        elif one.name in runs:
            sources[one.name] = {
                key: _source(run, files[key]) for key, run in runs[one.name].items() if key in files
            }
        else:
            sources[one.name] = {key: CropSource(file) for key, file in files.items()}
    return _divided(names, keys, files, sources, strays)


def _divided(
    names: tuple[str, ...],
    keys: Sequence[str],
    files: Mapping[str, Path],
    sources: Mapping[str, Mapping[str, CropSource | str]],
    strays: Mapping[str, tuple[str, ...]],
) -> StudyPlan:
    """The photographs that every method has, and the others."""
    planned, left_out = [], {}
    for key in keys:
        file = files.get(key)
        name = f"{key}{file.suffix}" if file else key
        crops = {method: sources[method].get(key, "no crop of it") for method in names}
        problem = next((f"{method}: {crop}" for method, crop in crops.items() if isinstance(crop, str)), None)
        if problem is None:
            there = {method: crop for method, crop in crops.items() if isinstance(crop, CropSource)}
            planned.append(Planned(key, name, file, there))
        else:
            left_out[name] = problem
    if not planned:
        first = next(iter(left_out))
        raise RequestError(f"No photograph has a crop of every method ({first}, {left_out[first]}).")
    return StudyPlan(names, tuple(planned), left_out, strays)


def _checked_names(methods: Sequence[Method]) -> tuple[str, ...]:
    if not FEWEST <= len(methods) <= MOST:
        raise RequestError(f"A study compares {FEWEST} to {MOST} methods; got {len(methods)}.")
    names = tuple(method.name for method in methods)
    if len({name.casefold() for name in names}) < len(names):
        raise RequestError("Each method of a study has a name of its own.")
    return names


def _is_folder(method: Method) -> bool:
    return method.where != ORIGINAL and not _is_manifest(method)


def _is_manifest(method: Method) -> bool:
    return method.where.lower().endswith(".jsonl") and not Path(method.where).is_dir()


def _photographs(folder: Path | None, runs: Mapping[str, Mapping[str, Recorded]]) -> dict[str, Path]:
    """The photographs' files by name; empty where only crops are known."""
    if folder is not None:
        return pictures_below(folder)
    return {key: one.source for run in runs.values() for key, one in run.items()}


def _source(recorded: Recorded, file: Path) -> CropSource | str:
    """Where a recorded crop is cut from, or why it cannot be."""
    if recorded.box is None:
        return recorded.problem
    place = recorded.source if recorded.source.is_file() else file
    if not place.is_file():
        return f"{place} is not there"
    return CropSource(place, recorded.box, recorded.size_wh)
