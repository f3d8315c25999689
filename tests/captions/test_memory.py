"""Memory given back while a search goes on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process holds")

PROBE = """if True:
    import re, sys
    from pathlib import Path

    def held(kind):
        return int(re.search(kind + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
"""


def probed(script: str) -> list[float]:
    """What a process of its own prints, as numbers."""
    ran = subprocess.run(
        [sys.executable, "-c", PROBE + script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
    )
    return [float(number) for number in ran.stdout.split()]


@linux
def test_what_was_freed_is_given_back():
    before, after = probed("""
    from cadrage.captions.memory import give_back_freed
    parts = [bytes(60_000) for _ in range(2_000)]  # each too small to be a mapping of its own
    kept = parts[-1]
    del parts
    print(held("RssAnon"))
    give_back_freed()
    print(held("RssAnon"))
    """)
    assert before - after > 50


@linux
def test_code_of_cuda_is_given_back_and_torch_works_on():
    before, after, answer = probed("""
    import torch
    from cadrage.captions.memory import give_back_cuda_code
    before = held("RssFile")
    give_back_cuda_code()
    print(before, held("RssFile"), float(torch.ones(3, 3).mm(torch.ones(3, 3)).sum()))
    """)
    assert answer == 27
    cuda = any(
        "nvidia" in path.as_posix() for path in Path(sys.prefix).glob("lib/python*/site-packages/nvidia")
    )
    assert before - after > (50 if cuda else -1)
