"""The search on a drawn picture with a real tiny speaker: starts, refining, annealing, stabilisers, limits."""

import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from searching import FREE, SHORT, SQUARE, Counting, found, total_of_frame

from cadrage.captions.objective import CaptionLoss, Target
from cadrage.captions.search.aggregate import Beliefs, aggregate, consensus
from cadrage.captions.search.descent import SHARPNESS, SearchConfig, search
from cadrage.captions.search.measuring import Objective
from cadrage.captions.search.refine import neighbours, refine
from cadrage.captions.search.runs import Runs
from cadrage.captions.search.schedule import REACHES, SCALES, Schedule
from cadrage.captions.search.starts import all_over, best_candidates, candidates, start_boxes
from cadrage.errors import RequestError
from cadrage.geometry import iou_matrix


class TestStarts:
    @pytest.mark.parametrize("space", [FREE, SQUARE], ids=["free", "square"])
    @pytest.mark.parametrize("kind", ["frame", "grid"])
    def test_they_lie_in_the_frame_and_differ(self, kind, space):
        boxes = start_boxes(kind, space, 8, seed=1, dtype=torch.float64)
        assert boxes.shape == (8, 4)
        assert (boxes >= -1e-9).all()
        assert (boxes <= torch.tensor([96.0, 64, 96, 64]) + 1e-9).all()
        assert len({tuple(box) for box in boxes.tolist()}) == 8

    def test_the_first_is_the_frame_and_a_grid_begins_in_the_middle(self):
        first = start_boxes("frame", FREE, 1, seed=0, dtype=torch.float64)[0]
        assert first.tolist() == pytest.approx([0, 0, 96, 64], abs=0.2)
        assert start_boxes("grid", FREE, 9, seed=0)[0].tolist() == pytest.approx([19.2, 12.8, 76.8, 51.2])

    def test_the_seed_decides(self):
        one, again, other = (start_boxes("frame", FREE, 4, seed=seed) for seed in (3, 3, 4))
        assert torch.equal(one, again)
        assert not torch.equal(one, other)

    def test_candidates_are_of_many_sizes_and_bounded_in_number(self):
        boxes = candidates(FREE, 60)
        shares = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1) / (96 * 64)
        assert len(boxes) == 60
        assert shares.min() < 0.15
        assert shares.max() > 0.95
        assert len(candidates(FREE, 7)) == 7
        sides = candidates(SQUARE, 60)[:, 2:] - candidates(SQUARE, 60)[:, :2]
        torch.testing.assert_close(sides[:, 0], sides[:, 1])

    def test_the_best_that_differ_come_first_and_none_lacks(self):
        boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30]])
        assert best_candidates(boxes, torch.tensor([1.0, 1.1, 5.0]), 4).tolist() == [0, 2, 1, 0]

    @pytest.mark.parametrize("count", [1, 8, 180])
    def test_every_beginning_of_an_order_is_spread_over_all(self, count):
        order = all_over(count).tolist()
        assert order[0] == 0
        assert sorted(order) == list(range(count))
        for taken in range(8, count, 8):
            places = [*sorted(order[:taken]), count]
            gaps = [after - before for before, after in pairwise(places)]
            assert max(gaps) <= 3 * count / taken

    def test_another_kind_is_refused(self):
        with pytest.raises(RequestError, match="not 'corner'"):
            start_boxes("corner", FREE, 1, seed=0)


class TestRefining:
    def measure(self, boxes):
        return (boxes - torch.tensor([20.0, 10, 60, 40], dtype=torch.float64)).abs().sum(dim=1)

    def test_it_only_improves_each_box_alone(self):
        boxes = torch.tensor([[24.0, 10, 64, 40], [20, 10, 60, 40]], dtype=torch.float64)
        moved, losses = refine(boxes, self.measure(boxes), FREE, self.measure)
        assert losses[0] < 1
        torch.testing.assert_close(self.measure(moved), losses)
        assert moved[1].tolist() == [20, 10, 60, 40]

    @pytest.mark.parametrize(("space", "count"), [(FREE, 8), (SQUARE, 6)])
    def test_neighbours_stay_in_the_space(self, space, count):
        near = neighbours(torch.tensor([[60.0, 20, 96, 56]], dtype=torch.float64), space, 0.1)
        assert near.shape == (1, count, 4)
        assert (near <= torch.tensor([96.0, 64, 96, 64]) + 1e-9).all()
        if space is SQUARE:
            sides = near[..., 2:] - near[..., :2]
            torch.testing.assert_close(sides[..., 0], sides[..., 1])


