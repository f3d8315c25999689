"""Many raters at once, and a server that is killed: no grade that the server took is lost.

The figures are printed; ``benchmarks/annotate.py`` does the same for longer and measures times.
"""

import http.client
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import COMMAND, Client

SETTINGS = ("--grid", "8x8/3x3", "--max-aspect", "1.9", "--repeats", "0.2")

Grade = tuple[int, int, int]
"""Rater, crop, and the grade."""


def found(project: Path) -> set[Grade]:
    """The grades in a project file, read without any of our own code; the file must be whole."""
    with closing(sqlite3.connect(project)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        return set(database.execute("SELECT rater, crop, grade FROM rating WHERE pass = 0").fetchall())


def first_visit(client: Client, rater: int) -> list[int]:
    visit = client.get(f"/api/raters/{rater}/visits/0").json
    return [crop["id"] for page in visit["pages"] for crop in page["crops"]]


def rate(client: Client, rater: int, offset: int = 0) -> Iterator[Grade]:
    """Grade a rater's first photograph; yields what the server has taken."""
    for number, crop in enumerate(first_visit(client, rater)):
        grade = (rater + number + offset) % 5 + 1
        answer = client.grade(rater, 0, crop, grade)
        assert answer.status == 200, answer.body
        yield rater, crop, grade


def test_two_hundred_raters_at_once_lose_nothing(start, folder):
    program = start(folder, *SETTINGS)
    entrance = program.client()
    raters = [entrance.enter(f"rater {number}") for number in range(200)]

    def work(share: list[int]) -> list[Grade]:
        client = program.client()
        return [grade for rater in share for grade in rate(client, rater)]

    begin = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        shares = [raters[number::8] for number in range(8)]
        sent = {grade for share in pool.map(work, shares) for grade in share}
    seconds = time.perf_counter() - begin

    kept = found(folder / "ratings.cadrage")
    print(f"{len(sent)} grades sent by 200 raters, {len(kept)} found; {len(sent) / seconds:.0f} a second")
    assert len(sent) == 200 * 12
    assert kept == sent
    people = program.client().get("/api/raters").json
    assert {(one["id"], one["done"]) for one in people} == {(id_, 12) for id_ in raters}


def test_a_server_killed_while_people_rate_loses_nothing_that_it_took(start, folder):
    program = start(folder, *SETTINGS)
    entrance = program.client()
    raters = [entrance.enter(f"rater {number}") for number in range(40)]
    taken: list[Grade] = []
    enough = threading.Event()

    def work(share: list[int]) -> None:
        client = program.client()
        try:
            for offset in range(1000):
                for rater in share:
                    for grade in rate(client, rater, offset):
                        taken.append(grade)
                        if len(taken) > 300:
                            enough.set()
        except (OSError, http.client.HTTPException):
            return  # the server is gone

    threads = [threading.Thread(target=work, args=[raters[number::4]]) for number in range(4)]
    for thread in threads:
        thread.start()
    assert enough.wait(120)
    program.process.kill()
    program.process.wait()
    for thread in threads:
        thread.join(60)

    last = {(rater, crop): grade for rater, crop, grade in taken}
    kept = {(rater, crop): grade for rater, crop, grade in found(folder / "ratings.cadrage")}
    # Of what was on its way when the server died, at most one grade of each connection can be there too.
    differing = [key for key in last if kept.get(key) != last[key]]
    print(
        f"{len(taken)} grades taken before the kill, on {len(last)} crops; {len(differing)} newer, none lost"
    )
    assert last.keys() <= kept.keys()
    assert len(differing) + len(kept.keys() - last.keys()) <= 4

    again = start(folder, *SETTINGS).client()
    assert sum(one["done"] for one in again.get("/api/raters").json) == len(kept)
    assert again.grade(raters[0], 0, first_visit(again, raters[0])[0], 3).status == 200


def test_one_page_open_twice_ends_with_the_last_grade_of_each_crop(start, folder):
    program = start(folder, *SETTINGS)
    rater = program.client().enter("Ada")
    crops = first_visit(program.client(), rater)

    def work(grades: tuple[int, ...]) -> None:
        client = program.client()
        for grade in grades * 3:
            for crop in crops:
                assert client.grade(rater, 0, crop, grade).status == 200

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, [(1, 2), (3, 4)]))
    kept = found(folder / "ratings.cadrage")
    assert {(of, crop) for of, crop, _ in kept} == {(rater, crop) for crop in crops}
    with closing(sqlite3.connect(folder / "ratings.cadrage")) as database:
        log = database.execute("SELECT crop, grade FROM rating_log ORDER BY id").fetchall()
    assert len(log) == 2 * 6 * len(crops)
    assert {(crop, grade) for _, crop, grade in kept} == set(dict(log).items())
    assert program.client().get(f"/api/raters/{rater}/programme").json["graded"] == len(crops)


class TestASecondServer:
    def run(self, *arguments: object) -> subprocess.CompletedProcess:
        line = [COMMAND, "annotate", *map(str, arguments), "--port", "0", "--no-browser"]
        return subprocess.run(line, capture_output=True, text=True, check=False, timeout=120)

    @pytest.mark.parametrize("kind", ["its folder", "its file", "a link"])
    def test_is_refused_with_the_address_of_the_first(self, start, folder, tmp_path, kind):
        program = start(folder, *SETTINGS)
        link = tmp_path / "link.cadrage"
        link.symlink_to(folder / "ratings.cadrage")
        ran = self.run({"its folder": folder, "its file": folder / "ratings.cadrage", "a link": link}[kind])
        assert (ran.returncode, ran.stdout) == (2, "")
        assert ran.stderr == (
            f"cadrage: {folder / 'ratings.cadrage'} is served already, at {program.url}: "
            "a project has one server at a time.\n"
        )
        assert program.client().get("/").status == 200

    def test_is_welcome_when_the_first_was_killed_and_pages_that_are_open_go_on(self, start, folder):
        program = start(folder, *SETTINGS)
        page = program.client()
        program.process.kill()
        program.process.wait()
        again = start(folder)
        assert Client(again.url, page.token).enter("Ada") == 1

    def test_on_another_project_is_none(self, start, folder, tmp_path):
        start(folder, *SETTINGS)
        assert (
            start(folder, *SETTINGS, "--project", tmp_path / "mine.cadrage").client().get("/").status == 200
        )
