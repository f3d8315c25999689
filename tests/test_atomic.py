"""Files that appear whole or not at all."""

import os
from pathlib import Path

import pytest

from cadrage.atomic import replacing, require_replaceable


def test_the_file_appears_when_the_block_ends(tmp_path):
    target = tmp_path / "answer.txt"
    with replacing(target) as part:
        part.write_text("42")
        assert not target.exists()
        assert part.parent == tmp_path
    assert target.read_text() == "42"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_changes_when_the_block_raises(tmp_path, error):
    target = tmp_path / "answer.txt"
    target.write_text("old")
    with pytest.raises(error), replacing(target) as part:
        part.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_block_that_fails_before_writing_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="early"), replacing(tmp_path / "x") as _:
        raise ValueError("early")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x" * 255, "景" * 85])
def test_a_name_of_the_greatest_length_is_written(tmp_path, name):
    target = tmp_path / name
    with replacing(target) as part:
        part.write_text("")
    assert target.exists()


@pytest.mark.parametrize("held", ["old", None])
def test_of_a_link_the_file_that_it_leads_to_is_replaced_in_its_own_folder(tmp_path, held):
    folder, link = tmp_path / "folder", tmp_path / "link"
    folder.mkdir()
    if held:
        (folder / "answer.txt").write_text(held)
    link.symlink_to("folder/answer.txt")
    with replacing(link) as part:
        part.write_text("42")
        assert part.parent.samefile(folder)
    assert link.readlink().name == "answer.txt"
    assert [path.read_text() for path in folder.iterdir()] == ["42"]
    assert sorted(tmp_path.iterdir()) == [folder, link]


def test_a_link_that_leads_to_itself_is_an_error_and_stays(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(link)
    with pytest.raises(OSError, match="symbolic links"), replacing(link) as part:
        part.write_text("42")
    assert list(tmp_path.iterdir()) == [link]


def test_a_pipe_is_refused_before_anything_is_written_and_stays_one(tmp_path):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for target in (pipe, link):
        with pytest.raises(OSError, match="it is not a regular file"), replacing(target):
            pytest.fail("the block was entered")
    assert pipe.is_fifo()
    assert sorted(tmp_path.iterdir()) == [link, pipe]


@pytest.mark.parametrize("name", ["folder", ".", "/"])
def test_a_folder_is_refused_before_anything_is_written(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError), replacing(Path(name)):
        pytest.fail("the block was entered")
    assert list(tmp_path.rglob("*")) == [tmp_path / "folder"]


def test_whether_a_file_could_be_put_there_is_known_before_and_leaves_no_trace(tmp_path):
    (tmp_path / "old").write_text("old")
    (tmp_path / "folder").mkdir()
    (tmp_path / "lost").symlink_to("nowhere/answer.txt")
    before = sorted(tmp_path.rglob("*"))
    for name in ("old", "new", "folder/new"):
        require_replaceable(tmp_path / name)
    for name in ("folder", "nowhere/new", "old/new", "lost", "x" * 256):
        with pytest.raises(OSError, match=r"\[Errno"):
            require_replaceable(tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "old").read_text() == "old"
