"""``cadrage ratings report`` and ``cadrage ratings pilot``, as people and programs call them."""

import json

import numpy as np
import pytest
from PIL import Image

from cadrage.annotation.protocol import RatingProtocol
from cadrage.annotation.store import (
    add_crops,
    create_project,
    crops_of,
    enter,
    exclude,
    grade,
    grid_crops,
    photographs,
    take_in,
)
from cadrage.candidates import PAPER_GRID

PROJECT = "ratings.cadrage"


@pytest.fixture
def empty(folder):
    """A project of two photographs of 3:2 on the paper's grid, 83 crops to grade in each."""
    store = create_project(folder / PROJECT, "ratings", "Holiday", RatingProtocol(grid=PAPER_GRID).to_dict())
    for number in range(2):
        Image.new("RGB", (300, 200), (40 * number, 90, 120)).save(folder / f"{number}.png")
    for taken in take_in(store, [(f"{number}.png", folder / f"{number}.png") for number in range(2)]):
        add_crops(store, taken.photograph, *grid_crops(taken.photograph.size_wh, PAPER_GRID))
    yield store
    store.close()


@pytest.fixture
def rated(empty):
    """The same, graded by Ada, Ben and Cy, who agree, and by Dan, who always says 3."""
    random = np.random.default_rng(0)
    crops = [
        crop.id
        for photograph in photographs(empty)
        for crop in crops_of(empty, photograph.id)
        if crop.ratable
    ]
    taste = random.uniform(1, 5, len(crops))
    for name in ("Ada", "Ben", "Cy", "Dan"):
        felt = np.clip(np.rint(taste + random.normal(0, 0.4, len(crops))), 1, 5).astype(int)
        rater = enter(empty, name).id
        with empty.writing():
            for crop, value in zip(crops, felt.tolist(), strict=True):
                grade(empty, rater, crop, 3 if name == "Dan" else value, 1200, is_repeat=False)
    return empty


def test_the_report_names_figures_and_their_rules(cadrage, rated):
    ran = cadrage("ratings", "report", PROJECT)
    assert (ran.code, ran.err) == (0, [])
    assert ran.out[0] == (
        "Holiday: 2 photographs, 166 of 166 crops rated, 664 grades by 4 raters, 0 hidden repeats"
    )
    text = "\n".join(ran.out)
    for part in ("MOS of 166 crops", "(ddof 0)", "over 1:", "ICC(2,1)", "k = 4.00", "alpha, ordinal"):
        assert part in text
    rows = {row[0]: row for row in (line.split("\t") for line in ran.out)}
    assert rows["Dan"][-3:] == ["166", "3: 100.00 %", "flagged"]
    assert rows["Ada"][-1] == ""
    assert any(
        line.startswith("flagged: Dan. ") and "100.0 % of the grades are 3." in line for line in ran.out
    )


def test_json_is_one_object_with_everything(cadrage, rated):
    ran = cadrage("ratings", "report", PROJECT, "--json", "--samples", "50")
    (line,) = ran.out
    report = json.loads(line)
    assert (report["title"], report["grades"], report["rated"]) == ("Holiday", 664, 166)
    assert report["options"]["samples"] == 50
    assert report["bounds"]["alpha"]["low"] < report["alpha"] < report["bounds"]["alpha"]["high"]
    assert [flag["kind"] for flag in report["raters"][3]["flags"]] == ["agreement", "one grade"]
    assert report["raters"][3]["figures"]["repeat_kappa"] is None
    assert "Shrout & Fleiss" in report["how"]["ICC"]


def test_excluded_raters_are_listed_with_the_reason(cadrage, rated):
    exclude(rated, "Ben", "left early")
    ran = cadrage("ratings", "report", PROJECT, "--exclude", "cy", "--exclude-flagged")
    assert "excluded: Ben. In the project: left early" in ran.out
    assert "excluded: Cy. On request, for this report." in ran.out
    assert "166 grades by 1 rater" in ran.out[0]
    assert "3 raters excluded" in ran.out[0]  # Dan is flagged
    alone = cadrage("ratings", "report", PROJECT, "--exclude", "Cy", "--exclude", "Dan")
    assert "Only one rater counts, Ada: agreement needs two." in alone.out


