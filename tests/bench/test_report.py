"""Reports: files made of cells, extended by more cells, complete without any other file."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from cadrage.bench.report import write_report
from cadrage.bench.report.gallery import STEP, Outline, apart, galleries_of, mutual_iou
from cadrage.bench.report.tables import tables_of
from cadrage.bench.results import save_cell
from cadrage.errors import DataError

pytest.importorskip("matplotlib")


@pytest.fixture
def pictures(tmp_path):
    paths = [tmp_path / f"{number}.jpg" for number in range(3)]
    for path in paths:
        Image.new("RGB", (100, 50), "green").save(path)
    return paths


def test_the_three_files_hold_every_method(tmp_path, cell, pictures):
    save_cell(cell("one", [0.2, 0.9, 0.5], pictures=pictures), tmp_path)
    save_cell(cell("two", [0.8, 0.1, 0.5], pictures=pictures), tmp_path)
    paths = write_report(tmp_path)
    assert [path.name for path in paths] == ["report.md", "report.json", "report.html"]
    found = json.loads((tmp_path / "report.json").read_text())
    assert [one["method"] for one in found["tables"][0]["methods"]] == ["one", "two"]
    for path in paths[::2]:
        text = path.read_text()
        assert "0.5333" in text
        assert "cadrage bench fcdb FCDB --methods two" in text


def test_more_methods_extend_a_report(tmp_path, cell):
    save_cell(cell("one", [0.2, 0.9]), tmp_path)
    write_report(tmp_path)
    save_cell(cell("two", [0.8, 0.7]), tmp_path)
    write_report(tmp_path)
    found = json.loads((tmp_path / "report.json").read_text())
    assert [one["method"] for one in found["tables"][0]["methods"]] == ["two", "one"]


def test_the_page_needs_nothing_else(tmp_path, cell, pictures):
    save_cell(cell("one", [0.2, 0.9, 0.5], pictures=pictures), tmp_path)
    save_cell(cell("two", [0.1, 0.9, 0.5], pictures=pictures), tmp_path)
    write_report(tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page) == []
    assert "@import" not in page
    assert page.count("data:image/jpeg;base64,") == 3 + 3  # best of the leader, most disagreed
    assert "prefers-color-scheme: dark" in page


def test_names_of_methods_are_text_in_the_page(tmp_path, cell):
    save_cell(cell("<script>alert(1)</script>", [0.5]), tmp_path)
    write_report(tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_picture_that_is_gone_is_named_all_the_same(tmp_path, cell):
    save_cell(cell("one", [0.5]), tmp_path)
    write_report(tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "The picture is not at hand." in page
    assert "image0" in page


def test_a_folder_without_results_has_no_report(tmp_path):
    with pytest.raises(DataError, match="holds no results"):
        write_report(tmp_path)


def test_galleries_show_the_best_and_the_worst_image_once_each(cell):
    values = np.linspace(0, 1, 9)
    (table,) = tables_of([cell("one", values)])
    best, worst = galleries_of(table)
    assert [one.name for one in best.exhibits] == [f"image{number}" for number in (8, 7, 6, 5, 4, 3)]
    assert [one.name for one in worst.exhibits] == ["image0", "image1", "image2"]
    assert best.exhibits[0].caption == "IoU 1.0000, BDE 0.1000"
    assert [outline.name for outline in best.exhibits[0].outlines] == ["one", "people"]


def test_the_most_disagreed_images_have_the_crops_farthest_apart(cell):
    """Crops are 40 wide and 40 x IoU from the left: on image 1 they do not even touch."""
    (table,) = tables_of([cell("one", [0.5, 1.0, 0.9]), cell("two", [0.4, 0.0, 0.8])])
    gallery = galleries_of(table)[-1]
    assert gallery.exhibits[0].name == "image1"
    assert gallery.exhibits[0].caption == "mutual IoU 0.00"
    assert mutual_iou(np.array([[0.0, 0, 2, 2], [0, 0, 2, 2], [0, 0, 1, 2]])) == pytest.approx(2 / 3)


def test_pairs_have_no_galleries(cell, ground):
    half = np.array([0.5])
    made = cell("one", [0.5], ground=ground(kind="pairs"), pair_accuracy=half, vote_share=half)
    assert galleries_of(tables_of([made])[0]) == ()


SHOWN_AS_IT_IS, TEN_TIMES_AS_LARGE = (300, 200), (3060, 2700)


@pytest.mark.parametrize(("size_wh", "pixel"), [(SHOWN_AS_IT_IS, 1), (TEN_TIMES_AS_LARGE, 10)])
def test_boxes_that_coincide_are_drawn_inside_one_another(size_wh, pixel):
    """Six methods and people agree but for a pixel: all seven outlines can be seen, the first in its place."""
    box = np.array([10.0, 10, 290, 190]) * pixel
    same = [Outline(tuple(box + pixel * (number % 2)), (number + 1) % 7, str(number)) for number in range(7)]
    drawn = apart(same, size_wh)
    assert [(one.series, one.name) for one in drawn] == [(one.series, one.name) for one in same]
    assert drawn[0].box_xyxy == same[0].box_xyxy
    boxes = np.array([one.box_xyxy for one in drawn])
    assert (boxes[:, :2] >= box[:2]).all()
    assert (boxes[:, 2:] <= box[2:] + pixel).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    distances = np.abs(boxes[:, None] - boxes).max(axis=2) + np.eye(7) * 1e9
    assert distances.min() >= 0.99 * STEP * pixel


def test_other_boxes_and_those_with_no_room_inside_stay_where_they_are():
    boxes = [(0.0, 0.0, 100.0, 50.0), (0.0, 0.0, 100.0, 60.0), (5.0, 5.0, 9.0, 9.0), (5.0, 5.0, 9.0, 9.0)]
    outlines = [Outline(box, number, "") for number, box in enumerate(boxes, start=1)]
    assert [one.box_xyxy for one in apart(outlines, SHOWN_AS_IT_IS)] == boxes


def test_an_outline_has_the_colour_of_its_legend(tmp_path, cell, pictures):
    """The leader's crop and people's box are one: each has its line in the picture, and the legend names both."""
    made = cell("one", [0.25, 0.25, 0.25], pictures=pictures)
    save_cell(made, tmp_path)
    write_report(tmp_path)
    page = (tmp_path / "report.html").read_text()
    picture = re.search(r"<svg viewBox=\"0 0 100 50\".*?</svg>", page)[0]
    places = dict(re.findall(r'<rect class="(c1|people)" (x="[^>]*")>', picture))
    assert places["c1"] == 'x="10" y="0" width="40" height="50"'
    assert places["people"] == 'x="16" y="6" width="28" height="38"'
    assert '<li class="c1"><i></i>one</li><li class="people"><i></i>people</li>' in page
    colours = re.findall(r"[^\n]*\.c1 \{[^}]*\}", page)
    assert colours == [".c1 { --colour: var(--series-1); }"]  # one for lines, legends and plots
