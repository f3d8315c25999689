"""What the pages ask the server for, over HTTP."""

from collections import Counter

import pytest

from cadrage.annotation.protocol import programme
from cadrage.annotation.store import gradings, photographs, project_of, protocol_of, reject

from .conftest import all_visits, crops_of_visit, shown_grades

KEYS = ("bad", "poor", "fair", "good", "excellent")


class TestTheProject:
    def test_it_introduces_itself(self, client):
        project = client.get("/api/project").json
        assert project == {
            "kind": "ratings",
            "title": "Tests",
            "photographs": 4,
            "settings": {"crops_per_page": 4},
            "grades": list(KEYS),
        }

    def test_nothing_tells_that_pages_are_repeated(self, serving, make_project):
        client = serving(make_project(repeats=0.5))
        rater = client.enter("Ada")
        answers = [client.get("/api/project"), client.get(f"/api/raters/{rater}/programme")]
        answers += [client.get(f"/api/raters/{rater}/visits/{number}") for number in range(3)]
        assert all(b"repeat" not in answer.body and b"seed" not in answer.body for answer in answers)

    def test_broken_photographs_are_left_out_and_no_file_is_named(self, store, serving):
        reject(store, photographs(store)[0], "0.png is too small.")
        project = serving(store).get("/api/project")
        assert project.json["photographs"] == 3
        assert b".png" not in project.body


class TestFiles:
    def test_the_page_holds_the_token_and_the_project(self, client, store):
        page = client.get("/")
        assert page.status == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert b'<meta name="cadrage-token" content="a-token-for-tests">' in page.body
        assert f'<meta name="cadrage-project" content="{project_of(store).uid}">'.encode() in page.body
        assert page.headers["cache-control"] == "no-store"

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("base.css", "text/css; charset=utf-8"),
            ("api.js", "text/javascript; charset=utf-8"),
            ("icon.svg", "image/svg+xml"),
        ],
    )
    def test_what_the_page_is_made_of_is_there(self, client, name, kind):
        answer = client.get(f"/static/{name}")
        assert (answer.status, answer.headers["content-type"]) == (200, kind)
        assert len(answer.body) > 50

    def test_a_picture_may_be_kept_where_its_address_is_its_own(self, client):
        rater = client.enter("Ada")
        address = client.get(f"/api/raters/{rater}/visits/0").json["photograph"]["picture"]
        picture = client.get(address)
        assert picture.headers["content-type"] == "image/jpeg"
        assert picture.body.startswith(b"\xff\xd8")
        assert "immutable" in picture.headers["cache-control"]
        plain = client.get(address.partition("?")[0])
        assert plain.body == picture.body
        assert plain.headers["cache-control"] == "no-cache"

    @pytest.mark.parametrize("path", ["/", "/static/base.css", "/pictures/1.jpg", "/api/project"])
    def test_head_answers_as_get_does_less_the_body(self, client, path):
        got, asked = client.get(path), client.ask("HEAD", path)
        assert (asked.status, asked.body) == (200, b"")
        assert asked.headers["content-length"] == str(len(got.body))
        assert asked.headers["content-type"] == got.headers["content-type"]

    @pytest.mark.parametrize(
        "path",
        [
            "/nothing",
            "/docs",
            "/openapi.json",
            "/redoc",
            "/static/nothing.js",
            "/static/",
            "/api/project/",
            "/pictures/99.jpg",
            "/pictures/x.jpg",
            f"/pictures/{10**30}.jpg",
            "/pictures/-1.jpg",
        ],
    )
    def test_what_is_not_there_is_404_in_json(self, client, path):
        answer = client.get(path)
        assert (answer.status, answer.headers["content-type"]) == (404, "application/json")
        assert answer.detail.endswith(".")

    def test_a_wrong_method_is_405(self, client):
        answer = client.send("DELETE", "/api/raters", {})
        assert (answer.status, answer.detail) == (405, "DELETE is not for /api/raters.")


