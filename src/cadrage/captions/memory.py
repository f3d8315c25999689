"""Memory that is done with, given back: what was freed, and code that nothing calls."""

from __future__ import annotations

import ctypes
import re
import sys
from pathlib import Path

_CUDA_CODE = re.compile(r"(?P<start>[0-9a-f]+)-(?P<end>[0-9a-f]+) r-xp .*/(nvidia/.*|libtorch_cuda[^/]*)")
_MAPS = Path("/proc/self/maps")
_DONT_NEED = 4
"""Linux's ``MADV_DONTNEED``."""


def give_back_freed() -> None:
    """Let the C library return what was freed to the system, where it can.

    glibc keeps it for each thread, as if the next stage of a search were like the last.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # there are C libraries without
    if trim is not None:
        trim(0)


def give_back_cuda_code() -> None:
    """Let the system drop the pages of CUDA's code, some 200 MB that loading torch touches on the way.

    Code is never written to: what is called after all is read from its file again.
    """
    if sys.platform != "linux":
        return
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    for line in _MAPS.read_text().splitlines():
        if found := _CUDA_CODE.match(line):
            start, end = int(found["start"], 16), int(found["end"], 16)
            advise(start, end - start, _DONT_NEED)  # a system that refuses keeps them: no harm is done
