"""Figures of the report against hand-computed values, libraries, and voters whose preference is known."""

import choix
import numpy as np
import pytest

from cadrage.annotation.study.ranking import PRIOR_VOTES, preferred, ranks, resampled_strengths, strengths
from cadrage.annotation.study.shares import (
    EvenTest,
    Interval,
    cluster_counts,
    even_test,
    percentiles,
    resampled,
    wilson,
)


class TestWilson:
    @pytest.mark.parametrize(
        ("chosen", "votes", "low", "high"),
        [
            # (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) with z = 1.959964, worked out by hand
            (8, 10, 0.4901625, 0.9433178),
            (0, 10, 0.0, 0.2775328),
            (10, 10, 0.7224672, 1.0),
            (50, 100, 0.4038315, 0.5961685),
        ],
    )
    def test_it_has_the_values_of_the_formula(self, chosen, votes, low, high):
        assert wilson(chosen, votes).low == pytest.approx(low, abs=1e-6)
        assert wilson(chosen, votes).high == pytest.approx(high, abs=1e-6)

    def test_it_is_what_scipy_finds(self):
        stats = pytest.importorskip("scipy.stats")
        expected = stats.binomtest(37, 160).proportion_ci(method="wilson")

        assert (wilson(37, 160).low, wilson(37, 160).high) == pytest.approx((expected.low, expected.high))

    def test_without_votes_it_says_nothing(self):
        assert wilson(0, 0) == Interval(0.0, 1.0)


class TestBootstrap:
    def test_votes_are_counted_by_cluster(self):
        counts = cluster_counts(np.array([0, 1, 1, 2]), np.array([7, 7, 3, 3]), 3)

        assert counts.tolist() == [[0, 1, 1], [1, 1, 0]]

    def test_clusters_are_drawn_whole(self):
        drawn = resampled(np.array([[3, 0], [0, 5]]), seed=0, resamples=400)

        assert {tuple(row) for row in drawn.tolist()} == {(6, 0), (3, 5), (0, 10)}

    def test_a_seed_gives_the_same_draws(self):
        counts = np.arange(12).reshape(4, 3)

        assert np.array_equal(resampled(counts, 5), resampled(counts, 5))
        assert not np.array_equal(resampled(counts, 5), resampled(counts, 6))

    def test_one_cluster_says_nothing_of_others(self):
        assert resampled(np.array([[3, 4]]), seed=0) is None
        assert resampled(np.zeros((0, 2), np.int64), seed=0) is None

    def test_people_who_agree_with_themselves_only_make_the_interval_wide(self):
        # Ten voters give ten votes each, all for the same method: a hundred votes, but ten opinions.
        choices = np.repeat([0, 0, 0, 0, 1, 1, 1, 1, 1, 1], 10)
        counts = cluster_counts(choices, np.repeat(np.arange(10), 10), 2)
        drawn = resampled(counts, seed=0)
        interval = percentiles(drawn / drawn.sum(axis=1, keepdims=True))[0]

        assert interval.high - interval.low > 2.5 * (wilson(40, 100).high - wilson(40, 100).low)

    def test_intervals_hold_the_preference_of_the_people_at_large_about_as_often_as_they_say(self):
        known = np.array([0.2104, 0.2393, 0.2551, 0.2952])
        by_voter, by_vote = [], []
        for seed in range(150):
            rng = np.random.default_rng(seed)
            people = rng.dirichlet(4 * known, size=25)  # they differ
            choices = np.concatenate([rng.choice(4, size=20, p=own) for own in people])
            counts = cluster_counts(choices, np.repeat(np.arange(25), 20), 4)
            drawn = resampled(counts, seed=seed, resamples=400)
            found = percentiles(drawn / drawn.sum(axis=1, keepdims=True))
            by_voter += [one.low <= share <= one.high for one, share in zip(found, known, strict=True)]
            independent = [wilson(int(chosen), 500) for chosen in counts.sum(axis=0)]
            by_vote += [one.low <= share <= one.high for one, share in zip(independent, known, strict=True)]

        assert 0.88 < np.mean(by_voter) < 0.98
        assert np.mean(by_vote) < 0.85  # which is why there is a bootstrap


class TestBradleyTerry:
    def test_strengths_are_the_logarithms_of_the_shares(self):
        # Every vote is between all: the likelihood is that of Luce's choice, whose maximum are the shares.
        counts = np.array([21, 24, 25, 30])
        expected = np.log(counts + PRIOR_VOTES)

        assert strengths(counts) == pytest.approx(expected - expected.mean(), abs=1e-6)

    def test_choix_finds_the_same_from_the_choices_one_by_one(self):
        counts = [4, 9, 17]
        pairs = [
            (won, lost) for won in range(3) for lost in range(3) if won != lost for _ in range(counts[won])
        ]
        alone = choix.ilsr_pairwise(3, pairs)
        among_all = choix.ilsr_top1(
            3,
            [
                (won, [lost for lost in range(3) if lost != won])
                for won in range(3)
                for _ in range(counts[won])
            ],
        )

        assert alone == pytest.approx(among_all, abs=1e-6)
        assert strengths([one - PRIOR_VOTES for one in counts]) == pytest.approx(
            alone - alone.mean(), abs=1e-6
        )

    def test_a_method_that_nobody_chose_has_a_strength(self):
        found = strengths([0, 10, 20])

        assert np.isfinite(found).all()
        assert ranks(found) == (3, 2, 1)

    def test_known_strengths_lie_within_the_intervals(self):
        known = np.array([-0.5, -0.1, 0.1, 0.5])
        chances = np.exp(known) / np.exp(known).sum()
        inside = []
        for seed in range(60):
            rng = np.random.default_rng(seed)
            choices = rng.choice(4, size=25 * 20, p=chances)
            counts = cluster_counts(choices, np.repeat(np.arange(25), 20), 4)
            found = percentiles(resampled_strengths(resampled(counts, seed=seed, resamples=200)))
            inside += [one.low <= value <= one.high for one, value in zip(found, known, strict=True)]

        assert 0.86 < np.mean(inside) < 0.99

    def test_the_chance_to_be_preferred_follows_from_two_strengths(self):
        found = preferred(np.array([np.log(3.0), 0.0]))

        assert found == pytest.approx(np.array([[0.5, 0.75], [0.25, 0.5]]))

    def test_equal_values_share_a_rank(self):
        assert ranks([5, 9, 5, 1]) == (2, 1, 2, 4)


class TestEvenTest:
    def test_it_is_pearsons_statistic(self):
        # (5^2 + 5^2) / 15 with expected 15, 15; one degree of freedom: p = erfc(sqrt(x / 2))
        found = even_test(np.array([10, 20]))

        assert found.chi_square == pytest.approx(50 / 15)
        assert (found.freedom, found.p) == (1, pytest.approx(0.0678892, abs=1e-6))

    def test_without_votes_there_is_none(self):
        assert even_test(np.array([0, 0, 0])) == EvenTest(0.0, 2, None)

    def test_where_the_method_does_not_matter_it_is_rarely_significant(self):
        rng = np.random.default_rng(0)
        p = [even_test(rng.multinomial(200, [0.25] * 4)).p for _ in range(400)]

        assert 0.02 < np.mean(np.array(p) < 0.05) < 0.09
