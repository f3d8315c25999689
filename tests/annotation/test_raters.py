"""Each rater's figures, by hand and beside scipy; outliers and careless work among simulated raters."""

import numpy as np
import pytest
from scipy import stats

from cadrage.annotation.quality.flags import FlagRules, flags_of, in_stretches
from cadrage.annotation.quality.raters import rater_figures, run_lengths
from cadrage.annotation.quality.table import GivenGrades, RatingTable
from cadrage.annotation.store import Photograph, Rater
from cadrage.errors import RequestError

NO = np.nan


def table_of(given, crops_per_photograph, photographs):
    """A table of rows (rater, crop, is_repeat, grade, milliseconds), in their order."""
    rater, crop, is_repeat, grade, milliseconds = (np.array(column) for column in given)
    count = crops_per_photograph * photographs
    return RatingTable(
        photographs=tuple(Photograph(n + 1, f"{n}.jpg", (300, 200), "") for n in range(photographs)),
        raters=tuple(Rater(n + 1, f"r{n}") for n in range(rater.max() + 1)),
        crop_ids=np.arange(count) + 1,
        photograph_of=np.repeat(np.arange(photographs), crops_per_photograph),
        boxes_xyxy=np.tile([0.0, 0, 200, 150], (count, 1)),
        imported_mos=np.full(count, NO),
        given=GivenGrades(rater, crop, is_repeat.astype(bool), grade, milliseconds.astype(float)),
    )


def by_hand(grades, repeats=(), milliseconds=2000.0):
    """A table of grades of shape (C, R) of one photograph, and repeats (rater, crop, grade)."""
    rows = [(r, c, 0, int(grades[c][r]), milliseconds) for c, r in np.argwhere(~np.isnan(np.array(grades)))]
    rows += [(r, c, 1, grade, milliseconds) for r, c, grade in repeats]
    return table_of(zip(*rows, strict=True), len(grades), 1)


def everybody(table):
    return np.ones(len(table.raters), dtype=bool)


