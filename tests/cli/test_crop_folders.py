"""``cadrage crop`` on folders: the tree mirrored, processes, the manifest, and going on after a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

IN_A_PROCESS = [sys.executable, "-c", "from cadrage.cli import main; main()"]


@pytest.fixture
def crop(cadrage, folder, tiny_entry):
    """Runs ``cadrage crop`` with the tiny model in an empty folder."""
    return lambda *arguments: cadrage("crop", *arguments, "--model", tiny_entry.folder)


@pytest.fixture
def tree(folder, lamp) -> Path:
    """A folder of photographs on three levels, and one file that is none."""
    for name in ("in/b.jpg", "in/a.png", "in/deep/a.png", "in/deep/er/c.jpg"):
        lamp(name)
    Path("in/deep/bad.jpg").write_text("no photograph")
    return Path("in")


def names(folder: str | Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in Path(folder).rglob("*") if file.is_file())


def lines(file: str | Path) -> list[dict]:
    return [json.loads(line) for line in Path(file).read_text().splitlines()]


# --- the tree


def test_the_tree_is_mirrored_below_out(crop, tree):
    ran = crop("in", "--recursive", "--ratio", "1:1", "--out", "crops")
    assert ran.code == 1
    assert names("crops") == [
        "a_1x1.png", "b_1x1.jpg", "deep/a_1x1.png", "deep/er/c_1x1.jpg", "manifest.jsonl",
    ]  # fmt: skip
    assert [row.split("\t")[0] for row in ran.out[1:]] == [
        "in/a.png", "in/b.jpg", "in/deep/a.png", "in/deep/er/c.jpg",
    ]  # fmt: skip


def test_out_within_the_folder_is_not_read(crop, tree):
    arguments = ("in", "-R", "--out", "in/crops", "--exclude", "bad.*")
    first = crop(*arguments)
    assert crop(*arguments) == first
    assert first.code == 0


def test_failures_are_named_again_at_the_end(crop, tree):
    ran = crop("in", "-R", "--out", "crops")
    first, heading, again = ran.err
    assert "in/deep/bad.jpg is not in a picture format" in first
    assert heading == "cadrage: 1 of 5 could not be cropped:"
    assert again.removeprefix("cadrage:   ") == first.removeprefix("cadrage: ")


@pytest.mark.parametrize("name", [b"two\nlines.jpg", b"caf\xe9.jpg", b"-r.jpg", b" .jpg", b"{stem}.jpg"])
def test_any_name_is_cropped_and_recorded(crop, folder, lamp, name):
    lamp("in/plain.jpg").rename(Path("in", os.fsdecode(name)))
    ran = crop("in", "--out", "crops")
    assert (ran.code, ran.err, len(ran.out)) == (0, [], 2)
    record = lines("crops/manifest.jsonl")[1]
    assert os.fsencode(record["source"]) == b"in/" + name
    assert Path(record["ratios"][0]["crops"][0]["file"]).exists()


def test_the_name_is_a_template(crop, lamp):
    crop(lamp("in/a.png"), "--ratio", "1:1", "--out", "crops", "--name", "{parent}-{stem}_{width}x{height}")
    assert names("crops") == ["in-a_64x64.png"]


def test_files_that_are_there_are_kept_on_request(crop, lamp):
    lamp("in/a.png")
    lamp("in/b.png")
    Path("crops").mkdir()
    Path("crops/a_free.png").write_text("mine")
    ran = crop("in", "--out", "crops", "--no-overwrite")
    assert ran.code == 1
    assert "crops/a_free.png is there already, and --no-overwrite keeps it." in ran.err[0]
    assert Path("crops/a_free.png").read_text() == "mine"
    assert names("crops") == ["a_free.png", "b_free.png", "manifest.jsonl"]


# --- telling without doing


def test_a_dry_run_tells_what_would_be_done_and_does_nothing(crop, tree):
    before = names(".")
    options = ("in", "-R", "--ratio", "1:1", "--ratio", "free", "--top", "1", "--out", "crops")
    ran = crop(*options, "--dry-run")
    assert ran.code == 1
    assert ran.out[:3] == [
        "photograph\tsize\tfile",
        "in/a.png\t128x64\tcrops/a_1x1.png",
        "in/a.png\t128x64\tcrops/a_free.png",
    ]
    assert len(ran.err) == 1
    assert names(".") == before
    planned = {row.split("\t")[2] for row in ran.out[1:]}
    crop(*options)
    assert planned == {f"crops/{name}" for name in names("crops")} - {"crops/manifest.jsonl"}


def test_a_dry_run_reads_headers_only(crop, lamp):
    whole = lamp("a.png").read_bytes()
    Path("a.png").write_bytes(whole.replace(b"IDAT", b"IDAT\0", 1))
    assert crop("a.png").code == 2
    assert crop("a.png", "--dry-run", "--json").out == ['{"source": "a.png", "size": [128, 64], "files": []}']


# --- the manifest


def test_the_manifest_has_what_the_json_has_and_the_time(crop, tree):
    ran = crop("in", "-R", "--out", "crops", "--json")
    run, *records = lines("crops/manifest.jsonl")
    assert (run["model"], run["version"]) == ("tiny", "7.1")
    assert all(record.pop("seconds") >= 0 for record in records)
    assert records == [json.loads(line) for line in ran.out]


def test_boxes_alone_have_a_manifest_where_it_is_asked_for(crop, tree):
    crop("in", "-R", "--manifest", "made/boxes.jsonl")
    assert len(lines("made/boxes.jsonl")) == 6
    assert lines("made/boxes.jsonl")[0]["output"] is None


def test_photographs_that_were_named_have_none(crop, lamp):
    crop(lamp("a.jpg"), "--out", "crops")
    assert names("crops") == ["a_free.jpg"]


def test_resume_redoes_nothing_and_tries_what_failed(crop, tree, lamp):
    options = ("in", "-R", "--out", "crops", "--resume")
    assert crop(*options).code == 1
    before = {name: Path("crops", name).stat().st_ino for name in names("crops") if name != "manifest.jsonl"}
    lamp("in/deep/bad.jpg")
    ran = crop(*options, "--json")
    assert (ran.code, ran.err) == (0, [])
    assert [json.loads(line)["source"] for line in ran.out] == ["in/deep/bad.jpg"]
    assert {name: Path("crops", name).stat().st_ino for name in before} == before
    assert crop(*options).out == []


def test_resume_of_another_request_is_one_sentence(crop, tree):
    crop("in", "-R", "--out", "crops")
    before = Path("crops/manifest.jsonl").read_bytes()
    ran = crop("in", "-R", "--out", "crops", "--resume", "--ratio", "1:1")
    assert (ran.code, ran.out, len(ran.err)) == (2, [], 1)
    assert "crops/manifest.jsonl is of a run with another request (ratios)" in ran.err[0]
    assert Path("crops/manifest.jsonl").read_bytes() == before


# --- processes


MANY = 150
"""Photographs: enough that a run is still under way when a loaded machine gets round to stopping it."""

PATIENCE = 240.0
"""Seconds that a run may take on a loaded machine."""


@pytest.fixture
def many(folder) -> Path:
    """A folder of many photographs, one of them damaged, that take a moment each."""
    pixels = np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8)
    first = folder / "in" / "000.jpg"
    first.parent.mkdir()
    Image.fromarray(pixels).save(first, quality=95)
    for number in range(1, MANY):
        shutil.copy(first, folder / "in" / f"{number:03}.jpg")
    (folder / "in" / "007.jpg").write_bytes(first.read_bytes()[:5000])
    return folder / "in"


@pytest.fixture
def start(tiny_entry) -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts ``cadrage crop`` in a process group of its own, which is ended with the test."""
    started: list[subprocess.Popen] = []

    def begin(*arguments: str) -> subprocess.Popen:
        command = [*IN_A_PROCESS, "crop", *arguments, "--model", str(tiny_entry.folder)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        # Tests that were started in the background of a shell ignore interrupts, and so would what they start.
        heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
        started.append(subprocess.Popen(command, text=True, start_new_session=True, **pipes, **heard))
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def recorded(file: str) -> int:
    """Photographs in a manifest that is being written."""
    path = Path(file)
    return path.read_bytes().count(b"\n") - 1 if path.exists() else 0


def workers_of(process: subprocess.Popen) -> list[int]:
    """Processes that a command started to crop, and not those that keep its resources."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


linux_only = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks at processes in /proc")


def test_processes_change_nothing_but_the_time(crop, many):
    alone = crop("in", "--json", "--processes", "1", "--out", "crops")
    files = {name: Path("crops", name).read_bytes() for name in names("crops") if name.endswith(".jpg")}
    shutil.rmtree("crops")
    together = crop("in", "--json", "--processes", "2", "--out", "crops")
    assert alone == together
    assert alone.code == 1
    assert len(alone.out) == MANY
    assert files == {
        name: Path("crops", name).read_bytes() for name in names("crops") if name.endswith(".jpg")
    }


@linux_only
def test_a_killed_process_costs_one_photograph(many, start):
    process = start("in", "--processes", "2", "--out", "crops", "--json")
    wait_for(lambda: recorded("crops/manifest.jsonl") > 2)
    for worker in workers_of(process):  # both: one of them may be making ready still, and costs nothing then
        os.kill(worker, signal.SIGKILL)
    out, _ = process.communicate(timeout=PATIENCE)
    told = [json.loads(line) for line in out.splitlines()]
    assert [one["source"] for one in told] == [f"in/{number:03}.jpg" for number in range(MANY)]
    killed = [one["error"] for one in told if "was killed by signal 9" in one.get("error", "")]
    assert 1 <= len(killed) <= 2
    assert process.returncode == 1


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_run_that_was_killed_goes_on_and_redoes_nothing(many, start, processes):
    options = ("in", "--processes", processes, "--out", "crops", "--resume")
    for wanted in (3, 20):
        process = start(*options)
        wait_for(lambda wanted=wanted: recorded("crops/manifest.jsonl") > wanted)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    done = {one["source"] for one in lines_that_are_whole("crops/manifest.jsonl") if "error" not in one}
    process = start(*options, "--json")
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    redone = {json.loads(line)["source"] for line in out.splitlines()} & done
    assert redone == set()
    _, *records = lines("crops/manifest.jsonl")
    cropped = [one["source"] for one in records if "error" not in one]
    assert sorted(cropped) == [f"in/{number:03}.jpg" for number in range(MANY) if number != 7]
    assert [name for name in names("crops") if not name.startswith(".cadrage-")] == [
        *(f"{number:03}_free.jpg" for number in range(MANY) if number != 7), "manifest.jsonl",
    ]  # fmt: skip
    assert f"1 of {MANY} could not be cropped" in err


def lines_that_are_whole(file: str) -> list[dict]:
    whole = Path(file).read_bytes().rpartition(b"\n")[0]
    return [json.loads(line) for line in whole.splitlines()][1:]


@linux_only
@pytest.mark.parametrize("processes", ["1", "2"])
def test_an_interrupt_ends_cleanly(many, start, processes):
    process = start("in", "--processes", processes, "--out", "crops")
    wait_for(lambda: recorded("crops/manifest.jsonl") > 2)
    workers = workers_of(process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "cadrage: stopped; the same command with --resume does the rest."
    assert "Traceback" not in err
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert [name for name in names("crops") if name.startswith(".")] == []


@linux_only
def test_when_the_command_is_killed_its_processes_end(many, start):
    process = start("in", "--processes", "2", "--out", "crops")
    wait_for(lambda: recorded("crops/manifest.jsonl") > 2)
    workers = workers_of(process)
    assert len(workers) == 2
    process.kill()
    wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


# --- contradictions


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--processes", "0"], "number of processes must be from 1 to 256, not 0"),
        (["--resume"], "--resume needs a manifest"),
        (["--resume", "--out", "in"], "--out in is a folder that is read"),
        (["--resume", "--out", "crops", "--no-overwrite"], "leave out --no-overwrite"),
        (["--resume", "--manifest", "m.jsonl", "--sheet", "s.png"], "leave it out with --resume"),
        (["--resume", "--manifest", "m.jsonl", "--dry-run"], "leave out --resume"),
        (["--manifest", "in/b.jpg"], "--manifest in/b.jpg must end in .jsonl"),
        (["--format", "png"], "--format is about written crops: give --out too"),
        (["--strip"], "--strip is about written crops"),
        (["--lossless", "--size", "60x30", "--out", "crops"], "--lossless cuts and cannot scale"),
        (["--name", "{ratio}", "--out", "crops"], "must hold {stem}, since there are several photographs"),
        (["--name", "{size}", "--out", "crops"], "has no field {size}"),
        (["--quality", "101", "--out", "crops"], "1 to 100"),
        (["--format", "bmp", "--out", "crops"], "bmp"),
    ],
)
def test_a_contradiction_is_one_sentence_before_any_work(crop, tree, options, said):
    before = names(".")
    ran = crop("in", *options)
    assert (ran.code, ran.out, len(ran.err)) == (2, [], 1)
    assert said in ran.err[0]
    assert names(".") == before
