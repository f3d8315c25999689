"""Options of the commands that serve pages."""

from __future__ import annotations

from typing import Annotated

import typer

_SERVER = "The server"

Host = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Interface to serve on; 0.0.0.0 lets other machines in, with a token in the address.",
        rich_help_panel=_SERVER,
    ),
]
Port = Annotated[
    int, typer.Option(metavar="N", min=0, max=65535, help="0 takes any free one.", rich_help_panel=_SERVER)
]
Token = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="The token in the address; by default one is made, and kept for the project.",
        rich_help_panel=_SERVER,
    ),
]
NoBrowser = Annotated[
    bool, typer.Option("--no-browser", help="Do not open the pages here.", rich_help_panel=_SERVER)
]
