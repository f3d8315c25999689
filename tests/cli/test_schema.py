import json

import pytest
from jsonschema import Draft202012Validator


def test_a_line_of_crop_fits_the_schema_of_results(cadrage, folder, tiny_entry, lamp):
    lamp("lamp.png")
    schema = json.loads("\n".join(cadrage("schema", "result").out))
    ran = cadrage("crop", "lamp.png", "--ratio", "1:1", "--top", 2, "--model", tiny_entry.folder, "--json")
    assert ran.code == 0
    Draft202012Validator(schema).validate(json.loads(ran.out[0]))


def test_a_request_can_be_checked_with_the_schema_of_requests(cadrage):
    validator = Draft202012Validator(json.loads("\n".join(cadrage("schema", "request").out)))
    assert validator.is_valid({"ratios": ["16:9"], "top": 3})
    (error,) = validator.iter_errors({"ratios": ["16:9"], "top": 0})
    assert list(error.path) == ["top"]


@pytest.mark.parametrize("arguments", [[], ["answer"]])
def test_another_document_exits_with_2(cadrage, arguments):
    ran = cadrage("schema", *arguments)
    assert ran.code == 2
    assert ran.out == []
