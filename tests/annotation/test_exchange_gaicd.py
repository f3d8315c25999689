"""Projects out to the layout of GAICD and in from it: what a label is, which pictures lie beside it."""

import json

import numpy as np
import pytest
from PIL import Image

from cadrage.annotation.exchange.folders import LONGEST_NAME, flat_names
from cadrage.annotation.exchange.gaicd import ExportRule, export_gaicd, labels_of
from cadrage.annotation.exchange.pictures import PictureSource
from cadrage.annotation.protocol import RatingProtocol
from cadrage.annotation.store import (
    Store,
    add_crops,
    create_project,
    crops_of,
    enter,
    exclude,
    grade,
    photographs,
    take_in,
)
from cadrage.datasets.gaicd import load_gaicd
from cadrage.errors import DataError, RequestError

ORIENTATION = 0x0112
BOXES = np.array([[4, 2, 60, 46], [4, 2, 62, 46], [2, 4, 30, 40], [0, 0, 64, 20]], dtype=float)
RATABLE = (True, True, True, False)


def draw(path, size_wh=(64, 48), orientation=None):
    """A picture that is red on the left and blue on the right, as stored."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size_wh, "red")
    image.paste("blue", (size_wh[0] // 2, 0, *size_wh))
    exif = Image.Exif()
    if orientation:
        exif[ORIENTATION] = orientation
    image.save(path, exif=exif, **({"quality": 90} if path.suffix == ".jpg" else {}))
    return path


@pytest.fixture
def folder(tmp_path):
    """Where the photographs and the project are."""
    (tmp_path / "photographs").mkdir()
    return tmp_path / "photographs"


@pytest.fixture
def project(folder):
    """Makes a project of photographs with the four crops of ``BOXES``, the last outside the aspect bounds."""
    stores = []

    def make(*names, imported=None) -> Store:
        for name in names:
            if not (folder / name).exists():
                draw(folder / name)
        store = create_project(
            folder / "ratings.cadrage", "ratings", "Holiday", RatingProtocol(repeats=0).to_dict()
        )
        stores.append(store)
        for taken in take_in(store, [(name, folder / name) for name in names]):
            add_crops(store, taken.photograph, BOXES, RATABLE, imported)
        return store

    yield make
    for store in stores:
        store.close()


def rate(store, rater, *grades, photograph=0, is_repeat=False):
    """Grade a photograph's first crops."""
    person = enter(store, rater)
    for crop, value in zip(crops_of(store, photographs(store)[photograph].id), grades, strict=False):
        if value is not None:
            grade(store, person.id, crop.id, value, 900, is_repeat=is_repeat)


def export(store, target, rule=ExportRule(), kind="original", **options):  # noqa: B008
    return export_gaicd(store, target, rule, PictureSource(store, store.path.parent, kind), **options)


def mos_of(store, **rule):
    """The first photograph's labels, -2 as they are written."""
    return np.nan_to_num(next(labels_of(store, ExportRule(**rule))).mos, nan=-2).tolist()


def files_in(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


class TestLabels:
    def test_the_mos_is_the_mean_of_all_raters_to_two_decimals(self, project):
        store = project("a.jpg")
        rate(store, "Ada", 5, 1, 3)
        rate(store, "Ben", 4, 2, 3)
        rate(store, "Cy", 4, 2, 4)
        assert mos_of(store) == [4.33, 1.67, 3.33, -2]

    def test_hidden_repeats_and_excluded_raters_do_not_count(self, project):
        store = project("a.jpg")
        rate(store, "Ada", 5, 1, 3)
        rate(store, "Ada", 1, 1, 1, is_repeat=True)
        rate(store, "Ben", 1, 5, 1)
        exclude(store, "Ben", "careless")
        assert mos_of(store) == [5, 1, 3, -2]

    def test_a_crop_needs_the_fewest_ratings(self, project):
        store = project("a.jpg")
        rate(store, "Ada", 5, 1)
        rate(store, "Ben", 4)
        assert mos_of(store) == [4.5, 1, -2, -2]
        assert mos_of(store, fewest=2) == [4.5, -2, -2, -2]

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            ({}, [4.5, 2.0, 3.333, -2]),  # own ratings take the place; the imported one is not rounded
            ({"fewest": 2}, [4.5, 2.14, 3.333, -2]),  # one rating is too few to do so
            ({"imported_weight": 7}, [2.17, 2.12, 3.333, -2]),  # (7 * 1.5 + 9) / 9, (7 * 2.14 + 2) / 8
            ({"imported_weight": 7, "fewest": 9}, [2.17, 2.14, 3.333, -2]),
        ],
    )
    def test_an_imported_mos_is_replaced_or_weighs_as_some_ratings(self, project, rule, expected):
        store = project("a.jpg", imported=[1.5, 2.14, 3.333, None])
        rate(store, "Ada", 5, 2)
        rate(store, "Ben", 4)
        assert mos_of(store, **rule) == expected

    @pytest.mark.parametrize(
        "values", [{"fewest": 0}, {"imported_weight": -1}, {"test": -1}, {"undivided": True, "validation": 2}]
    )
    def test_a_rule_out_of_range_is_refused(self, values):
        with pytest.raises(RequestError):
            ExportRule(**values)


