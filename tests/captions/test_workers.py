"""Threads that share the passes of a search."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from searching import SHORT, Passes, found

from cadrage.captions.cropper import CaptionCropper, CaptionRequest
from cadrage.captions.search.descent import SearchConfig
from cadrage.captions.search.workers import MOST, workers


@pytest.fixture
def threads(monkeypatch):
    """Lets torch use so many threads in this one, and sees how many are asked for in the end."""
    asked = []

    def use(count):
        monkeypatch.setattr(torch, "get_num_threads", lambda: count)
        monkeypatch.setattr(torch, "set_num_threads", asked.append)
        return asked

    return use


@pytest.fixture
def torch_threads():
    """Gives torch the threads back that it had before."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_one_thread_does_all_itself(threads):
    assert threads(1) == []
    with workers() as shared:
        assert shared.threads is None
        assert shared.each(lambda _: threading.get_ident(), [1, 2]) == [threading.get_ident()] * 2


def test_parts_are_shared_and_results_in_order(threads):
    asked, met = threads(3), threading.Barrier(3, timeout=60)

    def work(part):
        met.wait()  # passes only with three threads at once
        return 10 * part, threading.get_ident()

    with workers() as shared:
        made = shared.each(work, [1, 2, 3])
    assert [number for number, _ in made] == [10, 20, 30]
    assert len({thread for _, thread in made}) == 3
    # Each calculates alone, the caller too, and afterwards new threads begin with what they began with before.
    assert asked == [1, 1, 1, 1, 3]


def test_a_single_part_is_the_callers(threads):
    threads(2)
    with workers() as shared:
        assert shared.each(lambda _: threading.get_ident(), [1]) == [threading.get_ident()]


def test_there_are_not_more_threads_than_are_of_use(threads):
    threads(500)
    with workers() as shared:
        seen = set(shared.each(lambda _: threading.get_ident(), range(200)))
    assert len(seen) <= MOST


def test_what_goes_wrong_in_a_part_is_told(threads):
    asked = threads(2)

    def work(part):
        raise ValueError(f"part {part}")

    with pytest.raises(ValueError, match="part 1"), workers() as shared:
        shared.each(work, [1, 2, 3])
    assert asked[-1] == 2


@pytest.mark.usefixtures("torch_threads")
@pytest.mark.parametrize("rule", ["best", "consensus"])
def test_threads_change_no_answer(levels, speaker, monkeypatch, rule):
    config = replace(SHORT, restarts=5, aggregate=rule)
    made = []
    for count in (1, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda count=count: count)
        made.append(found(levels, speaker, config, ("red", "green")))
    for alone, shared in zip(*made, strict=True):
        assert torch.equal(alone.box, shared.box)
        assert torch.equal(alone.terms, shared.terms)
        assert all(
            torch.equal(one.boxes, two.boxes) for one, two in zip(alone.runs, shared.runs, strict=True)
        )


@pytest.mark.usefixtures("torch_threads")
def test_time_that_runs_out_for_threads_leaves_the_first_boxes(levels, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    (one,) = found(levels, Passes(), SHORT, deadline=0.0)
    assert not one.in_time
    assert one.terms.isfinite().all()


def test_what_is_found_does_not_depend_on_the_number_of_threads(torch_threads):
    cropper, request = (
        CaptionCropper(),
        CaptionRequest(search=SearchConfig(steps=3, restarts=3, candidates=40)),
    )
    photograph = Path(__file__).parents[2] / "examples" / "photographs" / "camera.jpg"
    results = []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        results.append(cropper.crop(photograph, "a man in a black coat", request))
        assert torch.get_num_threads() == count
    assert len({(result.best.box, result.best.caption_loss) for result in results}) == 1
    assert all(torch.equal(results[0].runs[0].boxes, result.runs[0].boxes) for result in results)
