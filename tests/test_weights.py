"""Weights entries: written, read back, and refused when something is wrong with them."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cadrage.errors import WeightsError
from cadrage.weights import GraphFile, InputRule, WeightsEntry, load_entry, shipped_models, write_entry


@pytest.fixture
def entry(tmp_path) -> WeightsEntry:
    """An entry whose graphs are not even graphs: reading it must not depend on what they hold."""
    (tmp_path / "encode.onnx").write_bytes(b"encode")
    (tmp_path / "score.onnx").write_bytes(b"score")
    entry = WeightsEntry(
        folder=tmp_path,
        name="mine",
        version="1.2",
        license="CC-BY-4.0",
        encode=GraphFile.of(tmp_path / "encode.onnx"),
        score=GraphFile.of(tmp_path / "score.onnx"),
        input=InputRule(short_side=256, multiple=32, max_long_side=1024),
        training={"data set": "GAICD", "seeds": [0, 1]},
        metrics=({"split": "val", "srcc": 0.79},),
        parameters=1_900_000,
        precision="int8",
        created="2026-01-31",
    )
    write_entry(entry)
    return entry


def change(entry: WeightsEntry, **values: object) -> None:
    file = entry.folder / "entry.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_an_entry_is_read_as_it_was_written(entry):
    assert load_entry(entry.folder) == entry
    assert load_entry(str(entry.folder)) == entry


def test_the_file_says_what_people_and_other_programs_look_for(entry):
    written = json.loads((entry.folder / "entry.json").read_text())
    assert written["files"]["score"] == {
        "path": "score.onnx",
        # printf score | sha256sum
        "sha256": "a575b79868a2336db378ac89cb6c7d93272b4bb8e74d1096e8630765cf480ef5",
    }
    assert written["input"] == {"short_side": 256, "multiple": 32, "max_long_side": 1024}
    assert written["parameters"] == 1_900_000


def test_an_entry_can_be_moved(entry, tmp_path):
    moved = shutil.copytree(entry.folder, tmp_path / "elsewhere")
    assert load_entry(moved) == replace(entry, folder=Path(moved))


def test_a_model_that_is_neither_name_nor_folder_is_named():
    with pytest.raises(WeightsError, match=r"^There is no model 'no-such'"):
        load_entry("no-such")


@pytest.mark.parametrize("name", ["network.pt", "official.pth"])
def test_a_checkpoint_is_no_model_yet(tmp_path, name):
    path = tmp_path / name
    path.touch()
    with pytest.raises(WeightsError) as refusal:
        load_entry(path)
    assert str(refusal.value) == (
        f"{path} is a checkpoint and no model yet: 'cadrage export {path} --out FOLDER' makes a model of it."
    )


@pytest.mark.parametrize("name", ["gone.pth", "model.onnx"])
def test_what_is_no_checkpoint_is_no_model_at_all(tmp_path, name):
    (tmp_path / "model.onnx").touch()
    with pytest.raises(WeightsError, match="There is no model"):
        load_entry(tmp_path / name)


def test_a_folder_without_entry_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"entry\.json: cannot be read \(No such file or directory\)\.$"):
        load_entry(tmp_path)


@pytest.mark.parametrize("name", ["encode.onnx", "score.onnx"])
def test_a_missing_graph_is_named(entry, name):
    (entry.folder / name).unlink()
    with pytest.raises(WeightsError, match=rf"{name}: cannot be read"):
        load_entry(entry.folder)


@pytest.mark.parametrize("name", ["encode.onnx", "score.onnx"])
def test_a_graph_with_one_byte_changed_is_named(entry, name):
    (entry.folder / name).write_bytes((entry.folder / name).read_bytes()[:-1] + b"!")
    with pytest.raises(WeightsError, match=rf"{name}: is damaged"):
        load_entry(entry.folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '"entry"'])
def test_what_is_no_entry_is_refused(entry, text):
    (entry.folder / "entry.json").write_text(text)
    with pytest.raises(WeightsError, match=r"entry\.json: is not a weights entry"):
        load_entry(entry.folder)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"schema": 2}, "its schema is 2 and this version reads 1"),
        ({"name": 3}, "'name' must be given as a JSON string"),
        ({"parameters": "many"}, "'parameters' must be given as a JSON whole number"),
        ({"parameters": True}, "'parameters' must be given as a JSON whole number"),
        ({"metrics": {}}, "'metrics' must be given as a JSON array"),
        ({"files": {}}, "'encode' must be given as a JSON object"),
        ({"files": {"encode": {"path": "../encode.onnx", "sha256": ""}}}, "a file of the same folder"),
        ({"files": {"encode": {"path": "/encode.onnx", "sha256": ""}}}, "a file of the same folder"),
        ({"input": {"short_side": 256, "multiple": 32}}, "'max_long_side' must be given"),
        ({"input": {"short_side": 250, "multiple": 32, "max_long_side": 1024}}, "'input' is no rule"),
        ({"input": {"short_side": 256, "multiple": 0, "max_long_side": 1024}}, "'input' is no rule"),
        ({"input": {"short_side": 256, "multiple": 32, "max_long_side": 128}}, "'input' is no rule"),
    ],
)
def test_a_wrong_value_is_named(entry, values, said):
    change(entry, **values)
    with pytest.raises(WeightsError, match=said):
        load_entry(entry.folder)


@pytest.mark.parametrize("name", shipped_models())
def test_every_shipped_model_is_whole_and_says_where_it_comes_from(name):
    entry = load_entry(name)
    assert entry.name
    assert entry.version
    assert (entry.folder / "card.md").is_file()
    assert entry.license
    assert entry.training
    assert entry.metrics


def test_the_default_model_is_shipped():
    assert "default" in shipped_models()
    assert load_entry() == load_entry("default")


def test_a_shipped_model_answers_to_the_name_that_results_give_it():
    assert load_entry(load_entry().name) == load_entry()


def test_a_folder_is_read_without_a_look_at_the_shipped_models(tmp_path, monkeypatch):
    folder = Path(shutil.copytree(load_entry().folder, tmp_path / "mine"))
    monkeypatch.setattr("cadrage.weights._SHIPPED", tmp_path / "shipped")
    broken = Path(shutil.copytree(folder, tmp_path / "shipped" / "default"))
    (broken / "encode.onnx").write_bytes(b"")
    assert load_entry(folder).folder == folder
