"""Measures of a captioner by hand: it says the same of every photograph."""

import pytest
from speaker import Speaker

from cadrage.captions.evaluation.describing import describe
from cadrage.captions.evaluation.speaking import speaking_report, telling
from cadrage.datasets.entities import load_entities
from cadrage.errors import DataError
from cadrage.geometry import Box
from cadrage.imaging import open_photo

from .photographs import write_captioned


def test_words_are_counted_without_stop_words(tmp_path):
    images = load_entities(write_captioned(tmp_path / "boxes", 6))
    speaker = Speaker()
    report = speaking_report(speaker, images)
    said = [
        describe(speaker, photo, [Box(0, 0, *photo.size_wh)])[0]
        for photo in map(open_photo, (one.path for one in images))
    ]
    common = [{"red", "box"}, {"green", "box"}, {"blue", "box"}] * 2  # in both captions of each photograph
    told = [telling(one) for one in said]
    found = sum(len(words & own) for words, own in zip(common, told, strict=True))
    assert report.images == 6
    assert report.word_recall == pytest.approx(found / 12)
    assert report.vocabulary == len({word for one in said for word in one.split()})


def test_telling_words():
    assert telling("A dog is on the grass.") == {"dog", "grass"}


def test_no_photographs_are_refused():
    with pytest.raises(DataError, match="there are none"):
        speaking_report(Speaker(), [])
