"""The application: what all kinds of projects have in common, and the routes of the one that is served."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import HTMLResponse, Response

from cadrage.annotation.protocol import GRADES
from cadrage.annotation.server.answers import Body, Number, rater_of
from cadrage.annotation.server.security import PROJECT_HEADER, Access, Guard, refusal
from cadrage.annotation.store import (
    Kind,
    Rater,
    Store,
    enter,
    photographs,
    picture,
    project_of,
    raters,
    seconds_spent,
    spend,
)
from cadrage.errors import CadrageError, DataError

STATIC = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".html": "text/html; charset=utf-8",
}
"""Kinds of files beside the pages, by suffix."""

TOKEN_PLACE = "<!--token-->"  # noqa: S105  (where it and the project's uid go in a page)


class NameGiven(Body):
    """Who comes to rate."""

    name: Annotated[str, Field(max_length=1000)]


class TimeSpent(Body):
    """How long a session of a rater has lasted."""

    session: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    seconds: Annotated[float, Field(ge=0, le=1e7)]


@dataclass(frozen=True, slots=True)
class Part:
    """What a kind of project adds to the application.

    Attributes:
        page: file of its page.
        router: its routes.
        progress: how many judgements each rater has given, and how many are asked of them, by number.
        settings: which of the project's settings pages may know: none that say what hidden repeats are, or which
            method made what.
    """

    page: str
    router: APIRouter
    progress: Callable[[], Mapping[int, tuple[int, int]]]
    settings: tuple[str, ...]


def make_app(store: Store, access: Access) -> FastAPI:
    """The application that serves a project.

    Args:
        store: the project.
        access: who may use it.

    Raises:
        DataError: the file holds no project.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    project = project_of(store)
    part = _part(store, project.kind)
    _add_pages(app, store, part, _meta(access.token, project.uid))
    _add_people(app, store, part)
    app.include_router(part.router)
    shown = {name: project.settings[name] for name in part.settings if name in project.settings}

    @app.get("/api/project")
    def get_project() -> dict[str, Any]:
        """What the project is."""
        return {
            "kind": project.kind,
            "title": project.title,
            "settings": shown,
            "photographs": len(photographs(store)),
            "grades": GRADES,
        }

    _add_refusals(app, project.uid)
    app.add_middleware(Guard, access=access, project=project.uid)
    return app


def _part(store: Store, kind: Kind) -> Part:
    """The part of a kind; only what is served is imported."""
    if kind == "captions":
        from cadrage.annotation.server import boxes  # noqa: PLC0415

        return Part(
            "captions.html", boxes.routes(store), partial(boxes.progress, store), boxes.SHOWN_SETTINGS
        )
    if kind == "study":
        from cadrage.annotation.server import study  # noqa: PLC0415

        return Part("study.html", study.routes(store), partial(study.progress, store), study.SHOWN_SETTINGS)
    from cadrage.annotation.server import rating  # noqa: PLC0415

    ratings = rating.Ratings(store)
    return Part("ratings.html", rating.routes(ratings), ratings.progress, rating.SHOWN_SETTINGS)


def _meta(token: str, uid: str) -> str:
    """What a page is told in its head: by what it may write, and to which project."""
    told = {"cadrage-token": token, "cadrage-project": uid}
    return "\n    ".join(
        f'<meta name="{name}" content="{html.escape(content)}">' for name, content in told.items()
    )


def _add_pages(app: FastAPI, store: Store, part: Part, meta: str) -> None:
    """The page, the files that it is made of, and the pictures."""
    folder = files("cadrage.annotation") / "pages"
    static = {entry.name: entry for entry in folder.iterdir() if PurePath(entry.name).suffix in STATIC}

    @app.get("/")
    def get_page() -> Response:
        """The page of the project's kind."""
        return HTMLResponse(static[part.page].read_text(encoding="utf-8").replace(TOKEN_PLACE, meta))

    @app.get("/static/{name}")
    def get_static(name: str) -> Response:
        """A file of the pages: one of a table that is made of the package, never of what was asked for."""
        if name not in static:
            raise HTTPException(404)
        kind = STATIC[PurePath(name).suffix]
        return Response(
            static[name].read_bytes(), headers={"Content-Type": kind, "Cache-Control": "no-cache"}
        )

    @app.get("/pictures/{photograph}.jpg")
    def get_picture(photograph: Number, v: str = "") -> Response:
        """The picture of a photograph; ``v`` tells it from other projects', so that browsers may keep it."""
        jpeg = picture(store, photograph)
        if jpeg is None:
            raise HTTPException(404, f"There is no photograph {photograph}.")
        caching = "private, max-age=31536000, immutable" if v else "no-cache"
        return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": caching})


def _add_people(app: FastAPI, store: Store, part: Part) -> None:
    """Who rates, how far they are, and how long they worked."""

    def described(people: tuple[Rater, ...]) -> list[dict[str, Any]]:
        progress, seconds = part.progress(), seconds_spent(store)
        return [
            {
                "id": rater.id,
                "name": rater.name,
                "done": progress[rater.id][0],
                "total": progress[rater.id][1],
                "seconds": seconds.get(rater.id, 0.0),
            }
            for rater in people
        ]

    @app.get("/api/raters")
    def get_raters() -> list[dict[str, Any]]:
        """Everybody who has come so far."""
        return described(raters(store))

    @app.post("/api/raters")
    def post_rater(given: NameGiven) -> dict[str, Any]:
        """Let somebody in, who comes for the first time or again."""
        return described((enter(store, given.name),))[0]

    @app.put("/api/raters/{rater}/time")
    def put_time(rater: Number, spent: TimeSpent) -> dict[str, Any]:
        """Note how long a session has lasted."""
        rater_of(store, rater)
        spend(store, rater, spent.session, spent.seconds)
        return {"seconds": seconds_spent(store)[rater]}


def _add_refusals(app: FastAPI, project: str) -> None:
    """Answer everything that goes wrong with a sentence."""

    @app.exception_handler(CadrageError)
    def refuse(_: Request, error: CadrageError) -> Response:
        return refusal(503 if isinstance(error, DataError) else 422, str(error))

    @app.exception_handler(RequestValidationError)
    def refuse_values(_: Request, error: RequestValidationError) -> Response:
        wrong = error.errors()[0]
        where = ".".join(str(part) for part in wrong["loc"][1:]) or "body"
        is_path = wrong["loc"][0] == "path"
        return refusal(404 if is_path else 422, f"The request's {where} is wrong: {wrong['msg']}.")

    @app.exception_handler(StarletteHTTPException)
    def refuse_address(request: Request, error: StarletteHTTPException) -> Response:
        unnamed = {
            404: f"There is nothing at {request.url.path}.",
            405: f"{request.method} is not for {request.url.path}.",
        }
        is_unnamed = error.detail in ("Not Found", "Method Not Allowed")
        return refusal(error.status_code, unnamed[error.status_code] if is_unnamed else error.detail)

    @app.exception_handler(OverflowError)
    def refuse_number(_: Request, __: OverflowError) -> Response:
        return refusal(422, "The request holds a number that is too large.")

    @app.exception_handler(Exception)
    def fail(_: Request, __: Exception) -> Response:
        # This answer alone goes past the guard.
        answer = refusal(500, "The server failed; its console says more.")
        answer.headers[PROJECT_HEADER] = project
        return answer