class TestFigures:
    GRADES = ((1, 2, 3), (3, 3, 5), (4, NO, 4), (NO, NO, 2), (5, 4, 4))

    def test_bias_and_spread_by_hand(self):
        first, second, third = rater_figures(by_hand(self.GRADES), np.ones(3, dtype=bool))
        assert (first.grades, first.compared, third.grades, third.compared) == (4, 4, 5, 4)
        # Less the means of the others on the same crops: 2.5, 4, 4, 4.
        assert first.bias == pytest.approx(np.mean([-1.5, -1, 0, 1]))
        assert second.bias == pytest.approx(np.mean([0, -1, -0.5]))
        assert first.mean == 3.25
        assert first.spread == pytest.approx(np.std([1, 3, 4, 5]))
        assert first.relative_spread == pytest.approx(np.std([1, 3, 4, 5]) / np.std([2, 3, 3, 5, 4, 4, 4]))

    def test_agreement_equals_scipy(self):
        own, others = [1, 3, 4, 5], [2.5, 4, 4, 4]
        first = rater_figures(by_hand(self.GRADES), np.ones(3, dtype=bool))[0]
        assert first.srcc == pytest.approx(stats.spearmanr(own, others).statistic)
        assert first.pcc == pytest.approx(stats.pearsonr(own, others).statistic)
        assert (first.photograph_srcc, first.photograph_pcc) == pytest.approx((first.srcc, first.pcc))
        assert first.photographs == 1

    def test_who_does_not_count_is_measured_and_measures_nobody(self):
        table = by_hand(self.GRADES)
        first, second, third = rater_figures(table, np.array([True, True, False]))
        assert (first.compared, second.compared) == (3, 3)  # only each other
        assert first.bias == pytest.approx(np.mean([-1, 0, 1]))
        assert third.bias == pytest.approx(np.mean([1.5, 2, 0, -0.5]))

    def test_self_consistency_by_hand(self):
        repeats = [(0, 0, 1), (0, 1, 5), (0, 4, 4), (0, 3, 2)]  # the first showing of the last has no grade
        first, second, _ = rater_figures(by_hand(self.GRADES, repeats), np.ones(3, dtype=bool))
        assert (first.repeats, second.repeats) == (3, 0)
        assert first.equal_repeats == pytest.approx(1 / 3)
        assert first.repeat_difference == 1
        # Differences 0, 2, 1; by chance those of (1, 3, 5) with (1, 5, 4).
        by_chance = np.mean([(a - b) ** 2 for a in (1, 3, 5) for b in (1, 5, 4)])
        assert first.repeat_kappa == pytest.approx(1 - (5 / 3) / by_chance)
        assert np.isnan(second.equal_repeats)

    def test_speed_runs_and_commonest_grade_follow_the_order_of_giving(self):
        grades = [3, 3, 4, 4, 4, 3, 1]
        spent = [100, 499, 500, 3000, NO, 2000, 1000]
        table = table_of(([0] * 7, [6, 5, 4, 3, 2, 1, 0], [0] * 7, grades, spent), 7, 1)
        figures = rater_figures(table, everybody(table), seconds=np.array([60.0]))[0]
        assert figures.milliseconds == np.median([100, 499, 500, 1000, 2000, 3000])
        assert figures.fast_share == pytest.approx(2 / 6)
        assert figures.longest_run == 3
        assert (figures.commonest, figures.commonest_share) == (3, pytest.approx(3 / 7))
        assert (figures.by_grade, figures.seconds) == ((1, 0, 3, 3, 0), 60)

    def test_a_rater_alone_is_compared_with_nobody(self):
        alone = rater_figures(by_hand([[1], [4]]), np.ones(1, dtype=bool))[0]
        assert (alone.grades, alone.compared, alone.photographs) == (2, 0, 0)
        assert np.isnan([alone.bias, alone.srcc, alone.pcc, alone.photograph_srcc]).all()

    def test_runs(self):
        assert run_lengths(np.array([2, 2, 2, 5, 1, 1])).tolist() == [3, 1, 2]
        assert run_lengths(np.zeros(0, int)).tolist() == []

    def test_stretches(self):
        marks = np.array([1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0], dtype=bool)
        assert in_stretches(marks, 4, 0.75) == 3
        assert in_stretches(marks, 12, 0.1) == 0


