"""``cadrage ablate`` from end to end, with small networks on small photographs."""

import json

import pytest
from PIL import Image
from rated import write_rated

from cadrage.annotation.protocol import RatingProtocol
from cadrage.annotation.store import add_crops, create_project, crops_of, enter, grade, grid_crops, take_in
from cadrage.bench.ablation import run as ablation_run
from cadrage.candidates import PAPER_GRID
from cadrage.cli import main

SMALL = "timm:mobilenetv3_small_050"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_rated(tmp_path_factory.mktemp("rated"), train=4, val=3)


def quick(root, tmp_path, table=4):
    """Arguments of runs that take seconds."""
    start = ["--backbone", SMALL, "--weights", f"{SMALL}=none", "--epochs", 1]
    return [table, root, *start, "--run", tmp_path / "runs"]


def named(out):
    """Names of the rows of a printed table that were measured."""
    return [line.split("\t")[0] for line in out.splitlines() if "\tmeasured" in line]


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
    options = quick(root, tmp_path)
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
    assert named(out) == [f"{SMALL}, {part}" for part in ("rod", "roi", "roi+global", "roi+rod")]
    assert {path: path.stat().st_mtime_ns for path in written} == written  # not trained again


def test_published_figures_and_costs_stand_beside_the_measured_ones(root, tmp_path, monkeypatch, capsys):
    options = [*quick(root, tmp_path, 5), "--only", "3x3"]
    _, out, _ = ablate(monkeypatch, capsys, *options)
    header, measured, published, note = [line.split("\t") for line in out.splitlines()[-4:]]
    assert (measured[:2], published[:2]) == (
        ["3x3, 8 channels", "measured"],
        ["", "published (shufflenet_v2_x1_0)"],
    )
    of = dict(zip(header, published, strict=True))
    assert (of["SRCC"], of["Acc^w 4/10"], of["M mult-adds, crop"], of["pictures/s"]) == (
        "0.851",
        "60.2",
        "0.69",
        "",
    )
    assert "of the first layers of the head" in note[0]

    _, out, _ = ablate(monkeypatch, capsys, *options, "--json")
    (row,) = json.loads(out)["rows"]
    assert list(row["published"]) == ["shufflenet_v2_x1_0"]
    assert row["published"]["shufflenet_v2_x1_0"]["figures"]["SRCC"] == 0.851
    assert row["published"]["shufflenet_v2_x1_0"]["cost"] == {"crop_flops": 690_000}


def test_published_costs_of_trunks_are_told_with_what_they_count(root, tmp_path, monkeypatch, capsys):
    _, out, _ = ablate(monkeypatch, capsys, *quick(root, tmp_path, 3), "--only", "single, plain")
    header, _, *published, note = [line.split("\t") for line in out.splitlines()[-6:]]
    labels = [f"published ({name})" for name in ("vgg16", "mobilenet_v2", "shufflenet_v2_x1_0")]
    assert [line[1] for line in published] == labels
    of = dict(zip(header, published[0], strict=True))
    assert (of["parameters, trunk"], of["M mult-adds, trunk"], of["pictures/s"]) == (
        "14.7 M",
        "22,300",
        "138",
    )
    assert "also count batch normalisation" in note[0]


def test_rows_that_are_finished_are_shown_when_a_later_one_fails(root, tmp_path, monkeypatch, capsys):
    options = quick(root, tmp_path)
    ablate(monkeypatch, capsys, *options, "--only", "roi+rod", "--seed", 1)
    code, out, err = ablate(monkeypatch, capsys, *options, "--only", "rod", "--only", "roi+rod")
    assert (code, named(out)) == (2, [f"{SMALL}, rod"])
    stopped, why = err.splitlines()
    assert stopped == "cadrage: Stopped after 1 of 2 rows. The same command goes on from here."
    assert "roi+rod" in why


