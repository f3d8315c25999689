from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cadrage.candidates import grid_anchors
from cadrage.datasets import gaicd
from cadrage.datasets.faults import DamagedCopy
from cadrage.datasets.gaicd import (
    load_gaicd,
    read_labels,
    release_of,
    save_gaicd,
    split_by_seed,
)
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError, RequestError

# Row first, as the release writes it: y1 x1 y2 x2 MOS, padded, with a blank at the end.
LABEL = "   2    4   30   60 3.57 \n   3    5   31   61 -2.00 \n   2    4   32   62 0.86 \n"


def put(root, kind, name, content=LABEL):
    """Add ``kind/name`` to a data set: a label text, or a picture of 64 x 48 pixels."""
    path = root / kind / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "annotations":
        path.write_text(content)
    else:
        Image.new("RGB", (64, 48), "grey").save(path)
    return path


@pytest.fixture
def divided(tmp_path):
    """A data set of three parts: images b and a to train, c to validate, d to test."""
    for part, names in {"train": "ba", "val": "c", "test": "d"}.items():
        for name in names:
            put(tmp_path, "annotations", f"{part}/{name}.txt")
            put(tmp_path, "images", f"{part}/{name}.jpg")
    return tmp_path


@pytest.fixture
def flat(tmp_path):
    """A data set that is not divided, with images a and b."""
    for name in "ab":
        put(tmp_path, "annotations", f"{name}.txt")
        put(tmp_path, "images", f"{name}.jpg")
    return tmp_path


def rated(name="a", split=None, path=Path("a.jpg"), boxes=((4, 2, 60, 30),), mos=(3.0,)):
    return RatedImage(name, path, np.array(boxes, dtype=float), np.array(mos, dtype=float), split)


class TestLoading:
    def test_rows_become_boxes_with_x_first_and_unrated_crops_are_left_out(self, divided):
        image = load_gaicd(divided, "val")[0]
        assert image.name == "c"
        assert image.split == "val"
        assert image.path == divided / "images" / "val" / "c.jpg"
        assert image.boxes_xyxy.tolist() == [[4, 2, 60, 30], [4, 2, 62, 32]]
        assert image.mos.tolist() == [3.57, 0.86]
        assert image.size_wh is None

    def test_unrated_crops_are_kept_on_request_in_the_order_of_the_file(self, divided):
        image = load_gaicd(divided, "val", keep_unrated=True)[0]
        assert image.boxes_xyxy[1].tolist() == [5, 3, 61, 31]
        assert np.isnan(image.mos).tolist() == [False, True, False]
        assert image.is_rated.tolist() == [True, False, True]

    def test_all_parts_come_in_order_with_names_sorted_inside(self, divided):
        images = load_gaicd(divided)
        assert [(image.split, image.name) for image in images] == [
            ("train", "a"),
            ("train", "b"),
            ("val", "c"),
            ("test", "d"),
        ]

    def test_frame_sizes_are_read_on_request(self, divided):
        assert {image.size_wh for image in load_gaicd(divided, read_sizes=True)} == {(64, 48)}

    def test_a_flat_data_set_has_no_parts(self, flat):
        assert [(image.name, image.split) for image in load_gaicd(flat)] == [("a", None), ("b", None)]
        with pytest.raises(DataError, match=r"has no part 'train': it is not divided"):
            load_gaicd(flat, "train")

    def test_flat_labels_serve_divided_pictures(self, tmp_path):
        for name in ("a", "b", "c"):
            put(tmp_path, "annotations", f"{name}.txt")
        for name in ("train/a", "train/b", "test/c"):
            put(tmp_path, "images", f"{name}.jpg")
        assert [image.name for image in load_gaicd(tmp_path, "train")] == ["a", "b"]
        assert [image.name for image in load_gaicd(tmp_path, "test")] == ["c"]

    def test_flat_pictures_serve_divided_labels(self, tmp_path):
        for name in ("train/a", "test/b"):
            put(tmp_path, "annotations", f"{name}.txt")
        for name in ("a", "b", "unlabelled"):
            put(tmp_path, "images", f"{name}.png")
        assert [(image.name, image.split) for image in load_gaicd(tmp_path)] == [
            ("a", "train"),
            ("b", "test"),
        ]

    def test_other_files_are_passed_over(self, flat):
        put(flat, "annotations", "README.md")
        put(flat, "annotations", "._a.txt", "\x00")
        assert len(load_gaicd(flat)) == 2

    def test_rounded_grid_anchors_of_the_frame_can_be_told_from_labels(self, flat):
        boxes = grid_anchors((64, 48), corners="rounded")
        rows = "".join(f"{y1:.0f} {x1:.0f} {y2:.0f} {x2:.0f} 3.00\n" for x1, y1, x2, y2 in boxes)
        put(flat, "annotations", "a.txt", rows)
        image = load_gaicd(flat, read_sizes=True)[0]
        assert image.size_wh is not None
        assert np.array_equal(image.boxes_xyxy, grid_anchors(image.size_wh, corners="rounded"))