class TestPeople:
    def test_a_name_has_its_own_progress_and_comes_again(self, client):
        ada = client.send("POST", "/api/raters", {"name": " Ada  Lovelace "}).json
        assert ada == {"id": 1, "name": "Ada Lovelace", "done": 0, "total": 48, "seconds": 0.0}
        bob = client.enter("Bob")
        client.grade(ada["id"], 0, crops_of_visit(client, ada["id"], 0)[0], 5)
        assert client.send("POST", "/api/raters", {"name": "ada lovelace"}).json == {**ada, "done": 1}
        people = client.get("/api/raters").json
        assert [(one["id"], one["done"], one["total"]) for one in people] == [(1, 1, 48), (bob, 0, 48)]

    def test_time_at_work_is_kept_by_session(self, client):
        rater = client.enter("Ada")
        place = f"/api/raters/{rater}/time"
        for session, seconds in (("one", 15), ("one", 30.5), ("two", 4)):
            assert client.send("PUT", place, {"session": session, "seconds": seconds}).status == 200
        assert client.get("/api/raters").json[0]["seconds"] == 34.5
        other = client.send(
            "PUT", f"/api/raters/{client.enter('Bob')}/time", {"session": "one", "seconds": 99}
        )
        assert (other.status, other.detail) == (422, "This session is another rater's.")

    @pytest.mark.parametrize(
        "path", ["/programme", "/visits/0", "/grades", "/time"], ids=lambda path: path[1:]
    )
    @pytest.mark.parametrize("rater", ["7", str(10**25), "-1", "x"])
    def test_nobody_is_not_there(self, client, rater, path):
        bodies = {
            "/grades": {"visit": "0", "crop": 1, "grade": 3, "milliseconds": 5},
            "/time": {"session": "one", "seconds": 1},
        }
        place = f"/api/raters/{rater}{path}"
        answer = client.send("PUT", place, bodies[path]) if path in bodies else client.get(place)
        assert answer.status == 404


