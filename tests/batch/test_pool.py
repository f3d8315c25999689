"""The pool of processes: every item answered, few read ahead, and a worker that dies costs one item."""

import itertools
import os
import time
from functools import partial
from pathlib import Path

import pytest

from cadrage.batch.pool import WINDOW, Pool
from cadrage.errors import CadrageError

EVALUATE = partial(partial, eval)
"""Makes a worker that evaluates expressions: of the library alone, so that a fresh process can have it."""

DIE = "__import__('os').kill(__import__('os').getpid(), 9)"
LEAVE = "__import__('os')._exit(7)"


def lost(item: str, end: str) -> str:
    return f"lost: {end}"


def answers(items, processes=2, prepare=EVALUATE):
    with Pool(prepare, lost, processes=processes) as pool:
        return dict(pool.answers(items))


def test_every_item_is_answered_under_its_number():
    assert answers([f"{n} * {n}" for n in range(50)]) == {n: n * n for n in range(50)}


def test_no_items_give_no_answers():
    assert answers([]) == {}


def test_the_work_is_done_in_other_processes():
    made = answers(["__import__('os').getpid()"] * 20)
    assert os.getpid() not in made.values()


def test_a_worker_bounds_the_threads_of_numpy_before_it_is_imported():
    items = ["'numpy' in __import__('sys').modules", "__import__('os').environ['OPENBLAS_NUM_THREADS']"]
    assert answers(items, processes=1) == {0: False, 1: "1"}


def test_a_killed_worker_costs_the_item_it_was_at_and_no_other():
    items = ["1", "2", DIE, "4", LEAVE, *map(str, range(6, 20))]
    made = answers(items)
    assert made.pop(2) == "lost: was killed by signal 9, most likely since memory ran out"
    assert made.pop(4) == "lost: ended with exit code 7"
    assert made == {n: n + 1 for n in (0, 1, 3)} | {n: n + 1 for n in range(5, 19)}


def test_when_every_item_kills_its_worker_all_are_answered():
    assert len(answers([DIE] * 4)) == 4


def test_items_are_read_as_they_are_needed():
    read = itertools.count()
    items = (f"{next(read)}" for _ in range(100_000))
    with Pool(EVALUATE, lost, processes=1) as pool:
        given = pool.answers(items)
        for _ in range(10):
            next(given)
        assert next(read) <= 10 + WINDOW + 2


def test_a_slow_item_holds_the_others_within_the_window(tmp_path):
    gate = tmp_path / "gate"
    opened = f"lambda: __import__('os').path.exists({str(gate)!r})"
    wait = f"[__import__('time').sleep(0.01) for _ in iter({opened}, True)]"
    numbers = []
    with Pool(EVALUATE, lost, processes=2) as pool:
        for number, _ in pool.answers([wait, *["0"] * 1000]):
            numbers.append(number)
            if len(numbers) == 2 * WINDOW:
                gate.touch()
    assert sorted(numbers) == list(range(1001))
    assert numbers.index(0) >= 2 * WINDOW - 1


def test_workers_that_cannot_make_ready_end_the_run_with_their_reason():
    with pytest.raises(CadrageError, match="no such model"):
        answers(["1"], prepare=partial(eval, REFUSE))


REFUSE = "(_ for _ in ()).throw(__import__('cadrage.errors').errors.CadrageError('no such model'))"


def test_workers_that_die_before_they_are_ready_end_the_run():
    with pytest.raises(CadrageError, match="cannot start: the last of them ended with exit code 3"):
        answers(["1"] * 5, prepare=partial(os._exit, 3))


def test_leaving_the_pool_ends_its_processes(tmp_path):
    with Pool(EVALUATE, lost, processes=2) as pool:
        pids = [next(pool.answers(["__import__('os').getpid()"]))[1] for _ in range(2)]
        list(itertools.islice(pool.answers(["__import__('time').sleep(60)"] * 4 + ["1"]), 0))
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
