"""Schedules: the values by hand."""

import pytest

from cadrage.captions.search.schedule import REACHES, SCALES, Schedule
from cadrage.errors import RequestError


@pytest.mark.parametrize(
    ("shape", "values"),
    [
        ("linear", [1.0, 0.8, 0.6, 0.4, 0.2]),
        ("cosine", [1.0, 0.882843, 0.6, 0.317157, 0.2]),
        ("staged", [1.0, 1.0, 0.6, 0.6, 0.2]),
    ],
)
def test_values_of_five_steps(shape, values):
    schedule = Schedule(1.0, 0.2, shape, stages=3)
    assert [schedule.at(step, 5) for step in range(5)] == pytest.approx(values, abs=1e-6)


def test_after_its_part_the_last_value_holds():
    schedule = Schedule(1.0, 0.5, part=0.5)
    assert schedule.lasts(10) == 5
    assert [schedule.at(step, 10) for step in (0, 4, 5, 9)] == [1.0, 0.5, 0.5, 0.5]


def test_one_step_has_the_first_value():
    assert Schedule(0.9, 0.2).at(0, 1) == 0.9


@pytest.mark.parametrize("schedule", [*SCALES.values(), *REACHES.values()], ids=[*SCALES, *REACHES])
def test_the_named_ones_only_fall(schedule):
    values = [schedule.at(step, 30) for step in range(30)]
    assert values == sorted(values, reverse=True)
    assert (values[0], values[-1]) == (schedule.first, pytest.approx(schedule.last))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"part": 0}, "above 0, at most 1"),
        ({"stages": 1}, "at least 2 stages"),
        ({"first": float("nan")}, "numbers from 0 up"),
        ({"last": -1}, "numbers from 0 up"),
    ],
)
def test_impossible_schedules_are_refused(settings, message):
    with pytest.raises(RequestError, match=message):
        Schedule(**({"first": 1.0, "last": 0.5} | settings))