class TestExport:
    def test_labels_and_pictures_are_read_back_by_the_reader_of_gaicd(self, project, folder, tmp_path):
        store = project("a.jpg", "b.png")
        rate(store, "Ada", 5, 1, 3)
        rate(store, "Ben", 2, 2, 2, photograph=1)
        report = export(store, tmp_path / "out")
        images = load_gaicd(tmp_path / "out", keep_unrated=True, read_sizes=True)
        assert [(image.name, image.split) for image in images] == [("a", None), ("b", None)]
        assert images[0].boxes_xyxy.tolist() == BOXES.tolist()
        np.testing.assert_array_equal(images[0].mos, [5, 1, 3, np.nan])
        assert (tmp_path / "out/images/b.png").read_bytes() == (folder / "b.png").read_bytes()
        record = json.loads((tmp_path / "out/export.json").read_text())
        assert record == json.loads(json.dumps(report.to_dict()))
        assert record["photographs"] == {"all": 2}
        assert (record["ratings"], record["raters"]) == (6, 2)
        assert record["crops"] == {"rated": 6, "imported": 0, "outside_bounds": 2, "too_few_ratings": 0}

    def test_photographs_without_a_rated_crop_are_left_out_and_named(self, project, tmp_path):
        store = project("a.jpg", "b.jpg", "c.jpg")
        rate(store, "Ada", 5, photograph=1)
        report = export(store, tmp_path / "out")
        assert report.left_out == ("a.jpg", "c.jpg")
        assert report.crops["too_few_ratings"] == 2
        assert files_in(tmp_path / "out") == ["annotations/b.txt", "export.json", "images/b.jpg"]

    def test_a_project_that_nobody_rated_is_refused(self, project, tmp_path):
        with pytest.raises(DataError, match="Nobody has rated a crop"):
            export(project("a.jpg"), tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_a_project_of_another_kind_is_refused(self, folder):
        store = create_project(folder / "c.cadrage", "captions", "Captions", {})
        with (
            store,
            pytest.raises(DataError, match="is a project of captions and boxes, not a project of rated"),
        ):
            export(store, folder / "out")


class TestPictures:
    def test_a_turned_photograph_is_written_upright_with_its_boxes_as_they_were(
        self, project, folder, tmp_path
    ):
        draw(folder / "turned.jpg", (48, 64), orientation=6)
        store = project("turned.jpg")
        rate(store, "Ada", 3)
        report = export(store, tmp_path / "out")
        assert report.pictures == {"kind": "original", "copied": 0, "converted": 1}
        with Image.open(tmp_path / "out/images/turned.jpg") as picture:
            assert picture.size == (64, 48)
            assert ORIENTATION not in picture.getexif()
            top, bottom = picture.getpixel((32, 4)), picture.getpixel((32, 44))
        assert top[0] > 200 > 60 > top[2]  # what was stored on the left is above
        assert bottom[2] > 200 > 60 > bottom[0]
        assert load_gaicd(tmp_path / "out")[0].boxes_xyxy.tolist() == BOXES[:1].tolist()

    def test_a_photograph_of_another_format_becomes_a_jpeg(self, project, tmp_path):
        store = project("a.webp")
        rate(store, "Ada", 3)
        export(store, tmp_path / "out")
        with Image.open(tmp_path / "out/images/a.jpg") as picture:
            assert (picture.format, picture.size) == ("JPEG", (64, 48))

    def test_a_file_with_the_wrong_suffix_is_encoded_anew(self, project, folder, tmp_path):
        draw(folder / "right.png").rename(folder / "wrong.jpg")
        store = project("wrong.jpg")
        rate(store, "Ada", 3)
        export(store, tmp_path / "out")
        with Image.open(tmp_path / "out/images/wrong.jpg") as picture:
            assert picture.format == "JPEG"

    def test_the_pictures_shown_need_no_photograph_and_have_boxes_scaled_to_them(
        self, project, folder, tmp_path
    ):
        draw(folder / "large.png", (2880, 1440))
        store = project("large.png")
        rate(store, "Ada", 3, 4)
        (folder / "large.png").unlink()
        report = export(store, tmp_path / "out", kind="shown")
        image = load_gaicd(tmp_path / "out", read_sizes=True)[0]
        assert image.size_wh == (1440, 720)
        assert image.boxes_xyxy.tolist() == (BOXES[:2] / 2).tolist()
        assert report.pictures["kind"] == "shown"

    def test_the_pictures_shown_carry_no_metadata(self, project, folder, tmp_path):
        exif = Image.Exif()
        exif[0x010E] = "at home"
        Image.new("RGB", (64, 48)).save(folder / "a.jpg", exif=exif, comment=b"at home")
        store = project("a.jpg")
        rate(store, "Ada", 3)
        export(store, tmp_path / "out", kind="shown")
        assert b"at home" in (folder / "a.jpg").read_bytes()
        assert b"at home" not in (tmp_path / "out/images/a.jpg").read_bytes()

    def test_a_photograph_that_is_not_at_hand_is_named_with_the_way_out(self, project, folder, tmp_path):
        store = project("a.jpg", "b.jpg")
        rate(store, "Ada", 3)
        (folder / "a.jpg").unlink()
        with pytest.raises(
            DataError, match=r"1 photograph is not in .* \(a\.jpg\).*--photographs.*--pictures shown"
        ):
            export(store, tmp_path / "out")

    def test_a_photograph_that_has_changed_is_refused_and_nothing_is_left(self, project, folder, tmp_path):
        store = project("a.jpg", "b.jpg")
        rate(store, "Ada", 3)
        rate(store, "Ada", 3, photograph=1)
        draw(folder / "b.jpg", (64, 50))
        with pytest.raises(DataError, match=r"b\.jpg is not the file that was taken into the project"):
            export(store, tmp_path / "out")
        assert [path.name for path in tmp_path.iterdir()] == ["photographs"]

    @pytest.mark.parametrize("name", ["../secret.jpg", "/secret.jpg"])
    def test_a_name_that_leads_out_of_the_folder_is_not_followed(self, project, folder, tmp_path, name):
        draw(tmp_path / "secret.jpg")
        store = project("a.jpg")
        rate(store, "Ada", 3)
        with store.writing() as database:
            hostile = str(tmp_path) + name if name.startswith("/") else name
            database.execute("UPDATE photograph SET name = ?", (hostile,))
        with pytest.raises(DataError, match="1 photograph is not in"):
            export(store, tmp_path / "out")


class TestTheFolder:
    def test_one_with_something_in_it_is_kept(self, project, tmp_path):
        store = project("a.jpg")
        rate(store, "Ada", 3)
        (tmp_path / "out").mkdir()
        (tmp_path / "out/thesis.txt").write_text("years of work")
        with pytest.raises(DataError, match="is not empty"):
            export(store, tmp_path / "out")
        with pytest.raises(DataError, match="is no export, and is not replaced"):
            export(store, tmp_path / "out", overwrite=True)
        assert files_in(tmp_path / "out") == ["thesis.txt"]

    def test_an_earlier_export_is_replaced_on_request_only(self, project, tmp_path):
        store = project("a.jpg", "b.jpg")
        rate(store, "Ada", 3)
        rate(store, "Ada", 3, photograph=1)
        export(store, tmp_path / "out")
        with store.writing() as database:
            database.execute("DELETE FROM rating WHERE crop > 4")
        with pytest.raises(DataError, match="--overwrite"):
            export(store, tmp_path / "out")
        export(store, tmp_path / "out", overwrite=True)
        assert files_in(tmp_path / "out/images") == ["a.jpg"]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "photographs"]

    def test_what_is_no_part_of_an_export_is_never_replaced_with_it(self, project, tmp_path):
        store = project("a.jpg")
        rate(store, "Ada", 3)
        export(store, tmp_path / "out")
        (tmp_path / "out/runs").mkdir()
        with pytest.raises(DataError, match="holds runs, which is no part of an export"):
            export(store, tmp_path / "out", overwrite=True)
        (tmp_path / "out/runs").rmdir()
        inside = tmp_path / "out/images/ratings.cadrage"
        store.backup(inside)
        with Store.open(inside) as moved, pytest.raises(DataError, match="so it is not replaced"):
            export(moved, tmp_path / "out", overwrite=True)
        assert inside.exists()

    def test_an_empty_one_is_filled_and_missing_ones_above_are_made(self, project, tmp_path):
        store = project("a.jpg")
        rate(store, "Ada", 3)
        (tmp_path / "empty").mkdir()
        export(store, tmp_path / "empty")
        export(store, tmp_path / "deep/er")
        assert files_in(tmp_path / "empty") == files_in(tmp_path / "deep/er")

    def test_a_file_in_its_place_is_one_sentence(self, project, tmp_path):
        store = project("a.jpg")
        rate(store, "Ada", 3)
        (tmp_path / "out").write_text("a file")
        with pytest.raises(DataError, match="is a file: an export needs a folder"):
            export(store, tmp_path / "out", overwrite=True)


