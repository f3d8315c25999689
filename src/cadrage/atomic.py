"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Write a file beside its target and move it there when the block ends well.

    Whoever reads ``target`` meanwhile sees the old content or the new, never a part. When the block raises,
    the target is as it was and the part is removed. Of a symbolic link the file that it leads to is replaced, in
    that file's folder, and the link stays.

    Args:
        target: the file to make or to replace; its folder must exist.

    Yields:
        A path that does not exist yet, in the target's folder; the block must write the file there.

    Raises:
        OSError: what is there is no file but a folder, a pipe or a device; before the block begins.

    Example:
        >>> with replacing(Path("scores.jsonl")) as part:
        ...     part.write_text("{}")
    """
    # Not a temporary file of the library: its mode 0600 would stay with the result.
    place = _place_of(target)
    part = place.with_name(f".cadrage-{secrets.token_hex(8)}.part")
    try:
        yield part
        part.replace(place)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def require_replaceable(target: Path) -> None:
    """Find out before long work whether ``replacing`` could put a file there.

    Raises:
        OSError: it could not: what is there is no file, or its folder is missing or takes no new file.
    """
    with TemporaryFile(dir=_place_of(target).parent):
        pass


def _place_of(target: Path) -> Path:
    """Where a file of that name lies, links followed."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    # A rename would put a file in its place, and whoever reads from the pipe would wait for ever.
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(target))
    return Path(os.path.realpath(target)) if target.is_symlink() else target