def test_ctrl_c_shows_what_is_finished(root, tmp_path, monkeypatch, capsys):
    train, begun = ablation_run.run_recipe, []

    def interrupted(*arguments, **options):
        begun.append(arguments)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return train(*arguments, **options)

    monkeypatch.setattr(ablation_run, "run_recipe", interrupted)
    options = [*quick(root, tmp_path), "--only", "rod", "--only", "roi", "--json"]
    code, out, err = ablate(monkeypatch, capsys, *options)
    assert (code, err) == (130, "cadrage: Stopped after 1 of 2 rows. The same command goes on from here.\n")
    assert [row["name"] for row in json.loads(out)["rows"]] == [f"{SMALL}, rod"]
    code, out, _ = ablate(monkeypatch, capsys, *options)
    assert (code, len(json.loads(out)["rows"])) == (0, 2)


def test_weights_are_looked_at_before_anything_is_trained(root, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    start = ["--weights", "mobilenet_v2=none", "--weights", "shufflenet_v2_x1_0=shuffle.pth"]
    code, out, err = ablate(monkeypatch, capsys, 4, root, "--only", "rod", "--epochs", 1, *start)
    assert (code, out) == (2, "")
    assert err == "cadrage: There is no weights file at shuffle.pth.\n"
    assert not list(tmp_path.iterdir())


@pytest.fixture
def project(tmp_path):
    """A photograph of 3:2 on the paper's grid, its 83 crops graded by one person."""
    path = tmp_path / "ratings.cadrage"
    store = create_project(path, "ratings", "Holiday", RatingProtocol(grid=PAPER_GRID).to_dict())
    Image.new("RGB", (300, 200)).save(tmp_path / "one.png")
    (taken,) = take_in(store, [("one.png", tmp_path / "one.png")])
    add_crops(store, taken.photograph, *grid_crops(taken.photograph.size_wh, PAPER_GRID))
    rater = enter(store, "Ada").id
    with store.writing():
        for place, crop in enumerate(crops_of(store, taken.photograph.id)):
            if crop.ratable:
                grade(store, rater, crop.id, 1 + place % 5, 1200, is_repeat=False)
    store.close()
    return path


def test_grids_stand_beside_the_published_ones(project, monkeypatch, capsys):
    code, out, err = ablate(monkeypatch, capsys, 2, project)
    assert (code, err) == (0, "")
    assert out.startswith("Table 2, grids: 1 rated photographs; published on 100, rated by 15 people.")
    lines = [line.split("\t") for line in out.splitlines()[1:]]
    assert [line[1] for line in lines[1:]] == ["measured", "published"] * 9
    measured, published = lines[7:9]
    assert measured[:3] == ["12x12/4x4", "measured", "83.0"]
    assert measured[-3:] == ["0.0 (0.0%)", "1.0000", "1.0000"]
    assert published[2:7] == ["82.5", "9.9 (12.9%)", "25.1 (30.4%)", "41.1 (49.8%)", "6.4 (7.8%)"]

    found = json.loads(ablate(monkeypatch, capsys, 2, project, "--json")[1])
    assert (found["table"], len(found["rows"])) == (2, 9)
    assert found["rows"][3]["candidates"] == 83
    assert found["rows"][3]["published"]["per_interval"] == [9.9, 25.1, 41.1, 6.4]


def test_grids_take_no_options_of_training(project, monkeypatch, capsys):
    code, out, err = ablate(monkeypatch, capsys, 2, project, "--only", "12x12", "--epochs", 2, "--seed", 0)
    assert (code, out) == (2, "")
    assert err == (
        "cadrage: Table 2 compares grids of a rated project and trains nothing: it takes no option but --json; "
        "got --only, --epochs, --seed.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([7, "."], "no ablation of table 7: choose 2, 3, 4, 5"),
        ([4, ".", "--weights", "vgg16"], "given as BACKBONE=FILE; got 'vgg16'"),
        ([4, ".", "--weights", "vgg16=none"], "Table 4 has no row of the backbone 'vgg16'"),
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
