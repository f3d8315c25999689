"""One server for a project file: a lock that dies with the process, and a note of where the server is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from cadrage.annotation.server.security import Access, new_token
from cadrage.atomic import replacing
from cadrage.errors import DataError, RequestError


@dataclass(frozen=True, slots=True)
class Claim:
    """A project file that this process alone serves.

    Attributes:
        project: the file, with links resolved.
        token: of the project's last server, so that addresses given to raters, and pages that are open, stay good.
    """

    project: Path
    token: str

    def announce(self, url: str, token: str) -> None:
        """Note where the server is, for whoever starts a second one; only the owner may read it."""
        _write(_note_of(self.project), {"url": url, "token": token})


@contextmanager
def claimed(project: Path) -> Iterator[Claim]:
    """Keep other servers from a project file, which need not exist yet, as long as the block runs.

    Raises:
        RequestError: the project is served already; the message says where.
        DataError: its folder is missing, or cannot be written to.
    """
    project = project.resolve()
    if not project.parent.is_dir():
        raise DataError(f"{project} cannot be used: {project.parent} is no folder.")
    note = _note_of(project)
    lock = FileLock(project.with_name(f"{project.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        url = _read(note).get("url")
        raise RequestError(
            f"{project} is served already{f', at {url}' if url else ''}: a project has one server at a time."
        ) from None
    except (OSError, NotImplementedError) as error:
        raise DataError(f"{project} cannot be locked: {error}.") from error
    try:
        _forget_url(note)
        yield Claim(project, _read(note).get("token") or new_token())
        _forget_url(note)
    finally:
        lock.release()


def _note_of(project: Path) -> Path:
    return project.with_name(f"{project.name}.server")


def _forget_url(note: Path) -> None:
    found = _read(note)
    if "url" in found:
        _write(note, {"token": found["token"]})


def _read(note: Path) -> dict[str, str]:
    """What a note says; nothing if it is missing or damaged."""
    with suppress(OSError, ValueError, RequestError):
        found = json.loads(note.read_text(encoding="utf-8"))
        if isinstance(found, dict) and isinstance(found.get("token"), str):
            Access(found["token"])
            return found
    return {}


def _write(note: Path, what: dict[str, str]) -> None:
    try:
        with replacing(note) as part:
            part.touch(mode=0o600)
            part.write_text(json.dumps(what), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{note} cannot be written: {error.strerror}.") from error
