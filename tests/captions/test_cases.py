"""The protocols: which phrases, captions and mosaics are asked, and what the truth is."""

import json

import numpy as np
import pytest
from PIL import Image

from cadrage.captions.evaluation.cases import crop_cases, digest_of, draw_cases, entity_cases, sentence_cases
from cadrage.captions.evaluation.mosaics import Mosaic, mosaic_cases
from cadrage.datasets.caption_crops import load_caption_crops
from cadrage.datasets.entities import load_entities
from cadrage.errors import RequestError

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)]


@pytest.fixture
def entities(tmp_path):
    """Writes photographs, 40 x 20, with captions and phrases, and reads them."""

    def write(*photographs, size_wh=(40, 20)):
        (tmp_path / "images").mkdir()
        lines = []
        for number, (captions, phrases) in enumerate(photographs):
            name = f"{number}.png"
            Image.new("RGB", size_wh, COLOURS[number % len(COLOURS)]).save(tmp_path / "images" / name)
            held = [
                {"phrase": phrase, "caption": caption, "boxes": boxes} for phrase, caption, boxes in phrases
            ]
            width, height = size_wh
            lines.append(
                {"image": name, "width": width, "height": height, "captions": captions, "entities": held}
            )
        (tmp_path / "captions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return load_entities(tmp_path)

    return write


def test_an_entity_case_is_a_phrase_and_the_box_around_all_its_boxes(entities):
    images = entities((["Two red dogs ."], [("Two red dogs", 0, [[0, 0, 10, 10], [10, 5, 20, 20]])]))
    (case,) = entity_cases(images)
    assert (case.name, case.caption, case.size_wh) == ("0.png", "Two red dogs", (40, 20))
    assert case.boxes_xyxy.tolist() == [[0, 0, 20, 20]]
    assert case.photo().size_wh == (40, 20)


@pytest.mark.parametrize(
    ("phrase", "box", "fits"),
    [
        ("a dog", [0, 0, 8, 10], True),  # 10 % of the frame
        ("a dog", [0, 0, 7.9, 10], False),
        ("a dog", [0, 0, 24, 20], True),  # 60 %
        ("a dog", [0, 0, 24.1, 20], False),
        ("dogs", [0, 0, 20, 10], False),  # one word
        ("a  dog", [0, 0, 20, 10], True),
    ],
)
def test_phrases_of_two_words_on_a_tenth_to_six_tenths_of_the_frame(entities, phrase, box, fits):
    assert len(entity_cases(entities((["A dog ."], [(phrase, 0, [box])])))) == fits


def test_one_phrase_of_a_photograph_is_drawn_by_its_name_and_the_seed(entities):
    phrases = [(f"dog {number}", 0, [[0, 0, 20, 10 + number]]) for number in range(3)]
    images = entities((["dogs"], phrases))
    first = digest_of("0.png") % 3
    drawn = [entity_cases(images, seed)[0].caption for seed in range(3)]
    assert drawn == [f"dog {(first + seed) % 3}" for seed in range(3)]


def test_a_sentence_case_is_a_whole_caption_and_the_box_around_all_it_names(entities):
    images = entities(
        (
            ["A dog on grass", "a", "Nothing has a box"],
            [("A dog", 0, [[5, 5, 10, 10]]), ("grass", 0, [[0, 8, 40, 20]]), ("a", 1, [[0, 0, 9, 9]])],
        )
    )
    (case,) = sentence_cases(images)  # the second caption is a fragment, the third has no box
    assert (case.name, case.caption) == ("0.png#0", "A dog on grass")
    assert case.boxes_xyxy.tolist() == [[0, 5, 40, 20]]


def test_crops_that_people_drew_are_truths_of_their_own(tmp_path):
    (tmp_path / "images").mkdir()
    Image.new("RGB", (40, 20)).save(tmp_path / "images" / "a.png")
    boxes = [[0, 0, 10, 10], [5, 5, 20, 20]]
    lines = [
        {"image": "a.png", "width": 40, "height": 20, "caption": caption, "boxes": drawn}
        for caption, drawn in (("a dog", boxes), ("nobody drew", []), ("a cat", boxes[:1]))
    ]
    (tmp_path / "captions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    cases = crop_cases(load_caption_crops(tmp_path))
    assert [(case.name, case.caption) for case in cases] == [("a.png#0", "a dog"), ("a.png#2", "a cat")]
    assert cases[0].boxes_xyxy.tolist() == boxes


def test_some_cases_are_drawn_by_seed_and_keep_their_order(entities):
    images = entities(*[(["a dog"], [("a dog", 0, [[0, 0, 20, 10]])]) for _ in range(10)])
    cases = entity_cases(images)
    drawn = draw_cases(cases, 4, seed=1)
    names = [case.name for case in drawn]
    assert len(names) == 4
    assert names == sorted(names)
    assert set(names) < {case.name for case in draw_cases(cases, 5, seed=1)}
    assert names == [case.name for case in draw_cases(cases[::-1], 4, seed=1)][::-1]
    assert any(names != [case.name for case in draw_cases(cases, 4, seed)] for seed in (2, 3, 4))
    assert draw_cases(cases, None) == cases
    with pytest.raises(RequestError, match="no such case"):
        draw_cases((), None)
    with pytest.raises(RequestError, match="At least one case"):
        draw_cases(cases, 0)


def test_a_photograph_of_another_size_than_its_labels_is_refused(entities, tmp_path):
    (case,) = entity_cases(entities((["a dog"], [("a dog", 0, [[0, 0, 20, 10]])])))
    Image.new("RGB", (41, 20)).save(tmp_path / "images" / "0.png")
    with pytest.raises(RequestError, match="41 x 20 pixels, its labels 40 x 20"):
        case.photo()


def test_a_mosaic_shows_four_photographs_cut_to_fill_their_quarters(entities, tmp_path):
    images = entities(*[(["a dog runs"], [])] * 4, size_wh=(40, 20))
    halves = np.zeros((20, 40, 3), np.uint8)
    halves[:, :10] = halves[:, 30:] = 255  # what a square in the middle leaves out
    Image.fromarray(halves).save(images[0].path)
    mosaic = Mosaic(tuple(image.path for image in images), side=16)
    picture = mosaic.picture()
    assert picture.shape == (32, 32, 3)
    assert picture[:16, :16].max() <= 80  # but for the last column, into which bilinear sampling leads
    for number, (row, column) in enumerate([(0, 16), (16, 0), (16, 16)], start=1):
        assert (picture[row : row + 16, column : column + 16] == COLOURS[number]).all()
    assert [mosaic.quarter(number).tolist() for number in range(4)] == [
        [[0, 0, 16, 16]],
        [[16, 0, 32, 16]],
        [[0, 16, 16, 32]],
        [[16, 16, 32, 32]],
    ]


def test_mosaics_use_each_photograph_once_and_ask_for_one_of_four(entities):
    images = entities(*[([f"the dog number {number}", "fragment"], []) for number in range(11)])
    cases = mosaic_cases(images, seed=3, side=16)
    assert len(cases) == 2
    used = [path for case in cases for path in case.source.paths]
    assert len(set(used)) == 8
    for case in cases:
        quarter = [case.source.quarter(number).tolist() for number in range(4)].index(
            case.boxes_xyxy.tolist()
        )
        assert case.caption == f"the dog number {case.source.paths[quarter].stem}"
        photo = case.photo()
        assert (photo.size_wh, photo.name) == ((32, 32), case.name)
    assert [case.name for case in mosaic_cases(images, 3, 16)] == [case.name for case in cases]
    assert [case.name for case in mosaic_cases(images[::-1], 3, 16)] == [case.name for case in cases]
    asked = {tuple(case.boxes_xyxy[0]) for seed in range(20) for case in mosaic_cases(images, seed, 16)}
    assert len(asked) == 4
    with pytest.raises(RequestError, match="4 photographs with captions; got 3"):
        mosaic_cases(images[:3])
