"""Who may ask the server for what: the token, the names it goes by, the sizes and kinds of what it takes.

The pages have no accounts: whoever holds the token is a rater. On loopback the token only tells the project's own
pages from other sites that the same browser shows; over a network it is in the address that raters are given.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cadrage.errors import RequestError

LARGEST_BODY = 64 * 1024
"""Bytes of a request's body."""

LARGEST_DISCARDED = 16 * LARGEST_BODY
"""Bytes of a larger body that are read before the answer: who still sends would not read it."""

COOKIE_SECONDS = 90 * 24 * 3600

READS = ("GET", "HEAD")
TOKEN_HEADER = "x-cadrage-token"  # noqa: S105  (its name)
PROJECT_HEADER = "x-cadrage-project"
"""Of requests: for which project they are. Of answers under /api: which project's they are."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'self'; object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every response."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use the server.

    Attributes:
        token: what every write must bring.
        url_token: whether reading needs it too, as off loopback; then ``GET /?token=...`` leaves a cookie.
        hosts: names, less the port, that a request's Host must be one of, so that no other site's name can be
            made to lead here; ``None`` for any, only with ``url_token``.

    Raises:
        RequestError: the token cannot be part of an address, or can be guessed.
    """

    token: str
    url_token: bool = False
    hosts: frozenset[str] | None = frozenset({"127.0.0.1", "localhost", "[::1]"})

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.~-]{8,200}", self.token):
            raise RequestError("A token has 8 to 200 letters (a to z), digits, or any of - _ . ~")
        if self.hosts is None and not self.url_token:
            raise RequestError("A server for any host needs the token in its address.")


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(24)


class Guard:
    """Refuses what ``Access`` does not allow, before the application sees it, and sets the headers."""

    def __init__(self, app: ASGIApp, access: Access, project: str) -> None:
        """Guard an application.

        Args:
            app: what is guarded.
            access: who may use it.
            project: uid of the project that is served.
        """
        self._app = app
        self._access = access
        self._project = project

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
                if scope["path"].startswith("/api/"):
                    headers[PROJECT_HEADER] = self._project
            await send(message)

        answer = self._refusal(scope) or self._entrance(scope)
        if answer is None and scope["method"] in READS:
            # To the application a HEAD is a GET; the server leaves out the body.
            await self._app({**scope, "method": "GET"}, receive, send_guarded)
            return
        body = None if scope["method"] in READS else await _read(receive)
        if answer is None and body is not None:
            await self._app(scope, _again(body, receive), send_guarded)
            return
        answer = answer or refusal(413, f"A request may have {LARGEST_BODY} bytes at most.")
        await answer(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        """Why a request is refused, if it is; whoever has the token in the address comes in by ``_entrance``."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._access.hosts is not None and _name(host) not in self._access.hosts:
            return refusal(403, "This server does not go by that name.")
        if _is_foreign(headers, host):
            return refusal(403, "Requests from other sites are refused.")
        if self._access.url_token and not (self._is_known(scope, headers) or _is_entrance(scope)):
            return refusal(
                403, "The token is missing: open the whole address that the server was started with."
            )
        # One address can lead to one project today and to another tomorrow, with pages of the first still open.
        if headers.get(PROJECT_HEADER, self._project) != self._project:
            return refusal(409, "Another project is open at this address.")
        return None if scope["method"] in READS else self._refusal_of_write(headers)

    def _refusal_of_write(self, headers: Headers) -> Response | None:
        if not self._is_token(headers.get(TOKEN_HEADER, "")):
            return refusal(403, "The token is missing or wrong: reload the page.")
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return refusal(415, "Requests that change something are JSON.")
        if PROJECT_HEADER not in headers:
            return refusal(428, "The request does not say which project it is for: reload the page.")
        return None

    def _entrance(self, scope: Scope) -> Response | None:
        """The answer to ``/?token=...``: a cookie instead of the token in the address; ``None`` for the rest."""
        if not self._access.url_token or not _is_entrance(scope):
            return None
        given = parse_qs(scope["query_string"].decode("latin-1"))["token"][0]
        if not self._is_token(given):
            return refusal(403, "The token in the address is wrong.")
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        # Lax: a link to this server in somebody's mail must work. Writes need more than the cookie.
        answer.set_cookie(
            _cookie_name(scope), self._access.token, max_age=COOKIE_SECONDS, httponly=True, samesite="lax"
        )
        return answer

    def _is_known(self, scope: Scope, headers: Headers) -> bool:
        cookies = cookie_parser(headers.get("cookie", ""))
        return self._is_token(cookies.get(_cookie_name(scope), "")) or self._is_token(
            headers.get(TOKEN_HEADER, "")
        )

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._access.token.encode())


def refusal(status: int, sentence: str) -> JSONResponse:
    """An answer that says what was wrong."""
    return JSONResponse({"detail": sentence}, status, HEADERS)


def _is_entrance(scope: Scope) -> bool:
    query = parse_qs(scope["query_string"].decode("latin-1"))
    return scope["path"] == "/" and scope["method"] in READS and "token" in query


def _is_foreign(headers: Headers, host: str) -> bool:
    """Whether a browser says that another site's page sent this; following a link from there is no harm."""
    if "origin" in headers and headers["origin"].partition("://")[2] != host:
        return True
    site = headers.get("sec-fetch-site", "none")
    return site in ("cross-site", "same-site") and headers.get("sec-fetch-mode") != "navigate"


def _name(host: str) -> str:
    """The Host header less its port."""
    return re.sub(r":\d*$", "", host).lower()


def _cookie_name(scope: Scope) -> str:
    """Of each port's own: browsers keep the cookies of a machine's servers together."""
    server = scope.get("server")
    return f"cadrage_token_{server[1]}" if server else "cadrage_token"


async def _read(receive: Receive) -> bytes | None:
    """The whole body of a request; ``None`` if it is too large, or its sender has gone."""
    parts, size, more = [], 0, True
    while more and size <= LARGEST_DISCARDED:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size <= LARGEST_BODY:
            parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts) if size <= LARGEST_BODY else None


def _again(body: bytes, receive: Receive) -> Receive:
    """Receives a body that was read before, and then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message
