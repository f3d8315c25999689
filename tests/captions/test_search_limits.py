"""Searches that must end in time, and in little memory."""

import time
import tracemalloc
from dataclasses import replace

import pytest
import torch
from searching import FREE, SHORT, Counting, Passes, found, total_of_frame
from speaker import Speaker

from cadrage.captions.objective import CaptionLoss, Target
from cadrage.captions.search.descent import SearchConfig, search
from cadrage.captions.search.measuring import AT_ONCE, Objective
from cadrage.captions.search.starts import candidates


@pytest.fixture
def passes(monkeypatch):
    """A captioner on a clock of its own, whose passes are one after the other."""
    made = Passes()
    monkeypatch.setattr(time, "monotonic", lambda: made.now)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    return made


class TestTimeLimit:
    @pytest.mark.parametrize("starts", ["anchors", "grid", "frame"])
    @pytest.mark.parametrize("rule", ["consensus", "best"])
    @pytest.mark.parametrize("kind", ["bag", "likelihood"])
    def test_when_it_is_over_only_the_first_boxes_are_measured(self, levels, passes, starts, rule, kind):
        config = SearchConfig(starts=starts, restarts=30, aggregate=rule, steps=5)
        loss = CaptionLoss(kind=kind)
        targets = [Target.of(text, passes, loss) for text in ("red", "green")]
        made = search(levels, FREE, targets, passes, None, loss, 0.0, config, deadline=0.0)
        # The likelihood says each caption; both answers are one pass.
        assert passes.pictures == [AT_ONCE] * (2 if kind == "likelihood" else 1) + [2]
        for one in made:
            assert not one.in_time
            assert one.terms.isfinite().all()
            assert all(run.best_terms.isfinite().all() and len(run.boxes) == 1 for run in one.runs)
            assert len(one.runs) == (30 if starts == "anchors" else AT_ONCE)

    def test_without_a_step_it_is_heeded_too(self, levels, passes):
        (one,) = found(levels, passes, replace(SHORT, steps=0), deadline=2.5)
        assert not one.in_time
        (one,) = found(levels, passes, replace(SHORT, steps=0), deadline=100.0)
        assert one.in_time

    def test_candidates_measured_in_time_are_of_all_sizes_and_places(self, levels, passes):
        config = SearchConfig(restarts=8, steps=0)
        (one,) = found(levels, passes, config, deadline=2.0)
        assert passes.pictures == [AT_ONCE] * 2 + [1]
        starts = torch.stack([run.best for run in one.runs])
        sides, centres = starts[:, 2:] - starts[:, :2], (starts[:, 2:] + starts[:, :2]) / 2
        assert sides[:, 0].max() > 2 * sides[:, 0].min()
        assert centres[:, 0].max() - centres[:, 0].min() > 96 / 4

    def test_no_caption_waits_for_another_one(self, levels, passes):
        config = replace(SHORT, restarts=AT_ONCE, starts="grid", schedule=None)
        red, green = found(levels, passes, config, ("red", "green"), deadline=21.0)
        # One pass for the starts, then eight a step, of two runs each: the third step is cut short in the middle.
        assert {len(run.boxes) for run in red.runs} == {4}
        assert {len(run.boxes) for run in green.runs} == {3}
        assert not red.in_time
        assert not green.in_time

    def test_refining_stops_and_keeps_what_is_better(self, levels, passes):
        config = replace(SHORT, restarts=1, starts="frame", steps=1)
        (one,) = found(levels, passes, config, deadline=3.5)
        assert passes.pictures == [1, 1, 1, 8, 1]
        assert one.terms[0] <= total_of_frame(levels, Speaker()) + 1e-9

    def test_what_is_not_measured_is_infinitely_bad(self, levels, passes):
        objective = Objective(levels, passes, None, CaptionLoss(), 0.0)
        targets = [Target.of("red", passes, CaptionLoss())] * 20
        terms = objective.measure(candidates(FREE, 20), targets, deadline=2.0)
        assert objective.totals(terms).isfinite().tolist() == [True] * 16 + [False] * 4

    def test_a_limit_that_is_not_reached_changes_nothing(self, levels, passes):
        (free,) = found(levels, passes)
        (limited,) = found(levels, passes, deadline=1e9)
        torch.testing.assert_close(limited.box, free.box)
        assert limited.in_time


class TestMemory:
    def test_many_runs_are_several_passes(self, levels, passes):
        config = replace(SHORT, restarts=70, starts="grid", steps=3, refine=False, schedule=None)
        (many,) = found(levels, passes, config)
        assert max(passes.pictures) == AT_ONCE
        assert len(many.runs) == 70
        (few,) = found(levels, passes, replace(config, restarts=1))
        torch.testing.assert_close(many.runs[0].boxes, few.runs[0].boxes, atol=1e-6, rtol=0)

    @pytest.mark.parametrize("count", [1, 2, 9, 20])
    def test_slopes_of_parts_are_those_of_all_at_once(self, levels, speaker, count):
        objective = Objective(levels, speaker, Counting(), CaptionLoss(), 0.5)
        boxes, targets = candidates(FREE, count), [Target.of("red", speaker, CaptionLoss())] * count
        terms, slopes = objective.slopes(boxes, targets)
        given = boxes.clone().requires_grad_()
        expected = objective.terms(given, targets)
        torch.testing.assert_close(terms, expected)
        (whole,) = torch.autograd.grad(objective.totals(expected).sum(), given)
        torch.testing.assert_close(slopes, whole)
        assert not terms.requires_grad

    def test_a_consensus_of_long_ways_needs_little(self, levels, speaker):
        config = replace(SHORT, aggregate="consensus", restarts=100, steps=40, candidates=180)
        tracemalloc.start()
        found(levels, speaker, config)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 130e6  # of each with each of 4,280 boxes one matrix alone has 146 MB
