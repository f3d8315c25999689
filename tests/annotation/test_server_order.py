"""Writes that come late, out of order, or to another project than they were made for."""

import pytest

from cadrage.annotation.store import add_crops, gradings, grid_crops, project_of, protocol_of, take_in

from .conftest import Client, all_visits, crops_of_visit, draw, shown_grades


class TestPhotographsThatCome:
    """Between two servers of a project: they change the order of visits, and which pages come again."""

    @pytest.fixture
    def moved(self, make_project, serving, folder):
        """The visits as they were before photographs came, a client of a server from after, and the store."""
        store = make_project(repeats=0.3, repeat_gap=1)
        before = serving(store)
        before.enter("Ada")
        protocol = protocol_of(store)
        files = [(f"new{number}.png", draw(folder / f"new{number}.png", seed=number)) for number in range(5)]
        visits = all_visits(before, 1)
        for taken in take_in(store, files):
            add_crops(store, taken.photograph, *grid_crops(taken.photograph.size_wh, protocol.grid))
        return visits, serving(store), store

    def test_grades_from_before_find_their_visit(self, moved):
        visits, after, store = moved
        given = {}
        for visit in visits:
            crop = visit["pages"][0]["crops"][0]["id"]
            answer = after.grade(1, visit["key"], crop, visit["visit"] % 5 + 1)
            if visit["key"] in after.keys(1):
                assert answer.status == 200
                given[visit["key"]] = {crop: visit["visit"] % 5 + 1}
            else:
                assert (answer.status, answer.detail) == (409, "The project has changed: reload the page.")
        shown = {visit["key"]: visit for visit in all_visits(after, 1)}
        for key, grades in given.items():
            crops = [crop for page in shown[key]["pages"] for crop in page["crops"]]
            assert {crop["id"]: crop["grade"] for crop in crops if crop["grade"]} == grades
        assert sum(len(grades) for grades in given.values()) == len(list(gradings(store)))

    def test_first_showings_keep_their_key_though_not_their_place(self, moved):
        visits, after, _ = moved
        whole = [visit for visit in visits if sum(len(page["crops"]) for page in visit["pages"]) == 12]
        assert len(whole) == 4
        places = [after.keys(1).index(visit["key"]) for visit in whole]
        assert places != [visit["visit"] for visit in whole]

    def test_keys_are_each_raters_and_each_projects_own(self, serving, make_project):
        one, other = (serving(make_project(name)) for name in ("one.cadrage", "other.cadrage"))
        keys = []
        for client in (one, other):
            keys += [*client.keys(client.enter("Ada")), *client.keys(client.enter("Ben"))]
        assert len(set(keys)) == len(keys)
        assert {len(key) for key in keys} == {16}


class TestStamps:
    """Of writes that arrive in another order than they were made in."""

    def stamp(self, milliseconds, browser="a" * 16):
        return {"browser": browser, "milliseconds": milliseconds}

    def give(self, client, *writes):
        client.enter("Ada")
        crop = crops_of_visit(client, 1, 0)[0]
        answers = [client.grade(1, 0, crop, grade, stamp=stamp) for grade, stamp in writes]
        assert {answer.status for answer in answers} == {200}
        assert [answer.json["grade"] for answer in answers] == [grade for grade, _ in writes]
        assert answers[-1].json["graded"] == client.get("/api/raters").json[0]["done"]
        return shown_grades(client, 1, 0)[crop]

    def test_the_newer_grade_stands(self, client):
        assert self.give(client, (4, self.stamp(20)), (2, self.stamp(10)), (1, self.stamp(20))) == 4
        assert self.give(client, (3, self.stamp(21))) == 3

    def test_a_grade_that_was_taken_back_stays_so(self, client):
        assert self.give(client, (4, self.stamp(10)), (None, self.stamp(30)), (2, self.stamp(20))) is None

    def test_clocks_of_two_browsers_are_not_compared(self, client):
        ahead, behind = self.stamp(10**12), self.stamp(5, "b" * 16)
        assert self.give(client, (4, ahead), (2, behind)) == 2
        assert self.give(client, (5, ahead)) == 2

    def test_without_a_stamp_the_last_counts(self, client):
        assert self.give(client, (4, self.stamp(20)), (2, None)) == 2


class TestAnotherProject:
    @pytest.fixture
    def stray(self, client, serving, make_project):
        """A client that takes the server for one of another project."""
        return Client(client.url, project=serving(make_project("other.cadrage")).uid)

    def test_every_answer_says_whose_it_is(self, client, store):
        for path in ("/api/project", "/api/raters", "/api/nothing", "/api/raters/9/visits/1"):
            assert client.get(path).headers["x-cadrage-project"] == project_of(store).uid
        assert "x-cadrage-project" not in client.get("/static/base.css").headers

    def test_nothing_is_taken_or_told_for_another(self, client, stray):
        client.enter("Ada")
        crop = crops_of_visit(client, 1, 0)[0]
        for answer in (
            stray.grade(1, client.keys(1)[0], crop, 3),
            stray.send("POST", "/api/raters", {"name": "Ben"}),
            stray.get("/api/raters", X_Cadrage_Project=stray.uid),
        ):
            assert (answer.status, answer.detail) == (409, "Another project is open at this address.")
            assert answer.headers["x-cadrage-project"] == client.uid
        assert [(one["name"], one["done"]) for one in client.get("/api/raters").json] == [("Ada", 0)]

    def test_a_write_says_which_it_is_for(self, client):
        headers = {"X-Cadrage-Token": client.token, "Content-Type": "application/json"}
        assert client.ask("POST", "/api/raters", b'{"name": "Ada"}', headers).status == 428
        assert client.get("/api/raters").json == []
