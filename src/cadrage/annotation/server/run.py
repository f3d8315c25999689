"""The program that serves a project's pages: its address, its browser, its end."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from cadrage.annotation.server.app import make_app
from cadrage.annotation.server.claim import Claim
from cadrage.annotation.server.security import Access
from cadrage.annotation.store import Store
from cadrage.errors import RequestError

KEEP_ALIVE_SECONDS = 75
"""How long a browser's connection stays open between requests."""

PARTING_SECONDS = 5
"""How long requests under way are waited for when the server is told to end."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is to be found.

    Attributes:
        host: name or number of the machine's interface; ``0.0.0.0`` for all.
        port: 0 picks a free one.
        token: in the address that raters are given; by default there is one off loopback only.
    """

    host: str = "127.0.0.1"
    port: int = 8737
    token: str | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return self.host == "localhost"


def serve(
    store: Store, claim: Claim, address: Address, listener: socket.socket, *, open_browser: bool = True
) -> None:
    """Serve a project until the program is told to end, by Ctrl-C or a signal.

    Prints the pages' address as the one line on standard output.

    Args:
        store: the project; it stays open.
        claim: that it is this program's.
        address: where.
        listener: what ``listening`` gave for it.
        open_browser: show the pages in the user's browser, if there is a screen.

    Raises:
        RequestError: the token is none.
    """
    access = _access(address, claim)
    server = uvicorn.Server(_config(make_app(store, access)))
    with _ended_by_signals(server):
        url = _url(address, listener.getsockname()[1], access)
        claim.announce(url, access.token)
        if not address.is_loopback:
            print(
                "cadrage: the pages and the token travel unencrypted: use them in a network that you trust.",
                file=sys.stderr,
                flush=True,
            )
        print(url, flush=True)
        if open_browser and _has_screen():
            threading.Thread(target=webbrowser.open, args=[url], daemon=True).start()
        server.run(sockets=[listener])


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=PARTING_SECONDS,
    )


@contextlib.contextmanager
def _ended_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the server, however early, and nothing else: the project is closed in order then.

    While it runs, uvicorn has handlers of its own; afterwards it raises anew, to these, what those were told.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        server.should_exit = True

    before = {one: signal.signal(one, end) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _access(address: Address, claim: Claim) -> Access:
    if address.token is None and address.is_loopback:
        names = {"127.0.0.1", "localhost", "[::1]", _bracketed(address.host).lower()}
        return Access(claim.token, url_token=False, hosts=frozenset(names))
    return Access(address.token or claim.token, url_token=True, hosts=None)


@contextlib.contextmanager
def listening(address: Address) -> Iterator[socket.socket]:
    """A socket that takes connections from now on; who comes before ``serve`` waits.

    Raises:
        RequestError: the port is in use, or there is no such host.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        listener = socket.create_server((address.host, address.port), family=family)
    except OSError as error:
        reason = _reason(error)
        raise RequestError(
            f"Port {address.port} of {address.host} cannot be had ({reason}): "
            "--port takes another one, or 0 for any that is free."
        ) from None
    with listener:
        yield listener


def _reason(error: OSError) -> str:
    """What the system said; to its own words Python adds the address."""
    is_name = isinstance(error, socket.gaierror)
    said = (
        error.strerror if is_name or error.errno is None else os.strerror(error.errno)
    ) or "no reason given"
    return said[0].lower() + said[1:]


def _url(address: Address, port: int, access: Access) -> str:
    host = address.host
    if host in ("0.0.0.0", "::"):  # noqa: S104  (all interfaces, and so none that a browser could go to)
        host = _own_host()
    return f"http://{_bracketed(host)}:{port}/{f'?token={access.token}' if access.url_token else ''}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _own_host() -> str:
    """The number by which other machines reach this one; its name where there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; the system only looks up the way
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])


def _has_screen() -> bool:
    """Whether a browser would be a window: without one, Linux opens a browser in the terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
