"""What commands show on a terminal, and what they do not show elsewhere."""

import os
import pty
import subprocess
import sys

import pytest


def run_on_terminal(script: str, *, stream: str) -> tuple[str, str]:
    """Run Python with one stream a terminal; returns what the terminal and the other stream received."""
    ours, theirs = pty.openpty()
    other = "stderr" if stream == "stdout" else "stdout"
    process = subprocess.Popen(
        [sys.executable, "-c", script], **{stream: theirs, other: subprocess.PIPE}, text=True
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # the terminal's other end is closed
        pass
    piped, errors = process.communicate()
    os.close(ours)
    assert process.returncode == 0
    return shown.decode(), piped or errors or ""


ROWS = """
from cadrage.cli.console import Rows
rows = Rows("photograph", "score")
rows.add("beach [bold].jpg", "3.50")
rows.finish()
"""


def test_a_table_is_ruled_on_a_terminal():
    shown, _ = run_on_terminal(ROWS, stream="stdout")
    assert "beach [bold].jpg" in shown
    assert "───" in shown


def test_a_table_is_tab_separated_elsewhere(capsys):
    exec(ROWS)
    assert capsys.readouterr().out == "photograph\tscore\nbeach [bold].jpg\t3.50\n"


def test_a_table_without_rows_is_not_shown(capsys):
    from cadrage.cli.console import Rows

    Rows("photograph", "score").finish()
    assert capsys.readouterr().out == ""


WORK = """
import sys
from cadrage.cli import console
console.PATIENCE = {patience}
with console.Progress("cropping", 3, quiet={quiet}) as progress:
    progress.advance()
    print("a result")
    progress.complain("bad.jpg is [empty].")
    progress.advance(3)
"""


def test_a_bar_is_shown_on_a_terminal_after_a_while_and_results_go_to_standard_output():
    shown, piped = run_on_terminal(WORK.format(patience=-1, quiet=False), stream="stderr")
    assert "cropping" in shown
    assert "3/3" in shown
    assert "cadrage: bad.jpg is [empty]." in shown
    assert piped == "a result\n"


@pytest.mark.parametrize(("patience", "quiet"), [(2, False), (-1, True)])
def test_short_or_quiet_work_shows_no_bar(patience, quiet):
    shown, piped = run_on_terminal(WORK.format(patience=patience, quiet=quiet), stream="stderr")
    assert shown.splitlines() == ["cadrage: bad.jpg is [empty]."]
    assert piped == "a result\n"


def test_elsewhere_there_is_never_a_bar():
    ran = subprocess.run(
        [sys.executable, "-c", WORK.format(patience=-1, quiet=False)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stderr == "cadrage: bad.jpg is [empty].\n"
