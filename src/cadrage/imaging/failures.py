"""What goes wrong with a picture, said in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from cadrage.errors import CadrageError, ImageError
from cadrage.imaging.quiet import quiet

_NOT_READ = (
    "cannot handle",
    "unknown pixel mode",
    "unknown data organization",
    "unsupported",
    "invalid mode",
)
"""How Pillow begins to say that a sound picture is of a kind that it does not read."""


@contextmanager
def decoding(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises within into one sentence about the picture ``name``, and mute its warnings.

    A decoder fed with a damaged or hostile file may raise almost anything, so nothing but calls of Pillow
    belongs in here.
    """
    try:
        with quiet():
            yield
    except CadrageError:
        raise
    except MemoryError as error:
        raise ImageError(f"{name} needs more memory to decode than there is.") from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} holds a part with too many pixels.") from error
    except Exception as error:
        if str(error).lower().startswith(_NOT_READ):
            raise ImageError(f"{name} stores its pixels in a way that cannot be read.") from error
        raise ImageError(f"{name} is damaged or truncated and cannot be decoded.") from error


def printable(name: str) -> str:
    """The name on one line, whatever characters a file system allowed in it."""
    return name if name.isprintable() else repr(name)


def reason_of(error: OSError) -> str:
    """What the system said, to end a sentence with."""
    reason = error.strerror or "the system gives no reason"
    return reason[0].lower() + reason[1:]