class TestMissingFiles:
    def test_a_folder_that_is_none(self, tmp_path):
        with pytest.raises(DataError, match=r"nowhere does not exist"):
            load_gaicd(tmp_path / "nowhere")
        (tmp_path / "file").write_text("")
        with pytest.raises(DataError, match=r"file is not a folder"):
            load_gaicd(tmp_path / "file")

    @pytest.mark.parametrize("kind", ["annotations", "images"])
    def test_half_a_data_set(self, tmp_path, kind):
        (tmp_path / kind).mkdir()
        with pytest.raises(DataError, match=r"has no folder '(annotations|images)'"):
            load_gaicd(tmp_path)

    def test_empty_folders(self, tmp_path):
        (tmp_path / "annotations").mkdir()
        (tmp_path / "images").mkdir()
        with pytest.raises(DataError, match="holds no label file"):
            load_gaicd(tmp_path)

    def test_a_part_that_is_not_there(self, tmp_path):
        for kind, name in (("annotations", "train/a.txt"), ("images", "train/a.jpg")):
            put(tmp_path, kind, name)
        with pytest.raises(DataError, match=r"has no part 'test': only train\."):
            load_gaicd(tmp_path, "test")

    def test_a_part_under_another_name_is_said_to_be_there(self, divided):
        for kind in ("annotations", "images"):
            (divided / kind / "test").rename(divided / kind / "Test")
        with pytest.raises(DataError) as refused:
            load_gaicd(divided, "test")
        assert str(refused.value) == (
            f"{divided} has no part 'test': only train, val; "
            "there are annotations/Test, images/Test, which are no parts."
        )

    def test_what_was_found_in_a_wrong_folder_is_said(self, tmp_path):
        (tmp_path / "images").mkdir()
        (tmp_path / "labels").mkdir()
        with pytest.raises(
            DataError, match=r"no folder 'annotations'.*; found there: images, labels \(2 in all\)"
        ):
            load_gaicd(tmp_path)

    def test_a_part_that_does_not_exist_in_gaicd(self, divided):
        with pytest.raises(RequestError, match="no split 'dev'"):
            load_gaicd(divided, "dev")

    def test_labels_without_picture_are_counted_and_three_named(self, divided):
        for name in "zyxw":
            put(divided, "annotations", f"train/{name}.txt")
        with pytest.raises(
            DataError, match=r"4 files of .*annotations/train have no picture in .*: w; x; y; \.\.\.\."
        ):
            load_gaicd(divided, "train")

    def test_pictures_without_label_are_counted_and_named(self, flat):
        put(flat, "images", "z.jpg")
        with pytest.raises(DataError, match=r"1 file of .*images has no label in .*annotations: z\."):
            load_gaicd(flat)

    def test_two_pictures_of_one_name(self, flat):
        put(flat, "images", "a.png")
        with pytest.raises(DataError, match="belong to one image"):
            load_gaicd(flat)


