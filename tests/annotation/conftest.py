"""A small project of ratings, and servers on loopback: in this process, or as the command in its own."""

import http.client
import json
import os
import socket
import subprocess
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from cadrage.annotation.protocol import RatingProtocol
from cadrage.annotation.store import Store, add_crops, create_project, grid_crops, take_in
from cadrage.candidates import GridSpec

COMMAND = Path(sysconfig.get_path("scripts")) / "cadrage"
TOKEN = "a-token-for-tests"
COARSE = GridSpec(bins_x=8, bins_y=8, corner_x=3, corner_y=3, max_aspect=1.9)
"""15 anchors of a frame of 3:2, 12 of them within the aspect bounds."""


def draw(path: Path, size_wh: tuple[int, int] = (120, 80), seed: int = 0) -> Path:
    """Save a photograph: a gradient with a bright rectangle somewhere."""
    width, height = size_wh
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    pixels = np.stack([x, y, 255 - x], axis=2).astype(np.uint8)
    left, top = np.random.default_rng(seed).integers(0, [width // 2, height // 2])
    pixels[top : top + height // 3, left : left + width // 3] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder of four photographs of 120 x 80 pixels."""
    for number in range(4):
        draw(tmp_path / "photos" / f"{number}.png", seed=number)
    return tmp_path / "photos"


@pytest.fixture
def make_project(tmp_path, folder) -> Callable[..., Store]:
    """Makes a project of ratings of the folder's photographs, with settings of its protocol; open or closed."""

    def make(name: str = "ratings.cadrage", closed: bool = False, **settings: object) -> Store:
        protocol = RatingProtocol(**{"grid": COARSE, **settings})
        store = create_project(tmp_path / name, "ratings", "Tests", protocol.to_dict())
        files = [(path.name, path) for path in sorted(folder.glob("*.png"))]
        for taken in take_in(store, files):
            boxes_xyxy, ratable = grid_crops(taken.photograph.size_wh, protocol.grid)
            add_crops(store, taken.photograph, boxes_xyxy, ratable)
        opened.append(store)
        if closed:
            store.close()
        return store

    opened: list[Store] = []
    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(make_project) -> Store:
    """A project of four photographs with 12 crops to grade each, without hidden repeats."""
    return make_project(repeats=0)


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def detail(self) -> str:
        """The sentence of a refusal."""
        return self.json["detail"]


@dataclass
class Client:
    """Talks to a server as its pages do, unless told otherwise, over one connection."""

    url: str
    token: str = TOKEN
    project: str | None = None
    known_keys: dict[int, list[str]] = field(default_factory=dict)
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self):
        address = urlsplit(self.url)
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict | None = None) -> Answer:
        """Send a request with just these headers, and those that HTTP needs."""
        self.connection.request(method, path, body, headers or {})
        answer = self.connection.getresponse()
        content = answer.read()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()})

    def send(self, method: str, path: str, body: object, **headers: str) -> Answer:
        changed = {name.replace("_", "-"): text for name, text in headers.items()}
        pages = {"X-Cadrage-Token": self.token, "Content-Type": "application/json"}
        pages["X-Cadrage-Project"] = self.uid
        return self.ask(method, path, json.dumps(body).encode(), pages | changed)

    @property
    def uid(self) -> str:
        """The project that the server said it serves when it was asked first."""
        if self.project is None:
            self.project = self.get("/api/project").headers["x-cadrage-project"]
        return self.project

    def enter(self, name: str) -> int:
        """Come in by a name; the rater's number."""
        return self.send("POST", "/api/raters", {"name": name}).json["id"]

    def keys(self, rater: int) -> list[str]:
        """The keys of a rater's visits, in order; asked for once."""
        if rater not in self.known_keys:
            visits = self.get(f"/api/raters/{rater}/programme").json["visits"]
            self.known_keys[rater] = [visit["key"] for visit in visits]
        return self.known_keys[rater]

    def grade(
        self,
        rater: int,
        visit: int | str,
        crop: int,
        grade: int | None,
        milliseconds: int = 900,
        **more: object,
    ) -> Answer:
        """Grade a crop on a visit, given by its number or its key."""
        key = visit if isinstance(visit, str) else self.keys(rater)[visit]
        given = {"visit": key, "crop": crop, "grade": grade, "milliseconds": milliseconds} | more
        return self.send("PUT", f"/api/raters/{rater}/grades", given)


def crops_of_visit(client, rater, number):
    visit = client.get(f"/api/raters/{rater}/visits/{number}").json
    return [crop["id"] for page in visit["pages"] for crop in page["crops"]]


def all_visits(client, rater):
    count = len(client.get(f"/api/raters/{rater}/programme").json["visits"])
    return [client.get(f"/api/raters/{rater}/visits/{number}").json for number in range(count)]


def shown_grades(client, rater, number):
    visit = client.get(f"/api/raters/{rater}/visits/{number}").json
    return {crop["id"]: crop["grade"] for page in visit["pages"] for crop in page["crops"]}


@contextmanager
def running(app: object) -> Iterator[str]:
    """Serve an application in this process; the address."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="critical", ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def serving() -> Callable[..., Client]:
    """Serves a project, with an access of one's own if need be, until the test ends."""
    from cadrage.annotation.server.app import make_app
    from cadrage.annotation.server.security import Access

    with ExitStack() as servers:

        def serve(store: Store, access: Access | None = None) -> Client:
            return Client(servers.enter_context(running(make_app(store, access or Access(TOKEN)))))

        yield serve


@pytest.fixture
def client(serving, store) -> Client:
    """A client of the small project."""
    return serving(store)


@dataclass
class Program:
    """``cadrage`` serving a project in a process of its own."""

    process: subprocess.Popen
    url: str

    def client(self) -> Client:
        """A client with the token that the page is given."""
        page = Client(self.url).get("/").body.decode()
        return Client(self.url, page.partition('name="cadrage-token" content="')[2].partition('"')[0])


@pytest.fixture
def start() -> Callable[..., Program]:
    """Starts ``cadrage annotate`` with arguments and waits for its address; killed when the test ends."""
    started: list[subprocess.Popen] = []

    def run(*arguments: object) -> Program:
        line = [COMMAND, "annotate", *map(str, arguments), "--port", "0", "--no-browser"]
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        started.append(process)
        url = process.stdout.readline().strip()
        assert url.startswith("http://"), "the server did not start"
        return Program(process, url)

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
