"""What came of studies whose voters have a known preference, and every answer as a row."""

import json
from dataclasses import replace

import numpy as np
import pytest

from cadrage.annotation.store import Store, enter, exclude
from cadrage.annotation.store.studies import describe, outputs, subjects, vote, votes
from cadrage.annotation.study.page import page_of, write_page
from cadrage.annotation.study.records import rows
from cadrage.annotation.study.report import report_study
from cadrage.annotation.study.sentences import headline
from cadrage.errors import DataError

from .studies import METHODS, let_vote, study

KNOWN = (0.2, 0.3, 0.5)


@pytest.fixture
def store(tmp_path):
    """A study of six photographs and three methods."""
    with Store.open(study(tmp_path)) as opened:
        yield opened


class TestPreferences:
    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_voters_give_back_the_known_preference_within_its_interval(self, store, seed):
        let_vote(store, 40, KNOWN, seed, spread=0.1)
        found = report_study(store).preferences

        strengths = np.log(KNOWN) - np.log(KNOWN).mean()
        for one, share, strength in zip(found.methods, KNOWN, strengths, strict=True):
            assert one.by_voter.low <= share <= one.by_voter.high
            assert one.strength_by_voter.low <= strength <= one.strength_by_voter.high
        assert [one.method for one in found.by_rank] == ["Chimaera", "Basilisk", "Aardvark"]
        assert found.even.p < 1e-4

    def test_shares_are_of_all_votes(self, store):
        let_vote(store, 10, KNOWN, seed=0)
        found = report_study(store).preferences
        given = list(votes(store))

        assert found.votes == len(given) == 60
        assert sum(one.votes for one in found.methods) == 60
        assert sum(one.share for one in found.methods) == pytest.approx(1)
        assert sum(one.votes for one in found.positions) == 60

    def test_a_favourite_place_is_found_and_favours_no_method(self, store):
        photographs, made = subjects(store), {}
        for output in outputs(store):
            made.setdefault(output.photograph, {})[output.method] = output.id
        from cadrage.annotation.study.programme import preference_tasks

        for number in range(12):
            rater = enter(store, f"Voter {number}").id
            for task in preference_tasks([one.name for one in photographs], METHODS, 0, rater):
                photograph = photographs[task.photograph].id
                shown = [made[photograph][METHODS[place]] for place in task.shown]
                vote(store, rater, photograph, shown[0], shown, 300)
        report = report_study(store)

        assert [one.votes for one in report.preferences.positions] == [72, 0, 0]
        assert [one.votes for one in report.preferences.methods] == [24, 24, 24]
        assert "Some places on the page were chosen more often" in report.remarks[0]

    def test_a_seed_gives_the_same_report(self, store):
        let_vote(store, 5, KNOWN, seed=0)

        assert report_study(store, seed=4) == report_study(store, seed=4)
        assert report_study(store, seed=4).preferences != report_study(store, seed=5).preferences

    def test_excluded_voters_are_named_and_do_not_count(self, store):
        let_vote(store, 4, KNOWN, seed=0)
        exclude(store, "Voter 2", "asleep")
        report = report_study(store)

        assert report.preferences.votes == 18
        assert [(one.name, one.answers, one.excluded) for one in report.excluded] == [
            ("Voter 2", 6, "asleep")
        ]
        assert headline(report) == "6 photographs, 18 votes by 3 voters"

    def test_one_voter_says_nothing_of_others(self, store):
        let_vote(store, 1, KNOWN, seed=0)
        report = report_study(store)

        assert {one.by_voter for one in report.preferences.methods} == {None}
        assert all(one.by_photograph for one in report.preferences.methods)
        assert report.remarks == ("With fewer than 10 voters, intervals over voters are too narrow or none.",)

    def test_without_votes_there_is_nothing_to_say(self, store):
        report = report_study(store)

        assert report.preferences.votes == 0
        assert report.remarks == ("Nobody has voted yet.",)
        assert "Beasts" in page_of(report)

    def test_it_is_plain_values_for_json(self, store):
        let_vote(store, 3, KNOWN, seed=0)
        record = json.loads(json.dumps(report_study(store).to_dict()))

        assert record["preferences"]["methods"][0]["method"] == "Aardvark"
        assert set(record["preferences"]["methods"][0]["wilson"]) == {"low", "high"}
        assert (record["photographs"], record["confidence"]) == (6, 0.95)