class TestRuns:
    def runs(self, losses):
        starts = torch.tensor([[10.0, 10, 50, 40]] * len(losses), dtype=torch.float64)
        terms = torch.tensor([[loss, 0.0] for loss in losses], dtype=torch.float64)
        return Runs(FREE, starts, terms, lambda given: given[..., 0] + given[..., 1], 4)

    def test_the_worse_half_of_each_caption_ends(self):
        runs = self.runs([4.0, 1, 3, 2, 8, 7, 6, 5])
        runs.halve()
        assert runs.active.tolist() == [False, True, False, True, False, False, True, True]
        runs.halve()
        runs.halve()
        assert runs.active.tolist() == [False, True, False, False, False, False, False, True]
        assert [run.halved for run in runs.of(0)] == [True, False, True, True]

    def test_a_run_without_gain_ends_and_costs_nothing(self):
        runs = self.runs([1.0] * 4)
        runs.begin(0.1)
        for _ in range(2):
            step(runs, lambda boxes: boxes.sum(dim=1))
            runs.end_stale(2)
        assert not runs.active.any()
        assert [len(run.boxes) for run in runs.of(0)] == [3] * 4
        assert not any(run.halved for run in runs.of(0))

    def test_its_steps_are_those_of_adam(self):
        runs = self.runs([9e9] * 4)
        runs.begin(0.1)
        theta = FREE.theta(runs.best).requires_grad_()
        adam = torch.optim.Adam([theta], lr=0.1)
        for _ in range(5):
            boxes, expected = runs.boxes(None), FREE.boxes(theta)
            torch.testing.assert_close(boxes, expected)
            step(runs, self.pull)
            adam.zero_grad()
            self.pull(expected).sum().backward()
            adam.step()

    def pull(self, boxes):
        return ((boxes - torch.tensor([30.0, 5, 90, 60], dtype=torch.float64)) ** 2).sum(dim=1)

    def test_what_cannot_be_measured_does_not_spoil_the_parameters(self):
        runs = self.runs([1.0] * 4)
        runs.begin(0.1)
        step(runs, lambda boxes: boxes.sum(dim=1) * torch.nan)
        assert runs.boxes(None).isfinite().all()
        assert runs.best_terms[:, 0].tolist() == [1.0] * 4

    def test_only_what_was_measured_is_recorded(self):
        runs = self.runs([9e9] * 4)
        runs.begin(0.1)
        boxes = runs.boxes(None)
        runs.step(boxes, torch.ones((2, 2), dtype=torch.float64), torch.zeros((2, 4)).double(), reach=1.0)
        assert [len(run.boxes) for run in runs.of(0)] == [2, 2, 1, 1]
        assert [run.reach.tolist() for run in runs.of(0)] == [[0, 1], [0, 1], [0], [0]]


def step(runs, loss):
    boxes = runs.boxes(None)
    seen = boxes.detach().requires_grad_()
    terms = torch.stack([loss(seen), 0 * seen.sum(dim=1)], dim=1)
    (slopes,) = torch.autograd.grad(terms.sum(), seen)
    runs.step(boxes, terms.detach(), slopes)


