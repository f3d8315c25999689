"""A study made of folders, manifests and photographs: what is matched, what is left out, what is refused."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cadrage.annotation.store import Store, broken, picture
from cadrage.annotation.store.photographs import SHOWN_SIDE
from cadrage.annotation.store.studies import (
    StudyProtocol,
    captions_by_subject,
    methods,
    output_picture,
    outputs,
    subjects,
)
from cadrage.annotation.study.making import check_original, make_study
from cadrage.annotation.study.methods import Method, plan_study
from cadrage.annotation.study.naming import Reading, key_of, readings
from cadrage.errors import DataError, RequestError
from cadrage.geometry import Box

from .conftest import draw

PHOTOS = ("beach", "cat", "door")


@pytest.fixture
def place(tmp_path) -> Path:
    """A folder with three photographs of 120 x 80 pixels in photos/."""
    for number, name in enumerate(PHOTOS):
        draw(tmp_path / "photos" / f"{name}.png", seed=number)
    return tmp_path


def folder(place: Path, name: str, *files: str) -> Path:
    """A folder of crops of 60 x 50 pixels with these names."""
    for number, file in enumerate(files):
        draw(place / name / file, (60, 50), seed=number)
    return place / name


def manifest(place: Path, name: str, records: list[dict], *, header: bool = True) -> Path:
    """A file such as ``cadrage crop --manifest`` writes."""
    first = [
        {"manifest": "1.0", "cadrage": "0.1.0", "model": "m", "version": "1", "request": {}, "output": None}
    ]
    lines = [json.dumps(record) for record in (first if header else []) + records]
    (place / name).write_text("\n".join(lines) + "\n")
    return place / name


def record(source: Path, *ratios: tuple[str, list[int]], size: tuple[int, int] = (120, 80)) -> dict:
    groups = [
        {"ratio": ratio, "crops": [{"rank": 2, "box": [0, 0, 9, 9]}, {"rank": 1, "box": box}]}
        for ratio, box in ratios
    ]
    return {"schema": "1.1", "source": str(source), "size": size, "ratios": groups}


def plan(*where: tuple[str, object], photographs: Path | None = None, ratio: str | None = None):
    return plan_study([Method(name, str(place)) for name, place in where], photographs, ratio)


def made(place: Path, the_plan, **settings: object) -> Store:
    make_study(place / "study.cadrage", "Study", StudyProtocol(**settings), the_plan)
    return Store.open(place / "study.cadrage")


class TestNames:
    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("beach", (Reading("beach"),)),
            ("beach_16x9", (Reading("beach_16x9"), Reading("beach", "16:9"))),
            ("beach_1.91x1", (Reading("beach_1.91x1"), Reading("beach", "1.91:1"))),
            ("beach_free_2", (Reading("beach_free_2"), Reading("beach", "free", 2))),
            ("a/beach_original", (Reading("a/beach_original"), Reading("a/beach", "original"))),
            ("beach_wide", (Reading("beach_wide"),)),
            ("_1x1", (Reading("_1x1"),)),
        ],
    )
    def test_a_crop_is_called_like_the_photograph_or_with_a_ratio_behind_it(self, name, meant):
        assert readings(name) == meant

    def test_folders_are_matched_by_both_forms(self, place):
        first = folder(place, "first", "beach.png", "cat.png", "door.png")
        second = folder(place, "second", "beach_1x1.png", "cat_1x1.png", "door_1x1.png")
        found = plan(("a", first), ("b", second))

        assert [one.name for one in found.photographs] == list(PHOTOS)
        assert found.photographs[0].crops["b"].file == second / "beach_1x1.png"

    def test_the_best_of_several_ranks_is_taken(self, place):
        ranked = folder(place, "ranked", "beach_1x1_1.png", "beach_1x1_2.png")
        other = folder(place, "other", "beach.png")

        assert plan(("a", ranked), ("b", other)).photographs[0].crops["a"].file.name == "beach_1x1_1.png"

    def test_a_ratio_chooses_among_several(self, place):
        both = folder(place, "both", "beach_1x1.png", "beach_16x9.png")
        one = folder(place, "one", "beach_4x3.png")

        assert (
            plan(("a", both), ("b", one), ratio="16:9").photographs[0].crops["a"].file.name
            == "beach_16x9.png"
        )
        with pytest.raises(RequestError, match=r"several crops of 'beach'.*--ratio"):
            plan(("a", both), ("b", one))

    def test_a_file_that_may_be_of_two_photographs_is_refused(self, place):
        draw(place / "photos" / "beach_1x1.png")
        crops = folder(place, "crops", "beach_1x1.png")

        with pytest.raises(RequestError, match=r"can be the crop of 'beach_1x1' or of 'beach'"):
            plan(("a", crops), ("b", "original"), photographs=place / "photos")

    def test_trees_are_matched_by_their_folders(self, place):
        draw(place / "photos" / "more" / "beach.png")
        crops = folder(place, "crops", "beach.png", "more/beach_1x1.png")
        found = plan(("a", crops), ("b", "original"), photographs=place / "photos")

        assert [one.name for one in found.photographs] == ["beach.png", "more/beach.png"]

    def test_files_of_no_photograph_are_named(self, place):
        crops = folder(place, "crops", "beach.png", "holiday.png")
        found = plan(("a", crops), ("b", "original"), photographs=place / "photos")

        assert found.strays == {"a": ("holiday.png",)}


class TestManifests:
    def test_the_best_crop_is_cut_from_the_photograph(self, place):
        photo = place / "photos" / "beach.png"
        run = manifest(place, "run.jsonl", [record(photo, ("1:1", [20, 10, 80, 70]))])
        with made(place, plan(("a", run), ("b", "original"))) as store:
            found = {output.method: output for output in outputs(store)}
            shown = np.asarray(Image.open(BytesIO(output_picture(store, found["a"].id))), np.int16)

        assert found["a"].size_wh == (60, 60)
        assert found["a"].box == Box(20, 10, 80, 70)
        assert found["b"].size_wh == (120, 80)
        cut = np.asarray(Image.open(photo).convert("RGB"), np.int16)[10:70, 20:80]
        assert np.abs(shown - cut).mean() < 4  # but for what JPEG does

    def test_several_ratios_need_a_choice(self, place):
        photo = place / "photos" / "beach.png"
        run = manifest(place, "run.jsonl", [record(photo, ("1:1", [0, 0, 50, 50]), ("4:3", [0, 0, 40, 30]))])

        with pytest.raises(RequestError, match=r"several ratios \(1:1, 4:3\)"):
            plan(("a", run), ("b", "original"))
        assert plan(("a", run), ("b", "original"), ratio="4:3").photographs[0].crops["a"].box == Box(
            0, 0, 40, 30
        )

    def test_of_several_lines_the_last_counts(self, place):
        photo = place / "photos" / "beach.png"
        run = manifest(
            place,
            "run.jsonl",
            [{"source": str(photo), "error": "It broke."}, record(photo, ("1:1", [0, 0, 50, 50]))],
        )

        assert plan(("a", run), ("b", "original")).left_out == {}

    def test_a_line_torn_by_a_kill_is_passed_over(self, place):
        photo = place / "photos" / "beach.png"
        run = manifest(place, "run.jsonl", [record(photo, ("1:1", [0, 0, 50, 50]))])
        run.write_text(run.read_text() + '{"schema": "1.1", "sou')

        assert [one.name for one in plan(("a", run), ("b", "original")).photographs] == ["beach.png"]

    def test_a_photograph_without_crops_is_left_out(self, place):
        beach, cat = (place / "photos" / f"{name}.png" for name in ("beach", "cat"))
        run = manifest(place, "run.jsonl", [record(beach, ("1:1", [0, 0, 50, 50])), record(cat)])

        found = plan(("a", run), ("b", "original"))

        assert [one.name for one in found.photographs] == ["beach.png"]
        assert "no crop of it" in found.left_out["cat.png"]

    def test_photographs_are_found_from_the_manifests_own_folder(self, place, monkeypatch):
        (place / "crops").mkdir()
        run = manifest(place, "crops/run.jsonl", [record(Path("photos/cat.png"), ("1:1", [0, 0, 50, 50]))])
        monkeypatch.chdir("/")

        assert plan(("a", run), ("b", "original")).photographs[0].file == place / "photos" / "cat.png"

    def test_what_cannot_be_cut_is_left_out_with_the_reason(self, place):
        photos = place / "photos"
        records = [
            record(photos / "beach.png", ("1:1", [0, 0, 50, 50])),
            record(photos / "cat.png", ("1:1", [0, 0, 50, 50]), size=(240, 160)),
            {"source": str(photos / "door.png"), "error": "It broke."},
            record(photos / "elk.png", ("1:1", [0, 0, 50, 50])),
        ]
        run = manifest(place, "run.jsonl", records)
        result = make_study(
            place / "study.cadrage", "Study", StudyProtocol(), plan(("a", run), ("b", "original"))
        )

        assert result.photographs == ("beach.png",)
        assert result.left_out == {
            "cat.png": f"{photos / 'cat.png'} has changed since it was cropped",
            "door.png": "a: It broke",
            "elk.png": f"a: {photos / 'elk.png'} is not there",
        }

    @pytest.mark.parametrize(
        "line", ['{"a": 1}', "[]", "nonsense", '{"source": "x", "size": [1, 2], "ratios": [{}]}']
    )
    def test_what_is_no_manifest_is_refused_by_line(self, place, line):
        (place / "run.jsonl").write_text(f"{line}\n\n")

        with pytest.raises(DataError, match=r"run.jsonl, line 1"):
            plan(("a", place / "run.jsonl"), ("b", "original"))


class TestPlan:
    @pytest.mark.parametrize("number", [0, 1, 10])
    def test_two_to_nine_methods_are_compared(self, place, number):
        with pytest.raises(RequestError, match=f"2 to 9 methods; got {number}"):
            plan(*((f"m{index}", "original") for index in range(number)), photographs=place / "photos")

    def test_methods_have_names_of_their_own(self, place):
        with pytest.raises(RequestError, match="a name of its own"):
            plan(("Ours", "original"), ("ours", "original"), photographs=place / "photos")

    @pytest.mark.parametrize("text", ["crops", "=crops", "ours=", " = "])
    def test_a_method_is_a_name_and_a_place(self, text):
        with pytest.raises(RequestError, match=r"give NAME=FOLDER"):
            Method.parse(text)

    def test_only_what_every_method_has_is_in_the_study(self, place):
        first = folder(place, "first", "beach.png", "cat.png")
        second = folder(place, "second", "cat.png", "door.png")
        found = plan(("a", first), ("b", second), ("c", "original"), photographs=place / "photos")

        assert [one.name for one in found.photographs] == ["cat.png"]
        assert found.left_out == {"beach.png": "b: no crop of it", "door.png": "a: no crop of it"}

    def test_nothing_in_common_is_refused(self, place):
        first, second = folder(place, "first", "beach.png"), folder(place, "second", "cat.png")

        with pytest.raises(
            RequestError, match=r"No photograph has a crop of every method \(beach, b: no crop"
        ):
            plan(("a", first), ("b", second))

    def test_a_folder_of_other_pictures_is_refused(self, place):
        crops = folder(place, "crops", "holiday.png")

        with pytest.raises(RequestError, match=r"No picture in .*crops has the name of a photograph"):
            plan(("a", crops), ("b", "original"), photographs=place / "photos")

    def test_unknown_places_are_refused(self, place):
        with pytest.raises(DataError, match="There is no folder"):
            plan(("a", place / "nowhere"), ("b", "original"), photographs=place / "photos")
        with pytest.raises(RequestError, match="give --photographs"):
            plan(("a", folder(place, "crops", "beach.png")), ("b", "original"))


class TestStudy:
    def test_it_needs_no_other_file(self, place):
        crops = folder(place, "crops", *(f"{name}.png" for name in PHOTOS))
        with made(place, plan(("a", crops), ("b", "original"), photographs=place / "photos")) as store:
            for file in [*place.glob("photos/*"), *crops.iterdir()]:
                file.unlink()

            assert methods(store) == ("a", "b")
            assert [subject.name for subject in subjects(store)] == ["beach.png", "cat.png", "door.png"]
            assert all(
                Image.open(BytesIO(output_picture(store, one.id))).size == one.size_wh
                for one in outputs(store)
            )

    def test_large_outputs_are_shown_smaller(self, place):
        for name in ("a", "b"):
            draw(place / name / "beach.png", (2000, 1000))
        with made(place, plan(("a", place / "a"), ("b", place / "b"))) as store:
            assert {output.size_wh for output in outputs(store)} == {(SHOWN_SIDE, SHOWN_SIDE // 2)}

    def test_nothing_but_the_pixels_is_left_of_a_file(self, place):
        for name in ("a", "b"):
            (place / name).mkdir()
            options = {"comment": b"made by Aardvark", "exif": Image.Exif(), "dpi": (300, 300)}
            Image.new("RGB", (60, 50)).save(place / name / "beach.jpg", **options)
        with made(place, plan(("a", place / "a"), ("b", place / "b"))) as store:
            files = [output_picture(store, output.id) for output in outputs(store)]

        assert files[0] == files[1]
        assert b"Aardvark" not in files[0]

    def test_broken_crops_are_left_out_with_the_reason(self, place):
        crops = folder(place, "crops", "beach.png", "cat.png")
        (crops / "cat.png").write_bytes(b"no picture")
        result = make_study(
            place / "study.cadrage",
            "Study",
            StudyProtocol(),
            plan(("a", crops), ("b", "original"), photographs=place / "photos"),
        )

        assert result.photographs == ("beach.png",)
        assert result.left_out["cat.png"].startswith(f"{crops / 'cat.png'} is not in a picture format")
        with Store.open(place / "study.cadrage") as store:
            assert set(broken(store)) == {"cat.png", "door.png"}

    def test_without_one_good_photograph_there_is_no_study(self, place):
        crops = folder(place, "crops", "beach.png")
        (crops / "beach.png").write_bytes(b"no picture")
        the_plan = plan(("a", crops), ("b", "original"), photographs=place / "photos")

        with pytest.raises(
            RequestError, match=r"No photograph can be shown with all its outputs \(beach.png: "
        ):
            made(place, the_plan)
        assert [file.name for file in place.iterdir() if file.is_file()] == []

    def test_a_file_that_is_there_is_kept(self, place):
        (place / "study.cadrage").write_text("mine")
        with pytest.raises(DataError, match="exists already"):
            made(place, plan(("a", "original"), ("b", "original"), photographs=place / "photos"))

        assert (place / "study.cadrage").read_text() == "mine"

    def test_the_whole_photograph_is_kept_only_if_it_is_shown(self, place):
        crops = folder(place, "crops", "beach.png")
        methods = [Method("a", str(crops)), Method("b", str(crops))]
        the_plan = plan_study(methods, place / "photos")
        protocol = StudyProtocol(show_original=True)
        check_original(protocol, methods, the_plan)
        make_study(place / "with.cadrage", "With", protocol, the_plan)
        make_study(place / "without.cadrage", "Without", StudyProtocol(), the_plan)

        for name, shown in (("with", True), ("without", False)):
            with Store.open(place / f"{name}.cadrage") as store:
                assert (picture(store, subjects(store)[0].id) is not None) is shown

    def test_the_original_beside_must_be_known_and_no_output(self, place):
        crops = folder(place, "crops", "beach.png")
        protocol = StudyProtocol(show_original=True)
        unknown = [Method("a", str(crops)), Method("b", str(crops))]
        telling = [Method("a", str(crops)), Method("b", "original")]

        with pytest.raises(RequestError, match="give --photographs"):
            check_original(protocol, unknown, plan_study(unknown))
        with pytest.raises(RequestError, match="would tell voters"):
            check_original(protocol, telling, plan_study(telling, place / "photos"))

    @pytest.mark.parametrize(
        ("settings", "sentence"),
        [
            ({"question": "why"}, "'preference' or 'description'; got 'why'"),
            ({"sizes": "width"}, "equal 'area' or 'height'; got 'width'"),
            ({"question": "description", "show_original": True}, "would describe that"),
        ],
    )
    def test_a_question_that_cannot_be_asked_is_refused(self, settings, sentence):
        with pytest.raises(RequestError, match=sentence):
            StudyProtocol(**settings)


class TestCaptions:
    def test_they_are_matched_with_the_suffix_or_without(self, place):
        crops = folder(place, "crops", *(f"{name}.png" for name in PHOTOS))
        captions = {"beach.jpg": ["Sand."], "cat": ["A cat.", "It sleeps."], "elk.png": ["An elk."]}
        result = make_study(
            place / "study.cadrage",
            "Study",
            StudyProtocol(question="description"),
            plan(("a", crops), ("b", crops)),
            captions=captions,
        )

        assert result.uncaptioned == ("door",)
        with Store.open(place / "study.cadrage") as store:
            names = {subject.id: subject.name for subject in subjects(store)}
            found = {names[photograph]: texts for photograph, texts in captions_by_subject(store).items()}
        assert found == {"beach": ("Sand.",), "cat": ("A cat.", "It sleeps.")}

    def test_a_name_with_a_dot_in_it_is_whole_without_a_suffix(self):
        assert key_of(Path("a/IMG_1.5")) == "a/IMG_1.5"
        assert key_of(Path("a/IMG_1.5.JPG")) == "a/IMG_1.5"

    def test_captions_of_other_photographs_are_refused(self, place):
        crops = folder(place, "crops", "beach.png")
        with pytest.raises(RequestError, match="their names differ"):
            make_study(
                place / "study.cadrage",
                "Study",
                StudyProtocol(question="description"),
                plan(("a", crops), ("b", crops)),
                captions={"elk.png": ["An elk."]},
            )
