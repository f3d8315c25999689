"""The order of one browser's writes, which can reach the server in another one."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something was written, by the clock of the browser that it was written in.

    Clocks of two machines may differ, so only stamps of one browser are compared; between browsers the write
    that arrives last counts.

    Attributes:
        browser: a random name that the browser keeps.
        milliseconds: since 1970; each write of the browser has a larger one than those before.
    """

    browser: str
    milliseconds: int


def is_overtaken(database: sqlite3.Connection, rater: int, judgement: str, stamp: Stamp | None) -> bool:
    """Whether the same browser's write to a judgement has come before, or a newer one; if not, note this one.

    Args:
        database: within ``Store.writing``.
        rater: whose judgement.
        judgement: which, such as ``"grade 7"``; also one that was taken back is remembered.
        stamp: of the write; one without is never overtaken.
    """
    if stamp is None:
        return False
    key = (rater, judgement, stamp.browser)
    newest = database.execute(
        "SELECT stamp FROM newest_write WHERE (rater, judgement, browser) = (?, ?, ?)", key
    ).fetchone()
    if newest is not None and newest[0] >= stamp.milliseconds:
        return True
    database.execute("INSERT OR REPLACE INTO newest_write VALUES (?, ?, ?, ?)", (*key, stamp.milliseconds))
    return False
