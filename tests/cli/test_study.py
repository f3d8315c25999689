import json

import pytest

from cadrage.annotation.store import Store, enter
from cadrage.annotation.store.studies import describe, outputs, study_protocol_of, vote


@pytest.fixture
def photos(folder, lamp):
    """Two photographs in photos/, their crops by two methods, and a caption of one."""
    for name in ("a", "b"):
        lamp(folder / "photos" / f"{name}.png")
        lamp(folder / "ours" / f"{name}_1x1.png")
        lamp(folder / "theirs" / f"{name}.png")
    (folder / "captions.jsonl").write_text('{"image": "a.png", "caption": "A lamp."}\n')
    return folder / "photos"


@pytest.fixture
def create(cadrage, photos):
    """Makes study.cadrage of both methods, with further options."""

    def run(*options: object):
        return cadrage(
            "study", "create", "study.cadrage", "--method", "Ours=ours", "--method", "Theirs=theirs", *options
        )

    return run


def answer(folder) -> None:
    """Let two people vote for the first output of the first photograph, or describe it."""
    with Store.open(folder / "study.cadrage") as store:
        shown = [output for output in outputs(store) if output.photograph == 1]
        for name in ("Ann", "Ben"):
            rater = enter(store, name).id
            if study_protocol_of(store).question == "preference":
                vote(store, rater, 1, shown[0].id, [output.id for output in shown], 2000)
            else:
                describe(store, rater, shown[0].id, "A lamp in the dark.", 2000)


class TestCreate:
    def test_it_makes_a_study_of_folders(self, create, folder):
        ran = create()

        assert (ran.code, ran.err) == (0, [])
        assert ran.out == ["study.cadrage: 2 photographs, 2 methods: Ours, Theirs"]
        assert (folder / "study.cadrage").is_file()

    def test_what_cadrage_crop_wrote_can_be_studied(self, cadrage, photos, tiny_entry):
        crop = (
            "crop",
            photos,
            "--model",
            tiny_entry.folder,
            "--ratio",
            "1:1",
            "--ratio",
            "2:1",
            "--out",
            "crops",
        )
        assert cadrage(*crop).code == 0
        study = ("study", "create", "study.cadrage", "--ratio", "1:1", "--show-original", "--json")
        ran = cadrage(*study, "--method", "cut=crops", "--method", "named=crops/manifest.jsonl")

        assert (ran.code, ran.err) == (0, [])
        assert json.loads(ran.out[0]) == {
            "study": "study.cadrage",
            "methods": ["cut", "named"],
            "photographs": ["a.png", "b.png"],
            "left_out": {},
            "uncaptioned": [],
            "strays": {},
        }
        with Store.open(photos.parent / "study.cadrage") as store:
            assert {output.size_wh for output in outputs(store)} == {(64, 64)}

    def test_what_is_left_out_is_named(self, create, folder):
        (folder / "theirs" / "b.png").unlink()
        (folder / "theirs" / "c.png").write_bytes((folder / "theirs" / "a.png").read_bytes())
        ran = create("--photographs", "photos")

        assert ran.code == 1
        assert ran.out == ["study.cadrage: 1 photographs, 2 methods: Ours, Theirs"]
        assert ran.err == [
            "cadrage: b.png is left out (Theirs: no crop of it).",
            "cadrage: Theirs: no photograph belongs to c.png.",
        ]

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            (("--method", "x=nowhere"), "There is no folder nowhere."),
            (("--method", "x"), "give NAME=FOLDER"),
            (("--method", "ours=ours"), "a name of its own"),
            (("--method", "x=original"), "give --photographs"),
            (("--question", "why"), "'preference' or 'description'"),
            (("--captions", "captions.jsonl"), "give --question description"),
            (("--ratio", "wide"), "'wide' is not an aspect ratio"),
            (("--show-original",), "needs the photographs"),
        ],
    )
    def test_what_cannot_be_studied_is_refused_in_a_sentence(self, create, folder, options, sentence):
        ran = create(*options)

        assert (ran.code, ran.out, len(ran.err)) == (2, [], 1)
        assert sentence in ran.err[0]
        assert not (folder / "study.cadrage").exists()

    def test_one_method_is_no_study(self, cadrage, photos):
        ran = cadrage("study", "create", "study.cadrage", "--method", "Ours=ours")

        assert (ran.code, ran.err) == (2, ["cadrage: A study compares 2 to 9 methods; got 1."])