class TestParts:
    @pytest.fixture
    def rated(self, project):
        names = [f"p{number}.png" for number in range(8)]
        store = project(*names)
        for number in range(8):
            rate(store, "Ada", 3, photograph=number)
        return store

    def parts(self, store, target, **rule):
        export(store, target, ExportRule(**rule))
        found = {}
        for image in load_gaicd(target):
            found.setdefault(image.split, set()).add(image.name)
        return found

    def test_are_drawn_by_seed_and_test_stays_the_same(self, rated, tmp_path):
        one = self.parts(rated, tmp_path / "1", validation=2, test=3)
        two = self.parts(rated, tmp_path / "2", validation=1, test=3)
        three = self.parts(rated, tmp_path / "3", test=3, split_seed=2)
        assert {part: len(names) for part, names in one.items()} == {"train": 3, "val": 2, "test": 3}
        assert one["test"] == two["test"] != three["test"]
        assert "val" not in three

    def test_more_photographs_than_there_are_cannot_be_drawn(self, rated, tmp_path):
        with pytest.raises(RequestError, match="too few for 8 of validation"):
            self.parts(rated, tmp_path / "1", validation=8)

    def test_folders_train_val_test_are_parts_unless_said_otherwise(self, project, folder, tmp_path):
        draw(folder / "test/a.jpg", (64, 46))  # another photograph of the same name
        store = project("train/a.jpg", "train/deep/a.jpg", "test/a.jpg")
        for number in range(3):
            rate(store, "Ada", 3, photograph=number)
        assert self.parts(store, tmp_path / "1") == {"train": {"a", "deep_a"}, "test": {"a"}}
        flat = {None: {"train_a", "train_deep_a", "test_a"}}
        assert self.parts(store, tmp_path / "2", undivided=True) == flat

    def test_a_photograph_outside_them_makes_the_whole_undivided(self, project, tmp_path):
        store = project("train/a.jpg", "more/a.jpg")
        rate(store, "Ada", 3)
        rate(store, "Ada", 3, photograph=1)
        assert self.parts(store, tmp_path / "1") == {None: {"train_a", "more_a"}}


class TestFlatNames:
    def test_folders_become_part_of_the_name_and_no_name_comes_twice(self):
        names = ["a.jpg", "x/a.jpg", "x_a.jpg", "A.png", "x/y/.b.jpg", ".hidden.jpg"]
        assert list(flat_names(names).values()) == ["a", "x_a", "x_a-2", "A-2", "x_y_.b", "hidden"]

    def test_long_names_stay_apart_and_fit(self):
        names = [f"{'ä' * 120}/{'b' * 150}{number}.jpg" for number in range(2)]
        flat = flat_names(names).values()
        assert len(set(flat)) == 2
        assert all(len(name.encode()) <= LONGEST_NAME for name in flat)