class TestRating:
    @pytest.fixture
    def ada(self, client):
        return client.enter("Ada")

    def test_the_programme_says_how_much_there_is(self, client, ada):
        programme = client.get(f"/api/raters/{ada}/programme").json
        keys = [visit.pop("key") for visit in programme["visits"]]
        assert programme == {"visits": [{"crops": 12, "graded": 0}] * 4, "crops": 48, "graded": 0}
        assert len(set(keys)) == 4
        assert [visit["key"] for visit in all_visits(client, ada)] == keys

    def test_a_visit_is_a_photograph_and_its_pages(self, client, ada):
        visit = client.get(f"/api/raters/{ada}/visits/2").json
        assert visit["visit"] == 2
        assert (visit["photograph"]["width"], visit["photograph"]["height"]) == (120, 80)
        # The anchors of 8 x 8 bins and corner blocks of 3 x 3, grouped: see test_protocol.
        assert sum(len(page["crops"]) for page in visit["pages"]) == 12
        for page in visit["pages"]:
            assert 1 <= len(page["crops"]) <= 4
            for crop in page["crops"]:
                x1, y1, x2, y2 = crop["box"]
                assert 0 <= x1 < x2 <= 120
                assert 0 <= y1 < y2 <= 80
                assert crop["grade"] is None
        assert len({visit["photograph"]["id"] for visit in all_visits(client, ada)}) == 4

    def test_a_grade_is_kept_replaced_and_taken_back(self, client, ada, store):
        crop = crops_of_visit(client, ada, 0)[0]
        assert client.grade(ada, 0, crop, 4).json == {
            "crop": crop,
            "grade": 4,
            "graded": 1,
            "total_graded": 1,
        }
        assert client.grade(ada, 0, crop, 2, 1300).json["total_graded"] == 1
        assert shown_grades(client, ada, 0)[crop] == 2
        assert [(one.grade, one.milliseconds) for one in gradings(store)] == [(2, 1300)]
        assert client.grade(ada, 0, crop, None).json == {
            "crop": crop,
            "grade": None,
            "graded": 0,
            "total_graded": 0,
        }
        assert client.grade(ada, 0, crop, None).json["total_graded"] == 0
        assert shown_grades(client, ada, 0)[crop] is None
        assert list(gradings(store)) == []

    def test_everybody_sees_their_own_grades_only(self, client, ada):
        bob = client.enter("Bob")
        for visit in range(4):
            for crop in crops_of_visit(client, ada, visit):
                client.grade(ada, visit, crop, 5)
        assert client.get(f"/api/raters/{bob}/programme").json["graded"] == 0
        assert set(shown_grades(client, bob, 0).values()) == {None}

    def test_work_goes_on_where_it_stopped_on_another_server(self, client, ada, store, serving):
        for crop in crops_of_visit(client, ada, 0):
            client.grade(ada, 0, crop, 3)
        again = serving(store)
        assert again.enter("Ada") == ada
        first = again.get(f"/api/raters/{ada}/programme").json["visits"][0]
        assert (first["crops"], first["graded"]) == (12, 12)
        assert set(shown_grades(again, ada, 0).values()) == {3}

    @pytest.mark.parametrize("visit", [4, 10**15])
    def test_a_visit_beyond_the_programme_is_not_there(self, client, ada, visit):
        assert client.get(f"/api/raters/{ada}/visits/{visit}").detail == f"There is no visit {visit}."

    def test_a_crop_is_graded_on_its_own_visit_only(self, client, ada, store):
        crop = crops_of_visit(client, ada, 0)[0]
        answer = client.grade(ada, 1, crop, 3)
        assert (answer.status, answer.detail) == (404, f"This visit shows no crop {crop}.")
        shown = {crop for visit in range(4) for crop in crops_of_visit(client, ada, visit)}
        unratable = min(set(range(1, 61)) - shown)
        assert client.grade(ada, 0, unratable, 3).status == 404
        assert list(gradings(store)) == []

    @pytest.mark.parametrize(
        "wrong",
        [
            {"grade": 0},
            {"grade": 6},
            {"grade": "3"},
            {"grade": True},
            {"grade": 3.0},
            {"grade": 3.5},
            {"grade": [3]},
            {"grade": float("nan")},
            {"grade": float("inf")},
            {"visit": 0},
            {"visit": None},
            {"visit": "0" * 65},
            {"stamp": 5},
            {"stamp": {"browser": "0" * 16, "milliseconds": -1}},
            {"stamp": {"browser": "mine", "milliseconds": 5}},
            {"crop": "1"},
            {"crop": None},
            {"crop": 10**30},
            {"milliseconds": -1},
            {"milliseconds": float("inf")},
            {"milliseconds": "500"},
            {"pass": 1},
            {"is_repeat": True},
        ],
    )
    def test_only_whole_numbers_in_their_range_are_taken(self, client, ada, store, wrong):
        crop = crops_of_visit(client, ada, 0)[0]
        given = {"visit": client.keys(ada)[0], "crop": crop, "grade": 3, "milliseconds": 500} | wrong
        answer = client.send("PUT", f"/api/raters/{ada}/grades", given)
        assert answer.status == 422
        assert next(iter(wrong)) in answer.detail
        assert list(gradings(store)) == []

    @pytest.mark.parametrize("missing", ["visit", "crop", "grade", "milliseconds"])
    def test_no_field_may_be_left_out(self, client, ada, missing):
        given = {"visit": client.keys(ada)[0], "crop": 1, "grade": 3, "milliseconds": 500}
        del given[missing]
        answer = client.send("PUT", f"/api/raters/{ada}/grades", given)
        assert (answer.status, missing in answer.detail) == (422, True)


