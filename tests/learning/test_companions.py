"""Processes beside a run: they do the same, end with it however it ends, and do no harm by failing."""

import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from beside import die, fail, stay, write_name

from cadrage.learning import companions as module
from cadrage.learning.companions import companions

PATIENCE = 300  # seconds; a process imports torch before it works, on a busy machine in minutes


def started(folder, count):
    """The identifiers of so many processes, once they work."""
    end = time.monotonic() + PATIENCE
    while len(names := sorted(path.name for path in folder.iterdir())) < count:
        assert time.monotonic() < end
        time.sleep(0.02)
    return [int(name) for name in names]


def is_running(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_companions_work_as_long_as_the_block_runs(tmp_path):
    with companions(2, partial(stay, tmp_path)):
        processes = started(tmp_path, 2)
        assert all(map(is_running, processes))
    assert not any(map(is_running, processes))


def test_none_are_started_where_none_are_wanted(tmp_path):
    with companions(0, partial(write_name, tmp_path)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_one_that_fails_says_nothing_and_does_no_harm(tmp_path, capfd):
    with companions(1, partial(fail, tmp_path)):
        started(tmp_path, 1)
    assert capfd.readouterr() == ("", "")


def test_one_that_dies_before_it_knows_its_work_holds_nothing_up(monkeypatch):
    monkeypatch.setattr(module, "_accompany", die)
    large = b"0" * 5_000_000  # more than a pipe holds
    with companions(1, partial(len, large)):
        pass


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_they_end_where_the_work_is_broken_off(tmp_path):
    with pytest.raises(KeyboardInterrupt), companions(2, partial(stay, tmp_path)):
        processes = started(tmp_path, 2)
        raise KeyboardInterrupt
    assert not any(map(is_running, processes))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_they_end_by_themselves_where_the_process_is_killed(tmp_path):
    script = (
        "import sys, time; from functools import partial; from pathlib import Path;"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r});"
        "from cadrage.learning.companions import companions; from beside import stay\n"
        "with companions(1, partial(stay, Path(sys.argv[1]))): time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script, tmp_path]) as parent:
        try:
            (companion,) = started(tmp_path, 1)
        finally:
            parent.kill()
    end = time.monotonic() + PATIENCE
    while is_running(companion):
        assert time.monotonic() < end
        time.sleep(0.02)
