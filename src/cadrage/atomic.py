"""Files that appear whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Write a file beside its target and move it there when the block ends well.

    Whoever reads ``target`` meanwhile sees the old content or the new, never a part. When the block raises,
    the target is as it was and the part is removed.

    Args:
        target: the file to make or to replace; its folder must exist.

    Yields:
        A path that does not exist yet, in the target's folder; the block must write the file there.

    Example:
        >>> with replacing(Path("scores.jsonl")) as part:
        ...     part.write_text("{}")
    """
    # Not a temporary file of the library: its mode 0600 would stay with the result.
    part = target.with_name(f".cadrage-{secrets.token_hex(8)}.part")
    try:
        yield part
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