class TestSearch:
    @pytest.mark.parametrize("starts", ["frame", "grid", "anchors"])
    def test_it_gets_nearer_to_the_words_than_the_frame(self, levels, speaker, starts):
        (one,) = found(levels, speaker, replace(SHORT, starts=starts))
        assert one.terms[0].item() < total_of_frame(levels, speaker) - 0.05
        assert one.in_time

    def test_two_captions_give_the_boxes_of_their_colours(self, levels, speaker):
        red, green = found(levels, speaker, texts=("red", "green"))
        centres = [((one.box[:2] + one.box[2:]) / 2).tolist() for one in (red, green)]
        assert centres[0][0] > 56
        assert centres[0][1] < 34
        assert centres[1][0] < 40
        assert centres[1][1] > 30

    def test_the_same_input_gives_the_same_answer(self, levels, speaker):
        config = replace(SHORT, starts="frame", seed=5)
        (one,), (again,) = found(levels, speaker, config), found(levels, speaker, config)
        assert torch.equal(one.box, again.box)
        assert all(torch.equal(a.boxes, b.boxes) for a, b in zip(one.runs, again.runs, strict=True))

    def test_captions_do_not_disturb_each_other(self, levels, speaker):
        _, together = found(levels, speaker, texts=("red", "green"))
        (alone,) = found(levels, speaker, texts=("green",))
        torch.testing.assert_close(together.box, alone.box, atol=1e-6, rtol=0)

    def test_a_run_of_a_batch_goes_the_way_that_it_would_go_alone(self, levels, speaker):
        config = replace(SHORT, starts="frame", refine=False)
        (three,) = found(levels, speaker, config)
        (one,) = found(levels, speaker, replace(config, restarts=1))
        torch.testing.assert_close(three.runs[0].boxes, one.runs[0].boxes, atol=1e-6, rtol=0)
        assert len(three.runs) == 3

    def test_while_annealed_the_scale_is_the_schedules(self, levels, speaker):
        config = replace(SHORT, starts="grid", schedule=replace(SCALES["linear"], part=0.5))
        (one,) = found(levels, speaker, config, space=SQUARE)
        scales = (one.runs[0].boxes[:, 2] - one.runs[0].boxes[:, 0]) / 64
        wanted = [config.schedule.at(step, 12) for step in range(6)]
        assert scales[1:7].tolist() == pytest.approx(wanted, abs=1e-6)

    @pytest.mark.parametrize(
        "change",
        [
            {"schedule": None},
            {"schedule": SCALES["staged"]},
            {"multi_scale": False},
            {"reach": REACHES["coarse to fine"]},
            {"restarts": 1},
            {"aggregate": "mean"},
            {"aggregate": "median"},
            {"aggregate": "cluster"},
            {"patience": 2},
            {"halvings": 2},
            {"refine": False},
            {"steps": 0},
        ],
        ids=str,
    )
    def test_each_stabiliser_can_be_changed_alone(self, levels, speaker, change):
        config = replace(SHORT, **change)
        (one,) = found(levels, speaker, config, space=SQUARE)
        width, height = (one.box[2:] - one.box[:2]).tolist()
        assert width == pytest.approx(height)
        assert len(one.runs) == config.restarts
        objective = Objective(levels, speaker, None, CaptionLoss(), 0.0)
        if config.multi_scale:
            said = objective.measure(one.box[None], [Target.of("red", speaker, CaptionLoss())])
            torch.testing.assert_close(said[0], one.terms)

    def test_best_so_far_is_the_least_of_the_way(self, levels, speaker):
        (one,) = found(levels, speaker, replace(SHORT, refine=False))
        for run in one.runs:
            assert run.best_terms[0].item() == pytest.approx(run.terms[:, 0].min().item(), abs=1e-4)
        assert one.terms[0].item() == pytest.approx(
            min(run.best_terms[0].item() for run in one.runs), abs=1e-4
        )

    @pytest.mark.parametrize("rule", ["mean", "median", "cluster"])
    def test_runs_that_halving_ended_have_no_say_in_the_answer(self, levels, speaker, rule):
        config = replace(SHORT, restarts=6, halvings=2, patience=2, aggregate=rule, refine=False)
        for one in found(levels, speaker, config, texts=("red", "green")):
            whole = [run for run in one.runs if not run.halved]
            assert 0 < len(whole) < 6
            best = torch.stack([run.best for run in whole])
            losses = torch.stack([run.best_terms[0] for run in whole])
            expected = FREE.boxes(FREE.theta(aggregate(rule, best, losses)[None]))
            torch.testing.assert_close(one.box, expected[0])

    def test_a_consensus_hears_the_candidates_and_every_box_on_the_way(self, levels, speaker):
        config = replace(SHORT, aggregate="consensus", sharpness=2.0, refine=False)
        (one,) = found(levels, speaker, config)
        seen = candidates(FREE, config.candidates)
        ways = torch.cat([run.boxes for run in one.runs])
        assert any(torch.allclose(one.box, box) for box in torch.cat([seen, ways]))
        (sharp,) = found(levels, speaker, replace(config, sharpness=1e4))
        (best,) = found(levels, speaker, replace(config, aggregate="best"))
        torch.testing.assert_close(sharp.box, best.box)

    def test_a_consensus_from_other_starts_hears_the_ways_alone(self, levels, speaker):
        config = replace(SHORT, aggregate="consensus", starts="grid", refine=False)
        (one,) = found(levels, speaker, config)
        assert any(torch.allclose(one.box, box) for run in one.runs for box in run.boxes)

    def test_a_deadline_gives_the_best_so_far_and_says_so(self, levels, speaker):
        (one,) = found(levels, speaker, deadline=time.monotonic())
        assert not one.in_time
        assert [len(run.boxes) for run in one.runs] == [1, 1, 1]
        assert one.terms[0].item() < total_of_frame(levels, speaker)

    def test_progress_counts_all_steps(self, levels, speaker):
        told = []
        many = replace(SHORT, restarts=20, steps=2)
        found(levels, speaker, many, texts=("red", "blue"), watch=lambda *step: told.append(step))
        assert told == [(1, 2), (2, 2)]

    def test_measuring_for_all_captions_at_once_is_measuring_for_each(self, levels, speaker):
        for loss in (CaptionLoss(), CaptionLoss(kind="likelihood")):
            objective = Objective(levels, speaker, None, loss, 0.0)
            boxes = candidates(FREE, 20)
            targets = [Target.of(text, speaker, loss) for text in ("red ball", "sky")]
            each = objective.measure_each(boxes, targets)
            assert each.shape == (2, 20, 2)
            torch.testing.assert_close(each[1], objective.measure(boxes, [targets[1]] * 20))

    @pytest.mark.parametrize("kind", ["bag", "likelihood"])
    def test_crops_are_made_and_judged_once_for_all_captions(self, levels, speaker, kind):
        loss, judge = CaptionLoss(kind=kind), Counting()
        objective = Objective(levels, speaker, judge, loss, 1.0)
        targets = [Target.of(text, speaker, loss) for text in ("red ball", "sky", "a dog")]
        each = objective.measure_each(candidates(FREE, 20), targets)
        assert judge.judged == 20
        assert torch.equal(each[0, :, 1], each[2, :, 1])

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"steps": -1}, "number of steps is from 0"),
            ({"restarts": 0}, "number of restarts is from 1"),
            ({"patience": 0}, "number of patience is from 1"),
            ({"steps": 1001}, "number of steps is from 0 to 1,000; got 1001"),
            ({"restarts": 101}, "number of restarts is from 1 to 100; got 101"),
            ({"candidates": 1001}, "number of candidates is from 1 to 1,000; got 1001"),
            ({"learning_rate": 0}, "learning rate lies above 0"),
            ({"salience": -1}, "weight of the subject lies from 0 to 100; got -1"),
            ({"seed": -1}, "The seed is from 0 to 4,294,967,295; got -1"),
            ({"seed": 10**20}, f"The seed is from 0 to 4,294,967,295; got {10**20}"),
        ],
    )
    def test_impossible_searches_are_refused(self, settings, message):
        with pytest.raises(RequestError, match=message):
            SearchConfig(**settings)


