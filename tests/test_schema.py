import json
import math
import re
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cadrage.cropper import Cropper
from cadrage.errors import RequestError
from cadrage.geometry import NAMED_RATIOS, Box
from cadrage.request import CropRequest
from cadrage.result import RESULT_SCHEMA, Crop, CropResult, RatioCrops
from cadrage.schema import request_schema, result_schema

REQUEST = Draft202012Validator(request_schema())
RESULT = Draft202012Validator(result_schema())

UNSAYABLE = re.compile("x1 < x2|must be more than the smallest|neither over 1000 times")
"""What depends on two values at once, and no schema can say."""


def as_json(value: object) -> object:
    return json.loads(json.dumps(value, allow_nan=False))


def closed(schema: object) -> object:
    """The schema with every object closed: nothing but what it describes."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(part) for name, part in schema.items()}
    return inner | {"additionalProperties": False} if schema.get("type") == "object" else inner


@pytest.mark.parametrize("schema", [request_schema(), result_schema()], ids=["request", "result"])
class TestBoth:
    def test_is_a_schema_of_the_draft_it_names(self, schema):
        assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
        Draft202012Validator.check_schema(schema)

    def test_names_the_version_of_the_json(self, schema):
        assert schema["version"] == RESULT_SCHEMA
        assert schema["$id"].endswith(f":{RESULT_SCHEMA}")

    def test_is_json_itself(self, schema):
        assert as_json(schema) == schema

    def test_every_member_is_described(self, schema):
        def members(part):
            if isinstance(part, dict):
                yield from part.get("properties", {}).items()
                for inner in part.values():
                    yield from members(inner)

        described = {
            name: member for name, member in members(schema) if name not in {"box", "ratios", "size"}
        }
        assert described
        assert [name for name, member in described.items() if len(member["description"]) < 5] == []

    def test_no_marks_of_code_are_left(self, schema):
        assert "``" not in json.dumps(schema)
        assert "  " not in json.dumps(schema)


class TestRequest:
    def test_members_are_the_fields_with_their_defaults(self):
        properties = request_schema()["properties"]
        assert list(properties) == [field.name for field in fields(CropRequest)]
        defaults = {name: member["default"] for name, member in properties.items()}
        assert CropRequest.from_dict(defaults) == CropRequest()

    def test_ranges_are_those_of_the_docstrings(self):
        properties = request_schema()["properties"]
        assert properties["max_area"]["anyOf"][0] == {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
        assert properties["top"].items() >= {"type": "integer", "minimum": 1, "maximum": 1000}.items()
        assert properties["headroom"]["anyOf"][0]["maximum"] == 0.5
        assert properties["policy"]["enum"] == ["best", "minimal", "keep-full"]

    @pytest.mark.parametrize(
        "request_",
        [
            CropRequest(),
            CropRequest(("16:9", "1.91", "square", "free", "original"), top=3, max_overlap=0.5),
            CropRequest(size=(1200, 630), upscale=True),
            CropRequest(min_size=0.25, min_area=0.1, max_area=1, headroom=0.5, policy="minimal"),
            CropRequest(min_size=(640, 480), keep=(Box(0, 0, 9.5, 9),), focus=(3, 4.5), faces=True),
            CropRequest(prefer=((1, 2, 3, 4),), avoid=({"box": (1, 2, 3, 4), "weight": 0.5},)),
            CropRequest(("0.000001:0.00001",)),
        ],
        ids=range(7),
    )
    def test_what_to_dict_writes_is_accepted(self, request_):
        REQUEST.validate(as_json(request_.to_dict()))

    @pytest.mark.parametrize(
        "ratio", [*NAMED_RATIOS, "4/5", "3x2", "2.", ".5", "1e1:2", "16:9", "free", 1, 1.5]
    )
    def test_a_ratio_that_is_read_is_accepted(self, ratio):
        CropRequest((ratio,))
        REQUEST.validate({"ratios": [ratio]})

    @pytest.mark.parametrize(
        "wrong",
        [
            {"ratio": ["1:1"]},
            {"ratios": []},
            {"ratios": ["0:3"]},
            {"ratios": ["0.0:3"]},
            {"ratios": ["1:2:3"]},
            {"ratios": ["inf"]},
            {"ratios": ["-1:2"]},
            {"ratios": ["wide"]},
            {"ratios": [0]},
            {"ratios": [-1.5]},
            {"ratios": [True]},
            {"ratios": [[16, 9]]},
            {"top": 0},
            {"top": 1001},
            {"top": 1.5},
            {"top": True},
            {"max_overlap": 1.01},
            {"size": [0, 10]},
            {"size": [65536, 10]},
            {"size": [10]},
            {"size": [600, 400], "ratios": ["1:1"]},
            {"upscale": 1},
            {"min_size": 0},
            {"min_size": [1.5, 2]},
            {"min_area": -0.1},
            {"max_area": 0},
            {"keep": [[1, 2, 3]]},
            {"keep": [1, 2, 3, 4]},
            {"prefer": [{"weight": 1}]},
            {"avoid": [{"box": [1, 2, 3, 4], "weight": 0}]},
            {"avoid": [{"box": [1, 2, 3, 4], "wait": 1}]},
            {"focus": [1]},
            {"focus": "1,2"},
            {"headroom": 0.6},
            {"policy": "worst"},
            {"tolerance": 4.1},
            {"tolerance": -1},
            {"subject": 101},
            {"subject": None},
            {"faces": "yes"},
            [],
        ],
        ids=str,
    )
    def test_what_from_dict_refuses_is_refused(self, wrong):
        with pytest.raises(RequestError):
            CropRequest.from_dict(wrong)
        assert not REQUEST.is_valid(wrong)

    @settings(max_examples=300, deadline=None)
    @given(st.data())
    def test_what_is_accepted_from_dict_accepts_and_the_reverse(self, data):
        values = data.draw(requests())
        try:
            request = CropRequest.from_dict(values)
        except RequestError as error:
            assert not REQUEST.is_valid(values) or UNSAYABLE.search(str(error)), error
        else:
            assert "size" in values or REQUEST.is_valid(values)
            REQUEST.validate(as_json(request.to_dict()))


class TestResult:
    CROP = Crop(Box(0, 0, 10, 5), 3.25, "2:1", 0.25, 1, 3.0)
    GROUP = RatioCrops("2:1", Box(0, 0, 10, 5), 3.0, (CROP,))

    @pytest.mark.parametrize(
        "result",
        [
            CropResult("a.jpg", (10, 8), (GROUP,), "tiny", "7.1"),
            CropResult("b", (10, 8), (GROUP, GROUP), "tiny", "7.1", (4.5, 3), (Box(1, 1, 4, 4),)),
        ],
        ids=["least", "most"],
    )
    def test_what_to_dict_writes_is_described_whole(self, result):
        Draft202012Validator(closed(result_schema())).validate(as_json(result.to_dict()))

    def test_a_real_answer_is_described_whole(self, tiny_entry):
        photo = np.zeros((64, 128, 3), np.uint8)
        photo[:, 64:] = 255
        result = Cropper(tiny_entry).crop(photo, ratios=["1:1", "free"], top=3)
        assert len(result.crops) > 2
        Draft202012Validator(closed(result_schema())).validate(as_json(result.to_dict()))

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("schema", "2.0"),
            ("size", [10]),
            ("source", None),
            ("faces", [[1, 2, 3]]),
            ("ratios", [{"ratio": "1:1"}]),
            ("focus", [1]),
        ],
    )
    def test_another_layout_is_refused(self, name, value):
        plain = as_json(CropResult("a.jpg", (10, 8), (self.GROUP,), "tiny", "7.1").to_dict())
        assert RESULT.is_valid(plain)
        assert not RESULT.is_valid(plain | {name: value})
        del plain[name]
        assert not RESULT.is_valid(plain)

    def test_a_reader_of_this_version_accepts_a_later_minor_one(self):
        plain = as_json(CropResult("a.jpg", (10, 8), (self.GROUP,), "tiny", "7.1").to_dict())
        RESULT.validate(plain | {"schema": f"{RESULT_SCHEMA.split('.')[0]}.99", "new": 1})


def requests() -> st.SearchStrategy[dict[str, object]]:
    """Members of requests with values on, near and far from what they may be."""
    near = [0, 1, 0.5, 1.5, -0.5, 4, 4.5, 100, 101, 1000, 1001, 65535, 65536, 1e-9, math.nextafter(1, 2)]
    numbers = st.sampled_from(near)
    boxes = st.lists(st.sampled_from([0, 1, 2, 7.5, 30]), min_size=4, max_size=4)
    regions = boxes | st.fixed_dictionaries({"box": boxes}, optional={"weight": numbers, "wait": numbers})
    ratios = st.sampled_from(
        ["16:9", "1e0", "free", "original", "0:1", "1:", "x", "banner", "1:2:3", "9e9:1"]
    )
    plain = st.none() | st.booleans() | numbers | st.lists(numbers, max_size=5) | ratios
    fitting = {
        "ratios": st.lists(ratios, max_size=3),
        "keep": st.lists(boxes | plain, max_size=2),
        "prefer": st.lists(regions | plain, max_size=2),
        "avoid": st.lists(regions | plain, max_size=2),
        "policy": st.sampled_from(["best", "minimal", "keep-full", "worst"]),
    }
    members = {
        field.name: fitting.get(field.name, numbers) | plain.filter(lambda value: not isinstance(value, str))
        for field in fields(CropRequest)
    }
    # A number as the one ratio, without a list, is for Python alone.
    members["ratios"] = members["ratios"].filter(lambda value: isinstance(value, bool | list | None))
    few = st.lists(st.sampled_from(list(members)), max_size=3, unique=True)
    return few.flatmap(lambda names: st.fixed_dictionaries({name: members[name] for name in names}))