def test_flagged_raters_are_excluded_when_asked(cadrage, rated):
    ran = cadrage("ratings", "report", PROJECT, "--exclude-flagged", "--json")
    report = json.loads(ran.out[0])
    assert [rater["excluded"] is not None for rater in report["raters"]] == [False, False, False, True]
    assert report["icc"]["raters"] == 3
    assert report["alpha"] > 0.7


def test_the_page_is_written_beside_the_terminal_s_report(cadrage, rated, folder):
    ran = cadrage("ratings", "report", PROJECT, "--html", "report.html")
    assert ran.out[-1] == "Wrote report.html"
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<svg" in page
    quiet = cadrage("ratings", "report", PROJECT, "--html", "report.html", "--json")
    assert len(quiet.out) == 1


def test_a_project_without_ratings_is_reported_in_a_sentence(cadrage, empty):
    ran = cadrage("ratings", "report", PROJECT)
    assert ran.code == 0
    assert ran.out[1:] == ["Nobody has rated a crop yet: there is nothing to measure."]
    assert json.loads(cadrage("ratings", "report", PROJECT, "--json").out[0])["alpha"] is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["report", "nothing.cadrage"], "There is no project nothing.cadrage."),
        (["report", PROJECT, "--exclude", "Zoe"], "There is no rater 'Zoe' to exclude."),
        (
            ["report", PROJECT, "--level", "ratio"],
            "Alpha is 'nominal', 'ordinal' or 'interval'; got 'ratio'.",
        ),
        (["report", PROJECT, "--html", "nowhere/r.html"], "nowhere/r.html cannot be written"),
        (["report", PROJECT, "--html", PROJECT], "A page's name ends in .html; ratings.cadrage does not."),
        (["pilot", PROJECT], "Nobody has rated a crop yet"),
        (["pilot", PROJECT, "--grid", "12"], "A grid is given as 12x12/4x4"),
        (["pilot", PROJECT, "--grid", "12x12/7x4"], "corner_y must be from 1 to half"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(cadrage, empty, arguments, sentence):
    ran = cadrage("ratings", *arguments)
    assert (ran.code, ran.out, len(ran.err)) == (2, [], 1)
    assert sentence in ran.err[0]


def test_the_pilot_prints_the_paper_s_nine_grids(cadrage, rated):
    ran = cadrage("ratings", "pilot", PROJECT)
    assert (ran.code, ran.err) == (0, [])
    assert ran.out[0].startswith("2 rated photographs; candidates of 0.5 of the frame or more")
    rows = [line.split("\t") for line in ran.out[2:]]
    assert [row[1] for row in rows[1:]] == [
        "29.0",
        "31.0",
        "59.0",
        "83.0",
        "85.0",
        "135.0",
        "159.0",
        "176.0",
        "234.0",
    ]
    own = rows[4]
    assert own[0] == "12x12/4x4"
    assert own[-3:] == ["0.0 (0.00 %)", "1.0000", "1.0000"]
    assert sum(float(cell.split()[0]) for cell in own[2:6]) == pytest.approx(83, abs=0.2)


def test_the_pilot_takes_other_grids_bounds_and_overlaps(cadrage, rated):
    ran = cadrage(
        "ratings", "pilot", PROJECT, "--grid", "12x16/4x5", "--grid", "12x12/4x4", "--max-aspect", "1.5",
        "--min-iou", "0.95", "--json",
    )  # fmt: skip
    other, own = json.loads(ran.out[0])["rows"]
    assert (other["name"], other["grid"]["bins_x"], other["grid"]["corner_y"]) == ("12x16/4x5", 16, 4)
    assert other["unmatched"] > 0
    assert own["candidates"] < 83
    assert (own["unmatched"], own["worst_iou"], own["least_iou"]) == (0, 1, 0.95)
