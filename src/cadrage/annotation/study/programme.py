"""Who is shown what, and in which order: the same on every call and machine, whatever was answered meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """One question to a voter.

    Attributes:
        photograph: its place in the study's photographs.
        shown: places in the study's methods, of the outputs shown, first to last.
    """

    photograph: int
    shown: tuple[int, ...]


def preference_tasks(
    photographs: Sequence[str], methods: Sequence[str], seed: int, voter: int
) -> tuple[Task, ...]:
    """Every photograph once, with the outputs of all methods side by side.

    The photographs come in a random order of the voter's own. So do the outputs of each; but in every run of as
    many photographs as there are methods, each method comes once at each place, so that a voter with a favourite
    place favours no method.

    Args:
        photographs: names, in the study's order.
        methods: names, in the study's order.
        seed: of the study.
        voter: their number, from 1.
    """
    order = _shuffled(photographs, seed, "order", voter)
    number = len(methods)
    tasks = []
    for first in range(0, len(order), number):
        ring = _shuffled(methods, seed, "ring", voter, first)
        turns = _shuffled([str(turn) for turn in range(number)], seed, "turn", voter, first)
        for photograph, turn in zip(order[first : first + number], turns, strict=False):
            tasks.append(Task(photograph, tuple(ring[turn:] + ring[:turn])))
    return tuple(tasks)


def description_tasks(
    photographs: Sequence[str], methods: Sequence[str], seed: int, voter: int
) -> tuple[Task, ...]:
    """Every photograph once, with the output of one method, in a random order of the voter's own.

    A Latin square says which: of as many voters who come one after the other as there are methods, each sees
    another method's output of a photograph; and each voter sees every method about equally often.

    Args:
        photographs: names, in the study's order.
        methods: names, in the study's order.
        seed: of the study.
        voter: their number, from 1, in the order of their coming.
    """
    row = {photograph: place for place, photograph in enumerate(_shuffled(photographs, seed, "row"))}
    order = _shuffled(photographs, seed, "order", voter)
    return tuple(Task(photograph, ((row[photograph] + voter) % len(methods),)) for photograph in order)


def _shuffled(names: Sequence[str], *what: object) -> list[int]:
    """Places of the names in a random order: the same in every version of Python, unlike that of ``random``."""
    drawn = [hashlib.sha256(":".join(map(str, (*what, name))).encode()).digest() for name in names]
    return sorted(range(len(names)), key=drawn.__getitem__)
