"""``cadrage ablate`` from end to end, with small networks on small photographs."""

import json

import pytest
from rated import write_rated

from cadrage.cli import main

SMALL = "timm:mobilenetv3_small_050"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_rated(tmp_path_factory.mktemp("rated"), train=4, val=3)


def ablate(monkeypatch, capsys, *arguments):
    """Exit code, standard output and error stream."""
    monkeypatch.setattr("sys.argv", ["cadrage", "ablate", *map(str, arguments)])
    code = 0
    try:
        main()
    except SystemExit as ending:
        code = ending.code or 0
    return code, *capsys.readouterr()


def test_a_table_is_trained_printed_and_added_to(root, tmp_path, monkeypatch, capsys):
    options = [
        4,
        root,
        "--backbone",
        SMALL,
        "--weights",
        f"{SMALL}=none",
        "--epochs",
        1,
        "--run",
        tmp_path / "runs",
    ]
    code, out, err = ablate(monkeypatch, capsys, *options, "--only", "roi+rod", "--json")
    assert (code, err) == (0, "")
    (first,) = json.loads(out)["rows"]
    assert first["name"] == f"{SMALL}, roi+rod"
    assert -1 <= first["measured"]["SRCC"] <= 1
    assert first["epochs"] == 1

    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("state.pt")}
    code, out, err = ablate(monkeypatch, capsys, *options, "--only", "ro", "--only", "global")
    assert (code, err) == (0, "")
    assert "Table 4, what the head sees: recipe paper, 4 photographs, measured on 3 (" in out
    assert [line.split("\t")[0] for line in out.splitlines() if "\tmeasured" in line] == [
        f"{SMALL}, {part}" for part in ("rod", "roi", "roi+global", "roi+rod")
    ]
    assert {path: path.stat().st_mtime_ns for path in written} == written  # not trained again


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([7, "."], "no ablation of table 7: choose 3, 4, 5"),
        ([4, ".", "--weights", "vgg16"], "given as BACKBONE=FILE; got 'vgg16'"),
        ([4, ".", "--only", "alexnet"], "Table 4 has no row 'alexnet'"),
        ([4, "missing"], "missing"),
    ],
)
def test_what_cannot_be_run_is_refused_in_a_sentence(arguments, message, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    code, out, err = ablate(monkeypatch, capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())
