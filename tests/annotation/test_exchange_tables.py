"""Every single rating as Parquet and JSON lines: one table, two kinds of file."""

import json

import numpy as np
import pytest
from PIL import Image

from cadrage.annotation.exchange.tables import BATCH, COLUMNS, rating_rows, write_jsonl, write_parquet
from cadrage.annotation.protocol import RatingProtocol
from cadrage.annotation.store import (
    add_crops,
    create_project,
    crops_of,
    enter,
    exclude,
    grade,
    photographs,
    project_of,
    take_in,
)
from cadrage.errors import DataError

BOXES = np.array([[4, 2, 60, 46], [2.5, 4, 30, 40], [0, 0, 64, 20]], dtype=float)


@pytest.fixture
def store(tmp_path):
    """Two photographs of three crops; Ada rated one twice, Bén rated it too and does not count."""
    files = []
    for name in ("a.jpg", "deep/b.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (64, 48), "grey").save(path)
        files.append((name, path))
    with create_project(tmp_path / "p.cadrage", "ratings", "Holiday", RatingProtocol().to_dict()) as store:
        for taken in take_in(store, files):
            add_crops(store, taken.photograph, BOXES, (True, True, False), (None, 3.57, None))
        ada, ben = enter(store, "Ada"), enter(store, "Bén")
        first = crops_of(store, photographs(store)[0].id)[0].id
        grade(store, ada.id, first, 5, 1200, is_repeat=False)
        grade(store, ada.id, first, 4, 800, is_repeat=True)
        grade(store, ben.id, first, 1, 90, is_repeat=False)
        exclude(store, "Bén", "too fast")
        yield store


def test_a_row_is_a_rating_with_all_that_is_known(store):
    rows = list(rating_rows(store))
    assert {key: value for key, value in rows[2].items() if key not in ("sha256", "at")} == {
        "photograph": "a.jpg",
        "width": 64,
        "height": 48,
        "crop": 0,
        "x1": 4.0,
        "y1": 2.0,
        "x2": 60.0,
        "y2": 46.0,
        "group": "4:3",
        "ratable": True,
        "imported_mos": None,
        "rater": "Bén",
        "excluded": True,
        "exclusion_reason": "too fast",
        "is_repeat": False,
        "grade": 1,
        "milliseconds": 90,
    }
    assert rows[2]["at"].endswith("+00:00")
    assert [(row["rater"], row["is_repeat"], row["grade"]) for row in rows[:3]] == [
        ("Ada", False, 5),
        ("Ada", True, 4),
        ("Bén", False, 1),
    ]


def test_a_crop_that_nobody_rated_has_one_row_without_a_rater(store):
    rows = list(rating_rows(store))
    assert [(row["photograph"], row["crop"], row["ratable"]) for row in rows[3:]] == [
        ("a.jpg", 1, True),
        ("a.jpg", 2, False),
        ("deep/b.jpg", 0, True),
        ("deep/b.jpg", 1, True),
        ("deep/b.jpg", 2, False),
    ]
    assert {row["rater"] for row in rows[3:]} == {row["grade"] for row in rows[3:]} == {None}
    assert rows[3]["imported_mos"] == 3.57


def test_names_give_way_to_numbers(store):
    rows = list(rating_rows(store, anonymous=True))
    assert [row["rater"] for row in rows[:4]] == ["1", "1", "2", None]
    assert "Ada" not in json.dumps(rows)


def test_every_row_has_the_documented_columns(store):
    names = [column.name for column in COLUMNS]
    assert all(list(row) == names for row in rating_rows(store))
    required = [column.name for column in COLUMNS if not column.is_optional]
    assert all(row[name] is not None for row in rating_rows(store) for name in required)


def test_parquet_and_json_lines_read_back_equal(store, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    count = write_parquet(rating_rows(store), tmp_path / "r.parquet", project_of(store))
    assert write_jsonl(rating_rows(store), tmp_path / "r.jsonl") == count == 8
    table = parquet.read_table(tmp_path / "r.parquet")
    lines = (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()
    assert table.to_pylist() == [json.loads(line) for line in lines]
    assert table.schema.metadata[b"title"] == b"Holiday"
    assert json.loads(table.schema.metadata[b"settings"])["crops_per_page"] == 4
    assert table.schema.field("grade").metadata[b"meaning"] == b"1 (bad) to 5 (excellent)"


def test_more_rows_than_are_held_at_once_are_all_written(store, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    row = next(rating_rows(store))
    many = ({**row, "crop": number} for number in range(2 * BATCH + 1))
    assert write_parquet(many, tmp_path / "r.parquet", project_of(store)) == 2 * BATCH + 1
    crops = parquet.read_table(tmp_path / "r.parquet", columns=["crop"])["crop"]
    assert crops.to_pylist() == list(range(2 * BATCH + 1))


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_a_table_that_cannot_be_finished_leaves_the_old_one(store, tmp_path, suffix):
    pytest.importorskip("pyarrow")
    target = tmp_path / f"r.{suffix}"
    target.write_text("old")

    def torn():
        yield from rating_rows(store)
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match="cannot be written: No space left on device"):
        if suffix == "parquet":
            write_parquet(torn(), target, project_of(store))
        else:
            write_jsonl(torn(), target)
    assert target.read_text() == "old"
    assert not list(tmp_path.glob(".cadrage-*"))


def test_a_project_of_captions_has_no_ratings(tmp_path):
    store = create_project(tmp_path / "c.cadrage", "captions", "Captions", {})
    with store, pytest.raises(DataError, match="not a project of rated crops"):
        next(rating_rows(store))