class TestMixtures:
    """A photograph to test with must not be one to train with, whichever part is asked for."""

    def test_a_photograph_in_two_parts_is_refused_for_each_part(self, divided):
        for name in ("a", "b"):
            put(divided, "annotations", f"test/{name}.txt")
            put(divided, "images", f"test/{name}.jpg")
        for part in ("train", "val", "test", "all"):
            with pytest.raises(DataError) as refused:
                load_gaicd(divided, part)
            assert str(refused.value) == (
                f"{divided}: 2 images in more than one part, as of mixed releases: "
                "a (test and train); b (test and train)."
            )

    def test_another_photograph_of_the_same_name_is_none_of_the_other_part(self, divided):
        put(divided, "annotations", "test/a.txt")
        Image.new("RGB", (64, 48), "red").save(divided / "images/test/a.jpg")
        assert [image.name for image in load_gaicd(divided)] == ["a", "b", "c", "a", "d"]

    def test_parts_with_the_numbers_of_two_releases_are_refused(self, divided, monkeypatch):
        monkeypatch.setattr(gaicd, "RELEASE_COUNTS", {"old": {"train": 2, "test": 7}, "new": {"test": 1}})
        with pytest.raises(
            DataError, match=r"2 parts of different releases: train 2 \(old\); test 1 \(new\)\."
        ):
            load_gaicd(divided, "train")

    def test_loose_files_beside_the_parts_do_no_harm(self, divided):
        put(divided, "annotations", "old.txt")
        put(divided, "images", "old.jpg")
        assert len(load_gaicd(divided)) == 4


class TestMalformedLabels:
    def test_a_byte_order_mark_is_no_content(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + LABEL.encode())
        assert read_labels(tmp_path / "a.txt")[1].tolist() == pytest.approx([3.57, np.nan, 0.86], nan_ok=True)

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("2 4 30 60", "five numbers 'y1 x1 y2 x2 MOS'"),
            ("2 4 30 60 3 1", "five numbers"),
            ("2 4 30 60 good", "five numbers"),
            ("2,4,30,60,3", "five numbers"),
            ("30 4 2 60 3", "with y1 < y2 and x1 < x2"),
            ("2 60 30 60 3", "x1 < x2"),
            ("2 4 30 nan 3", "x1 < x2"),
            ("2 4 30 inf 3", "x1 < x2"),
            ("2 4 30 60 5.1", "a MOS from 0 to 5, or -2"),
            ("2 4 30 60 -1", "a MOS from 0 to 5, or -2"),
            ("2 4 30 60 nan", "a MOS from 0 to 5, or -2"),
        ],
    )
    def test_the_message_names_file_line_and_what_was_expected(self, tmp_path, line, expected):
        path = tmp_path / "a.txt"
        path.write_text(f"{LABEL}\n{line}\n")
        with pytest.raises(DataError) as caught:
            read_labels(path)
        assert str(caught.value).startswith(f"{path}, line 5: expected ")
        assert expected in str(caught.value)
        assert str(caught.value).endswith(f"got '{line}'.")

    def test_a_box_beyond_the_picture_is_found_when_sizes_are_read(self, flat):
        file = put(flat, "annotations", "b.txt", "2 4 30 60 3\n2 4 50 60 3\n\n2 4 49 60 3\n-2 -4 30 60 3\n")
        assert len(load_gaicd(flat)) == 2
        with pytest.raises(DataError) as refused:
            load_gaicd(flat, read_sizes=True)
        assert str(refused.value) == (
            "2 boxes outside their pictures: "
            f"{file}, line 2: expected a box within 64 x 48, got '2 4 50 60 3'; "
            f"{file}, line 5: expected a box within 64 x 48, got '-2 -4 30 60 3'."
        )

    def test_a_box_may_go_over_any_edge_by_a_pixel_and_is_cut_there(self, flat):
        put(flat, "annotations", "b.txt", "-1 -1 49 65 3\n")
        assert load_gaicd(flat, read_sizes=True)[1].boxes_xyxy.tolist() == [[0, 0, 64, 48]]

    def test_malformed_files_do_not_hide_each_other(self, divided):
        for name in ("train/a", "test/d"):
            put(divided, "annotations", f"{name}.txt", "1 2 3")
        with pytest.raises(DamagedCopy) as refused:
            load_gaicd(divided)
        files = [divided / "annotations" / name for name in ("train/a.txt", "test/d.txt")]
        assert str(refused.value) == (
            f"{divided}: 2 labels that cannot be used: "
            + "; ".join(
                f"{file}, line 1: expected five numbers 'y1 x1 y2 x2 MOS'; got '1 2 3'" for file in files
            )
            + "."
        )

    @pytest.mark.parametrize("content", ["", "\n \n", "2 4 30 60 -2\n"])
    def test_a_file_without_rated_crop_is_refused(self, flat, content):
        path = put(flat, "annotations", "b.txt", content)
        with pytest.raises(DataError, match=r"b\.txt has no rated crop"):
            load_gaicd(flat)
        assert path.exists()

    def test_a_file_that_is_no_text_is_refused(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"\xff\xd8\xff\xe0")
        with pytest.raises(DataError, match=r"a\.txt cannot be read as a text file"):
            read_labels(tmp_path / "a.txt")


