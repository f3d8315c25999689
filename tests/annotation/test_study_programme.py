from collections import Counter

import pytest

from cadrage.annotation.study.programme import Task, description_tasks, preference_tasks

PHOTOGRAPHS = [f"p{number}" for number in range(24)]
METHODS = ["a", "b", "c", "d"]
FIXED = (Task(0, (1, 0)), Task(2, (0, 1)), Task(1, (1, 0)))
"""The tasks of voter 3 of two methods' outputs of three photographs, with seed 7."""


class TestPreference:
    def test_everybody_sees_every_photograph_once_with_all_methods(self):
        tasks = preference_tasks(PHOTOGRAPHS, METHODS, seed=0, voter=1)

        assert sorted(task.photograph for task in tasks) == list(range(24))
        assert {tuple(sorted(task.shown)) for task in tasks} == {(0, 1, 2, 3)}

    def test_a_voter_sees_each_method_equally_often_at_each_place(self):
        tasks = preference_tasks(PHOTOGRAPHS, METHODS, seed=0, voter=1)

        for place in range(4):
            assert Counter(task.shown[place] for task in tasks) == {0: 6, 1: 6, 2: 6, 3: 6}

    def test_what_follows_what_is_random_over_voters(self):
        beside = Counter(
            pair
            for voter in range(1, 201)
            for task in preference_tasks(PHOTOGRAPHS[:4], METHODS, seed=0, voter=voter)
            for pair in zip(task.shown, task.shown[1:], strict=False)
        )

        # 200 voters x 4 photographs x 3 neighbours over 12 ordered pairs are 200 of each.
        assert len(beside) == 12
        assert min(beside.values()) > 130
        assert max(beside.values()) < 270

    def test_voters_and_seeds_have_orders_of_their_own(self):
        orders = {
            preference_tasks(PHOTOGRAPHS, METHODS, seed=seed, voter=voter)
            for seed in (0, 1)
            for voter in (1, 2, 3)
        }

        assert len(orders) == 6

    def test_the_order_never_changes(self):
        # A voter who comes back after an update of cadrage or Python goes on with the same tasks.
        tasks = preference_tasks(["x", "y", "z"], ["a", "b"], seed=7, voter=3)

        assert tasks == preference_tasks(["x", "y", "z"], ["a", "b"], seed=7, voter=3)
        assert tasks == FIXED

    @pytest.mark.parametrize("number", [1, 2, 5, 7])
    def test_any_number_of_photographs_is_shown(self, number):
        assert len(preference_tasks(PHOTOGRAPHS[:number], METHODS, seed=0, voter=1)) == number


class TestDescription:
    def test_everybody_sees_every_photograph_once_with_one_method(self):
        tasks = description_tasks(PHOTOGRAPHS, METHODS, seed=0, voter=1)

        assert sorted(task.photograph for task in tasks) == list(range(24))
        assert {len(task.shown) for task in tasks} == {1}

    def test_a_voter_sees_every_method_equally_often(self):
        tasks = description_tasks(PHOTOGRAPHS, METHODS, seed=0, voter=5)

        assert Counter(task.shown[0] for task in tasks) == {0: 6, 1: 6, 2: 6, 3: 6}

    def test_voters_who_follow_each_other_see_all_methods_of_a_photograph(self):
        seen = [
            {task.photograph: task.shown[0] for task in description_tasks(PHOTOGRAPHS, METHODS, 0, voter)}
            for voter in range(3, 7)
        ]

        for photograph in range(24):
            assert {one[photograph] for one in seen} == {0, 1, 2, 3}

    def test_the_order_is_another_for_everybody(self):
        orders = {
            tuple(task.photograph for task in description_tasks(PHOTOGRAPHS, METHODS, 0, voter))
            for voter in range(1, 9)
        }

        assert len(orders) == 8
