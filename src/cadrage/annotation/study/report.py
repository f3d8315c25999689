"""What came of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np

from cadrage.annotation.store import Rater, Store, broken, project_of, raters
from cadrage.annotation.store.studies import (
    Description,
    Question,
    Vote,
    captions_by_subject,
    descriptions,
    methods,
    outputs,
    study_protocol_of,
    subjects,
    votes,
)
from cadrage.annotation.study.ranking import preferred, ranks, resampled_strengths, strengths
from cadrage.annotation.study.shares import (
    CONFIDENCE,
    EvenTest,
    IntArray,
    Interval,
    cluster_counts,
    even_test,
    percentiles,
    resampled,
    wilson,
)

FEW_VOTERS = 10
"""With fewer, a bootstrap over voters is known to give intervals that are too narrow."""

UNEVEN = 0.01
"""A probability below which places on the page are said to be chosen unevenly."""


@dataclass(frozen=True, slots=True)
class MethodResult:
    """What people chose, of one method.

    Attributes:
        method: its name.
        rank: its place by votes, from 1.
        votes: how often it was chosen.
        share: of all votes, 0 to 1.
        wilson: of the share, as if votes were independent.
        by_voter: of the share, for other voters; ``None`` with fewer than two.
        by_photograph: of the share, for other photographs; ``None`` with fewer than two.
        strength: of the Bradley-Terry model, natural logarithm, 0 on average over the methods.
        strength_by_voter: as ``by_voter``.
        strength_by_photograph: as ``by_photograph``.
    """

    method: str
    rank: int
    votes: int
    share: float
    wilson: Interval
    by_voter: Interval | None
    by_photograph: Interval | None
    strength: float
    strength_by_voter: Interval | None
    strength_by_photograph: Interval | None


@dataclass(frozen=True, slots=True)
class PositionResult:
    """How often the output at a place was chosen, whichever method's it was.

    Attributes:
        position: from 1.
        votes: how often.
        share: of all votes.
        wilson: of the share.
    """

    position: int
    votes: int
    share: float
    wilson: Interval


@dataclass(frozen=True, slots=True)
class Preferences:
    """Results of a study that asked which output people like the most.

    Attributes:
        votes: how many count.
        methods: in the study's order.
        even: test of equal preference.
        preferred: probability by the model that the method of a row is preferred to that of a column.
        positions: first to last.
        even_positions: test of whether places were chosen equally often.
    """

    votes: int
    methods: tuple[MethodResult, ...]
    even: EvenTest
    preferred: tuple[tuple[float, ...], ...]
    positions: tuple[PositionResult, ...]
    even_positions: EvenTest

    @property
    def by_rank(self) -> tuple[MethodResult, ...]:
        """The methods, the most liked first."""
        return tuple(sorted(self.methods, key=lambda one: one.rank))


@dataclass(frozen=True, slots=True)
class DescribedMethod:
    """What people said, of one method.

    Attributes:
        method: its name.
        descriptions: how many.
        photographs: of how many photographs.
        words: of a description, on average; ``None`` without any.
    """

    method: str
    descriptions: int
    photographs: int
    words: float | None


@dataclass(frozen=True, slots=True)
class Voter:
    """Who took part.

    Attributes:
        name: what they call themselves.
        answers: how many they gave.
        seconds: of an answer, the median; ``None`` without any.
        excluded: why their answers do not count, if they do not.
    """

    name: str
    answers: int
    seconds: float | None
    excluded: str | None


@dataclass(frozen=True, slots=True)
class StudyReport:
    """What came of a study.

    Attributes:
        title: of the study.
        question: what it asked.
        photographs: how many are in it.
        left_out: how many were left out when it was made.
        captioned: how many of its photographs have a caption.
        voters: everybody, in the order of their coming.
        resamples_seed: of the bootstrap.
        preferences: of a study that asked for them.
        described: of a study that asked for descriptions.
    """

    title: str
    question: Question
    photographs: int
    left_out: int
    captioned: int
    voters: tuple[Voter, ...]
    resamples_seed: int
    preferences: Preferences | None = None
    described: tuple[DescribedMethod, ...] | None = None

    @property
    def counted(self) -> tuple[Voter, ...]:
        """The voters whose answers count, of whom there are some."""
        return tuple(voter for voter in self.voters if voter.excluded is None and voter.answers)

    @property
    def excluded(self) -> tuple[Voter, ...]:
        """The voters whose answers do not count."""
        return tuple(voter for voter in self.voters if voter.excluded is not None)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What to beware of, each a sentence."""
        if self.preferences is None:
            return ()
        if not self.preferences.votes:
            return ("Nobody has voted yet.",)
        found = []
        if len(self.counted) < FEW_VOTERS:
            found.append(
                f"With fewer than {FEW_VOTERS} voters, intervals over voters are too narrow or none."
            )
        p = self.preferences.even_positions.p
        if p is not None and p < UNEVEN:
            found.append(
                "Some places on the page were chosen more often than others, whichever crop was there."
            )
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"confidence": CONFIDENCE, **asdict(self), "remarks": self.remarks}


