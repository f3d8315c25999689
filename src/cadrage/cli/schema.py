"""``cadrage schema``: the JSON that cadrage reads and writes, described for programs."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode=None, add_completion=False)


class Document(StrEnum):
    """What is described."""

    REQUEST = "request"
    RESULT = "result"


@app.command()
def schema(
    document: Annotated[Document, typer.Argument(metavar="request|result", help="What to describe.")],
) -> None:
    """Print the JSON Schema of requests or results.

    Draft 2020-12. "request" is what crops are asked for with, in JSON; "result" is a line of "cadrage crop --json"
    of a photograph that was cropped, without --caption.

    \b
    Examples:
      cadrage schema request > request.schema.json
      cadrage schema result | less
    """
    from cadrage.schema import request_schema, result_schema  # noqa: PLC0415

    made = request_schema() if document is Document.REQUEST else result_schema()
    print(json.dumps(made, indent=2, ensure_ascii=False))
