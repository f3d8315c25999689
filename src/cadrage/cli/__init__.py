"""The command line: one file a command.

A command's file holds ``app``, a Typer application. It is imported when its command is called, so that help
and the other commands need not wait for what it imports.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import cadrage
from cadrage.cli.console import complain
from cadrage.errors import CadrageError

COMMANDS = {
    "crop": "Find the best crops of photographs.",
    "score": "Score given boxes of photographs.",
    "train": "Train a model on rated photographs.",
    "evaluate": "Measure a model on rated photographs.",
    "export": "Make a model folder of a training checkpoint.",
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
      cadrage crop beach.jpg                             the best crop, any ratio
      cadrage crop *.jpg --ratio 16:9 --ratio 1:1 --out crops
      cadrage COMMAND --help                             more about a command
    """


def main() -> None:
    """Run the command line; the entry point of the ``cadrage`` program."""
    # A file name may hold characters that the terminal's encoding lacks.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app(prog_name="cadrage")
    except CadrageError as error:
        complain(error)
        sys.exit(NOTHING_DONE)