def report_study(store: Store, seed: int = 0) -> StudyReport:
    """Work out what came of a study.

    Args:
        store: a study.
        seed: of the bootstrap.

    Raises:
        DataError: the project is no study.
        MissingExtraError: the extra is not installed.
    """
    with store.reading():
        protocol = study_protocol_of(store)
        people = raters(store)
        counting = {rater.id for rater in people if rater.excluded is None}
        given: Sequence[Vote] | Sequence[Description]
        preferences, described = None, None
        if protocol.question == "preference":
            given = tuple(votes(store))
            preferences = preferences_of(store, [one for one in given if one.rater in counting], seed)
        else:
            given = tuple(descriptions(store))
            described = _described(store, [one for one in given if one.rater in counting])
        return StudyReport(
            title=project_of(store).title,
            question=protocol.question,
            photographs=len(subjects(store)),
            left_out=len(broken(store)),
            captioned=len(captions_by_subject(store)),
            voters=tuple(_voter(rater, given) for rater in people),
            resamples_seed=seed,
            preferences=preferences,
            described=described,
        )


def preferences_of(store: Store, counted: Sequence[Vote], seed: int) -> Preferences:
    """Shares, strengths and tests of some votes of a study."""
    names = methods(store)
    place = {name: index for index, name in enumerate(names)}
    method = {output.id: place[output.method] for output in outputs(store)}
    choices = np.array([method[vote.choice] for vote in counted], dtype=np.int64)
    voters = np.array([vote.rater for vote in counted], dtype=np.int64)
    photographs = np.array([vote.photograph for vote in counted], dtype=np.int64)
    positions = np.array([vote.shown.index(vote.choice) for vote in counted], dtype=np.int64)
    counts = np.bincount(choices, minlength=len(names))
    found = strengths(counts)
    shares_by_voter, strengths_by_voter = _intervals(cluster_counts(choices, voters, len(names)), seed)
    shares_by_photo, strengths_by_photo = _intervals(cluster_counts(choices, photographs, len(names)), seed)
    by_place = np.bincount(positions, minlength=len(names))
    total = len(counted)
    rank = ranks(counts)
    return Preferences(
        votes=total,
        methods=tuple(
            MethodResult(
                method=name,
                rank=rank[index],
                votes=int(counts[index]),
                share=float(counts[index] / max(total, 1)),
                wilson=wilson(int(counts[index]), total),
                by_voter=shares_by_voter[index],
                by_photograph=shares_by_photo[index],
                strength=float(found[index]),
                strength_by_voter=strengths_by_voter[index],
                strength_by_photograph=strengths_by_photo[index],
            )
            for index, name in enumerate(names)
        ),
        even=even_test(counts),
        preferred=tuple(tuple(float(value) for value in row) for row in preferred(found)),
        positions=tuple(
            PositionResult(index + 1, int(count), float(count / max(total, 1)), wilson(int(count), total))
            for index, count in enumerate(by_place)
        ),
        even_positions=even_test(by_place),
    )


def _intervals(counts: IntArray, seed: int) -> tuple[Sequence[Interval | None], Sequence[Interval | None]]:
    """Of shares and of strengths, for each method."""
    drawn = resampled(counts, seed)
    if drawn is None:
        nothing = [None] * counts.shape[1]
        return nothing, nothing
    return percentiles(drawn / drawn.sum(axis=1, keepdims=True)), percentiles(resampled_strengths(drawn))


def _described(store: Store, counted: Sequence[Description]) -> tuple[DescribedMethod, ...]:
    made = {output.id: output for output in outputs(store)}
    texts: Mapping[str, list[str]] = {name: [] for name in methods(store)}
    photographs: Mapping[str, set[int]] = {name: set() for name in texts}
    for one in counted:
        texts[made[one.output].method].append(one.text)
        photographs[made[one.output].method].add(made[one.output].photograph)
    return tuple(
        DescribedMethod(
            name,
            len(said),
            len(photographs[name]),
            float(np.mean([len(text.split()) for text in said])) if said else None,
        )
        for name, said in texts.items()
    )


def _voter(rater: Rater, given: Sequence[Vote] | Sequence[Description]) -> Voter:
    times = [one.milliseconds for one in given if one.rater == rater.id]
    return Voter(rater.name, len(times), median(times) / 1000 if times else None, rater.excluded)
