"""The command line: one file a command.

A command's file holds ``app``, a Typer application. It is imported when its command is called, so that help
and the other commands need not wait for what it imports.
"""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

import cadrage
from cadrage.cli.console import complain
from cadrage.errors import CadrageError
from cadrage.processes import end_in_order

COMMANDS = {
    "crop": "Find the best crops of photographs.",
    "explain": "Show why a photograph is cropped as it is.",
    "score": "Score given boxes of photographs.",
    "annotate": "Rate crops, or draw them for captions, in the browser.",
    "ratings": "Report on, export and import ratings.",
    "study": "Ask people which crops they like the most.",
    "train": "Train a model on rated photographs.",
    "evaluate": "Measure a model on rated photographs, or croppers on captions.",
    "data": "Check, describe and convert data sets.",
    "bench": "Compare croppers on a data set.",
    "ablate": "Train the networks of the paper's ablation tables.",
    "export": "Make a model folder of a training checkpoint.",
    "schema": "Print the JSON Schema of requests or results.",
    "doctor": "Check that all that cadrage needs is here and works.",
}

NOTHING_DONE = 2
"""Exit code when a request is wrong or every input failed; 1 when some did."""


class _Deferred(TyperCommand):
    """A command known by name and summary; its file is imported when it is called."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:  # noqa: ANN401
        app = import_module(f"cadrage.cli.{self.name}").app
        return typer.main.get_command(app).make_context(info_name, args, parent, **extra)


class _Commands(TyperGroup):
    def __init__(self, **settings: Any) -> None:  # noqa: ANN401
        super().__init__(**settings)
        for name, summary in COMMANDS.items():
            self.add_command(_Deferred(name, help=summary))


app = typer.Typer(
    cls=_Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"cadrage {cadrage.__version__}")
        raise typer.Exit


@app.callback()
def cadrage_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The best crops of a photograph: ranked, for any aspect ratio, on a plain CPU.

    \b
      cadrage crop beach.jpg                             the best of the grid anchors, 1:2 to 2.2:1
      cadrage crop *.jpg --ratio 16:9 --ratio 1:1 --out crops
      cadrage COMMAND --help                             more about a command
    """


def program() -> None:
    """The ``cadrage`` program: ``main``, and a quick end where torch was used.

    Its CUDA builds take half a second of CPU and 100 MB to put away libraries that nothing was asked of.
    """
    code: str | int | None = None
    end_in_order(lambda number: sys.exit(128 + number))
    try:
        main()
    except SystemExit as end:
        code = end.code
    if "torch" not in sys.modules or isinstance(code, str):
        sys.exit(code)
    atexit._run_exitfuncs()  # what the interpreter itself would do
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # of what ``main`` wrote it was said already
            stream.flush()
    os._exit(code or 0)


def main() -> None:
    """Run the command line."""
    _open_streams()
    # Read when torch is loaded. By default its threads spin for milliseconds while they wait for each other, and
    # where another program wants the CPUs, too, that makes minutes of a crop of seconds.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    try:
        try:
            app(prog_name="cadrage")
        finally:
            sys.stdout.flush()  # here, where a full disk can still be reported
    except CadrageError as error:
        complain(error)
        sys.exit(NOTHING_DONE)
    except BrokenPipeError:
        _leave_quietly()
    except OSError as error:
        complain(_told(error))
        _leave_quietly()


def _told(error: OSError) -> str:
    if not isinstance(error.filename, str | bytes):  # of a stream, which has none
        return f"Writing failed: {error.strerror}."
    from cadrage.imaging.photo import printable  # noqa: PLC0415  (seldom, and not quick)

    return f"{printable(os.fsdecode(error.filename))} cannot be used: {error.strerror}."


def _open_streams() -> None:
    """Make both output streams usable: a daemon may have closed one, a name may not fit the encoding."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (for the whole process)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _leave_quietly() -> NoReturn:
    """End without the interpreter's own attempt to write out what is left, which would fail again."""
    os._exit(NOTHING_DONE)
