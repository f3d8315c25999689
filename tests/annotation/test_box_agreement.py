"""How far the boxes that raters drew for captions agree; the expected figures are worked out by hand."""

import json

import pytest
from typer.testing import CliRunner

from cadrage.annotation.quality.boxes import report_boxes
from cadrage.annotation.store import create_project, enter, exclude, take_in
from cadrage.annotation.store.boxes import CaptionProtocol, captions, draw, take_captions
from cadrage.geometry import Box

CAPTIONS = {"0.png": ("a cat", "its nose"), "1.png": ("a dog",), "2.png": ("a bird", "its wing", "its beak")}


@pytest.fixture
def store(tmp_path, folder):
    """A project of the folder's photographs of 120 x 80 pixels, with captions."""
    path = tmp_path / "captions.cadrage"
    with create_project(path, "captions", "Pets", CaptionProtocol().to_dict()) as store:
        list(take_in(store, [(path.name, path) for path in sorted(folder.iterdir())]))
        take_captions(store, CAPTIONS)
        yield store


def ids(store):
    return {caption.text: caption.id for caption in captions(store)}


@pytest.fixture
def drawn_by_three(store):
    """Boxes of three raters.

    Cat: Ada's and Ben's share 40 x 40 of 60 x 40 each, an IoU of 1600 / 3200; Cy draws as Ada does. Dog: Ada draws
    the left half, Ben the whole frame, an IoU of 0.5. Bird: Ada only.
    """
    caption = ids(store)
    ada, ben, cy = (enter(store, name).id for name in ("Ada", "Ben", "Cy"))
    draw(store, ada, caption["a cat"], Box(0, 0, 60, 40), 2000)
    draw(store, ben, caption["a cat"], Box(20, 0, 80, 40), 4000)
    draw(store, cy, caption["a cat"], Box(0, 0, 60, 40), 6000)
    draw(store, ada, caption["a dog"], Box(0, 0, 60, 80), 4000)
    draw(store, ben, caption["a dog"], Box(0, 0, 120, 80), 1000)
    draw(store, ada, caption["a bird"], Box(0, 0, 120, 80), 6000)
    return store


def test_agreement_of_captions(drawn_by_three):
    report = report_boxes(drawn_by_three)
    cat, nose, dog, bird = report.captions[:4]
    assert (cat.photograph, cat.position, cat.text, cat.boxes) == ("0.png", 0, "a cat", 3)
    assert cat.iou == pytest.approx((0.5 + 1 + 0.5) / 3)
    assert cat.consensus == Box(0, 0, 60, 40)
    assert cat.whole_frame == pytest.approx(0.25)
    assert (nose.boxes, nose.iou, nose.consensus) == (0, None, None)
    assert (dog.iou, dog.consensus) == (0.5, Box(0, 0, 90, 80))
    assert (bird.boxes, bird.iou, bird.consensus) == (1, None, Box(0, 0, 120, 80))


def test_agreement_of_raters(drawn_by_three):
    ada, ben, cy = report_boxes(drawn_by_three).raters
    assert ada.iou == pytest.approx(((0.5 + 1) / 2 + 0.5) / 2)
    assert ben.iou == pytest.approx((0.5 + 0.5) / 2)
    assert cy.iou == pytest.approx((1 + 0.5) / 2)
    assert [(one.boxes, one.seconds) for one in (ada, ben, cy)] == [(3, 4), (2, 2.5), (1, 6)]


def test_agreement_of_all(drawn_by_three):
    report = report_boxes(drawn_by_three)
    assert len(report.shared) == 2
    assert report.iou == pytest.approx((2 / 3 + 0.5) / 2)
    assert report.deviation == pytest.approx((2 / 3 - 0.5) / 2)
    assert report.agreeing == 1
    assert report.whole_frame == pytest.approx((0.25 + 0.75 + 1) / 3)
    assert report.note is None


def test_the_report_leaves_excluded_raters_out_but_shows_them(drawn_by_three):
    exclude(drawn_by_three, "Ben", "in a hurry")
    report = report_boxes(drawn_by_three)
    ada, ben, cy = report.raters
    assert (report.iou, len(report.shared)) == (1, 1)
    assert (ben.excluded, ben.boxes, ben.iou) == ("in a hurry", 2, 0.5)
    assert (ada.iou, cy.iou) == (1, 1)


def test_agreement_needs_two_raters_and_says_so(store):
    assert "nothing to measure" in report_boxes(store).note
    ada, ben = enter(store, "Ada").id, enter(store, "Ben").id
    draw(store, ada, ids(store)["a cat"], Box(0, 0, 60, 40), 2000)
    report = report_boxes(store)
    assert (report.iou, report.deviation, report.agreeing) == (None, None, None)
    assert report.note == "Only one rater has drawn boxes: agreement needs two."
    assert report.raters[0].iou is None
    draw(store, ben, ids(store)["a dog"], Box(0, 0, 60, 40), 2000)
    assert report_boxes(store).note == "No caption has boxes from two raters yet: agreement needs two."


def test_the_report_counts_captions_below_one_half_as_disputed(store):
    for name, box in (("Ada", Box(0, 0, 60, 80)), ("Ben", Box(55, 0, 120, 80))):
        draw(store, enter(store, name).id, ids(store)["a cat"], box, 0)
    assert report_boxes(store).agreeing == 0


def test_agreement_is_printed(drawn_by_three):
    from cadrage.cli.ratings import app

    path = str(drawn_by_three.path)
    text = CliRunner().invoke(app, ["boxes", path]).stdout
    assert "Pets: 6 captions, 6 boxes that count" in text
    assert "mean IoU between raters           0.5833 +- 0.0833" in text
    assert "captions with IoU of 0.5 or more  100.0%" in text
    values = json.loads(CliRunner().invoke(app, ["boxes", path, "--json"]).stdout)
    assert values == json.loads(json.dumps(report_boxes(drawn_by_three).to_dict()))
    assert values["captions"][2]["consensus"] == [0, 0, 90, 80]


def test_agreement_that_there_is_not_is_said(store):
    from cadrage.cli.ratings import app

    assert "No box has been drawn yet" in CliRunner().invoke(app, ["boxes", str(store.path)]).stdout