def simulated(seed, raters=20, behaviours=(), missing=0.0, photographs=20, crops=30):
    """Raters of ordinary bias and noise; the first ones behave as told instead."""
    random = np.random.default_rng(seed)
    count = photographs * crops
    taste = random.normal(0, 0.4, photographs).repeat(crops)
    quality = np.clip(3 + taste + random.normal(0, 0.75, count), 1, 5)
    given = []
    for rater in range(raters):
        behaviour = behaviours[rater] if rater < len(behaviours) else "honest"
        bias, noise, usual = random.normal(0, 0.25), random.uniform(0.35, 0.75), random.uniform(1500, 4000)
        shown = random.permutation(photographs)[:, None] * crops + np.arange(crops)
        shown = shown.ravel()[random.random(count) >= missing]
        repeated = random.choice(shown, len(shown) // 20, replace=False)
        crop = np.concatenate([shown, repeated])
        felt = quality[crop] + bias + random.normal(0, noise, len(crop))
        if behaviour == "biased":
            felt = felt - bias + 1.4
        elif behaviour == "random":
            felt = random.integers(1, 6, len(crop))
        elif behaviour == "constant":
            felt = np.full(len(crop), 3)
        elif behaviour == "reverser":
            felt = 6 - felt
        grade = np.clip(np.rint(felt), 1, 5).astype(int)
        spent = usual * random.lognormal(0, 0.5, len(crop))
        if behaviour == "tired":
            grade[150:200], spent[150:200] = 3, usual / 10
        elif behaviour == "rushing":
            spent[150:200] = usual / 10
        is_repeat = np.arange(len(crop)) >= len(shown)
        given.append((np.full(len(crop), rater), crop, is_repeat, grade, spent))
    return table_of((np.concatenate(column) for column in zip(*given, strict=True)), crops, photographs)


def kinds(table, rules=None):
    """The kinds of each rater's flags."""
    counted = everybody(table)
    flags = flags_of(table, rater_figures(table, counted), counted, rules)
    return [{flag.kind for flag in some} for some in flags]


BEHAVIOURS = {
    "biased": "bias",
    "random": "agreement",
    "constant": "one grade",
    "reverser": "reversed",
    "tired": "run",
    "rushing": "stretch",
}


class TestFlags:
    @pytest.mark.parametrize("missing", [0.0, 0.6])
    @pytest.mark.parametrize("raters", [12, 26])
    @pytest.mark.parametrize("seed", range(3))
    def test_all_who_behave_oddly_are_found_for_what_they_do(self, seed, raters, missing):
        found = kinds(simulated(seed, raters, tuple(BEHAVIOURS), missing))
        for rater, kind in enumerate(BEHAVIOURS.values()):
            assert kind in found[rater]
        assert sum(map(bool, found[len(BEHAVIOURS) :])) <= 1

    def test_of_twenty_honest_raters_hardly_one_is_flagged(self):
        flagged = sum(bool(found) for seed in range(10) for found in kinds(simulated(seed)))
        assert flagged <= 2  # of 200

    def test_one_who_guesses_is_found_among_four(self):
        found = kinds(simulated(0, 4, ("random",)))
        assert "agreement" in found[0]
        assert not any(found[1:])

    def test_reasons_are_sentences_with_figures(self):
        table = simulated(1, 12, tuple(BEHAVIOURS))
        figures = rater_figures(table, everybody(table))
        reasons = {
            flag.kind: flag.reason for some in flags_of(table, figures, everybody(table)) for flag in some
        }
        assert f"{figures[0].bias:+.2f}" in reasons["bias"]
        assert "more generous" in reasons["bias"]
        assert reasons["one grade"] == "100.0 % of the grades are 3."
        assert all(reason.endswith(".") for reason in reasons.values())

    def test_between_two_nobody_is_the_outlier(self):
        assert kinds(simulated(0, 2, ("random",)))[1] == set()
        assert "agreement" not in kinds(simulated(0, 2, ("random",)))[0]

    def test_few_grades_are_not_judged(self):
        table = simulated(0, 5, ("constant",), photographs=1, crops=25)
        assert kinds(table) == [set()] * 5

    def test_rules_are_parameters(self):
        table = simulated(0, 12)
        assert not any(kinds(table))
        assert any(kinds(table, FlagRules(outlier=1, least_bias=0.2)))
        assert all("haste" in found for found in kinds(table, FlagRules(fast_ms=1e6, fast_share=0)))

    def test_who_looks_at_a_page_and_then_types_four_grades_is_not_hasty(self):
        table = simulated(0, 6)
        table.given.milliseconds[:] = np.where(np.arange(len(table.given.rater)) % 4, 250.0, 6000.0)
        mine = table.given.rater == 0
        table.given.milliseconds[mine] = 300.0
        found = kinds(table)
        assert "haste" in found[0]
        assert not any(found[1:])

    def test_untimed_grades_are_not_careless(self):
        table = simulated(0, 5, ("tired",))
        table.given.milliseconds[:] = NO
        assert kinds(table)[0].isdisjoint({"run", "stretch", "haste"})

    @pytest.mark.parametrize("wrong", [{"outlier": 0}, {"fast_ms": -1}, {"run": 1}, {"pace": 0}])
    def test_rules_out_of_range_are_refused(self, wrong):
        with pytest.raises(RequestError):
            FlagRules(**wrong)
