"""``cadrage crop``: what it prints, writes, refuses, and how it exits."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cadrage.batch.names import NameTemplate, distinct_stems
from cadrage.request import CropRequest


@pytest.fixture
def crop(cadrage, folder, tiny_entry):
    """Runs ``cadrage crop`` with the tiny model in an empty folder."""
    return lambda *arguments: cadrage("crop", *arguments, "--model", tiny_entry.folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


# --- printing


def test_a_piped_table_is_tab_separated(crop, lamp):
    ran = crop(lamp("lamp.jpg"), "--ratio", "1:1")
    assert ran.code == 0
    assert ran.out == [
        "photograph\tratio\trank\tbox\tscore\tmargin",
        "lamp.jpg\t1:1\t1\t64,0,128,64\t5.00\t+2.00",
    ]
    assert ran.err == []


def test_the_ratio_is_free_unless_asked_for(crop, lamp):
    assert crop(lamp("lamp.jpg")).out[1].split("\t")[1] == "free"


def test_json_has_a_line_for_each_photograph(crop, lamp):
    ran = crop(
        lamp("a.jpg"), lamp("b.png"), "--ratio", "square", "--ratio", "original", "--top", "2", "--json"
    )
    first, second = map(json.loads, ran.out)
    assert (first["source"], second["source"]) == ("a.jpg", "b.png")
    assert first["size"] == [128, 64]
    assert [group["ratio"] for group in first["ratios"]] == ["1:1", "original"]
    best = first["ratios"][0]["crops"][0]
    assert [best[key] for key in ("rank", "box", "score", "margin", "broken")] == [
        1, [64, 0, 128, 64], 5.0, 2.0, [],
    ]  # fmt: skip
    assert [crop["rank"] for crop in second["ratios"][0]["crops"]] == [1, 2]


def test_a_folder_stands_for_the_photographs_in_it(crop, lamp):
    for name in ("holiday/b.JPG", "holiday/a.png", "holiday/.hidden.jpg", "holiday/deeper/c.jpg"):
        lamp(name)
    Path("holiday/notes.txt").write_text("no photograph")
    ran = crop("holiday", "holiday/b.JPG")
    assert ran.code == 0
    assert [line.split("\t")[0] for line in ran.out[1:]] == ["holiday/a.png", "holiday/b.JPG"]


def test_a_name_with_a_line_break_stays_on_its_line(crop, lamp):
    ran = crop(lamp("two\nlines.jpg"), "gone\n.jpg")
    assert len(ran.out) == 2
    assert len(ran.err) == 1


# --- writing


def test_crops_are_cut_to_the_pixel_in_the_format_of_the_photograph(crop, lamp):
    ran = crop(lamp("lamp.png"), lamp("lamp.jpg"), "--ratio", "1:1", "--ratio", "free", "--out", "made/crops")
    assert ran.code == 0
    assert ran.out[1].split("\t")[-1] == "made/crops/lamp_1x1.png"
    assert sorted(contents(Path("made/crops"))) == [
        "lamp-2_1x1.jpg", "lamp-2_free.jpg", "lamp_1x1.png", "lamp_free.png",
    ]  # fmt: skip
    with Image.open("made/crops/lamp_1x1.png") as picture:
        assert np.array_equal(np.asarray(picture), np.full((64, 64, 3), 255))


def test_with_top_the_rank_ends_the_name(crop, lamp):
    crop(lamp("lamp.png"), "--ratio", "1.91", "--top", "2", "--out", "crops")
    assert sorted(contents(Path("crops"))) == ["lamp_1.91x1_1.png", "lamp_1.91x1_2.png"]


def test_json_names_the_file_of_each_crop(crop, lamp):
    ran = crop(lamp("lamp.png"), "--out", "crops", "--json")
    assert json.loads(ran.out[0])["ratios"][0]["crops"][0]["file"] == "crops/lamp_free.png"


def test_photographs_of_one_name_do_not_overwrite_each_other(crop, lamp):
    crop(lamp("north/lamp.png"), lamp("south/lamp.png"), lamp("west/Lamp.png"), "--out", "crops")
    assert sorted(contents(Path("crops"))) == ["Lamp-3_free.png", "lamp-2_free.png", "lamp_free.png"]


def test_no_photograph_of_the_call_is_overwritten(crop, lamp):
    lamp("lamp.png")
    lamp("lamp_free.png")
    lamp("lamp-2_free.png")
    before = contents(Path())
    ran = crop(".", "--out", ".")
    assert ran.code == 0
    after = contents(Path())
    assert {name: after[name] for name in before} == before
    assert len(after.keys() - {"manifest.jsonl"}) == 6


def test_a_second_run_gives_the_same_files(crop, lamp):
    lamp("lamp.jpg")
    crop("lamp.jpg", "--out", "crops")
    first = contents(Path("crops"))
    crop("lamp.jpg", "--out", "crops")
    assert contents(Path("crops")) == first


def test_a_contact_sheet_is_one_picture(crop, lamp):
    ran = crop(lamp("a.png"), lamp("b.png"), "missing.png", "--sheet", "made/sheet.png")
    assert ran.code == 1
    with Image.open("made/sheet.png") as sheet:
        assert sheet.format == "PNG"
        assert min(sheet.size) > 300


@pytest.mark.parametrize(
    ("photos", "stems"),
    [
        (["in/a.jpg", "in/b.jpg"], ["a", "b"]),
        (["in/a.jpg", "in/a.png", "in/A.gif"], ["a", "a-2", "A-3"]),
        (["in/a.jpg", "in/a-2.jpg", "on/a.jpg"], ["a", "a-2", "a-3"]),
        (["in/a.jpg", "in/a_1x1.jpg"], ["a", "a_1x1"]),
        (["out/a.jpg", "out/a_1x1.jpg"], ["a-2", "a_1x1"]),
        (["out/../out/a.jpg", "in/../out/A_1X1.png"], ["a-2", "A_1X1"]),
    ],
)
def test_names_of_results(photos, stems):
    folders = {Path(photo): Path("out") for photo in photos}
    found = distinct_stems(folders, NameTemplate("{stem}_{ratio}"), CropRequest(("1:1", "free")))
    assert list(found.values()) == stems


# --- bad input


@pytest.fixture
def bad_files(folder, lamp) -> list[str]:
    """A file of each unusable kind."""
    whole = lamp("whole.jpg").read_bytes()
    Path("whole.jpg").unlink()
    files = {
        "empty.jpg": b"",
        "text.jpg": b"This is text.",
        "header.jpg": whole[:12],
        "truncated.jpg": whole[: len(whole) - 200],
    }
    for name, data in files.items():
        Path(name).write_bytes(data)
    Path("nothing").mkdir()
    Path("loop.jpg").symlink_to("loop.jpg")
    return [*files, "missing.jpg", "nothing", "loop.jpg"]


def test_bad_inputs_are_each_named_and_the_others_done(crop, lamp, bad_files):
    ran = crop(*bad_files, lamp("good.png"), "--out", "crops")
    assert ran.code == 1
    assert list(contents(Path("crops"))) == ["good_free.png"]
    assert len(ran.err) == len(bad_files)
    for name in bad_files:
        (line,) = (line for line in ran.err if name in line)
        assert line.startswith("cadrage: ")
        assert line.endswith(".")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_photograph_that_may_not_be_read_does_not_stop_the_others(crop, lamp):
    lamp("secret.png").chmod(0)
    ran = crop("secret.png", lamp("good.png"), "--out", "crops")
    assert (ran.code, ran.err) == (1, ["cadrage: secret.png cannot be read: permission denied."])
    assert list(contents(Path("crops"))) == ["good_free.png"]


def test_bad_inputs_are_lines_of_json_too(crop, bad_files):
    ran = crop(*bad_files, "--json")
    lines = [json.loads(line) for line in ran.out]
    assert {line["source"] for line in lines} == set(bad_files)
    assert all(line.keys() == {"source", "error"} for line in lines)
    assert ran.code == 2


def test_when_nothing_could_be_done_nothing_is_written(crop, bad_files):
    before = contents(Path())
    ran = crop(*bad_files, "--out", "crops", "--sheet", "sheet.png")
    assert ran.code == 2
    assert ran.out == []
    assert contents(Path()) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--ratio", "0:3"], "The ratio 0:3 cannot be used"),
        (["--ratio", "wide"], "'wide' is not an aspect ratio"),
        (["--top", "0"], "from 1 to 1000, not 0"),
        (["--threads", "0"], "number of threads must be from 1 to 1024, not 0"),
        (["--out", "lamp.png"], "--out lamp.png is a file"),
        (["--sheet", "sheet.bmp"], "--sheet sheet.bmp must end in .png"),
        (["--sheet", "./lamp.png"], "--sheet lamp.png is one of the photographs"),
    ],
)
def test_a_wrong_option_is_one_sentence_before_any_work(crop, lamp, options, said):
    ran = crop(lamp("lamp.png"), *options)
    assert ran.code == 2
    assert ran.out == []
    assert len(ran.err) == 1
    assert said in ran.err[0]


@pytest.mark.parametrize("options", [["--no-such-option"], ["--top", "many"], [""], [".", "--out", ""], []])
def test_a_malformed_command_line_exits_with_2(cadrage, options):
    ran = cadrage("crop", *options)
    assert ran.code == 2
    assert ran.out == []
    assert ran.err[-1].startswith("Error: ")


def test_an_unknown_model_is_one_sentence(cadrage, folder, lamp):
    ran = cadrage("crop", lamp("lamp.png"), "--model", "no-such-model")
    assert ran.code == 2
    assert len(ran.err) == 1
    assert "There is no model 'no-such-model'" in ran.err[0]


# --- the installed command, with the default model

IN_A_PROCESS = [sys.executable, "-c", "from cadrage.cli import main; main()"]


def test_the_command_crops_with_the_default_model(folder, lamp):
    lamp("lamp.jpg")
    ran = subprocess.run(
        [*IN_A_PROCESS, "crop", "lamp.jpg", "missing.jpg", "--ratio", "16:9", "--out", "crops", "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr == "cadrage: missing.jpg does not exist.\n"
    done, failed = map(json.loads, ran.stdout.splitlines())
    assert 1 < done["ratios"][0]["crops"][0]["score"] < 5
    assert failed == {"source": "missing.jpg", "error": "missing.jpg does not exist."}
    with Image.open("crops/lamp_16x9.jpg") as picture:
        assert picture.width * 9 == picture.height * 16


def test_the_command_works_where_nothing_but_its_own_dependencies_can_be_imported(folder, lamp):
    lamp("lamp.jpg")
    script = """if True:
        import sys

        class Refuse:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in {"torch", "torchvision", "timm", "onnx", "scipy", "transformers"}:
                    raise ModuleNotFoundError(name)

        sys.meta_path.insert(0, Refuse())
        from cadrage.cli import main
        main()
    """
    ran = subprocess.run(
        [sys.executable, "-c", script, "crop", "lamp.jpg"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
