"""The manifest: whole lines after any kill, and no other run taken for this one."""

import json
import sys
from pathlib import Path

import pytest

from cadrage.batch.jobs import Done
from cadrage.batch.manifest import Manifest, RunHeader
from cadrage.errors import DataError, RequestError
from cadrage.geometry import Box
from cadrage.imaging import Written
from cadrage.result import Crop, CropResult, RatioCrops

HEADER = RunHeader({"ratios": ["1:1"]}, "tiny", "7.1", {"folder": "crops", "quality": 92})


def cropped(source: str) -> Done:
    crop = Crop(Box(0, 0, 10, 10), 3.5, "1:1", 0.25, 1, 3.5, broken=("headroom",))
    group = RatioCrops("1:1", Box(0, 0, 10, 10), 3.25, (crop,))
    file = Written(Path("crops/a.jpg"), (10, 10), "jpeg", lossless=False, notes=("Only the first frame.",))
    return Done(source, 0.125, CropResult(source, (20, 10), (group,), "tiny", "7.1"), (file,))


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "made" / "manifest.jsonl"


@pytest.fixture
def written(file) -> bytes:
    """The bytes of a manifest of three photographs, one of which failed."""
    with Manifest(file, HEADER, resume=False) as manifest:
        manifest.add(cropped("a\n.jpg"))
        manifest.add(Done("b\udcff.jpg", 0.5, error="b is damaged."))
        manifest.add(cropped("c.jpg"))
    return file.read_bytes()


def test_a_line_for_the_run_and_one_for_each_photograph(written):
    run, first, failed, _ = map(json.loads, written.splitlines())
    assert run["manifest"] == "1.0"
    assert (run["model"], run["version"], run["request"]) == ("tiny", "7.1", {"ratios": ["1:1"]})
    assert first["source"] == "a\n.jpg"
    assert first["seconds"] == 0.125
    assert first["ratios"][0]["crops"][0] == {
        "rank": 1, "box": [0, 0, 10, 10], "score": 3.5, "margin": 0.25, "adjusted": 3.5, "subject": None,
        "broken": ["headroom"], "file": "crops/a.jpg", "notes": ["Only the first frame."],
    }  # fmt: skip
    assert failed == {"source": "b\udcff.jpg", "error": "b is damaged.", "seconds": 0.5}


def test_what_was_cropped_is_done_and_what_failed_is_not(file, written):
    with Manifest(file, HEADER, resume=True) as manifest:
        assert manifest.done == {"a\n.jpg", "c.jpg"}
    assert file.read_bytes() == written


def test_the_last_line_of_a_photograph_counts(file, written):
    with Manifest(file, HEADER, resume=True) as manifest:
        manifest.add(cropped("b\udcff.jpg"))
    with Manifest(file, HEADER, resume=True) as manifest:
        assert manifest.done == {"a\n.jpg", "b\udcff.jpg", "c.jpg"}


def test_cut_anywhere_it_goes_on_with_the_whole_lines(file, written):
    ends = [0, *(place + 1 for place, byte in enumerate(written) if byte == ord("\n"))]
    for cut in sorted({*range(0, len(written), 7), *(end - 1 for end in ends[1:]), *ends}):
        file.write_bytes(written[:cut])
        with Manifest(file, HEADER, resume=True) as manifest:
            whole = max(sum(end <= cut for end in ends) - 1, 0)
            assert manifest.done == [set(), set(), {"a\n.jpg"}, {"a\n.jpg"}, {"a\n.jpg", "c.jpg"}][whole]
            manifest.add(cropped("d.jpg"))
        lines = file.read_bytes().splitlines()
        assert len(lines) == max(whole, 1) + 1
        assert all(map(json.loads, lines))


def test_without_resume_it_begins_anew(file, written):
    with Manifest(file, HEADER, resume=False) as manifest:
        assert manifest.done == frozenset()
    assert len(file.read_bytes().splitlines()) == 1


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (RunHeader({"ratios": ["4:5"]}, "tiny", "7.1", HEADER.output), "another request (ratios)"),
        (RunHeader({"ratios": ["1:1"], "top": 2}, "tiny", "7.1", HEADER.output), "another request (top)"),
        (RunHeader(HEADER.request, "huge", "7.1", HEADER.output), "another model"),
        (RunHeader(HEADER.request, "tiny", "7.2", HEADER.output), "another version"),
        (RunHeader(HEADER.request, "tiny", "7.1", None), "another output"),
        (
            RunHeader(HEADER.request, "tiny", "7.1", {"folder": "x", "quality": 92}),
            "another output (folder)",
        ),
    ],
)
def test_another_run_is_refused_and_the_file_left_alone(file, written, other, said):
    with pytest.raises(RequestError) as raised:
        Manifest(file, other, resume=True)
    assert said in str(raised.value)
    assert file.read_bytes() == written


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("content", [b"my notes", b"my notes\n", b"[1]\n", b'{"manifest": 1}\n', b"\xff\n"])
def test_a_file_that_is_no_manifest_is_left_alone(file, resume, content):
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(DataError, match="is no manifest of cadrage"):
        Manifest(file, HEADER, resume=resume)
    assert file.read_bytes() == content


@pytest.mark.parametrize("line", [b"{}\n", b'{"source": ["a"]}\n', b"not json\n", b"[" * 100_000 + b"\n"])
def test_a_damaged_line_within_is_named(file, written, line):
    file.write_bytes(written + line)
    with pytest.raises(DataError, match="see its line 5"):
        Manifest(file, HEADER, resume=True)


def test_a_folder_of_its_name_is_one_sentence(file):
    file.mkdir(parents=True)
    with pytest.raises(DataError, match="cannot be written: is a directory"):
        Manifest(file, HEADER, resume=True)


@pytest.mark.skipif(sys.platform == "win32", reason="has no such locks")
@pytest.mark.parametrize("resume", [True, False])
def test_a_second_run_on_the_same_manifest_is_refused(file, written, resume):
    with Manifest(file, HEADER, resume=True) as first:
        with pytest.raises(RequestError, match="is being written by another run"):
            Manifest(file, HEADER, resume=resume)
        first.add(cropped("d.jpg"))
    assert file.read_bytes().startswith(written)
    with Manifest(file, HEADER, resume=True) as after:
        assert "d.jpg" in after.done