coordinates = st.one_of(st.integers(0, 2000).map(float), st.floats(0, 2000))
grades = st.one_of(st.none(), st.integers(7, 35).map(lambda total: round(total / 7, 2)), st.floats(0, 5))


@st.composite
def rated_images(draw):
    names = draw(
        st.lists(
            st.from_regex(r"[a-z0-9][a-z0-9.]{0,7}", fullmatch=True), min_size=1, max_size=4, unique=True
        )
    )
    divided = draw(st.booleans())
    images = []
    for name in names:
        first = draw(st.lists(st.tuples(coordinates, coordinates, grades), min_size=1, max_size=5))
        boxes = [(x, y, x + draw(st.floats(1, 99)), y + draw(st.integers(1, 99))) for x, y, _ in first]
        mos = [3.0, *(np.nan if grade is None else grade for _, _, grade in first[1:])]
        split = draw(st.sampled_from(["train", "val", "test"])) if divided else None
        images.append(rated(name, split, Path("picture.jpg"), boxes, mos))
    return images


class TestSaving:
    def test_what_was_read_is_written_byte_for_byte(self, divided, tmp_path):
        copy = tmp_path / "copy"
        save_gaicd(load_gaicd(divided, keep_unrated=True), copy)
        for kind in ("annotations", "images"):
            for path in (divided / kind).rglob("*.*"):
                assert (copy / path.relative_to(divided)).read_bytes() == path.read_bytes()

    @settings(max_examples=40, deadline=None)
    @given(images=rated_images())
    def test_any_images_are_read_back_as_they_were(self, tmp_path_factory, images):
        root = tmp_path_factory.mktemp("gaicd")
        picture = root / "picture.jpg"
        Image.new("RGB", (8, 8)).save(picture)
        save_gaicd([replace(image, path=picture) for image in images], root / "set")
        read = {image.name: image for image in load_gaicd(root / "set", keep_unrated=True)}
        assert read.keys() == {image.name for image in images}
        for image in images:
            assert read[image.name].split == image.split
            assert np.array_equal(read[image.name].boxes_xyxy, image.boxes_xyxy)
            assert np.array_equal(read[image.name].mos, image.mos, equal_nan=True)

    def test_labels_can_be_rewritten_in_place(self, flat):
        images = load_gaicd(flat, keep_unrated=True)
        save_gaicd([replace(image, mos=np.full(3, 5.0)) for image in images], flat)
        assert [image.mos.tolist() for image in load_gaicd(flat)] == [[5.0] * 3] * 2
        assert sorted(path.name for path in flat.rglob("*.*")) == ["a.jpg", "a.txt", "b.jpg", "b.txt"]

    def test_labels_alone(self, flat, tmp_path):
        save_gaicd(load_gaicd(flat), tmp_path / "labels", copy_pictures=False)
        assert sorted(path.name for path in (tmp_path / "labels").rglob("*.*")) == ["a.txt", "b.txt"]

    @pytest.mark.parametrize(
        ("images", "message"),
        [
            ([rated("a"), rated("a")], "2 images are called 'a'"),
            ([rated("a", "train"), rated("b")], "as a whole or not at all"),
            ([rated("../a")], "'../a' in part 'None' cannot be written"),
            ([rated(".a")], "'.a' in part 'None' cannot be written"),
            ([rated("a", "dev")], "'a' in part 'dev' cannot be written"),
            ([rated("a", path=Path("a.gif"))], "a.gif is not a picture of a kind"),
            ([rated("a", path=Path("missing.jpg"))], "Image 'a' cannot be written .* No such file"),
        ],
    )
    def test_what_cannot_be_read_back_is_refused(self, tmp_path, images, message):
        with pytest.raises(DataError, match=message):
            save_gaicd(images, tmp_path)
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("counts", "release"),
    [
        ({"train": 1036, "test": 200}, "conference"),
        ({"train": 1036}, "conference"),
        ({None: 1236}, "conference"),
        ({"train": 2636, "val": 200, "test": 500}, "journal"),
        ({"test": 500}, "journal"),
        ({None: 3336}, "journal"),
        ({"train": 1036, "test": 500}, "unknown"),
        ({"train": 916}, "unknown"),
        ({None: 1036}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_the_release_is_told_by_its_counts(counts, release):
    assert (
        release_of([rated(split=split) for split, count in counts.items() for _ in range(count)]) == release
    )


class TestSplitBySeed:
    IMAGES = tuple(rated(f"{number:03d}", "train") for number in range(200))

    def names(self, images, **options):
        return [image.name for image in split_by_seed(images, **options)[1]]

    def test_it_divides_into_rest_and_validation_by_name(self):
        rest, validation = split_by_seed(self.IMAGES, validation=30, seed=7)
        assert (len(rest), len(validation)) == (170, 30)
        assert sorted((*rest, *validation), key=lambda image: image.name) == list(self.IMAGES)
        assert [image.name for image in rest] == sorted(image.name for image in rest)

    def test_it_does_not_depend_on_the_order_of_the_images(self):
        assert self.names(self.IMAGES) == self.names(self.IMAGES[::-1])

    def test_the_draw_is_the_same_on_every_machine(self):
        # The five lowest SHA-256 of "0:NAME".
        assert self.names(self.IMAGES, validation=5, seed=0) == ["024", "031", "049", "057", "078"]

    def test_another_seed_draws_others(self):
        assert self.names(self.IMAGES, seed=0) != self.names(self.IMAGES, seed=1)

    def test_an_image_less_changes_the_draw_by_one(self):
        whole, less = set(self.names(self.IMAGES)), set(self.names(self.IMAGES[1:]))
        assert len(whole - less) <= 1

    @pytest.mark.parametrize("validation", [0, 200, 201])
    def test_both_sides_must_have_images(self, validation):
        with pytest.raises(RequestError, match="1 to 199 can be set aside"):
            split_by_seed(self.IMAGES, validation=validation)

    def test_names_must_differ(self):
        with pytest.raises(DataError, match="2 images are called 'a'"):
            split_by_seed([rated("a"), rated("a"), rated("b")], validation=1)


def test_boxes_and_scores_of_different_number_are_refused():
    with pytest.raises(DataError, match="Image 'a' needs one score for each box"):
        rated(mos=(3.0, 4.0))
