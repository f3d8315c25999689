"""Two hundred raters: grades at 50 a second, as fast as they go, and while the server is killed.

A server process, as ``cadrage annotate`` starts it, takes the grades of 200 raters over 16 connections. Afterwards
the grades in the project file are counted, with SQLite alone, and compared one by one with those that the server
had confirmed; the file must pass SQLite's check. At 50 a second each grade has a time at which it is due, and its
duration counts from there, so that a server that falls behind shows it.

Every grade is on the disk before it is confirmed. So the peer is the disk alone: appending 4 kB to a file and
waiting for the disk, just before the grades.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from measure import Comparison, report
from start import CADRAGE, ROOT

RATERS = 200
CONNECTIONS = 16
SAMPLES = ROOT / "examples" / "photographs"

Grades = dict[tuple[int, int], int]
"""By rater and crop."""


@dataclass(slots=True)
class Client:
    """One connection that writes as the pages do.

    Attributes:
        url: of the server.
        raters: whose grades go over it.
        taken: what the server has confirmed.
        open: what it has not answered; the last one when it was killed.
        durations: of each grade, in milliseconds.
    """

    url: str
    raters: list[int] = field(default_factory=list)
    taken: Grades = field(default_factory=dict)
    open: Grades = field(default_factory=dict)
    durations: list[float] = field(default_factory=list)
    _line: http.client.HTTPConnection = field(init=False)
    _headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Connect, and read from the page how to write."""
        address = urlsplit(self.url)
        self._line = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        self._line.request("GET", "/")
        page = self._line.getresponse().read().decode()
        token, project = (
            page.partition(f'name="cadrage-{what}" content="')[2].partition('"')[0]
            for what in ("token", "project")
        )
        self._headers = {"X-Cadrage-Token": token, "X-Cadrage-Project": project}

    def send(self, method: str, path: str, body: object = None) -> dict[str, object]:
        """Ask, and have the answer.

        Raises:
            SystemExit: the server refused.
        """
        headers = self._headers | {"Content-Type": "application/json"}
        self._line.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self._line.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path} was refused: {content.decode()}")
        found: dict[str, object] = json.loads(content)
        return found

    def enter(self, names: list[str]) -> None:
        """Let raters in."""
        for name in names:
            self.raters.append(int(str(self.send("POST", "/api/raters", {"name": name})["id"])))

    def work(self) -> Iterator[tuple[int, str, int]]:
        """What its raters have to grade: rater, the visit's key, crop; one of each rater by turns."""
        programmes = [self._programme(rater) for rater in self.raters]
        while programmes:
            for programme in list(programmes):
                task = next(programme, None)
                if task is None:
                    programmes.remove(programme)
                else:
                    yield task

    def _programme(self, rater: int) -> Iterator[tuple[int, str, int]]:
        for visit in range(10**6):
            shown = json.loads(json.dumps(self.send("GET", f"/api/raters/{rater}/visits/{visit}")))
            for page in shown["pages"]:
                for crop in page["crops"]:
                    yield rater, shown["key"], crop["id"]

    def grade(self, task: tuple[int, str, int], due: float) -> None:
        """Send a grade and wait until it is confirmed."""
        rater, visit, crop = task
        grade = (rater + crop) % 5 + 1
        self.open = {(rater, crop): grade}
        given = {"visit": visit, "crop": crop, "grade": grade, "milliseconds": 900}
        self.send("PUT", f"/api/raters/{rater}/grades", given)
        self.durations.append((time.perf_counter() - due) * 1e3)
        self.taken |= self.open
        self.open = {}


