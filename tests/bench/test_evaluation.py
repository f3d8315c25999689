"""Scores made elsewhere: read, matched to the rated crops, refused with file and line."""

import json

import numpy as np
import pytest

from cadrage.bench.evaluation import (
    evaluate_ranking,
    read_predictions,
    require_writable,
    score_images,
    write_predictions,
)
from cadrage.datasets.types import RatedImage
from cadrage.errors import DataError

BOXES = np.array([[0.0, 0, 60, 40], [10, 5, 60, 40], [20, 10, 55, 33], [0, 0, 30, 40]])
MOS = np.array([3.0, 4, 2, 1])


def image(name="one", path=None):
    return RatedImage(name, path, BOXES, MOS, "test")


IMAGES = (image("one"), image("two.jpeg-like"))


def written(tmp_path, *lines):
    path = tmp_path / "scores.jsonl"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def scores_of(path, *images):
    method = read_predictions(path, images)
    return [method(each).tolist() for each in images]


def test_scores_in_the_order_of_the_label_file(tmp_path):
    path = written(tmp_path, {"image": "one", "scores": [0.3, 0.1, 0.4, 0.2]})
    assert scores_of(path, image()) == [[0.3, 0.1, 0.4, 0.2]]


def test_scores_are_matched_to_crops_by_their_boxes(tmp_path):
    boxes = [*(BOXES[::-1] + 0.9).tolist(), [1, 2, 3, 4]]
    path = written(tmp_path, {"image": "photos/one.jpg", "boxes": boxes, "scores": [4, 3, 2, 1, 9]})
    assert scores_of(path, image()) == [[1, 2, 3, 4]]


@pytest.mark.parametrize("given", ["one", "one.jpg", "deep/er/one.png"])
def test_images_go_by_name_or_by_path(tmp_path, given):
    path = written(tmp_path, "", {"image": given, "scores": [1, 2, 3, 4]}, {"image": "more", "scores": []})
    assert scores_of(path, image()) == [[1, 2, 3, 4]]


def test_what_is_written_is_read_again(tmp_path):
    rows = [np.array([0.1, 1 / 3, 2, -5]), np.array([4.0, 3, 2, 1])]
    path = tmp_path / "new" / "scores.jsonl"
    write_predictions(path, IMAGES, rows)
    assert scores_of(path, *IMAGES) == [row.tolist() for row in rows]  # also names with dots


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "this is not JSON"),
        ("[" * 100_000, "this is not JSON"),
        ("[1, 2]", "this is not a JSON object"),
        ("null", "this is not a JSON object"),
        ('{"scores": [1, 2, 3, 4]}', "no 'image'"),
        ('{"image": 7, "scores": [1, 2, 3, 4]}', "'image' is not a text"),
        ('{"image": "one"}', "no 'scores'"),
        ('{"image": "one", "error": "one is gone."}', "the line reports an error: one is gone"),
        ('{"image": "one", "scores": "many"}', "'scores' is not a list"),
        ('{"image": "one", "scores": 5}', "'scores' is not a list"),
        ('{"image": "one", "scores": [1, null, 3, 4]}', "score 2 is null"),
        (
            '{"image": "one", "scores": ["1", "2", "3", "4"]}',
            "score 1 is not a finite number but '\"1\"'",
        ),
        ('{"image": "one", "scores": [1, 2, 3, true]}', "score 4 is not a finite number but 'true'"),
        ('{"image": "one", "scores": [[1, 2], [3, 4]]}', "score 1 is not a finite number but '[1, 2]'"),
        ('{"image": "one", "scores": [1, 2, NaN, 4]}', "score 3 is not a finite number but 'NaN'"),
        ('{"image": "one", "scores": [1, 2, 1e999, 4]}', "score 3 is not a finite number but 'Infinity'"),
        ({"image": "one", "scores": [1, 10**400]}, "score 2 is not a finite number but '1000"),
    ],
)
def test_a_malformed_line_is_named_with_its_fault(tmp_path, line, fault):
    path = written(tmp_path, {"image": "zero", "scores": []}, "", line)
    with pytest.raises(DataError) as refusal:
        read_predictions(path, [image()])
    message = str(refusal.value)
    assert message.startswith(f"{path}, line 3: {fault}")
    assert '; expected {"image": name, "scores": [numbers]}; got \'' in message
    assert len(message) < 500


def test_a_score_that_is_null_beside_boxes_is_of_a_crop_that_nobody_rated(tmp_path):
    boxes = image().boxes_xyxy.tolist()
    beside = {"image": "one", "boxes": [[0, 0, 9, 9], *boxes], "scores": [None, 1, 2, 3, 4]}
    assert scores_of(written(tmp_path, beside), image()) == [[1, 2, 3, 4]]
    with pytest.raises(DataError, match=r"line 1: score 3 is null, and 'one' has a rated crop there"):
        scores_of(written(tmp_path, beside | {"scores": [1, 2, None, 3, 4]}), image())


def test_lines_of_other_images_do_no_harm(tmp_path):
    others = [{"image": "two", "error": "two is gone."}, {"image": "two", "scores": [None]}, {"image": "two"}]
    path = written(tmp_path, *others, {"image": "one", "scores": [1, 2, 3, 4]})
    assert scores_of(path, image()) == [[1, 2, 3, 4]]


