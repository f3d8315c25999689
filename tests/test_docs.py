"""The pages: what they show runs, what they name exists, and every wish of a request has its picture.

A block of Python that a page marks ``python not-run``, such as one that needs a data set, is only compiled.
"""

import importlib
import json
import re
import shlex
from dataclasses import dataclass, fields
from pathlib import Path

import jsonschema
import pytest
import typer

from cadrage.cli import COMMANDS
from cadrage.request import CropRequest
from cadrage.schema import request_schema, result_schema

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
IMAGES = ROOT / "docs" / "images"

NOT_RUN = "not-run"
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
SHELL_ENDS = {"|", "<", ">", ">>", "&&", ";"}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: the words after the fence, its text, and the number of its first line."""

    page: Path
    words: tuple[str, ...]
    text: str
    line: int

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    found, begun, words = [], None, ()
    lines = page.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.startswith("```"):
            continue
        if begun is None:
            begun, words = number, tuple(line[3:].split())
        else:
            found.append(Block(page, words, "\n".join(lines[begun : number - 1]), begun + 1))
            begun = None
    assert begun is None, f"{page.name} has a block without an end"
    return found


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def blocks_in(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.words[:1] == (language,)]


def commands_of(block: Block) -> list[str]:
    """The lines that call cadrage, with what is continued joined."""
    lines = block.text.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("cadrage ")]


COMMAND_LINES = [(block.place, line) for block in blocks_in("sh") for line in commands_of(block)]


def name_of(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


def headings_of(page: Path) -> set[str]:
    """Where links into a page may lead."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def linked_from(page: Path) -> list[str]:
    return [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]


def test_the_pages_are_found():
    assert len(PAGES) >= 8
    assert len(COMMAND_LINES) > 40
    assert len(blocks_in("json")) >= len(fields(CropRequest))


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(b.page == page for b in blocks_in("python"))], ids=name_of
)
def test_the_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch, capsys):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    for block in blocks_in("python"):
        if block.page == page:
            # The empty lines make the numbers in a traceback those of the page.
            code = compile("\n" * (block.line - 1) + block.text, str(page), "exec")
            if NOT_RUN not in block.words:
                exec(code, names)


@pytest.mark.parametrize(("place", "line"), COMMAND_LINES)
def test_a_command_line_is_understood(place, line):
    words = shlex.split(line, comments=True)[1:]
    ends = [number for number, word in enumerate(words) if word in SHELL_ENDS]
    words = words[: ends[0]] if ends else words
    name, *arguments = words
    assert name in COMMANDS, place
    command = typer.main.get_command(importlib.import_module(f"cadrage.cli.{name}").app)
    context = command.make_context(name, arguments)
    while isinstance(command, typer.core.TyperGroup):
        name, command, arguments = command.resolve_command(context, arguments)
        context = command.make_context(name, arguments, parent=context)


@pytest.mark.parametrize("block", blocks_in("json"), ids=lambda block: block.place)
def test_json_is_what_cadrage_reads_or_writes(block):
    value = json.loads(block.text)
    if "result" in block.words:
        jsonschema.validate(value, result_schema())
        return
    CropRequest.from_dict(value)
    jsonschema.validate(value, request_schema())


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for link in linked_from(page):
        file, _, heading = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not heading or heading in headings_of(target), link


@pytest.mark.parametrize("wish", [field.name for field in fields(CropRequest)])
def test_every_wish_has_its_section_and_its_picture(wish):
    page = ROOT / "docs" / "cropping.md"
    section = page.read_text(encoding="utf-8").split(f"### `{wish}`\n")[1].split("\n#")[0]
    assert f"](images/options/{wish}.jpg)" in section
    assert {"```python", "```sh", "```json"} <= set(section.splitlines())
    assert wish in section.rsplit("```json")[1]


def test_every_picture_is_shown_on_a_page():
    shown = {(page.parent / link).resolve() for page in PAGES for link in linked_from(page)}
    assert {file for file in IMAGES.rglob("*") if file.is_file()} - shown == set()


def test_every_page_can_be_reached_from_the_readme():
    reached = {(ROOT / link).resolve() for link in linked_from(ROOT / "README.md")}
    assert set(PAGES[1:]) - reached == set()
