"""A study made: every output cut and kept in the project file, which then needs no other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cadrage.annotation.store import create_project
from cadrage.annotation.store.photographs import SHOWN_SIDE, jpeg_of
from cadrage.annotation.store.studies import Shown, StudyProtocol, add_methods, add_subject, leave_out
from cadrage.annotation.study.methods import ORIGINAL, CropSource, Method, Planned, StudyPlan
from cadrage.annotation.study.naming import key_of
from cadrage.atomic import replacing
from cadrage.errors import CadrageError, DataError, RequestError
from cadrage.geometry import Box
from cadrage.imaging import Photo, cut, open_photo, preview


@dataclass(frozen=True, slots=True)
class StudyMade:
    """What became of a plan.

    Attributes:
        photographs: names of those in the study.
        left_out: the others by name, with the reason.
        uncaptioned: those in the study without a caption, where captions were given.
    """

    photographs: tuple[str, ...]
    left_out: Mapping[str, str]
    uncaptioned: tuple[str, ...]


def check_original(protocol: StudyProtocol, methods: Sequence[Method], plan: StudyPlan) -> None:
    """See that the whole photographs can be shown beside the outputs, if they are to be.

    Raises:
        RequestError: they are not known, or are themselves outputs, which voters would then tell from the rest.
    """
    if not protocol.show_original:
        return
    if any(method.where == ORIGINAL for method in methods):
        raise RequestError("--show-original would tell voters which of the outputs is the original.")
    if any(planned.file is None for planned in plan.photographs):
        raise RequestError("--show-original needs the photographs: give --photographs.")


def make_study(
    path: Path,
    title: str,
    protocol: StudyProtocol,
    plan: StudyPlan,
    *,
    captions: Mapping[str, Sequence[str]] | None = None,
    advance: Callable[[], None] = lambda: None,
) -> StudyMade:
    """Make the project file of a study: there whole, or not at all.

    A photograph whose outputs cannot all be read is left out too. Outputs are encoded anew at one size and
    quality, without metadata, so that nothing but their pixels tells one method from another.

    Args:
        path: the file to make.
        title: what the pages call the study.
        protocol: what is asked, and how.
        plan: methods and photographs.
        captions: by name of the photograph, with or without its suffix.
        advance: called after each photograph.

    Raises:
        DataError: the file is there already, or cannot be written.
        RequestError: no photograph's outputs can all be read, or no caption is of a photograph of the study.
    """
    if path.exists():
        raise DataError(f"{path} exists already.")
    if not path.parent.is_dir():
        raise DataError(f"{path} cannot be made: {path.parent} is no folder.")
    left_out = dict(plan.left_out)
    made: list[str] = []
    uncaptioned: list[str] = []
    texts_by_key = {key_of(Path(image)): texts for image, texts in (captions or {}).items()}
    try:
        with replacing(path) as part, create_project(part, "study", title, protocol.to_dict()) as store:
            add_methods(store, plan.methods)
            for planned in plan.photographs:
                try:
                    frame, whole = _whole(planned, shown=protocol.show_original)
                    outputs = _outputs(planned.crops)
                except CadrageError as error:
                    left_out[planned.name] = str(error).removesuffix(".")
                else:
                    texts = texts_by_key.get(planned.key, ())
                    add_subject(store, planned.name, outputs, frame=frame, whole=whole, captions=texts)
                    made.append(planned.name)
                    uncaptioned += [] if texts else [planned.name]
                advance()
            for name in left_out:
                leave_out(store, name)
            _check_made(made, uncaptioned, left_out, captions)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.") from error
    return StudyMade(tuple(made), left_out, tuple(uncaptioned) if captions else ())


def _check_made(
    made: Sequence[str],
    uncaptioned: Sequence[str],
    left_out: Mapping[str, str],
    captions: Mapping[str, Sequence[str]] | None,
) -> None:
    if not made:
        name, reason = list(left_out.items())[-1]
        raise RequestError(f"No photograph can be shown with all its outputs ({name}: {reason}).")
    if captions and len(uncaptioned) == len(made):
        raise RequestError("No caption is of a photograph of the study: their names differ.")


def _whole(planned: Planned, *, shown: bool) -> tuple[tuple[int, int, str] | None, Shown | None]:
    """Frame and checksum of the photograph where it is known, and its picture if it is shown."""
    if planned.file is None:
        return None, None
    photo = open_photo(planned.file)
    with planned.file.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    return (*photo.size_wh, checksum), _shown(photo) if shown else None


def _outputs(crops: Mapping[str, CropSource]) -> dict[str, Shown]:
    """The picture of each method's crop."""
    return {method: _output(crop) for method, crop in crops.items()}


def _output(crop: CropSource) -> Shown:
    photo = open_photo(crop.file)
    if crop.size_wh is not None and photo.size_wh != crop.size_wh:
        raise RequestError(f"{photo.name} has changed since it was cropped.")
    if crop.box is None:
        return _shown(photo)
    return _shown(open_photo(cut(photo, crop.box), name=photo.name), crop.box)


def _shown(photo: Photo, box: Box | None = None) -> Shown:
    image = preview(photo, (SHOWN_SIDE, SHOWN_SIDE))
    image.info.clear()  # a comment, say, would go into the file
    return Shown(image.size, jpeg_of(image), box)
