"""Chromium, and the command that serves the pages, for tests of what a person sees and does.

Used by ``from .browser import ...``; screenshots are kept in the folder ``CADRAGE_SCREENSHOTS`` names, if it does.
"""

import os
import shutil
import socket
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

COMMAND = Path(sysconfig.get_path("scripts")) / "cadrage"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 180_000
"""Milliseconds that a page may take for anything: the machine may be busy."""

LAPTOP = {"viewport": {"width": 1366, "height": 768}}
DARK_LAPTOP = {**LAPTOP, "color_scheme": "dark"}
TABLET = {"viewport": {"width": 1024, "height": 768}, "has_touch": True, "is_mobile": True}
UPRIGHT_TABLET = {**TABLET, "viewport": {"width": 820, "height": 1180}, "color_scheme": "dark"}
PHONE = {**TABLET, "viewport": {"width": 390, "height": 844}}


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on the PATH")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Any, url: str, look: dict[str, Any] = LAPTOP, allowed: str | None = None
) -> Iterator[Any]:
    """A page in a fresh browser profile; at the end its console must hold no error.

    Args:
        browser: from ``chromium``.
        url: what to open.
        look: viewport and the like.
        allowed: a part of messages that the test brings about, as those of a server that is away.
    """
    context = browser.new_context(**look)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: message.type == "error" and troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(url)
    yield page
    context.close()
    assert [trouble for trouble in troubles if allowed is None or allowed not in trouble] == []


def close_help(page: Any) -> None:
    """Read the help that a newcomer gets, and wait until it is gone: until then keys and pictures are its own."""
    page.get_by_role("button", name="Got it").click()
    page.locator("dialog").wait_for(state="detached")


def screenshot(page: Any, tmp_path: Path, name: str) -> None:
    """Keep what the page shows as ``name.png``, once its colours and places have settled."""
    page.wait_for_timeout(300)
    folder = Path(os.environ.get("CADRAGE_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png")


@dataclass
class Server:
    """A command of cadrage that serves pages, at a port that stays the same when it is started again.

    Attributes:
        arguments: of the command, such as ``("annotate", folder)``.
        port: picked if not given.
    """

    arguments: tuple[object, ...]
    port: int = 0
    process: subprocess.Popen | None = field(default=None, init=False)

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Start it, and wait until it takes requests."""
        self.port = self.port or _free_port()
        line = [COMMAND, *map(str, self.arguments), "--port", str(self.port), "--no-browser"]
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        assert self.process.stdout.readline().startswith("http://"), "the server did not start"

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
