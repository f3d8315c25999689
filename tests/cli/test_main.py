"""The command itself: help, version, commands loaded when they are called."""

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import cadrage as package
from cadrage.cli import COMMANDS


def test_help_lists_every_command_and_what_it_does(cadrage):
    ran = cadrage("--help")
    assert ran.code == 0
    for name, summary in COMMANDS.items():
        assert any(line.split() == [name, *summary.split()] for line in ran.out)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(cadrage, command):
    ran = cadrage(command, "--help")
    assert ran.code == 0
    assert ran.out[0].startswith(f"Usage: cadrage {command} ")
    assert importlib.import_module(f"cadrage.cli.{command}").app


@pytest.mark.parametrize("command", ["crop", "score"])
def test_the_summary_is_how_the_help_of_a_command_begins(cadrage, command):
    assert COMMANDS[command] in "\n".join(cadrage(command, "--help").out)


def test_the_version_is_that_of_the_package(cadrage):
    assert cadrage("--version").out == [f"cadrage {package.__version__}"]


@pytest.mark.parametrize("arguments", [["corp"], ["--no-such-option"]])
def test_an_unknown_command_or_option_exits_with_2(cadrage, arguments):
    ran = cadrage(*arguments)
    assert ran.code == 2
    assert ran.err


@pytest.mark.parametrize("arguments", [["--help"], ["crop", "--help"]])
def test_help_imports_none_of_the_libraries_that_do_the_work(arguments):
    script = """if True:
        import sys
        from cadrage.cli import main
        try:
            main()
        except SystemExit:
            print(*sys.modules)
    """
    ran = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    loaded = set(ran.stdout.splitlines()[-1].split())
    assert "typer" in loaded
    assert loaded.isdisjoint({"numpy", "PIL", "onnxruntime", "torch"})


@pytest.mark.parametrize("code", [0, 1, 2])
def test_a_program_that_used_torch_ends_with_its_code_all_written_and_what_is_registered_done(code):
    script = f"""if True:
        import atexit, sys, types
        from cadrage import cli
        def main():
            sys.modules["torch"] = types.ModuleType("torch")
            atexit.register(print, "farewell")
            print("all", "written", end=" ")
            sys.exit({code})
        cli.main = main
        cli.program()
    """
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (code, "all written farewell\n", "")


PROGRAM = (sys.executable, "-c", "from cadrage.cli import main; main()")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_a_full_disk_behind_standard_output_is_one_sentence(arguments):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "cadrage: Writing failed: No space left on device.\n"


def test_a_file_that_the_system_refuses_is_named(tmp_path):
    name = "n" * 300
    done = subprocess.run(
        [*PROGRAM, "evaluate", "gaicd", name], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"cadrage: {name}")
    assert done.stderr.endswith("cannot be used: File name too long.\n")


WRITES = """
import signal, sys, time
from pathlib import Path
from cadrage import cli
from cadrage.atomic import replacing

def command(**_):
    with replacing(Path("whole")) as part:
        part.write_text("half")
        print("writing", flush=True)
        time.sleep(600)

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored
cli.app = command
cli.program()
"""


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_that_ends_the_program_leaves_no_half_written_file(tmp_path, name):
    program, number = [sys.executable, "-c", WRITES], getattr(signal, name)
    with subprocess.Popen(program, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout.readline() == "writing\n"
            running.send_signal(number)
            assert running.wait(timeout=60) == 128 + number
        finally:
            running.kill()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_closed_stream_is_no_reason_to_fail(stream):
    done = subprocess.run(
        ["sh", "-c", f'"$@" {stream}>&-', "sh", *PROGRAM, "--version"], capture_output=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr == b""
