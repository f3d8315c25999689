"""Measuring methods: the figures by hand, answers that are kept, captions that are refused."""

import json
import math

import numpy as np
import pytest
from PIL import Image
from speaker import Speaker

from cadrage.captions.evaluation.answering import (
    Record,
    RunFile,
    centre_is_in,
    key_of,
    measure,
    measures_of,
)
from cadrage.captions.evaluation.cases import CaptionCase
from cadrage.captions.evaluation.describing import describe
from cadrage.captions.evaluation.methods import NO_RUNS, Networks, make_method
from cadrage.captions.evaluation.summary import interval, summarise
from cadrage.captions.evaluation.tables import header, markdown, rows
from cadrage.captions.similarity.measures import Similarity
from cadrage.errors import DataError, RequestError
from cadrage.geometry import Box, as_boxes
from cadrage.imaging import open_photo


@pytest.fixture
def cases(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    found = []
    for number, caption in enumerate(["a red ball", "a dog on grass", "xylophones"]):
        path = tmp_path / f"{number}.png"
        Image.fromarray(np.roll(pixels, 9 * number, axis=1)).save(path)
        boxes = np.array([[0, 0, 32, 48], [16, 12, 48, 36]], dtype=np.float64)[: number + 1]
        found.append(CaptionCase(path.name, path, (64, 48), caption, boxes))
    return found


@pytest.fixture(scope="module")
def networks():
    return Networks(Speaker(), None)


def records_of(cases, box, seeds=(0,), runs=NO_RUNS, seconds=1.0):
    return {key_of(case, seed): Record(box, runs, seconds) for case in cases for seed in seeds}


def test_overlap_with_the_nearest_box_and_with_all(cases):
    found = measures_of(cases, [0], records_of(cases, Box(0, 0, 32, 48)))
    # Second box: 16 x 24 pixels in common, 32 x 48 + 32 x 24 - 384 in all.
    other = 384 / (1536 + 768 - 384)
    np.testing.assert_allclose(found.best[:, 0], [1, 1, 1])
    np.testing.assert_allclose(found.mean[:, 0], [1, (1 + other) / 2, (1 + other) / 2])
    assert np.isnan(found.run_means).all()
    assert found.refused == 0


def test_the_centre_must_lie_in_a_box():
    boxes = as_boxes([Box(0, 0, 10, 10), Box(20, 20, 30, 30)])
    assert centre_is_in(Box(0, 0, 8, 8), boxes)
    assert centre_is_in(Box(22, 22, 28, 28), boxes)
    assert not centre_is_in(Box(10, 0, 20, 10), boxes)
    assert not centre_is_in(Box(5, 5, 15, 15), boxes)  # on the border, which is half-open


def test_deviations_over_images_seeds_and_restarts(cases):
    whole, half = Box(0, 0, 64, 48), Box(0, 0, 32, 48)
    runs = as_boxes([whole, half])
    records = records_of(cases[:1], whole, runs=runs) | records_of(cases[:1], half, seeds=[1], runs=runs)
    records |= records_of(cases[1:2], half, seeds=[0, 1], seconds=3.0)
    found = measures_of(cases[:2], [0, 1], records)
    np.testing.assert_allclose(found.best, [[0.5, 1], [1, 1]])
    summary = summarise(found)
    assert summary.iou == pytest.approx(0.875)
    assert summary.over_images == pytest.approx(0.125)  # of 0.75 and 1
    assert summary.over_seeds == pytest.approx(0.125)  # of 0.75 and 1
    assert (summary.run, summary.over_runs) == pytest.approx((0.75, 0.25))
    assert summary.low >= 0.75
    assert summary.high <= 1
    assert summary.seconds == 2  # the median of 1, 1, 3, 3


def test_one_seed_has_no_deviation(cases):
    summary = summarise(measures_of(cases, [0], records_of(cases, Box(0, 0, 32, 48))))
    assert math.isnan(summary.over_seeds)
    assert summary.to_dict()["over_seeds"] is None


def test_the_interval_holds_the_mean_and_narrows_with_the_cases():
    few, many = (np.random.default_rng(1).normal(0.5, 0.1, size) for size in (30, 3000))
    for values in (few, many):
        low, high = interval(values)
        assert low < values.mean() < high
        # Of a mean: 1.96 standard errors on either side.
        assert (high - low) / 2 == pytest.approx(1.96 * values.std() / len(values) ** 0.5, rel=0.15)
    assert interval(few) == interval(few)


def test_answers_are_kept_and_not_asked_again(cases, networks, tmp_path):
    method = make_method("cagic:steps=2,restarts=2,starts=frame,weight=0", networks)
    asked = []
    with RunFile(tmp_path / "run", method) as file:
        first = measure(method, cases[:2], [0, 1], file, advance=lambda: asked.append(1))
    assert len(asked) == 4
    lines = file.path.read_text().splitlines()
    assert len(lines) == 4
    assert json.loads(lines[0])["caption"] == "a red ball"
    file.path.write_text("\n".join(lines[:3]) + '\n{"case": "1.p')  # as a kill leaves it
    with RunFile(tmp_path / "run", method) as again:
        assert len(again.known) == 3
        second = measure(method, cases[:2], [0, 1], again)
    for key, record in first.items():
        assert second[key].box == record.box
        np.testing.assert_allclose(second[key].runs_xyxy, record.runs_xyxy, atol=0.01)
    kept = [json.loads(line) for line in file.path.read_text().splitlines()]
    assert len(kept) == 4
    assert kept[:3] == [json.loads(line) for line in lines[:3]]
    assert all(entry["seconds"] > 0 for entry in kept)


def test_another_caption_or_version_is_asked_anew(cases, networks, tmp_path):
    method = make_method("original", networks)
    with RunFile(tmp_path, method) as file:
        measure(method, cases, [0], file)
        other = CaptionCase(cases[0].name, cases[0].source, (64, 48), "a blue ball", cases[0].boxes_xyxy)
        measure(method, [other], [0], file)
        assert len(file.known) == 4
    assert RunFile(tmp_path, make_method("centre=1", networks)).path != file.path
    assert RunFile(tmp_path, method, "a speaker").path != file.path


def test_a_file_that_holds_something_else_is_refused(networks, tmp_path):
    method = make_method("original", networks)
    RunFile(tmp_path, method).path.write_text("[1, 2]\n")
    with pytest.raises(DataError, match="holds no answers"), RunFile(tmp_path, method):
        pass


def test_a_caption_that_a_method_can_do_nothing_with_counts_with_the_whole_frame(cases, networks):
    method = make_method("cagic:steps=1,restarts=1,candidates=2,weight=0", networks)
    answers = measure(method, cases, [0])
    refused = answers[key_of(cases[2], 0)]
    assert refused.box == Box(0, 0, 64, 48)
    assert "does not know 'xylophones'" in refused.refused
    found = measures_of(cases, [0], answers)
    assert found.refused == 1
    assert summarise(found).refused == pytest.approx(1 / 3)


def test_an_option_that_cannot_be_used_is_no_answer(cases, networks):
    method = make_method("cagic:steps=1,restarts=1,candidates=2,weight=0,least-scale=2", networks)
    with pytest.raises(RequestError):
        measure(method, cases, [0])


def test_crops_are_described_in_the_captioners_own_words(cases, networks):
    photo = open_photo(cases[0].source)
    boxes = [Box(0, 0, 64, 48), Box(0, 0, 12, 8)]
    said = describe(networks.captioner, photo, boxes)
    assert said == [describe(networks.captioner, photo, [box])[0] for box in boxes]
    known = set(networks.captioner.vocabulary.words)
    assert all(set(text.split()) <= known for text in said)
    answers = measure(make_method("original", networks), cases[:1], [0], speaker=networks.captioner)
    assert answers[key_of(cases[0], 0)].said == said[0]


def test_descriptions_are_added_to_answers_that_lack_them(cases, networks, tmp_path):
    method = make_method("original", networks)
    with RunFile(tmp_path, method) as file:
        measure(method, cases[:1], [0], file)
        answers = measure(method, cases[:1], [0], file, speaker=networks.captioner)
    assert answers[key_of(cases[0], 0)].said is not None
    with RunFile(tmp_path, method) as again:
        assert again.known[key_of(cases[0], 0)].said == answers[key_of(cases[0], 0)].said


def test_the_table_has_the_columns_that_have_figures(cases):
    whole = summarise(measures_of(cases[:1], [0], records_of(cases[:1], Box(0, 0, 64, 48))))
    similar = [Similarity("BLEU-1", 0.5, np.array([0.5])), Similarity("SPICE", None, None, "no Java")]
    half = summarise(measures_of(cases[:1], [0], records_of(cases[:1], Box(0, 0, 32, 48))), similar)
    table = {"original": whole, "a|b": half}
    assert header(table) == ["method", "IoU", "± images", "95 %", "centre hit %", "x original", "seconds"]
    assert rows(table)[1] == ["a|b", "1.0000", "0.0000", "1.0000-1.0000", "100.0", "2.00", "1.000"]
    page = markdown(["Title", "about"], {"a|b": half}, ["a note"])
    assert page.startswith("# Title\n\nabout  \n\n| method | IoU |")
    assert "| a\\|b | 1.0000 |" in page
    assert "| BLEU-1 | SPICE |" in page
    assert "| 0.5000 | not available |" in page
    assert page.endswith("- a note\n")
