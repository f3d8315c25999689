"""JSON read entry by entry: every message names the line that the entry begins in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadrage.datasets.json_entries import read_entries, write_json
from cadrage.errors import DataError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("json") / "labels.json"


@given(value=st.lists(values) | st.dictionaries(st.text(), values), indent=st.sampled_from([None, 0, 2]))
def test_entries_are_what_the_json_module_reads(file, value, indent):
    file.write_text(json.dumps(value, indent=indent), encoding="utf-8")
    entries = list(read_entries(file))
    if isinstance(value, dict):
        assert {entry.key: entry.value for entry in entries} == value
    else:
        assert [entry.value for entry in entries] == value


def test_an_entry_knows_its_line(file):
    file.write_text('[\n {"a": 1},\n\n {"a":\n 2}, {"a": 3}\n]\n')
    assert [entry.place for entry in read_entries(file)] == [
        f"{file}, line {line}, entry {number}" for number, line in enumerate((2, 4, 5), start=1)
    ]


def test_entries_of_one_line_are_told_by_number_or_name(file):
    file.write_text('[{"a": 1}, {"a": 2}]')
    assert [entry.place for entry in read_entries(file)] == [f"{file}, line 1, entry {n}" for n in (1, 2)]
    file.write_text('{"sea.jpg": 1, "hill.jpg": 2}')
    assert [entry.place for entry in read_entries(file)] == [
        f"{file}, line 1, '{name}'" for name in ("sea.jpg", "hill.jpg")
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: expected a JSON array or object"),
        ("\n\n7", "line 3: expected a JSON array or object"),
        ("[1,\n2\n3]", "line 3: this is no JSON: expected ',' or ']'"),
        ("[1,\n2,]", "line 2: this is no JSON"),
        ("[1,\n2", r"line 2: this is no JSON: expected ','"),
        ('{"a": 1,\n"b" 2}', "line 2: this is no JSON"),
        ("{1: 2}", "line 1: this is no JSON"),
        ('{"a": 1,\n"a": 2}', "line 2: 'a' is there twice"),
        ("[" * 100_000, "line 1: this is no JSON"),
    ],
)
def test_what_is_no_json_is_refused_with_its_line(file, text, said):
    file.write_text(text)
    with pytest.raises(DataError, match=said):
        list(read_entries(file))


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"no\.json cannot be read: No such file"):
        list(read_entries(tmp_path / "no.json"))
    (tmp_path / "no.json").write_bytes(b"\xff\xfe[")
    with pytest.raises(DataError, match=r"no\.json is no text in UTF-8"):
        list(read_entries(tmp_path / "no.json"))


def test_json_is_written_an_entry_a_line(tmp_path):
    write_json(tmp_path / "new/labels.json", ["1", "[2]"])
    assert (tmp_path / "new/labels.json").read_text() == "[\n1,\n[2]\n]\n"
    write_json(tmp_path / "new/labels.json", ['"a": 1'], "{}")
    assert json.loads((tmp_path / "new/labels.json").read_text()) == {"a": 1}