def test_a_byte_order_mark_is_no_content(tmp_path):
    path = written(tmp_path, {"image": "one", "scores": [1, 2, 3, 4]})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert scores_of(path, image()) == [[1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"scores": [1, 2, 3]}, "'one' has 4 rated crops, not 3"),
        (
            {"scores": [1, 2], "boxes": BOXES[:1].tolist()},
            "expected one box of four numbers for each of the 2",
        ),
        ({"scores": [1, 2], "boxes": [[1, 2, 3, 4], [1, 2]]}, "expected one box of four numbers"),
        ({"scores": [1, 2], "boxes": ["a", "b"]}, "expected one box of four numbers"),
        ({"scores": [1] * 4, "boxes": None}, "expected one box of four numbers"),
        ({"scores": [1] * 4, "boxes": BOXES.astype(str).tolist()}, "expected one box of four numbers"),
        ({"scores": [1] * 4, "boxes": [[float("nan")] * 4] * 4}, "expected one box of four numbers"),
        ({"scores": [], "boxes": []}, "expected one box of four numbers"),
        (
            {"scores": [1, 2, 3], "boxes": BOXES[:3].tolist()},
            "some rated crops of 'one' have no box in this line",
        ),
        ({"scores": [1] * 4, "boxes": (BOXES + 1.6).tolist()}, "some rated crops of 'one' have no box"),
    ],
)
def test_scores_that_do_not_fit_the_crops_are_refused_with_their_line(tmp_path, content, message):
    path = written(tmp_path, {"image": "one", **content})
    method = read_predictions(path, [image()])
    with pytest.raises(DataError, match=message) as refusal:
        method(image())
    assert str(refusal.value).startswith(f"{path}, line 1: ")


def test_images_without_scores_are_named(tmp_path):
    path = written(tmp_path, {"image": "one", "scores": [1, 2, 3, 4]})
    images = [image("one"), *(image(f"lost{number}") for number in range(5))]
    with pytest.raises(DataError) as refusal:
        read_predictions(path, images)
    assert str(refusal.value) == f"{path} has no scores for 5 of 6 images: lost0, lost1, lost2 and others."


def test_two_lines_for_one_image_are_refused(tmp_path):
    line = {"image": "one", "scores": [1, 2, 3, 4]}
    with pytest.raises(DataError, match="line 2: image 'one' has scores in line 1 already"):
        read_predictions(written(tmp_path, line, {**line, "image": "x/one.jpg"}), [image()])


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "does not exist"), (b"\xff\xfe\x00", "cannot be read as a file of JSON lines")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, said):
    path = tmp_path / "scores.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as refusal:
        read_predictions(path, [image()])
    assert str(refusal.value) == f"{path} {said}."


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot be written: Is a directory\.$"):
        write_predictions(tmp_path, IMAGES, [MOS, MOS])
    with pytest.raises(DataError, match=r"cannot be written: Is a directory\.$"):
        require_writable(tmp_path, tmp_path / "data")


def test_whether_scores_can_be_written_is_known_before_and_leaves_the_folder_only(tmp_path):
    require_writable(tmp_path / "new" / "scores.jsonl", tmp_path / "data")
    assert list(tmp_path.rglob("*")) == [tmp_path / "new"]


@pytest.mark.parametrize("name", ["images/train/a.jpg", "annotations/a.txt"])
def test_no_file_of_the_data_set_is_overwritten(tmp_path, name):
    file = tmp_path / "data" / name
    file.parent.mkdir(parents=True)
    file.write_text("kept")
    with pytest.raises(DataError, match="belongs to the data set and is not overwritten"):
        require_writable(file, tmp_path / "data")
    require_writable(tmp_path / "data" / "scores.jsonl", tmp_path / "data")


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([1.0, 2], "needs 4 scores; got 2"),
        (3.0, "needs 4 scores; got 1"),
        ([1, 2, 3, np.nan], "not a finite"),
    ],
)
def test_a_method_must_score_every_crop(scores, message):
    with pytest.raises(DataError, match=message):
        score_images([image()], lambda _: np.array(scores))


def evaluation(scores, **options):
    done, _ = evaluate_ranking(
        [image()],
        lambda _: np.array(scores),
        name="a method",
        data_set="discs",
        release="first",
        split="test",
        **options,
    )
    return done.to_dict()


def test_every_metric_is_named_together_with_what_it_was_measured_on():
    found = evaluation(MOS)
    expected = {"method": "a method", "data_set": "discs", "release": "first", "split": "test", "images": 1}
    assert {key: found[key] for key in expected} == expected
    assert (found["tie_rule"], found["srcc"], found["pcc"], found["regret"]) == ("credit", 1, 1, 0)
    assert {"acc5", "acc10", "acc5_w", "acc10_w", "acc5_mean"} < found.keys()
    json.dumps(found)


def test_the_strict_rule_is_named():
    assert evaluation(MOS, strict=True)["tie_rule"] == "strict"


def test_the_worst_order_regrets_most():
    found = evaluation(-MOS)
    assert found["srcc"] == pytest.approx(-1)
    assert found["regret"] == 3
