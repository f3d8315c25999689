"""The project file: one SQLite database, opened, locked, brought up to date, copied."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from types import TracebackType

from cadrage.atomic import replacing
from cadrage.errors import DataError

APPLICATION_ID = 0x63616472
"""Marks the file as a project of cadrage, in SQLite's header ("cadr")."""

SIGNATURE = b"SQLite format 3\0"
"""How files of SQLite begin."""

BUSY_SECONDS = 30.0
"""How long a write waits for another program's."""


class Store:
    """An open project file, for one program and all of its threads.

    Writes are whole or absent, also when the program or the machine is stopped in the middle: the write-ahead
    log is brought to the disk before a write counts as done.

    Example:
        >>> with Store.open(Path("ratings.cadrage")) as store, store.writing() as database:
        ...     database.execute("UPDATE rater SET excluded = NULL")
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Keep a connection; use ``create`` or ``open``."""
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def create(cls, path: Path) -> Store:
        """Make a new, empty project file.

        Raises:
            DataError: the file exists, or cannot be made.
        """
        if path.exists():
            raise DataError(f"{path} exists already.")
        if not path.parent.is_dir():
            raise DataError(f"{path} cannot be made: {path.parent} is no folder.")
        store = cls(_connect(path), path)
        try:
            with _telling(path):
                store._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                _make_ready(store._connection)
        except BaseException:
            store.close()
            path.unlink(missing_ok=True)
            raise
        return store

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open a project file, and bring one of an older version up to date.

        Raises:
            DataError: there is no such file, it is no project, it is damaged, or a newer cadrage made it.
        """
        if path.is_dir():
            raise DataError(f"{path} is a folder: a project is a file, such as {path / 'ratings.cadrage'}.")
        if not path.is_file():
            raise DataError(f"There is no project {path}.")
        connection = _connect(path)
        try:
            with _telling(path):
                _check(connection, path)
                _make_ready(connection)
        except BaseException:
            connection.close()
            raise
        return cls(connection, path)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; without other users its log files go."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read one state of the project; rows are tuples that know their columns' names.

        Raises:
            DataError: the file is damaged or cannot be reached.
        """
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Change the project: what the block wrote counts when the block ends well, else nothing of it.

        Raises:
            DataError: the file is damaged or cannot be written, as when the disk is full.
        """
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._lock, _telling(self.path):
            if self._connection.in_transaction:  # a block within a block is part of it
                yield self._connection
                return
            self._connection.execute(begin)
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def backup(self, target: Path) -> None:
        """Copy the project as it is now to another file, also while people work on it.

        Raises:
            DataError: the copy cannot be written.
        """
        try:
            with replacing(target) as part, closing(sqlite3.connect(part)) as copy:
                # From a connection of its own: a reader's pages are copied while others write.
                with closing(_connect(self.path)) as source:
                    source.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
        except (OSError, sqlite3.Error) as error:
            raise DataError(f"{target} cannot be written: {_reason(error)}.") from error


def now() -> str:
    """The time, as project files write it: ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _connect(path: Path) -> sqlite3.Connection:
    with _telling(path):
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse what is no project, before anything is written to it."""
    try:
        with path.open("rb") as file:
            is_database = file.read(len(SIGNATURE)) == SIGNATURE
    except OSError as error:
        raise DataError(f"{path} cannot be read: {_reason(error)}.") from error
    if not is_database or _pragma(connection, "application_id") != APPLICATION_ID:
        raise DataError(f"{path} is no project of cadrage.")
    if _pragma(connection, "user_version") > len(_migrations()):
        raise DataError(f"{path} was made by a newer cadrage: update cadrage to open it.")


def _make_ready(connection: sqlite3.Connection) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    _migrate(connection)


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Turn what SQLite says about the file into a sentence; broken rules of the schema are our own bugs."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as error:
        raise DataError(f"The project {path} cannot be used: {_reason(error)}.") from error


def _reason(error: OSError | sqlite3.Error) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _migrations() -> list[str]:
    """The scripts that lead from an empty file to the present schema, in order."""
    folder = files("cadrage.annotation.store") / "migrations"
    scripts = sorted((script for script in folder.iterdir() if script.name.endswith(".sql")), key=str)
    return [script.read_text(encoding="utf-8") for script in scripts]


def _migrate(connection: sqlite3.Connection) -> None:
    """Run the scripts that the file has not seen, each whole or not at all."""
    scripts = _migrations()
    for version in range(_pragma(connection, "user_version"), len(scripts)):
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{scripts[version]}\nPRAGMA user_version = {version + 1};\nCOMMIT;"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
