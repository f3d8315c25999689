"""Who is kept out, and what no page can be made to do."""

import http.client
import socket
from urllib.parse import urlsplit

import pytest

from cadrage.annotation.server.app import make_app
from cadrage.annotation.server.security import LARGEST_BODY, Access
from cadrage.errors import RequestError

from .conftest import TOKEN, Client, running

HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
NAME = b'{"name": "Ada"}'
UID = "0123456789abcdef"
PAGES = {"X-Cadrage-Token": TOKEN, "X-Cadrage-Project": UID, "Content-Type": "application/json"}

EXPECTED = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'; object-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}


@pytest.fixture
def store(store):
    """A project whose uid is known."""
    with store.writing() as database:
        database.execute("UPDATE project SET uid = ?", (UID,))
    return store


def people(client):
    return [one["name"] for one in client.get("/api/raters").json]


class TestWrites:
    @pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1], TOKEN + "x", "ä" * 8])
    def test_they_need_the_token(self, client, token):
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["X-Cadrage-Token"] = token.encode().decode("latin-1")
        answer = client.ask("POST", "/api/raters", NAME, headers)
        assert (answer.status, answer.detail) == (403, "The token is missing or wrong: reload the page.")
        assert people(client) == []

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "NONSENSE"])
    def test_whatever_their_method(self, client, method):
        assert client.ask(method, "/api/raters", NAME, {"Content-Type": "application/json"}).status == 403

    @pytest.mark.parametrize(
        "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"]
    )
    def test_they_are_json(self, client, kind):
        headers = {"X-Cadrage-Token": TOKEN} | ({"Content-Type": kind} if kind else {})
        assert client.ask("POST", "/api/raters", NAME, headers).status == 415
        assert people(client) == []

    def test_json_may_name_its_characters(self, client):
        headers = PAGES | {"Content-Type": "application/json; charset=utf-8"}
        assert client.ask("POST", "/api/raters", NAME, headers).status == 200

    @pytest.mark.parametrize("size", [LARGEST_BODY + 1, 20 * LARGEST_BODY])
    def test_they_are_small(self, client, size):
        answer = client.ask("POST", "/api/raters", b" " * size, PAGES)
        assert (answer.status, answer.detail) == (413, "A request may have 65536 bytes at most.")

    def test_they_are_small_also_when_they_do_not_say_how_large_they_are(self, client):
        chunks = (b" " * 8192 for _ in range(9))
        client.connection.request("POST", "/api/raters", chunks, PAGES, encode_chunked=True)
        assert client.connection.getresponse().status == 413

    def test_one_of_the_largest_size_is_taken(self, client):
        assert client.ask("POST", "/api/raters", NAME.ljust(LARGEST_BODY), PAGES).status == 200

    def test_one_that_breaks_off_leaves_nothing(self, client, store):
        address = urlsplit(client.url)
        with socket.create_connection((address.hostname, address.port)) as line:
            head = f"POST /api/raters HTTP/1.1\r\nHost: localhost\r\nX-Cadrage-Token: {TOKEN}\r\n"
            head += f"X-Cadrage-Project: {UID}\r\n"
            line.sendall(
                f"{head}Content-Type: application/json\r\nContent-Length: 900\r\n\r\n".encode() + NAME
            )
        assert people(client) == []