def test_in_a_consensus_the_likelihood_counts_once_for_each_word_and_the_bag_as_it_is(levels, speaker):
    config = replace(SHORT, aggregate="consensus", refine=False)
    for loss in (CaptionLoss(), CaptionLoss(kind="likelihood")):
        target = Target.of("red ball", speaker, loss)
        (one,) = search(levels, FREE, [target], speaker, None, loss, 0.0, config)
        objective = Objective(levels, speaker, None, loss, 0.0)
        seen = torch.cat([candidates(FREE, config.candidates), *(run.boxes for run in one.runs)])
        counted = len(target.numbers) if loss.kind == "likelihood" else 1
        doubts = SHARPNESS[loss.kind] * counted * objective.measure(seen, [target] * len(seen))[:, 0]
        torch.testing.assert_close(one.box, consensus(Beliefs.of(seen, doubts)).to(one.box))


class Subject:
    """A judge that likes all crops alike, and knows where the subject is."""

    size_wh = None

    def __init__(self, box):
        self.box = np.array([box], float)

    def judge(self, crops, boxes_xyxy):
        return boxes_xyxy.new_zeros(len(boxes_xyxy))

    def salience(self, boxes_xyxy):
        return torch.from_numpy(iou_matrix(boxes_xyxy.double().numpy(), self.box)[:, 0]).to(boxes_xyxy)


def test_a_consensus_expects_the_subject_as_much_as_it_is_told_to(levels, speaker):
    config = replace(SHORT, aggregate="consensus", refine=False, steps=0)
    target = Target.of("red ball", speaker, CaptionLoss())
    subject = candidates(FREE, config.candidates)[9]

    def answer(salience, weight=0.0):
        told = replace(config, salience=salience)
        judge = Subject(subject.tolist())
        return search(levels, FREE, [target], speaker, judge, CaptionLoss(), weight, told)[0].box

    (without,) = search(levels, FREE, [target], speaker, None, CaptionLoss(), 0.0, config)
    torch.testing.assert_close(answer(0), without.box)
    torch.testing.assert_close(answer(100), subject.to(without.box))
    torch.testing.assert_close(answer(100, weight=1.0), subject.to(without.box))


def test_a_consensus_does_not_hear_losses_of_blurred_crops(levels, speaker):
    """Nearer than octaves 2 to 1 no crop is seen here, but for the starts."""
    blurred = Schedule(2.0, 1.0, "staged", stages=2)
    config = replace(SHORT, aggregate="consensus", sharpness=1e3, starts="grid", refine=False, reach=blurred)
    (one,) = found(levels, speaker, config)
    starts = torch.stack([run.boxes[0] for run in one.runs])
    assert any(torch.equal(one.box, box) for box in starts)
    for run in one.runs:
        assert run.reach.tolist() == [0.0] + [2.0] * 6 + [1.0] * 6
    (sharp,) = found(levels, speaker, replace(config, reach=None))
    assert not any(torch.equal(sharp.box, box) for box in starts)
