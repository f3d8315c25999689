"""``cadrage export``: from a checkpoint to a model that every other command takes."""

import json
import shutil

import pytest
from rated import photographs

torch = pytest.importorskip("torch")


def test_a_checkpoint_becomes_a_model_in_eight_bits_that_crops(cadrage, checkpoint, folder):
    photos = photographs(folder / "photographs", 12)
    (folder / "val.json").write_text(json.dumps({"method": "m", "split": "val", "images": 6, "srcc": 0.75}))
    ran = cadrage(
        "export", checkpoint, "--out", "models/discs", "--version", "1.2", "--license", "CC0-1.0",
        "--evaluation", "val.json", "--int8", "photographs",
    )  # fmt: skip
    assert (ran.code, ran.err) == (0, [])
    assert ran.out[-1].startswith("Wrote models/discs: discs 1.2, ")
    entry = json.loads((folder / "models/discs/entry.json").read_text())
    assert entry["input"]["short_side"] == 64
    assert entry["training"]["epoch"] == 3
    assert entry["metrics"][0]["srcc"] == 0.75
    assert "int8" in entry["precision"]

    cropped = cadrage("crop", photos[0], "--model", "models/discs", "--json")
    assert cropped.code == 0
    assert json.loads("\n".join(cropped.out))["model"] == "discs"


def test_an_export_of_a_network_for_the_official_preprocessing_is_warned_of(cadrage, checkpoint, folder):
    content = torch.load(checkpoint, weights_only=True)
    content["network"]["pooling"] = "official"
    torch.save(content, folder / "paper.pt")
    for out in (["m"], ["m.onnx", "--whole"]):
        ran = cadrage("export", "paper.pt", "--out", *out)
        assert ran.code == 0
        (warning,) = ran.err
        assert warning.startswith("cadrage: The network was made for the official preprocessing, ")
    assert warning.removeprefix("cadrage: ") in (folder / "m/card.md").read_text()


def test_without_a_place_the_model_lies_beside_the_checkpoint(cadrage, checkpoint, folder):
    (folder / "run").mkdir()
    own = shutil.copy(checkpoint, folder / "run/network.pt")
    ran = cadrage("export", own)
    assert (ran.code, ran.err) == (0, [])
    assert json.loads((folder / "run/exported/entry.json").read_text())["name"] == "exported"
    assert cadrage("export", own, "--whole").out == [f"Wrote {folder}/run/exported.onnx"]


def assert_refused(ran, sentence, folder):
    assert (ran.code, ran.out) == (2, [])
    assert len(ran.err) == 1
    assert sentence in ran.err[0]
    assert sorted(path.name for path in folder.iterdir()) == ["empty", "file", "note.json"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing.pt", "--out", "m"], "There is no checkpoint at missing.pt"),
        (["note.json", "--out", "m"], "note.json cannot be read as a checkpoint"),
        (["--out", "m", "--evaluation", "missing.json"], "missing.json does not exist."),
        (["--out", "m", "--notes", "missing.md"], "missing.md does not exist."),
        (["--out", "m", "--notes", "empty"], "empty cannot be read as a text file."),
        (
            ["--out", "m", "--evaluation", "note.json"],
            "note.json is not what 'cadrage evaluate gaicd --json'",
        ),
        (["--out", "m", "--int8", "empty"], "empty holds no JPEG or PNG file"),
        (["--out", "m", "--int8", "missing"], "missing does not exist"),
        (["--out", "m", "--whole"], "--whole writes one float32 file: give --out FILE.onnx"),
        (["--out", "m.onnx", "--whole", "--int8", "empty"], "--whole writes one float32 file"),
        (["--whole", "--version", "2"], "--whole writes a graph without entry and card"),
        (["--out", "file"], "file cannot be made a folder"),
        (["--out", "file/m.onnx", "--whole"], "file/m.onnx cannot be written"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(cadrage, checkpoint, folder, arguments, sentence):
    (folder / "note.json").write_text("[1]")
    (folder / "file").write_text("")
    (folder / "empty").mkdir()
    given = [] if arguments[0] in ("missing.pt", "note.json") else [checkpoint]
    assert_refused(cadrage("export", *given, *arguments), sentence, folder)
