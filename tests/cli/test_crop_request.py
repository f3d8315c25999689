"""Every field of a request as an option of ``cadrage crop``, and requests in files."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from cadrage.cli.request_text import build_request
from cadrage.errors import RequestError
from cadrage.geometry import Box
from cadrage.request import CropRequest, Region

OPTIONS = {
    "ratios": (["--ratio", "16:9", "-r", "free"], ("16:9", "free")),
    "top": (["--top", "3"], 3),
    "max_overlap": (["--max-overlap", "0.5"], 0.5),
    "size": (["--size", "60x30"], (60, 30)),
    "upscale": (["--upscale"], True),
    "min_size": (["--min-size", "40X20"], (40, 20)),
    "min_area": (["--min-area", "0.25"], 0.25),
    "max_area": (["--max-area", "0.75"], 0.75),
    "keep": (["--keep", "70,10,80,20", "--keep", "90,1.5,99,20"], (Box(70, 10, 80, 20), Box(90, 1.5, 99, 20))),
    "prefer": (["--prefer", "0,0,9,9", "--prefer", "1,1,9,9,0.5"],
               (Region(Box(0, 0, 9, 9)), Region(Box(1, 1, 9, 9), 0.5))),
    "avoid": (["--avoid", "0,0,9,9,2"], (Region(Box(0, 0, 9, 9), 2),)),
    "focus": (["--focus", "64,32"], (64, 32)),
    "headroom": (["--headroom", "0.1"], 0.1),
    "policy": (["--policy", "keep-full"], "keep-full"),
    "tolerance": (["--tolerance", "0.3"], 0.3),
    "subject": (["--subject", "0"], 0.0),
    "faces": (["--faces"], True),
}  # fmt: skip
"""Field: how it is typed, and what it is then."""


@pytest.fixture
def asked(cadrage, folder, tiny_entry, lamp):
    """The request that a command line comes to, as its manifest has it."""
    lamp("lamp.png")

    def ask(*options: object) -> dict:
        ran = cadrage("crop", "lamp.png", *options, "--manifest", "made.jsonl", "--model", tiny_entry.folder)
        assert ran.err == [] or "extra" in ran.err[0]
        return json.loads(Path("made.jsonl").read_text().splitlines()[0])["request"]

    return ask


def test_there_is_an_option_for_every_field():
    assert OPTIONS.keys() == {field.name for field in fields(CropRequest)}


@pytest.mark.parametrize("field", OPTIONS)
def test_an_option_sets_its_field(asked, field):
    options, value = OPTIONS[field]
    assert asked(*options) == CropRequest(**{field: value}).to_dict()


def test_without_options_it_is_the_plain_request(asked):
    assert asked() == {}


def test_a_file_is_the_same_request(asked):
    wanted = CropRequest(("4:5",), top=2, keep=(Box(1, 2, 30, 40),), min_size=0.5, policy="minimal")
    Path("request.json").write_text(json.dumps(wanted.to_dict()), encoding="utf-8-sig")
    assert asked("--request", "request.json") == wanted.to_dict()


def test_an_option_beside_a_file_replaces_that_field(asked):
    Path("request.json").write_text('{"ratios": ["4:5"], "top": 2, "upscale": true, "focus": [1, 2]}')
    options = ["--ratio", "1:1", "--no-upscale", "--focus", "3,4"]
    assert asked("--request", "request.json", *options) == {"ratios": ["1:1"], "top": 2, "focus": [3, 4]}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--size", "1200"], "--size takes width and height in pixels, such as 1200x630, not '1200'"),
        (["--size", "0x5"], "whole pixels"),
        (["--size", ""], "--size takes"),
        (["--size", "60x30", "--ratio", "1:1"], "is the ratio already"),
        (["--min-size", "half"], "--min-size takes a share"),
        (["--min-size", "0"], "above 0"),
        (["--keep", "1,2,3"], "--keep takes numbers, x1,y1,x2,y2, not '1,2,3'"),
        (["--keep", "1,2,3,4,5"], "--keep takes numbers"),
        (["--keep", "9,2,3,4"], "x1 < x2"),
        (["--keep", "nan,2,3,4"], "finite"),
        (["--prefer", "a,b,c,d"], "--prefer takes numbers, x1,y1,x2,y2 or x1,y1,x2,y2,weight"),
        (["--avoid", "0,0,9,9,-1"], "weight of a region"),
        (["--focus", "5"], "--focus takes numbers, x,y"),
        (["--policy", "worst"], "best, minimal, keep-full"),
        (["--headroom", "0.6"], "headroom must be from 0 to 0.5"),
        (["--tolerance", "nan"], "tolerance"),
        (["--min-area", "0.5", "--max-area", "0.5"], "must be more than the smallest"),
        (["--request", "gone.json"], "gone.json cannot be read: no such file"),
        (["--request", "lamp.png"], "lamp.png is not JSON"),
    ],
)
def test_a_contradiction_is_one_sentence_before_any_work(cadrage, folder, lamp, options, said):
    ran = cadrage("crop", lamp("lamp.png"), *options, "--out", "crops")
    assert (ran.code, ran.out, len(ran.err)) == (2, [], 1)
    assert said in ran.err[0]
    assert not Path("crops").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[1]", "request.json: A request is an object"),
        ('{"ratio": "1:1"}', "request.json: A request has no 'ratio'"),
        ('{"top": true}', "request.json: The number of crops"),
        ('{"keep": [[1, 2, 3]]}', "request.json: A box is four numbers"),
        ('{"tolerance": NaN}', "request.json: The tolerance"),
    ],
)
def test_a_bad_file_is_one_sentence_that_names_it(folder, content, said):
    Path("request.json").write_text(content)
    with pytest.raises(RequestError) as raised:
        build_request(Path("request.json"))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