class TestReport:
    def test_it_says_what_people_chose(self, create, cadrage, folder):
        create()
        answer(folder)
        ran = cadrage("study", "report", "study.cadrage", "--html", "report.html")

        assert (ran.code, ran.err) == (0, [])
        assert ran.out[0] == "study: 2 photographs, 2 votes by 2 voters, 0 of whom finished"
        assert ran.out[2].split("\t")[:5] == ["1", "Ours", "2", "100.00", "34.2-100.0"]
        assert ran.out[4].startswith(
            "Equal preference: chi-square 2.00, 1 degree of freedom, p = 0.1573, rough"
        )
        assert "Ours" in (folder / "report.html").read_text()

    def test_json_has_all_of_it(self, create, cadrage, folder):
        create()
        answer(folder)
        record = json.loads(cadrage("study", "report", "study.cadrage", "--json").out[0])

        assert [one["votes"] for one in record["preferences"]["methods"]] == [2, 0]
        assert record["voters"][0] == {"name": "Ann", "answers": 1, "seconds": 2.0, "excluded": None}

    def test_who_was_excluded_does_not_count(self, create, cadrage, folder):
        create()
        answer(folder)
        cadrage("ratings", "exclude", "study.cadrage", "Ben", "--reason", "asleep")
        ran = cadrage("study", "report", "study.cadrage")

        assert ran.out[:2] == [
            "study: 2 photographs, 1 vote by 1 voter, 0 of whom finished",
            "excluded: Ben with 1 answers: asleep",
        ]

    def test_another_project_is_refused(self, cadrage, folder):
        (folder / "notes.txt").write_text("mine")

        assert cadrage("study", "report", "notes.txt").err == ["cadrage: notes.txt is no project of cadrage."]
        assert cadrage("study", "serve", "nowhere").err == ["cadrage: There is no project nowhere."]


class TestExport:
    def test_votes_are_lines(self, create, cadrage, folder):
        create()
        answer(folder)

        assert cadrage("study", "export", "study.cadrage", "--out", "votes.jsonl").out == [
            "Wrote votes.jsonl: 2 rows"
        ]
        lines = [json.loads(line) for line in (folder / "votes.jsonl").read_text().splitlines()]
        assert [(line["image"], line["method"], line["voter"]) for line in lines] == [
            ("a", "Ours", "Ann"),
            ("a", "Ours", "Ben"),
        ]

    def test_descriptions_come_with_their_captions(self, create, cadrage, folder):
        ran = create("--question", "description", "--captions", "captions.jsonl")
        assert ran.err == ["cadrage: Without a caption: b."]
        answer(folder)
        cadrage("study", "export", "study.cadrage", "--out", "said.jsonl", "--anonymous")
        line = json.loads((folder / "said.jsonl").read_text().splitlines()[0])

        assert (line["caption"], line["description"], line["voter"]) == ("A lamp.", "A lamp in the dark.", 1)

    def test_no_file_is_replaced_unasked(self, create, cadrage, folder):
        create()
        (folder / "votes.jsonl").write_text("mine")

        assert cadrage("study", "export", "study.cadrage", "--out", "votes.jsonl").code == 2
        assert (folder / "votes.jsonl").read_text() == "mine"
        assert cadrage("study", "export", "study.cadrage", "--out", "study.cadrage", "--overwrite").err == [
            "cadrage: study.cadrage is the study itself: name another file."
        ]
        assert cadrage("study", "export", "study.cadrage", "--out", "votes.jsonl", "--overwrite").code == 0