class TestOtherSites:
    @pytest.mark.parametrize(
        "host",
        ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "127.0.0.2", "[::2]"],
    )
    def test_no_other_name_leads_here(self, client, host):
        for method, path in (("GET", "/"), ("GET", "/api/raters"), ("GET", "/pictures/1.jpg")):
            answer = client.ask(method, path, headers={"Host": host})
            assert (answer.status, answer.detail) == (403, "This server does not go by that name.")
        assert client.ask("POST", "/api/raters", NAME, PAGES | {"Host": host}).status == 403
        assert people(client) == []

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8737", "LOCALHOST", "[::1]:80"])
    def test_its_own_names_do(self, client, host):
        assert client.ask("GET", "/", headers={"Host": host}).status == 200

    @pytest.mark.parametrize(
        "sent",
        [
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:1"},
            {"Origin": "http://["},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
            {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
            {"Sec-Fetch-Site": "cross-site"},
        ],
        ids=str,
    )
    def test_their_pages_neither_write_nor_read(self, client, sent):
        for answer in (
            client.ask("POST", "/api/raters", NAME, PAGES | sent),
            client.ask("GET", "/api/raters", headers=sent),
        ):
            assert (answer.status, answer.detail) == (403, "Requests from other sites are refused.")
        assert people(client) == []

    def test_a_link_from_there_may_be_followed(self, client):
        sent = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        assert client.ask("GET", "/", headers=sent).status == 200

    def test_a_form_there_may_not_be_sent(self, client):
        sent = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert client.ask("POST", "/api/raters", b"name=Ada", sent | form).status == 403

    def test_the_own_page_may_write(self, client):
        own = urlsplit(client.url).netloc
        sent = {"Origin": f"http://{own}", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
        assert client.ask("POST", "/api/raters", NAME, PAGES | sent).status == 200

    def test_no_answer_lets_them_read_along(self, client):
        answer = client.ask("GET", "/api/raters")
        assert not any(name.startswith("access-control") for name in answer.headers)


class TestPaths:
    @pytest.mark.parametrize(
        "path",
        [
            "/static/../ratings.cadrage",
            "/static/..%2f..%2fstore%2fdatabase.py",
            "/static/%2e%2e/server/app.py",
            "/static/..%5c..%5cserver%5capp.py",
            "/static/%252e%252e%252fapp.py",
            "/static//etc/passwd",
            "/static/%2fetc%2fpasswd",
            "/static/base.css%00.js",
            "/pictures/..%2f1.jpg",
            "//etc/passwd",
            "/%2e%2e/%2e%2e/etc/passwd",
        ],
    )
    def test_nothing_but_the_tables_files_can_be_had(self, client, path):
        answer = client.ask("GET", path)
        assert (answer.status, answer.headers["content-type"]) == (404, "application/json")

    @pytest.mark.parametrize("name", ["__init__.py", "", "."])
    def test_the_table_holds_pages_only(self, client, name):
        assert client.ask("GET", f"/static/{name}").status == 404


class TestTexts:
    NASTY = "<script>alert(1)</script>\"'&amp;"

    def test_names_come_back_as_they_are_in_json_that_no_browser_shows_as_a_page(self, client):
        assert client.send("POST", "/api/raters", {"name": self.NASTY}).json["name"] == self.NASTY
        answer = client.get("/api/raters")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert [one["name"] for one in answer.json] == [self.NASTY]

    def test_no_name_or_title_is_written_into_the_page(self, client, store):
        with store.writing() as database:
            database.execute("UPDATE project SET title = ?", (self.NASTY,))
        client.send("POST", "/api/raters", {"name": self.NASTY})
        assert b"alert" not in client.get("/").body
        refused = client.get("/<script>alert(1)</script>")
        assert (refused.status, refused.headers["content-type"]) == (404, "application/json")

    def test_sql_in_a_name_is_a_name(self, client):
        name = "Robert'); DROP TABLE rater;--"
        client.enter(name)
        assert people(client) == [name]


class TestHeaders:
    def test_every_answer_has_them(self, client):
        answers = [
            client.ask("GET", "/"),
            client.ask("HEAD", "/"),
            client.ask("GET", "/static/base.css"),
            client.ask("GET", "/pictures/1.jpg"),
            client.ask("GET", "/api/raters"),
            client.ask("GET", "/nothing"),
            client.ask("GET", "/", headers={"Host": "evil.example"}),
            client.ask("POST", "/api/raters", NAME),
            client.ask("POST", "/api/raters", NAME, PAGES | {"Content-Type": "text/plain"}),
            client.ask("POST", "/api/raters", b"{", PAGES),
            client.ask("DELETE", "/api/raters", b"{}", PAGES),
            client.ask("POST", "/api/raters", b" " * (LARGEST_BODY + 1), PAGES),
        ]
        assert [answer.status for answer in answers] == [200] * 5 + [404, 403, 403, 415, 422, 405, 413]
        for answer in answers:
            assert {name: answer.headers.get(name) for name in EXPECTED} == EXPECTED
            assert "cache-control" in answer.headers

    def test_a_failure_of_the_server_has_them_too_and_says_no_more(self, store):
        app = make_app(store, Access(TOKEN))

        @app.get("/fail")
        def fail():
            raise ValueError("a secret")

        with running(app) as url:
            answer = Client(url).get("/fail")
        assert (answer.status, answer.detail) == (500, "The server failed; its console says more.")
        assert {name: answer.headers.get(name) for name in EXPECTED} == EXPECTED


class TestTheTokenInTheAddress:
    @pytest.fixture
    def client(self, serving, store):
        return serving(store, Access(TOKEN, url_token=True, hosts=None))

    PATHS = ("/", "/api/project", "/api/raters", "/static/base.css", "/pictures/1.jpg")

    @pytest.mark.parametrize("path", PATHS)
    def test_nothing_is_shown_without_it(self, client, path):
        for method in ("GET", "HEAD"):
            assert client.ask(method, path).status == 403
        assert client.ask("GET", path, headers={"Cookie": "cadrage_token=guess"}).status == 403
        assert client.ask("GET", f"{path}?token=guess").status == 403
        assert TOKEN.encode() not in client.ask("GET", path).body

    def test_the_address_opens_the_pages(self, client):
        answer = client.ask("GET", f"/?token={TOKEN}")
        assert (answer.status, answer.headers["location"]) == (303, "/")
        name, _, attributes = answer.headers["set-cookie"].partition(f"={TOKEN}; ")
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(attributes.split("; "))
        for path in self.PATHS:
            assert client.ask("GET", path, headers={"Cookie": f"{name}={TOKEN}"}).status == 200

    def test_it_opens_the_first_page_only(self, client):
        assert client.ask("GET", f"/api/raters?token={TOKEN}").status == 403

    def test_scripts_can_send_it_as_a_header(self, client):
        assert client.get("/api/raters", X_Cadrage_Token=TOKEN).json == []

    def test_the_cookie_alone_does_not_write(self, client):
        cookie = client.ask("GET", f"/?token={TOKEN}").headers["set-cookie"].partition(";")[0]
        form = {"Cookie": cookie, "Content-Type": "application/json"}
        assert client.ask("POST", "/api/raters", NAME, form).status == 403
        assert client.ask("POST", "/api/raters", NAME, form | PAGES).status == 200

    def test_servers_on_two_ports_do_not_take_each_others_cookie(self, client, serving, store):
        other = serving(store, Access("another-token", url_token=True, hosts=None))
        cookies = {
            one.ask("GET", f"/?token={token}").headers["set-cookie"].partition("=")[0]
            for one, token in ((client, TOKEN), (other, "another-token"))
        }
        assert len(cookies) == 2

    def test_any_name_may_lead_here(self, client):
        headers = {"Host": "lab.example:8737", "X-Cadrage-Token": TOKEN}
        assert client.ask("GET", "/", headers=headers).status == 200


class TestAccess:
    @pytest.mark.parametrize("token", ["", "short", "has a space", "with/slash!", "é" * 10, "x" * 201])
    def test_a_token_is_long_and_plain(self, token):
        with pytest.raises(RequestError, match="8 to 200"):
            Access(token)

    def test_any_host_needs_the_token(self):
        with pytest.raises(RequestError, match="any host"):
            Access(TOKEN, hosts=None)

    def test_a_browser_is_not_needed_to_be_refused(self, client):
        """An old protocol, without a Host at all."""
        address = urlsplit(client.url)
        with socket.create_connection((address.hostname, address.port)) as line:
            line.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert line.recv(100).startswith(b"HTTP/1.1 403")

    def test_what_is_no_http_is_dropped(self, client):
        address = urlsplit(client.url)
        with socket.create_connection((address.hostname, address.port)) as line:
            line.sendall(b"\x16\x03\x01 hello\r\n\r\n")
            assert line.recv(100).startswith(b"HTTP/1.1 400")
        assert client.get("/").status == 200

    def test_a_broken_connection_leaves_the_server_well(self, client):
        address = urlsplit(client.url)
        broken = http.client.HTTPConnection(address.hostname, address.port)
        broken.request("GET", "/pictures/1.jpg")
        broken.close()
        assert client.get("/pictures/1.jpg").status == 200
