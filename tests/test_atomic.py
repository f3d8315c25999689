"""Files that appear whole or not at all."""

import pytest

from cadrage.atomic import replacing


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