@contextmanager
def server(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server of a folder, and its address; killed in the end."""
    line: list[str | Path] = [CADRAGE, "annotate", folder, "--repeats", "0", "--port", "0", "--no-browser"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with process:
        try:
            yield process, process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.kill()


def clients(url: str) -> list[Client]:
    """All connections, with their share of the raters."""
    made = [Client(url) for _ in range(CONNECTIONS)]
    for number, client in enumerate(made):
        client.enter([f"rater {rater}" for rater in range(number, RATERS, CONNECTIONS)])
    return made


def send(made: list[Client], seconds: float, rate: float | None) -> float:
    """Grade over all connections for some time, at a rate for all of them together, or as fast as it goes.

    Returns:
        The seconds that it took.
    """
    begin = time.perf_counter()

    def run(number: int, client: Client) -> None:
        tasks = client.work()
        step = 0 if rate is None else len(made) / rate
        for turn, task in enumerate(tasks):
            due = begin + (turn + number / len(made)) * step if step else time.perf_counter()
            if due - begin >= seconds:
                return
            time.sleep(max(0.0, due - time.perf_counter()))
            try:
                client.grade(task, due)
            except (OSError, http.client.HTTPException):
                return  # the server was killed

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(made)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begin


def found(project: Path) -> Grades:
    """The grades in a project file.

    Raises:
        SystemExit: the file is damaged.
    """
    with closing(sqlite3.connect(project)) as database:
        if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise SystemExit(f"{project} is damaged.")
        rows = database.execute("SELECT rater, crop, grade FROM rating").fetchall()
    return {(rater, crop): grade for rater, crop, grade in rows}


def disk(folder: Path, samples: int = 100) -> tuple[float, ...]:
    """Milliseconds that the disk needs to confirm 4 kB."""
    durations = []
    with (folder / "probe").open("wb", buffering=0) as file:
        for _ in range(samples):
            start = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            durations.append((time.perf_counter() - start) * 1e3)
    (folder / "probe").unlink()
    return tuple(durations)


def measured(
    what: str, folder: Path, seconds: float, rate: float | None, *, kill: bool = False
) -> Comparison:
    """Send grades to a server of a folder, compare those sent and found, and print the figures.

    Raises:
        SystemExit: a grade was lost.
    """
    alone = disk(folder)
    with server(folder) as (process, url):
        made = clients(url)
        if kill:
            threading.Timer(seconds / 2, process.kill).start()
        took = send(made, seconds, rate)
        if not kill:
            process.terminate()
        process.wait()
    sent: Grades = {key: grade for client in made for key, grade in client.taken.items()}
    hanging: Grades = {key: grade for client in made for key, grade in client.open.items()}
    kept = found(folder / "ratings.cadrage")
    lost = [key for key, grade in sent.items() if kept.get(key) != grade]
    strange = [key for key in kept if key not in sent and key not in hanging]
    durations = [duration for client in made for duration in client.durations]
    cuts = statistics.quantiles(durations, n=100)
    print(
        f"{what}: {len(sent)} grades confirmed, {len(sent) - len(lost)} of them found, {len(strange)} of unknown "
        f"origin; {len(durations) / took:.0f} a second; milliseconds: median {cuts[49]:.1f}, "
        f"95 % {cuts[94]:.1f}, 99 % {cuts[98]:.1f}, most {max(durations):.1f}",
        file=sys.stderr,
        flush=True,
    )
    if lost or strange:
        raise SystemExit(f"{len(lost)} grades were lost, {len(strange)} are of unknown origin.")
    return Comparison(what, "ms", tuple(durations), "the disk alone", alone)


def main() -> None:
    """Run the benchmark."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--seconds", type=float, default=60, help="of each part [%(default)s]")
    options.add_argument("--rate", type=float, default=50, help="grades a second [%(default)s]")
    options.add_argument(
        "--json", action="store_true", help="print JSON with every sample instead of a table"
    )
    chosen = options.parse_args()
    comparisons = []
    for what, rate, kill in (
        (f"a grade at {chosen.rate:g} a second", chosen.rate, False),
        ("a grade as fast as they go", None, False),
        ("a grade, until the server is killed", None, True),
    ):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "photographs"
            shutil.copytree(SAMPLES, folder)
            comparisons.append(measured(what, folder, chosen.seconds, rate, kill=kill))
    title = f"Grades of {RATERS} raters over {CONNECTIONS} connections: time until one is on the disk and confirmed"
    report(title, comparisons, packages=["fastapi", "uvicorn", "starlette"], as_json=chosen.json)


if __name__ == "__main__":
    main()
