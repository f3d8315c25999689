"""Pillow's remarks about odd files, kept from the terminal: what matters becomes the sentence of an error."""

from __future__ import annotations

import ctypes
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

from PIL import _imaging

_LOCK = threading.Lock()
_MUTED = ExitStack()
_INSIDE: list[object] = []
"""One entry for each block at work, of whichever thread."""


@contextmanager
def quiet() -> Iterator[None]:
    """Let Pillow and libtiff neither warn nor log to the terminal within; others' remarks are let through.

    Filters of warnings belong to the process. The first block sets one and the last takes it away:
    ``catch_warnings`` in each would bring back the wrong filters where blocks of two threads overlap.
    """
    with _LOCK:
        if not _INSIDE:
            _mute()
        _INSIDE.append(None)
    try:
        yield
    finally:
        with _LOCK:
            _INSIDE.pop()
            if not _INSIDE:
                _MUTED.close()


def _mute() -> None:
    logger, silencer = logging.getLogger("PIL"), logging.NullHandler()
    _MUTED.enter_context(warnings.catch_warnings())
    warnings.filterwarnings("ignore", module=r"(PIL|pi_heif)\.")
    logger.addHandler(silencer)  # without any handler, errors are logged to stderr
    _MUTED.callback(logger.removeHandler, silencer)
    set_handler = _libtiff_error_handler()
    if set_handler:
        _MUTED.callback(set_handler, set_handler(None))


@cache
def _libtiff_error_handler() -> Callable[[int | None], int | None] | None:
    """The setter of what libtiff calls with its errors, by default a print to stderr; it returns the old one.

    Looked up in the library that Pillow's own is linked with; ``None`` where it is linked in.
    """
    try:
        setter = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (OSError, AttributeError):
        return None
    setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
    return setter
