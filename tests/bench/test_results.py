"""Cells on disk."""

import json
import math

import numpy as np
import pytest

from cadrage.bench.results import Cell, load_cells, save_cell
from cadrage.errors import DataError


def test_a_cell_comes_back_as_it_was(tmp_path, cell):
    written = cell("gaic", [0.5, math.nan], seconds=0.0125)
    save_cell(written, tmp_path)
    (read,) = load_cells(tmp_path)
    assert read.to_dict() == written.to_dict()
    assert (read.ground, read.origin, read.seconds) == (written.ground, written.origin, 0.0125)
    np.testing.assert_array_equal(read.metrics["iou"], [0.5, math.nan])
    np.testing.assert_array_equal(read.chosen_xyxy, written.chosen_xyxy)


def test_what_was_not_measured_stays_unknown(tmp_path, cell):
    save_cell(cell("gaic", [0.5], seconds=math.nan), tmp_path)
    assert math.isnan(load_cells(tmp_path)[0].seconds)


def test_the_same_method_on_the_same_ground_takes_the_place_of_the_earlier(tmp_path, cell):
    save_cell(cell("gaic", [0.5]), tmp_path)
    save_cell(cell("gaic", [0.7]), tmp_path)
    assert [one.metrics["iou"].tolist() for one in load_cells(tmp_path)] == [[0.7]]


@pytest.mark.parametrize(
    "change",
    [
        {"method": "centre"},
        {"version": "2"},
        {"release": "journal"},
        {"split": "val"},
        {"rule": "ratio 1:1"},
        {"digest": "other"},
    ],
)
def test_any_other_cell_stands_beside_it(tmp_path, cell, ground, change):
    save_cell(cell("gaic", [0.5]), tmp_path)
    if change.keys() & {"method", "version"}:
        other = cell(**{"method": "gaic", "iou": [0.5], **change})
    else:
        other = cell("gaic", [0.5], ground=ground(**change))
    save_cell(other, tmp_path)
    assert len(load_cells(tmp_path)) == 2


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert load_cells(tmp_path / "none") == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda value: value | {"format": 99},
        lambda value: {key: one for key, one in value.items() if key != "ground"},
        lambda value: value | {"metrics": {"iou": [1, 2, 3]}},
        lambda value: value | {"metrics": {"iou": ["much"]}},
        lambda value: [value],
    ],
)
def test_a_file_that_is_no_cell_is_named(tmp_path, cell, damage):
    path = save_cell(cell("gaic", [0.5]), tmp_path)
    path.write_text(json.dumps(damage(json.loads(path.read_text()))))
    with pytest.raises(DataError, match=f"{path.name} is no result"):
        load_cells(tmp_path)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, cell):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        save_cell(cell("gaic", [0.5]), tmp_path / "file")


def test_a_name_for_a_file_is_made_of_any_method(cell):
    name = cell("gaic=runs/../Größe.pt", [0.5]).file_name
    assert name.startswith("fcdb-boxes-gaic-runs-gr-e-pt-")
    assert isinstance(cell("gaic", [0.5]), Cell)