class TestDescriptions:
    @pytest.fixture
    def described(self, tmp_path):
        captions = {"p0": ["A beast."], "p1": ["A beast.", "It rests."]}
        with Store.open(study(tmp_path, question="description", captions=captions)) as opened:
            made = {(output.photograph, output.method): output.id for output in outputs(opened)}
            ids = {subject.name: subject.id for subject in subjects(opened)}
            ann, ben = enter(opened, "Ann").id, enter(opened, "Ben").id
            describe(opened, ann, made[ids["p0"], "Aardvark"], "A bright patch on a gradient.", 4000)
            describe(opened, ann, made[ids["p1"], "Basilisk"], "A patch.", 2000)
            describe(opened, ben, made[ids["p2"], "Aardvark"], "A white box.", 3000)
            yield opened

    def test_they_are_counted(self, described):
        report = report_study(described)
        found = {one.method: (one.descriptions, one.photographs, one.words) for one in report.described}

        assert found == {"Aardvark": (2, 2, 4.5), "Basilisk": (1, 1, 2.0), "Chimaera": (0, 0, None)}
        assert report.captioned == 2
        assert headline(report) == "6 photographs, 3 descriptions by 2 voters, 0 of whom finished"

    def test_every_one_is_a_row_with_its_captions(self, described):
        exclude(described, "Ben", "no English")
        found = [
            {name: row[name] for name in row if name not in ("at", "seconds")} for row in rows(described)
        ]

        assert found == [
            {
                "image": "p0",
                "method": "Aardvark",
                "caption": "A beast.",
                "description": "A bright patch on a gradient.",
                "voter": "Ann",
                "excluded": False,
            },
            {
                "image": "p1",
                "method": "Basilisk",
                "captions": ["A beast.", "It rests."],
                "description": "A patch.",
                "voter": "Ann",
                "excluded": False,
            },
            {
                "image": "p2",
                "method": "Aardvark",
                "description": "A white box.",
                "voter": "Ben",
                "excluded": True,
            },
        ]


class TestRows:
    def test_every_vote_is_a_row(self, store):
        let_vote(store, 2, KNOWN, seed=0)
        found = list(rows(store))

        assert len(found) == 12
        assert {row["voter"] for row in found} == {"Voter 0", "Voter 1"}
        assert all(row["shown"][row["position"] - 1] == row["method"] for row in found)
        assert all(sorted(row["shown"]) == sorted(METHODS) for row in found)
        assert found[0]["seconds"] == 1.5

    def test_names_can_be_left_out(self, store):
        let_vote(store, 2, KNOWN, seed=0)

        assert {row["voter"] for row in rows(store, anonymous=True)} == {1, 2}


class TestPage:
    def test_texts_are_escaped(self, store):
        let_vote(store, 3, KNOWN, seed=0)
        enter(store, "<script>alert(1)</script>")
        report = replace(report_study(store), title="<b>Beasts</b> & co")
        page = page_of(report)

        assert "<script>" not in page
        assert "<b>Beasts" not in page
        assert "&lt;b&gt;Beasts&lt;/b&gt; &amp; co" in page

    def test_it_needs_no_other_file(self, store, tmp_path):
        let_vote(store, 3, KNOWN, seed=0)
        write_page(report_study(store), tmp_path / "report.html")
        page = (tmp_path / "report.html").read_text()

        assert all(name in page for name in METHODS)
        assert "http" not in page.replace("http-equiv", "")
        assert "<svg" in page

    def test_a_folder_that_is_not_there_is_said(self, store, tmp_path):
        with pytest.raises(DataError, match="cannot be written"):
            write_page(report_study(store), tmp_path / "nowhere" / "report.html")
