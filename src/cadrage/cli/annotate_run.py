"""How ``cadrage annotate`` makes or reopens a project, takes in photographs, and serves it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from cadrage.annotation.protocol import RatingProtocol
from cadrage.annotation.server.claim import claimed
from cadrage.annotation.server.run import Address, listening, serve
from cadrage.annotation.store import (
    Kind,
    Photograph,
    Store,
    add_crops,
    create_project,
    crops_of,
    grid_crops,
    photographs,
    project_of,
    protocol_of,
    reject,
    take_in,
)
from cadrage.annotation.store.boxes import CaptionProtocol, read_captions, take_captions
from cadrage.annotation.store.projects import CALLED
from cadrage.cli.console import Progress, complain
from cadrage.cli.files import FolderRule, Found, find_photos
from cadrage.cli.grids import grid_fields
from cadrage.errors import RequestError
from cadrage.imaging.photo import printable

GRID_OPTIONS = ("--min-area", "--min-aspect", "--max-aspect")
FIELDS = {"--group": "groups"}
"""Fields of a protocol whose options have another name."""

MOST_LISTED = 5
"""Names in one line."""


@dataclass(frozen=True, slots=True)
class AnnotateCall:
    """A call of the command.

    Attributes:
        source: the folder of photographs, or a project file.
        project: the project file, if not the folder's own.
        title: of the project.
        recursive: see ``FolderRule``; so are ``include`` and ``exclude``.
        include: patterns.
        exclude: patterns.
        captions: the file of captions.
        settings: of the protocol, by option, those that were given.
        host: see ``Address``; so are ``port`` and ``token``.
        port: number.
        token: text.
        open_browser: whether to show the pages here.
    """

    source: Path
    project: Path | None
    title: str | None
    recursive: bool
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    captions: Path | None
    settings: Mapping[str, Any]
    host: str
    port: int
    token: str | None
    open_browser: bool

    @property
    def kind(self) -> Kind:
        """The kind of project that is asked for; one of captions is reopened without the file of captions too."""
        return "captions" if self.captions else "ratings"

    @property
    def file(self) -> Path:
        """The project file."""
        if self.source.is_file():
            if self.project is not None:
                raise RequestError(f"{self.source} is a file: --project goes with a folder of photographs.")
            return self.source
        if not self.source.is_dir():
            raise RequestError(f"There is no folder and no project {printable(str(self.source))}.")
        return self.project or self.source / f"{self.kind}.cadrage"


def run(call: AnnotateCall) -> None:
    """Serve the project that a call is about until it is told to end.

    Raises:
        CadrageError: an option is wrong, or contradicts the project; the project is served already.
    """
    captions = None if call.captions is None else read_captions(call.captions)
    _check(call)
    address = Address(call.host, call.port, call.token)
    # The port first: where there is none, nothing is made.
    with claimed(call.file) as claim, listening(address) as listener, _opened(call) as store:
        if call.source.is_dir():
            _take_in_folder(call, store)
        if captions is not None:
            _take_captions(store, captions)
        _tell(store)
        serve(store, claim, address, listener, open_browser=call.open_browser)


def _check(call: AnnotateCall) -> None:
    """Refuse a call before anything is left beside what it names.

    Raises:
        RequestError: an option is wrong, or says otherwise than the project.
        DataError: the file is no project, or of another kind.
        ImageError: a project would be made of no photographs.
    """
    if not call.file.exists():
        _protocol(call.kind, call.settings, _default(call.kind))
        found = _found(call)
        if not found.photos:
            raise next(iter(found.errors.values()))
        return
    with Store.open(call.file) as store:
        project = project_of(store)
    kind: Kind = "captions" if project.kind == "captions" else call.kind
    if project.kind != kind:
        raise RequestError(f"{call.file} is {CALLED[project.kind]}, not {CALLED[kind]}.")
    if call.title not in (None, project.title):
        raise RequestError(f"{call.file} has the title '{project.title}', which stays.")
    is_set = type(_default(kind)).from_dict(project.settings)
    for option, value in call.settings.items():
        if _protocol(kind, {option: value}, is_set) != is_set:
            shown = " ".join(value) if isinstance(value, tuple) else value
            raise RequestError(
                f"{call.file} was made with another {option} than {shown}: it is fixed when a project is made."
            )


@contextmanager
def _opened(call: AnnotateCall) -> Iterator[Store]:
    """The project of a call; a new one goes again if it comes to nothing."""
    is_new = not call.file.exists()
    with _made(call) if is_new else Store.open(call.file) as store:
        try:
            yield store
        finally:
            if is_new and not photographs(store):
                call.file.unlink()


def _made(call: AnnotateCall) -> Store:
    settings = _protocol(call.kind, call.settings, _default(call.kind)).to_dict()
    title = call.title or printable(call.source.resolve().name) or "Photographs"
    return create_project(call.file, call.kind, title, settings)


def _default(kind: Kind) -> RatingProtocol | CaptionProtocol:
    return RatingProtocol() if kind == "ratings" else CaptionProtocol()


def _protocol(
    kind: Kind, options: Mapping[str, Any], base: RatingProtocol | CaptionProtocol
) -> RatingProtocol | CaptionProtocol:
    """A protocol with what the options change.

    Raises:
        RequestError: an option is not for this kind of project, or its value is out of range.
    """
    settings = base.to_dict()
    known = {field.name for field in fields(base)}
    for option, value in options.items():
        field = FIELDS.get(option, option.removeprefix("--").replace("-", "_"))
        if option in GRID_OPTIONS and "grid" in known:
            settings["grid"] = {**settings["grid"], field: value}
        elif field not in known:
            raise RequestError(f"{option} is no option of {CALLED[kind]}.")
        elif field == "grid":
            settings["grid"] = {**settings["grid"], **grid_fields(value)}
        else:
            settings[field] = value
    return type(base).from_dict(settings)


def _found(call: AnnotateCall) -> Found:
    return find_photos([call.source], FolderRule(call.recursive, call.include, call.exclude))


def _take_in_folder(call: AnnotateCall, store: Store) -> None:
    """Bring the folder's new photographs into the project, and give all of them their crops."""
    found = _found(call)
    for error in found.errors.values():
        complain(error)
    files = [(printable((below / path.name).as_posix()), path) for path, below in found.photos.items()]
    is_rated = project_of(store).kind == "ratings"
    with Progress("taking in", len(files)) as progress:
        for taken in take_in(store, files):
            problem = taken.problem
            if taken.photograph is not None and is_rated:
                problem = _give_crops(store, taken.photograph)
            if problem is not None:
                progress.complain(problem)
            progress.advance()
    if not photographs(store):
        raise RequestError(f"{printable(str(call.source))} holds no photograph that can be rated.")


def _give_crops(store: Store, photograph: Photograph) -> str | None:
    """Give a photograph its grid crops; or take it out of the project and say why."""
    if crops_of(store, photograph.id):
        return None
    try:
        boxes_xyxy, ratable = grid_crops(photograph.size_wh, protocol_of(store).grid)
    except RequestError as error:
        problem = f"{photograph.name}: {error}"
        reject(store, photograph, problem)
        return problem
    add_crops(store, photograph, boxes_xyxy, ratable)
    return None


def _take_captions(store: Store, captions: Mapping[str, Sequence[str]]) -> None:
    taken = take_captions(store, captions)
    if taken.unknown:
        complain(f"Captions of images that the project lacks: {_listed(taken.unknown)}.")
    if taken.uncaptioned:
        complain(f"Photographs without a caption, which nobody is shown: {_listed(taken.uncaptioned)}.")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(printable(name) for name in names[:MOST_LISTED]) + more


def _tell(store: Store) -> None:
    count = len(photographs(store))
    complain(f"{count} photograph{'' if count == 1 else 's'} in {store.path}; Ctrl-C ends the server.")
