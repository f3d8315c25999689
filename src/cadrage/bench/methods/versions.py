"""Versions of what methods are made of, which change whenever an answer may."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cadrage import __version__
from cadrage.errors import WeightsError
from cadrage.weights import WeightsEntry


def model_version(entry: WeightsEntry) -> str:
    """Name, version and checksum of a model: two exports of one name and version are told apart."""
    return f"{entry.name} {entry.version} {entry.encode.sha256[:8]}{entry.score.sha256[:8]}"


def checkpoint_version(file: Path) -> str:
    """Of the package, and the checksum of a checkpoint.

    Raises:
        WeightsError: the file cannot be read.
    """
    try:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"{file} cannot be read: {error.strerror}.") from error
    return f"{__version__}, checkpoint {digest[:16]}"
