"""What a project is: its kind, title and settings."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cadrage.annotation.store.database import Store, now
from cadrage.errors import DataError

Kind = Literal["ratings", "captions", "study"]

CALLED: dict[Kind, str] = {
    "ratings": "a project of rated crops",
    "captions": "a project of captions and boxes",
    "study": "a preference study",
}
"""What messages call each kind."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project's identity card.

    Attributes:
        kind: what people do in it.
        uid: drawn when it was made: copies of a project share it, other projects do not.
        title: what the pages call it.
        settings: plain values; of a project of ratings ``RatingProtocol.to_dict()``.
        created: when, ISO 8601.
    """

    kind: Kind
    uid: str
    title: str
    settings: Mapping[str, Any]
    created: str


def create_project(path: Path, kind: Kind, title: str, settings: Mapping[str, Any]) -> Store:
    """Make a project file, with nothing in it yet.

    Raises:
        DataError: the file exists, or cannot be made.
    """
    store = Store.create(path)
    with store.writing() as database:
        database.execute(
            "INSERT INTO project (id, uid, kind, title, settings, created) VALUES (1, ?, ?, ?, ?, ?)",
            (secrets.token_hex(8), kind, title, json.dumps(settings), now()),
        )
    return store


def project_of(store: Store, kind: Kind | None = None) -> Project:
    """The project in a file.

    Args:
        store: the file.
        kind: which kind it must be; by default any.

    Raises:
        DataError: it is of another kind, or the file holds none.
    """
    with store.reading() as database:
        row = database.execute("SELECT kind, uid, title, settings, created FROM project").fetchone()
    if row is None:
        raise DataError(f"{store.path} holds no project: making it was stopped; delete it.")
    found = Project(row["kind"], row["uid"], row["title"], json.loads(row["settings"]), row["created"])
    if kind is not None and kind != found.kind:
        raise DataError(f"{store.path} is {CALLED[found.kind]}, not {CALLED[kind]}.")
    return found
