"""Which photographs are learnt from and which are judged by; never the test part."""

import shutil

import pytest
from rated import write_rated

from cadrage.datasets.division import divide_gaicd, draw_validation, learned_from, parts_of
from cadrage.errors import DataError, RequestError


def test_by_default_a_fifth_of_a_small_data_set_is_set_aside(tmp_path):
    division = divide_gaicd(write_rated(tmp_path, train=11), None, seed=0)
    assert (len(division.training), len(division.validation)) == (9, 2)
    assert division.description == "2 of the train part, seed 0"


def names(images):
    return [image.name for image in images]


def test_a_release_with_a_validation_part_uses_it(tmp_path):
    root = write_rated(tmp_path, train=4, val=2, test=3)
    division = divide_gaicd(root, 2, seed=5)
    assert names(division.training) == ["train00", "train01", "train02", "train03"]
    assert names(division.validation) == ["val00", "val01"]
    assert division.record() == {
        "data_set": "GAICD",
        "release": "unknown",
        "training_images": 4,
        "validation_images": 2,
        "validation": "the release's own part",
        "fingerprint": division.record()["fingerprint"],
    }


def test_other_photographs_or_ratings_have_another_fingerprint(tmp_path):
    def fingerprint(root):
        return divide_gaicd(root, 1, seed=0).record()["fingerprint"]

    first = fingerprint(write_rated(tmp_path / "first", train=4))
    assert fingerprint(write_rated(tmp_path / "same", train=4)) == first
    assert fingerprint(write_rated(tmp_path / "other", flat=4)) != first
    label = tmp_path / "same/data/annotations/train/train02.txt"
    label.write_text(label.read_text().replace(" 5", " 4", 1))
    assert fingerprint(tmp_path / "same/data") != first


@pytest.mark.parametrize("parts", [{"train": 6, "test": 2}, {"flat": 6}])
def test_without_one_photographs_are_drawn_by_seed(tmp_path, parts):
    root = write_rated(tmp_path, **parts)
    division = divide_gaicd(root, 2, seed=5)
    drawn, rest = set(names(division.validation)), set(names(division.training))
    assert (len(drawn), len(rest)) == (2, 4)
    assert drawn | rest == {f"{next(iter(parts))}{number:02d}" for number in range(6)}
    assert names(divide_gaicd(root, 2, seed=5).validation) == names(division.validation)
    assert len({tuple(names(divide_gaicd(root, 2, seed).validation)) for seed in range(8)}) > 1
    assert division.description == "2 of the train part, seed 5"


def test_without_a_part_to_draw_from_neither_part_is_there(tmp_path):
    root = write_rated(tmp_path, test=2)
    with pytest.raises(DataError) as refusal:
        draw_validation(root, None, 0)
    assert str(refusal.value) == (
        f"{root} has no part 'val', and no part 'train' to draw one from: only test."
    )


@pytest.mark.parametrize("parts", [{"train": 5}, {"flat": 5}])
def test_from_a_train_part_or_an_undivided_data_set_one_is_drawn(tmp_path, parts):
    root = write_rated(tmp_path, **parts)
    assert names(draw_validation(root, 2, 5).validation) == names(divide_gaicd(root, 2, 5).validation)


def test_no_validation_may_be_asked_for(tmp_path):
    division = divide_gaicd(write_rated(tmp_path, train=3), 0, seed=0)
    assert len(division.training) == 3
    assert division.validation == ()
    assert division.description == "none"


@pytest.mark.parametrize("flat", ["annotations", "images"])
def test_the_test_part_stays_out_when_only_one_of_the_folders_is_divided(tmp_path, flat):
    root = write_rated(tmp_path, train=4, test=3)
    for part in ("train", "test"):
        for path in (root / flat / part).iterdir():
            path.rename(root / flat / path.name)
        shutil.rmtree(root / flat / part)
    assert parts_of(root) == ["train", "test"]
    assert names(divide_gaicd(root, 0, seed=0).training) == ["train00", "train01", "train02", "train03"]


def test_a_photograph_of_the_test_part_is_not_learnt_from(tmp_path):
    root = write_rated(tmp_path, train=3, test=2)
    for kind in ("annotations", "images"):
        for path in (root / kind / "test").iterdir():
            shutil.copy(path, root / kind / "train")
    with pytest.raises(
        DataError, match=r"2 images in more than one part, .*: test00 \(test and train\); test01"
    ):
        divide_gaicd(root, 1, seed=0)


def test_boxes_are_checked_and_cut_at_the_edge(tmp_path):
    root = write_rated(tmp_path, train=2)
    label = root / "annotations/train/train00.txt"
    label.write_text("-1 0 65 96 3\n")
    assert divide_gaicd(root, 0, seed=0).training[0].boxes_xyxy.tolist() == [[0, 0, 96, 64]]
    label.write_text("0 0 66 96 3\n")
    with pytest.raises(
        DataError, match=r"1 box outside .*train00\.txt, line 1: .* within 96 x 64, got '0 0 66 96 3'"
    ):
        divide_gaicd(root, 0, seed=0)


def test_a_data_set_without_a_train_part_is_refused(tmp_path):
    with pytest.raises(DataError, match="has no part 'train': only test"):
        divide_gaicd(write_rated(tmp_path, test=3), 1, seed=0)


def test_more_validation_than_photographs_is_refused(tmp_path):
    with pytest.raises(RequestError, match="From 3 images, 1 to 2 can be set aside; got 3"):
        divide_gaicd(write_rated(tmp_path, train=3), 3, seed=0)


def test_a_missing_data_set_is_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        divide_gaicd(tmp_path / "missing", 1, seed=0)


@pytest.mark.parametrize(
    ("split", "learned"),
    [
        ("test", False),
        ("val", False),
        ("val (120 of the train part, seed 0)", False),
        ("val (120 of the train part, seed 1)", True),
        ("val (36 of the train part, seed 0)", False),  # the first of the 120
        ("val (121 of the train part, seed 0)", True),
        ("train", True),
        ("all", True),
    ],
)
def test_it_is_known_which_parts_a_model_has_learnt_from(split, learned):
    data = {"data_set": "GAICD", "release": "conference", "validation": "120 of the train part, seed 0"}
    assert learned_from({"data": data}, "conference", split) == learned
    assert not learned_from({"data": data}, "journal", split)
    assert not learned_from({"data": {**data, "release": "unknown"}}, "unknown", split)
    assert not learned_from({"data": "GAICD"}, "conference", split)
    assert not learned_from({}, "conference", split)


def test_a_model_that_was_given_the_parts_together_has_seen_all_of_them():
    data = {"data_set": "GAICD", "release": "conference", "validation": "120 of the train part, seed 0"}
    for training, learned in ((916, False), (1116, True), ("many", False)):
        given = {**data, "training_images": training, "validation_images": 120}
        assert learned_from({"data": given}, "conference", "test") == learned


def test_a_model_that_nothing_was_held_back_from_has_seen_every_draw():
    record = {"data": {"data_set": "GAICD", "release": "conference", "validation": "none"}}
    assert learned_from(record, "conference", "val (120 of the train part, seed 0)")
    assert not learned_from(record, "conference", "test")
