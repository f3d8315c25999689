"""The people of a project, and the time they spent."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from cadrage.annotation.store.database import Store, now
from cadrage.errors import RequestError

LONGEST_NAME = 60

LONGEST_PAUSE = 3_600_000
"""Milliseconds after which a judgement's time says nothing about judging; longer ones are kept as this."""


@dataclass(frozen=True, slots=True)
class Rater:
    """A person who rates, draws or votes.

    Attributes:
        id: their number, from 1, in the order of their coming.
        name: what they call themselves; upper and lower case make no difference.
        excluded: why their judgements do not count, if they do not.
    """

    id: int
    name: str
    excluded: str | None = None


def enter(store: Store, name: str) -> Rater:
    """The rater of a name, who comes for the first time or again.

    Raises:
        RequestError: the name is empty, too long, or holds characters that cannot be shown.
    """
    name = checked_name(name)
    with store.writing() as database:
        database.execute(
            "INSERT INTO rater (key, name, created) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING",
            (name_key(name), name, now()),
        )
        row = database.execute(
            "SELECT id, name, excluded FROM rater WHERE key = ?", (name_key(name),)
        ).fetchone()
    return Rater(*row)


def checked_name(name: str) -> str:
    """A name with its spaces in order.

    Raises:
        RequestError: the name is empty, too long, or holds characters that cannot be shown.
    """
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not 1 <= len(name) <= LONGEST_NAME or any(unicodedata.category(letter)[0] == "C" for letter in name):
        raise RequestError(f"A name has 1 to {LONGEST_NAME} letters.")
    return name


def name_key(name: str) -> str:
    """What two spellings of one name share; SQLite's own rule knows the letters of English only."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def raters(store: Store) -> tuple[Rater, ...]:
    """All raters, in the order of their coming."""
    with store.reading() as database:
        rows = database.execute("SELECT id, name, excluded FROM rater ORDER BY id").fetchall()
    return tuple(Rater(*row) for row in rows)


def exclude(store: Store, name: str, reason: str | None) -> Rater:
    """Let a rater's judgements not count, for a reason; or count again, without one. They are kept either way.

    Returns:
        The rater as they were before.

    Raises:
        RequestError: there is no such rater.
    """
    with store.writing() as database:
        row = database.execute(
            "SELECT id, name, excluded FROM rater WHERE key = ?", (name_key(name),)
        ).fetchone()
        if row is None:
            raise RequestError(f"There is no rater '{name}'.")
        database.execute("UPDATE rater SET excluded = ? WHERE id = ?", (reason, row["id"]))
    return Rater(*row)


def require_rater(database: sqlite3.Connection, rater: int) -> None:
    """Check, within a transaction, that there is a rater of a number.

    Raises:
        RequestError: there is none.
    """
    if not database.execute("SELECT 1 FROM rater WHERE id = ?", (rater,)).fetchone():
        raise RequestError(f"There is no rater {rater}.")


def counted_time(milliseconds: int) -> int:
    """The time of a judgement as it is kept: from 0 to ``LONGEST_PAUSE``."""
    return min(max(milliseconds, 0), LONGEST_PAUSE)


def spend(store: Store, rater: int, session: str, seconds: float) -> None:
    """Note how long a rater's session has lasted so far.

    Args:
        store: the project.
        rater: who.
        session: a name that the page made for this session.
        seconds: of work since the session began; a shorter time than noted before changes nothing.

    Raises:
        RequestError: the session is another rater's.
    """
    with store.writing() as database:
        database.execute(
            "INSERT INTO session VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
            "SET seconds = max(seconds, excluded.seconds) WHERE rater = excluded.rater",
            (session, rater, now(), seconds),
        )
        owner = database.execute("SELECT rater FROM session WHERE id = ?", (session,)).fetchone()[0]
    if owner != rater:
        raise RequestError("This session is another rater's.")


def seconds_spent(store: Store) -> Mapping[int, float]:
    """Time at work of each rater who has spent some, by their number."""
    with store.reading() as database:
        rows = database.execute("SELECT rater, sum(seconds) FROM session GROUP BY rater").fetchall()
    return {row[0]: row[1] for row in rows}