class TestHiddenRepeats:
    @pytest.fixture
    def store(self, make_project):
        return make_project(repeats=0.5, repeat_gap=1)

    @pytest.fixture
    def repeat(self, client, store):
        """Number of the first repeating visit of rater 1, and of the visit that it repeats."""
        client.enter("Ada")
        pages = [len(client.get(f"/api/raters/1/visits/{number}").json["pages"]) for number in range(1)]
        visits = programme(pages * 4, protocol_of(store), 1)
        number = next(number for number, visit in enumerate(visits) if visit.is_repeat)
        first = [visit.photograph for visit in visits].index(visits[number].photograph)
        return number, first

    def test_a_repeat_looks_like_any_visit_and_shows_no_earlier_grade(self, client, repeat):
        number, first = repeat
        for crop in crops_of_visit(client, 1, first):
            client.grade(1, first, crop, 5)
        again = client.get(f"/api/raters/1/visits/{number}").json
        assert again.keys() == client.get(f"/api/raters/1/visits/{first}").json.keys()
        assert {crop["id"] for page in again["pages"] for crop in page["crops"]} <= set(
            crops_of_visit(client, 1, first)
        )
        assert set(shown_grades(client, 1, number).values()) == {None}

    def test_the_visit_says_whether_a_grade_is_the_repeat_and_the_client_does_not(
        self, client, store, repeat
    ):
        number, first = repeat
        crop = crops_of_visit(client, 1, number)[0]
        client.grade(1, first, crop, 5)
        client.grade(1, number, crop, 2)
        stand = [(one.crop, one.is_repeat, one.grade) for one in gradings(store)]
        assert stand == [(crop, False, 5), (crop, True, 2)]
        assert shown_grades(client, 1, first)[crop] == 5
        assert shown_grades(client, 1, number)[crop] == 2

    def test_repeats_count_in_the_programme(self, client, repeat):
        number, _ = repeat
        before = client.get("/api/raters/1/programme").json
        assert before["crops"] == sum(visit["crops"] for visit in before["visits"]) > 48
        crop = crops_of_visit(client, 1, number)[0]
        client.grade(1, number, crop, 2)
        after = client.get("/api/raters/1/programme").json
        assert after["visits"][number]["graded"] == after["graded"] == 1
        assert client.get("/api/raters").json[0]["total"] == before["crops"]

    def test_they_are_counted_again_by_another_server(self, client, store, repeat, serving):
        for number in range(len(client.get("/api/raters/1/programme").json["visits"])):
            for crop in crops_of_visit(client, 1, number):
                client.grade(1, number, crop, 4)
        done = serving(store).get("/api/raters/1/programme").json
        assert done["graded"] == done["crops"]
        assert Counter(one.is_repeat for one in gradings(store)) == {False: 48, True: done["crops"] - 48}


class TestRefusals:
    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[" * 60_000, b'"Ada"', b"null", b"\xff\xfe", b'{"name": "\\ud800"}']
    )
    def test_what_is_no_such_json_is_refused_with_a_sentence(self, client, body):
        headers = {"X-Cadrage-Token": client.token, "X-Cadrage-Project": client.uid}
        answer = client.ask("POST", "/api/raters", body, headers | {"Content-Type": "application/json"})
        assert answer.status in (400, 422)
        assert "Traceback" not in answer.detail
        assert client.get("/api/raters").json == []

    @pytest.mark.parametrize("name", ["", "  ", "x" * 61, "x" * 5000, 7, None, ["Ada"], "a\u0000b"])
    def test_what_is_no_name_is_refused(self, client, name):
        assert client.send("POST", "/api/raters", {"name": name}).status == 422

    @pytest.mark.parametrize("seconds", [-1, "5", float("nan"), float("inf"), 1e9, True])
    def test_what_is_no_time_is_refused(self, client, seconds):
        rater = client.enter("Ada")
        given = {"session": "one", "seconds": seconds}
        assert client.send("PUT", f"/api/raters/{rater}/time", given).status == 422

    def test_a_project_that_cannot_be_written_is_503(self, store, serving):
        client = serving(store)
        client.enter("Ada")
        crop = crops_of_visit(client, 1, 0)[0]
        with store.reading() as database:
            database.execute("PRAGMA query_only = ON")
        answer = client.grade(1, 0, crop, 3)
        assert answer.status == 503
        assert "cannot be used" in answer.detail
        with store.reading() as database:
            database.execute("PRAGMA query_only = OFF")
        assert client.grade(1, 0, crop, 3).json["total_graded"] == 1
