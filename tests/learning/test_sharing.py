"""Work shared by processes: nothing twice, nothing lost, and what a killed process held is free."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from filelock import FileLock

from cadrage.errors import RequestError
from cadrage.learning.epochs import Silent
from cadrage.learning.sharing import share

NAMES = [f"piece-{number}" for number in range(6)]
HOLDS = """
import sys, time
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


class Pieces:
    """Work whose results are kept where every worker finds them, and that knows how often each was done."""

    def __init__(self):
        self.results, self.done, self.started = {}, [], threading.Barrier(2)

    def work(self, *, meet=False):
        return {name: lambda name=name: self.do(name, meet) for name in NAMES}

    def do(self, name, meet):
        if name not in self.results:
            self.done.append(name)
            if meet and len(self.done) <= 2:
                self.started.wait(timeout=60)  # both workers are at a piece at the same time
            self.results[name] = name.upper()
        return self.results[name]


class Waits(Silent):
    def __init__(self):
        self.stages = []

    def step(self, stage, done, total):
        self.stages.append(stage)


def test_one_worker_does_everything_in_order_and_waits_for_nobody(tmp_path):
    pieces, watcher = Pieces(), Waits()
    assert share(pieces.work(), tmp_path / "locks", watcher) == [name.upper() for name in NAMES]
    assert pieces.done == NAMES
    assert watcher.stages == []


def test_two_workers_do_no_piece_twice_and_both_have_every_result(tmp_path):
    pieces = Pieces()
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(share, pieces.work(meet=True), tmp_path / "locks", Silent()) for _ in range(2)]
        results = [call.result(timeout=60) for call in calls]
    assert results == [[name.upper() for name in NAMES]] * 2
    assert sorted(pieces.done) == NAMES


def test_what_another_process_does_is_waited_for_and_taken_up_when_that_is_killed(tmp_path):
    pieces, watcher = Pieces(), Waits()
    lock = tmp_path / "piece-2.lock"
    with subprocess.Popen([sys.executable, "-c", HOLDS, lock], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        watcher.step = lambda stage, done, total: (watcher.stages.append(stage), other.kill())
        assert share(pieces.work(), tmp_path, watcher) == [name.upper() for name in NAMES]
    assert pieces.done == [*NAMES[:2], *NAMES[3:], "piece-2"]
    assert watcher.stages == ["waiting for piece-2"]


def test_a_piece_that_fails_leaves_its_lock_free(tmp_path):
    def fail():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        share({"piece": fail}, tmp_path, Silent())
    with FileLock(tmp_path / "piece.lock", timeout=0):
        pass


def test_a_folder_that_cannot_hold_locks_is_refused(tmp_path):
    (tmp_path / "locks").write_text("a file")
    with pytest.raises(RequestError, match=r"locks/piece\.lock cannot be locked"):
        share({"piece": lambda: None}, tmp_path / "locks", Silent())
