"""Reports as HTML files."""

from __future__ import annotations

from pathlib import Path

from cadrage.atomic import replacing
from cadrage.errors import DataError, RequestError


def check_page(target: Path) -> None:
    """Refuse, before any work, a name that is no page's: it may be that of a project.

    Raises:
        RequestError: it does not end in .html or .htm.
    """
    if target.suffix.lower() not in (".html", ".htm"):
        raise RequestError(f"A page's name ends in .html; {target} does not.")


def save_page(page: str, target: Path) -> None:
    """Write a page, whole or not at all.

    Raises:
        DataError: the file cannot be written.
        RequestError: its name is no page's.
    """
    check_page(target)
    try:
        with replacing(target) as part:
            part.write_text(page, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error.strerror}.") from error
