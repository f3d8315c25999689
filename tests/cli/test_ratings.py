"""``cadrage ratings``: export, import, backup, exclude, as people and programs call them."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cadrage.annotation.protocol import RatingProtocol
from cadrage.annotation.store import (
    Store,
    add_crops,
    create_project,
    crops_of,
    enter,
    grade,
    gradings,
    grid_crops,
    photographs,
    protocol_of,
    raters,
    take_in,
)
from cadrage.annotation.store.boxes import CaptionProtocol, captions, draw, take_captions
from cadrage.candidates import RELEASED_LABELS_GRID
from cadrage.datasets.gaicd import load_gaicd
from cadrage.geometry import Box

PROJECT = "photographs/ratings.cadrage"


@pytest.fixture
def rated(folder):
    """A project of four photographs of 96 x 64 in the current folder: Ada rated three of them, Ben one."""
    (folder / "photographs").mkdir()
    files = []
    for number in range(4):
        path = folder / f"photographs/p{number}.jpg"
        pixels = np.random.default_rng(number).integers(0, 256, (64, 96, 3), np.uint8)
        Image.fromarray(pixels).save(path)
        files.append((path.name, path))
    with create_project(folder / PROJECT, "ratings", "Holiday", RatingProtocol().to_dict()) as store:
        ada, ben = enter(store, "Ada"), enter(store, "Ben")
        for taken in take_in(store, files):
            add_crops(store, taken.photograph, *grid_crops((96, 64), RELEASED_LABELS_GRID))
        for one in photographs(store)[:3]:
            for crop in crops_of(store, one.id):
                if crop.ratable:
                    grade(store, ada.id, crop.id, 1 + crop.id % 5, 500, is_repeat=False)
        grade(store, ben.id, 1, 5, 500, is_repeat=False)
    return folder


@pytest.fixture
def captioned(folder):
    """A project of one photograph with a caption that Ada drew a box for."""
    Image.new("RGB", (96, 64), "grey").save(folder / "p.jpg")
    with create_project(folder / "c.cadrage", "captions", "Pets", CaptionProtocol().to_dict()) as store:
        list(take_in(store, [("p.jpg", folder / "p.jpg")]))
        take_captions(store, {"p.jpg": ["a dog"]})
        draw(store, enter(store, "Ada").id, captions(store)[0].id, Box(0, 0, 48, 32), 900)
    return folder


class TestExport:
    def test_a_data_set_is_written_and_what_is_not_in_it_is_said(self, cadrage, rated):
        ran = cadrage("ratings", "export", PROJECT, "--out", "out")
        assert ran.code == 0
        assert ran.out == [
            "Wrote out: 3 photographs (3 all), 262 ratings by 2 raters",
            "crops: 261 with a MOS of these ratings, 9 outside the aspect bounds",
            "pictures: 3 copied as they are, 0 written as upright JPEG",
        ]
        assert ran.err == ["cadrage: Without a rated crop, so left out: p3.jpg."]
        images = load_gaicd(rated / "out", keep_unrated=True)
        assert [image.name for image in images] == ["p0", "p1", "p2"]
        assert images[0].mos[:2].tolist() == [3.5, 3]  # of 2 and 5, of 3

    def test_trains_unchanged(self, cadrage, rated):
        pytest.importorskip("torch")
        cadrage("ratings", "export", PROJECT, "--out", "out")
        options = ("--recipe", "paper", "--weights", "none", "--epochs", 1, "--validation", 1)
        backbone = ("--backbone", "timm:mobilenetv3_small_050")
        ran = cadrage("train", "gaicd", "out", "--run", "run", *options, *backbone)
        assert (ran.code, ran.err) == (0, [])
        assert ran.out[-1] == "The network is in run/network.pt"

    def test_for_programs_it_is_one_object(self, cadrage, rated):
        ran = cadrage("ratings", "export", PROJECT, "--out", "out", "--fewest", 2, "--json")
        record = json.loads(ran.out[0])
        assert (record["out"], record["format"], record["rule"]["fewest"]) == ("out", "gaicd", 2)
        assert record["crops"] == {"rated": 1, "imported": 0, "outside_bounds": 3, "too_few_ratings": 86}
        assert record["left_out"] == ["p1.jpg", "p2.jpg", "p3.jpg"]
        assert "cadrage: Of 86 crops with fewer than 2 ratings the MOS is -2." in ran.err

    def test_the_photographs_may_be_elsewhere_or_only_in_the_project(self, cadrage, rated):
        (rated / "photographs").rename(rated / "moved")
        (rated / "moved/ratings.cadrage").rename(rated / "r.cadrage")
        ran = cadrage("ratings", "export", "r.cadrage", "--out", "out")
        assert ran.code == 2
        assert "3 photographs are not in" in ran.err[0]
        assert cadrage("ratings", "export", "r.cadrage", "--out", "a", "--photographs", "moved").code == 0
        assert cadrage("ratings", "export", "r.cadrage", "--out", "b", "--pictures", "shown").code == 0

    @pytest.mark.parametrize("options", [["--out", "r.jsonl"], ["--out", "r.txt", "--format", "jsonl"]])
    def test_the_suffix_or_an_option_says_the_format(self, cadrage, rated, options):
        ran = cadrage("ratings", "export", PROJECT, *options, "--anonymous")
        assert (ran.code, ran.out, ran.err) == (0, [f"Wrote {options[1]}: 361 rows"], [])
        lines = (rated / options[1]).read_text().splitlines()
        assert {json.loads(line)["rater"] for line in lines} == {"1", "2", None}

    def test_parquet_has_as_many_rows(self, cadrage, rated):
        parquet = pytest.importorskip("pyarrow.parquet")
        assert cadrage("ratings", "export", PROJECT, "--out", "r.parquet").code == 0
        assert parquet.read_metadata(rated / "r.parquet").num_rows == 361

    def test_a_table_is_replaced_on_request_only(self, cadrage, rated):
        command = ("ratings", "export", PROJECT, "--out", "r.jsonl")
        assert cadrage(*command).code == 0
        again = cadrage(*command)
        assert (again.code, again.err) == (
            2,
            ["cadrage: r.jsonl exists already: name another file, or give --overwrite."],
        )
        assert cadrage(*command, "--overwrite").code == 0

    def test_captions_come_out_as_captions(self, cadrage, captioned):
        ran = cadrage("ratings", "export", "c.cadrage", "--out", "out")
        assert (ran.code, ran.err) == (0, [])
        assert ran.out[0] == "Wrote out: 1 photograph, 1 caption, 1 box by 1 rater"
        line = json.loads((captioned / "out/captions.jsonl").read_text())
        assert (line["boxes"], line["raters"]) == ([[0, 0, 48, 32]], ["Ada"])

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            (["--format", "csv"], "There is no format 'csv': choose gaicd, parquet, jsonl or captions."),
            (["--anonymous"], "--anonymous is for parquet and jsonl and captions, not for gaicd."),
            (
                ["--format", "jsonl", "--imported-weight", "0"],
                "--imported-weight is for gaicd, not for jsonl.",
            ),
            (["--format", "jsonl", "--out", "photographs"], "photographs is a folder"),
            (["--format", "jsonl", "--overwrite", "--out", PROJECT], "is the project itself"),
            (["--format", "captions"], "is a project of rated crops, not a project of captions and boxes"),
            (["--pictures", "small"], "Pictures are 'original' or 'shown'; got 'small'."),
            (["--fewest", "0"], "A crop needs at least 1 rating; got 0."),
            (["--fewest", "3"], "No crop of photographs/ratings.cadrage has 3 ratings"),
            (["--out", "r.csv"], "There is no export to csv"),
            (["--test", "3"], "3 photographs have rated crops: too few for 0 of validation and 3 of test."),
            (["--out", "photographs"], "photographs is not empty"),
        ],
    )
    def test_what_cannot_be_done_is_one_sentence(self, cadrage, rated, options, sentence):
        ran = cadrage("ratings", "export", PROJECT, "--out", "out", *options)
        assert (ran.code, ran.out) == (2, [])
        assert len(ran.err) == 1
        assert sentence in ran.err[0]
        assert not (rated / "out").exists()

    def test_a_project_that_is_none_is_one_sentence(self, cadrage, folder):
        (folder / "note.txt").write_text("a note, no project" * 100)
        ran = cadrage("ratings", "export", "note.txt", "--out", "out")
        assert ran.code == 2
        assert "note.txt" in ran.err[0]


class TestImport:
    def test_a_data_set_goes_in_is_rated_further_and_comes_out(self, cadrage, rated):
        cadrage("ratings", "export", PROJECT, "--out", "data", "--test", 1)
        ran = cadrage("ratings", "import", "data", "--project", "i.cadrage", "--repeats", 0.1)
        assert (ran.code, ran.out, ran.err) == (0, ["i.cadrage: 3 photographs imported"], [])
        with Store.open(rated / "i.cadrage") as store:
            assert protocol_of(store) == RatingProtocol(repeats=0.1)
            grade(store, enter(store, "Cy").id, crops_of(store, 1)[0].id, 4, 500, is_repeat=False)
        again = cadrage("ratings", "import", "data", "--project", "i.cadrage")
        assert again.out == ["i.cadrage: 0 photographs imported, 3 were there before"]
        other = cadrage("ratings", "import", "data", "--project", "i.cadrage", "--repeats", 0.2)
        assert (other.code, len(other.err)) == (2, 1)
        assert "was made with another repeats than 0.2" in other.err[0]
        out = cadrage("ratings", "export", "i.cadrage", "--photographs", "data/images", "--out", "out")
        assert out.out[:2] == [
            "Wrote out: 3 photographs (2 train, 1 test), 1 rating by 1 rater",
            "crops: 1 with a MOS of these ratings, 260 with the imported one, 9 outside the aspect bounds",
        ]

    def test_one_part_can_be_taken_and_a_broken_photograph_is_named(self, cadrage, rated):
        cadrage("ratings", "export", PROJECT, "--out", "data", "--test", 1)
        (broken, *_) = sorted((rated / "data/images/train").iterdir())
        broken.write_text("no picture")
        ran = cadrage("ratings", "import", "data", "--project", "i.cadrage", "--split", "train", "--json")
        assert ran.code == 1
        assert json.loads(ran.out[0]) == {
            "project": "i.cadrage",
            "imported": 1,
            "known": 0,
            "broken": {f"train/{broken.name}": ran.err[0].removeprefix("cadrage: ")},
        }

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["missing", "--project", "i.cadrage"], "missing does not exist"),
            (["data", "--project", "i.cadrage", "--split", "dev"], "There is no split 'dev'"),
            (["data", "--project", "i.cadrage", "--order", "odd"], "The order is 'balanced' or 'random'"),
            (["data", "--project", "no/i.cadrage"], "no is no folder"),
        ],
    )
    def test_what_cannot_be_imported_is_one_sentence_and_makes_no_project(
        self, cadrage, rated, arguments, sentence
    ):
        cadrage("ratings", "export", PROJECT, "--out", "data")
        ran = cadrage("ratings", "import", *arguments)
        assert (ran.code, ran.out) == (2, [])
        assert sentence in ran.err[0]
        assert not (rated / "i.cadrage").exists()


class TestBackup:
    def test_the_copy_has_every_grade_also_while_the_project_is_open(self, cadrage, rated):
        with Store.open(rated / PROJECT) as store:
            grade(store, 2, 2, 1, 500, is_repeat=False)
            ran = cadrage("ratings", "backup", PROJECT, "--out", "copy.cadrage")
            grades = list(gradings(store))
        assert (ran.code, ran.err) == (0, [])
        assert ran.out[0].startswith("Wrote copy.cadrage: ")
        with Store.open(rated / "copy.cadrage") as copy:
            assert list(gradings(copy)) == grades

    @pytest.mark.parametrize(
        ("out", "sentence"),
        [
            (PROJECT, "is the project itself"),
            ("note.txt", "note.txt exists already"),
            ("no/copy.cadrage", "no is no folder"),
        ],
    )
    def test_what_cannot_be_written_is_one_sentence(self, cadrage, rated, out, sentence):
        (rated / "note.txt").write_text("a note")
        ran = cadrage("ratings", "backup", PROJECT, "--out", out)
        assert (ran.code, ran.out) == (2, [])
        assert sentence in ran.err[0]
        assert (rated / "note.txt").read_text() == "a note"

    def test_a_file_is_replaced_on_request(self, cadrage, rated):
        (rated / "note.txt").write_text("a note")
        assert cadrage("ratings", "backup", PROJECT, "--out", "note.txt", "--overwrite").code == 0


class TestExclude:
    def test_a_rater_stops_counting_and_counts_again(self, cadrage, rated):
        ran = cadrage("ratings", "exclude", PROJECT, "ben", "--reason", "the same  grade always")
        assert (ran.out, ran.err) == (["Ben does not count: the same grade always"], [])
        out = cadrage("ratings", "export", PROJECT, "--out", "out")
        assert "261 ratings by 1 rater" in out.out[0]
        assert "cadrage: Ben does not count: the same grade always" in out.err
        assert cadrage("ratings", "exclude", PROJECT, "Ben", "--undo").out == ["Ben counts again"]
        assert cadrage("ratings", "exclude", PROJECT, "Ben", "--undo").out == ["Ben counts, as before"]
        with Store.open(rated / PROJECT) as store:
            assert [rater.excluded for rater in raters(store)] == [None, None]

    def test_when_nobody_is_left_that_is_said(self, cadrage, rated):
        cadrage("ratings", "exclude", PROJECT, "Ben", "--reason", "no")
        assert cadrage("ratings", "exclude", PROJECT, "Ada", "--reason", "no").err == [
            "cadrage: Now nobody counts."
        ]

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["Ada"], "Give either --reason and a text, or --undo."),
            (["Ada", "--reason", "x", "--undo"], "Give either --reason and a text, or --undo."),
            (["Ada", "--reason", " "], "An exclusion needs a reason"),
            (["Zoe", "--undo"], "There is no rater 'Zoe'."),
        ],
    )
    def test_what_cannot_be_done_is_one_sentence(self, cadrage, rated, arguments, sentence):
        ran = cadrage("ratings", "exclude", PROJECT, *arguments)
        assert (ran.code, ran.out) == (2, [])
        assert sentence in ran.err[0]


def test_exports_need_none_of_the_extras(rated):
    code = (
        "import sys\n"
        "for name in ('matplotlib', 'pyarrow', 'fastapi', 'scipy', 'choix', 'torch'): sys.modules[name] = None\n"
        "from cadrage.cli import main\n"
        "sys.argv = ['cadrage', 'ratings', *sys.argv[1:]]; main()"
    )

    def run(*arguments):
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run("export", PROJECT, "--out", "out").returncode == 0
    assert run("export", PROJECT, "--out", "r.jsonl").returncode == 0
    refused = run("export", PROJECT, "--out", "r.parquet")
    assert refused.returncode == 2
    assert refused.stderr == (
        "cadrage: Writing Parquet files needs the extra 'annotate': pip install 'cadrage[annotate]'\n"
    )
