"""Help in sections: the options of a command under headings, in the order of its signature."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

_REST = "Other options"


class SectionedCommand(TyperCommand):
    """A command whose help groups the options by their ``rich_help_panel``, without rich: help stays fast."""

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write the arguments, then each section; options without one come last."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": []}
        rest: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            heading = getattr(parameter, "rich_help_panel", None)
            if parameter.param_type_name == "argument":
                sections["Arguments"].append(record)
            elif heading:
                sections.setdefault(heading, []).append(record)
            else:
                rest.append(record)
        for heading, records in (sections | {_REST: rest}).items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)
