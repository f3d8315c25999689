"""``cadrage annotate``: from a folder of photographs to pages that are served."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from cadrage.annotation.store import (
    Store,
    broken,
    crops_of,
    enter,
    grade,
    photographs,
    project_of,
    protocol_of,
)
from cadrage.cli import main

from .conftest import COMMAND, Client, draw

COARSE_GRID = ("--grid", "8x8/3x3", "--max-aspect", "1.9")


@pytest.fixture
def refused(monkeypatch, capsys):
    """Runs the command, which must end at once with exit code 2; what it printed on the error stream."""

    def run(*arguments: object) -> str:
        line = ["cadrage", "annotate", "--port", "0", *map(str, arguments), "--no-browser"]
        monkeypatch.setattr("sys.argv", line)
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        assert (left.value.code, captured.out) == (2, "")
        return captured.err

    return run


def stopped(program, how=signal.SIGINT) -> int:
    program.process.send_signal(how)
    return program.process.wait(60)


class TestTheProject:
    def test_is_made_of_a_folder_with_its_grid_crops(self, start, folder):
        client = start(folder, *COARSE_GRID, "--title", "Holiday").client()
        project = client.get("/api/project").json
        assert (project["title"], project["photographs"]) == ("Holiday", 4)
        with Store.open(folder / "ratings.cadrage") as store:
            assert [photo.name for photo in photographs(store)] == ["0.png", "1.png", "2.png", "3.png"]
            assert {len(crops_of(store, photo.id)) for photo in photographs(store)} == {15}
            grid = protocol_of(store).grid
        assert (grid.bins_x, grid.corner_x, grid.max_aspect, grid.min_area) == (8, 3, 1.9, 0.5)

    def test_keeps_every_setting(self, start, folder):
        start(
            folder,
            *("--grid", "10x12/3x4", "--min-area", "0.6", "--min-aspect", "0.6"),
            *("--group", "1:1", "--group", "3:2", "--crops-per-page", "2", "--order", "random"),
            *("--repeats", "0.1", "--repeat-gap", "2", "--seed", "7"),
        )
        with Store.open(folder / "ratings.cadrage") as store:
            settings = protocol_of(store).to_dict()
            assert project_of(store).title == "photos"
        grid = settings.pop("grid")
        assert (grid["bins_y"], grid["bins_x"], grid["corner_y"], grid["corner_x"]) == (10, 12, 3, 4)
        assert (grid["min_area"], grid["min_aspect"], grid["max_aspect"]) == (0.6, 0.6, 2.2)
        assert settings == {
            "groups": ("1:1", "3:2"),
            "crops_per_page": 2,
            "order": "random",
            "repeats": 0.1,
            "repeat_gap": 2,
            "seed": 7,
        }

    def test_goes_on_and_takes_in_what_is_new(self, start, folder):
        program = start(folder, *COARSE_GRID)
        rater = program.client().enter("Ada")
        assert stopped(program) == 0
        draw(folder / "more" / "4.png", seed=4)
        draw(folder / "5.png", seed=5)
        program = start(folder, "--crops-per-page", "4")
        assert program.client().enter("Ada") == rater
        assert program.client().get("/api/project").json["photographs"] == 5
        stopped(program)
        start(folder, "--recursive", "--exclude", "5.*")
        with Store.open(folder / "ratings.cadrage") as store:
            assert [photo.name for photo in photographs(store)][4:] == ["5.png", "more/4.png"]
            assert {len(crops_of(store, photo.id)) for photo in photographs(store)} == {15}

    def test_is_one_file_that_opens_anywhere_without_the_photographs(self, start, folder, tmp_path):
        program = start(folder, *COARSE_GRID)
        program.client().enter("Ada")
        assert stopped(program, signal.SIGTERM) == 0
        assert {path.name for path in folder.glob("*.cadrage*")} == {
            "ratings.cadrage",
            "ratings.cadrage.lock",
            "ratings.cadrage.server",
        }
        moved = (folder / "ratings.cadrage").rename(tmp_path / "elsewhere.cadrage")
        client = start(moved).client()
        assert client.get("/pictures/1.jpg").status == 200
        assert client.get("/api/raters").json[0]["name"] == "Ada"

    def test_gives_crops_to_photographs_that_a_run_cut_short_left_without(self, start, folder, make_project):
        store = make_project("photos/ratings.cadrage")
        with store.writing() as database:
            database.execute("DELETE FROM crop WHERE photograph = 3")
        store.close()
        start(folder)
        with Store.open(folder / "ratings.cadrage") as store:
            assert len(crops_of(store, 3)) == 15

    def test_broken_photographs_are_listed_and_left_out(self, folder):
        (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
        draw(folder / "tiny.png", (15, 40))
        (folder / "notes.txt").write_text("no photograph")
        line = [COMMAND, "annotate", folder, *COARSE_GRID, "--port", "0", "--no-browser"]
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline().startswith("http://127.0.0.1:")
            process.send_signal(signal.SIGINT)
            told = process.stderr.read().splitlines()
        assert process.returncode == 0
        assert len(told) == 3
        assert told[0].startswith("cadrage: broken.jpg ")
        assert told[1] == "cadrage: tiny.png: A frame of 15 x 40 pixels is too small for the grid."
        assert told[2].startswith("cadrage: 4 photographs in ")
        with Store.open(folder / "ratings.cadrage") as store:
            assert [photo.name for photo in photographs(store)] == ["0.png", "1.png", "2.png", "3.png"]
            assert list(broken(store)) == ["broken.jpg", "tiny.png"]


class TestCaptions:
    @pytest.fixture
    def captions(self, tmp_path):
        file = tmp_path / "captions.jsonl"
        file.write_text(
            '{"image": "0.png", "captions": ["the bright part", "all"]}\n{"image": "9.png", "caption": "x"}'
        )
        return file

    def test_make_a_project_of_their_own(self, start, folder, captions):
        client = start(folder, "--captions", captions, "--ratio", "1:1").client()
        project = client.get("/api/project").json
        assert (project["kind"], project["photographs"]) == ("captions", 4)
        rater = client.send("POST", "/api/raters", {"name": "Ada"}).json
        assert (rater["done"], rater["total"]) == (0, 2)
        assert (folder / "captions.cadrage").exists()
        assert not (folder / "ratings.cadrage").exists()

    def test_can_be_reopened_by_the_project_alone(self, start, folder, captions):
        stopped(start(folder, "--captions", captions))
        assert start(folder / "captions.cadrage").client().get("/api/project").json["kind"] == "captions"

    def test_have_no_grid(self, refused, folder, captions):
        told = refused(folder, "--captions", captions, "--grid", "8x8/3x3")
        assert told == "cadrage: --grid is no option of a project of captions and boxes.\n"
        assert list(folder.glob("*.cadrage*")) == []

    def test_do_not_go_into_a_project_of_ratings(self, refused, folder, make_project, captions):
        project = make_project().path
        told = refused(project, "--captions", captions)
        assert (
            told == f"cadrage: {project} is a project of rated crops, not a project of captions and boxes.\n"
        )


class TestTheServer:
    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
    def test_ends_well_when_told_to(self, start, folder, how):
        program = start(folder, *COARSE_GRID)
        client = program.client()
        client.get("/")
        assert stopped(program, how) == 0
        assert program.process.stdout.read() == ""

    def test_on_other_interfaces_has_a_token_in_its_address_that_stays(self, start, folder):
        program = start(folder, *COARSE_GRID, "--host", "0.0.0.0")
        address, _, token = program.url.partition("/?token=")
        assert len(token) >= 20
        client = Client(f"http://127.0.0.1:{address.rpartition(':')[2]}", token)
        assert client.get("/").status == 403
        assert client.get(f"/?token={token}").status == 303
        assert client.send("POST", "/api/raters", {"name": "Ada"}).status == 200
        stopped(program)
        assert start(folder, "--host", "0.0.0.0").url.partition("?")[2] == f"token={token}"

    def test_takes_the_token_that_it_is_given(self, start, folder):
        url = start(folder, *COARSE_GRID, "--token", "our-own-token").url
        assert url.startswith("http://127.0.0.1:")
        assert url.endswith("/?token=our-own-token")

    def test_tells_its_token_to_its_owner_only(self, start, folder):
        start(folder, *COARSE_GRID)
        assert (folder / "ratings.cadrage.server").stat().st_mode & 0o077 == 0

    def test_a_port_in_use_is_one_sentence(self, refused, folder):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            told = refused(folder, *COARSE_GRID, "--port", port).splitlines()
        assert told[-1] == (
            f"cadrage: Port {port} of 127.0.0.1 cannot be had (address already in use): "
            "--port takes another one, or 0 for any that is free."
        )

    def test_a_host_that_is_none_is_one_sentence(self, refused, folder):
        assert list(folder.glob("*.cadrage")) == []  # nothing is made for it
        assert "Port 0 of 192.0.2.77 cannot be had" in refused(folder, *COARSE_GRID, "--host", "192.0.2.77")


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            (("--grid", "12"), "A grid is given as 12x12/4x4"),
            (("--grid", "8x8/5x3"), "corner_y must be from 1 to half of bins_y"),
            (("--crops-per-page", "9"), "A page shows 1 to 6 crops; got 9."),
            (("--group", "wide"), "wide"),
            (("--repeats", "0.9"), "from 0 to 0.5; got 0.9"),
            (("--order", "sorted"), "got 'sorted'"),
            (("--ratio", "1:1"), "--ratio is no option of a project of rated crops."),
            (("--token", "short"), "A token has 8 to 200 letters"),
        ],
    )
    def test_a_wrong_option_is_one_sentence(self, refused, folder, options, sentence):
        assert sentence in refused(folder, *options)

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            (("--crops-per-page", "3"), "was made with another --crops-per-page than 3"),
            (("--grid", "9x9/3x3"), "was made with another --grid than 9x9/3x3"),
            (("--max-aspect", "2"), "was made with another --max-aspect than 2.0"),
            (("--group", "1:1", "--group", "2:1"), "was made with another --group than 1:1 2:1"),
            (("--title", "Mine"), "has the title 'Tests', which stays"),
        ],
    )
    def test_what_contradicts_the_project_is_one_sentence(
        self, refused, folder, make_project, options, sentence
    ):
        path = make_project("photos/ratings.cadrage", closed=True).path
        before = path.read_bytes()
        assert sentence in refused(folder, *options)
        assert path.read_bytes() == before

    def test_a_folder_without_photographs_leaves_nothing(self, refused, tmp_path):
        (tmp_path / "empty").mkdir()
        assert "holds no photographs" in refused(tmp_path / "empty")
        assert list((tmp_path / "empty").iterdir()) == []

    def test_a_folder_of_broken_photographs_makes_no_project(self, refused, tmp_path):
        (tmp_path / "broken.jpg").write_bytes(b"no picture")
        told = refused(tmp_path).splitlines()
        assert told[0].startswith("cadrage: broken.jpg is not in a picture format")
        assert told[1] == f"cadrage: {tmp_path} holds no photograph that can be rated."
        assert list(tmp_path.glob("*.cadrage")) == []

    def test_a_folder_that_is_missing_is_named(self, refused, tmp_path):
        told = refused(tmp_path / "nowhere")
        assert told == f"cadrage: There is no folder and no project {tmp_path / 'nowhere'}.\n"

    def test_a_file_that_is_no_project_is_left_alone(self, refused, folder):
        told = refused(folder / "0.png")
        assert "0.png" in told
        assert sorted(path.name for path in folder.iterdir()) == ["0.png", "1.png", "2.png", "3.png"]

    def test_a_study_is_for_another_command(self, refused, tmp_path):
        from cadrage.annotation.store import create_project

        create_project(tmp_path / "s.cadrage", "study", "Which?", {}).close()
        assert "is a preference study, not a project of rated crops." in refused(tmp_path / "s.cadrage")

    def test_the_missing_extra_is_named(self, folder, tmp_path):
        (tmp_path / "without").mkdir()
        (tmp_path / "without" / "uvicorn.py").write_text("raise ModuleNotFoundError('uvicorn')")
        environment = os.environ | {"PYTHONPATH": str(tmp_path / "without")}
        line = [COMMAND, "annotate", folder]
        ran = subprocess.run(line, capture_output=True, text=True, check=False, env=environment)
        told = "cadrage: Rating in the browser needs the extra 'annotate': pip install 'cadrage[annotate]'\n"
        assert (ran.returncode, ran.stderr) == (2, told)


def test_help_shows_examples_and_needs_no_extra():
    ran = subprocess.run([COMMAND, "annotate", "--help"], capture_output=True, text=True, check=True)
    assert "cadrage annotate holiday" in ran.stdout
    assert "cadrage train gaicd my-data" in ran.stdout


def test_grades_outlive_everything(start, folder):
    """What was graded by hand in an earlier session is where the next one goes on."""
    program = start(folder, *COARSE_GRID)
    stopped(program)
    with Store.open(folder / "ratings.cadrage") as store:
        rater = enter(store, "Ada").id
        crop = next(crop for crop in crops_of(store, 1) if crop.ratable)
        grade(store, rater, crop.id, 5, 100, is_repeat=False)
    client = start(Path(folder)).client()
    assert client.get("/api/raters").json[0]["done"] == 1
