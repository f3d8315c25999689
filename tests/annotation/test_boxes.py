"""Captions and the boxes drawn for them: the file, the project, what a rater is shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadrage.annotation.protocol import photograph_order
from cadrage.annotation.store import create_project, enter, photographs, take_in
from cadrage.annotation.store.boxes import (
    CaptionProtocol,
    boxes_drawn,
    captioned,
    captions,
    check_box,
    draw,
    drawn,
    read_captions,
    take_captions,
    tasks,
)
from cadrage.errors import DataError, RequestError
from cadrage.geometry import Box

CAPTIONS = {"0.png": ("a cat", "its nose"), "1.png": ("a dog",), "2.png": ("a bird", "its wing", "its beak")}


@pytest.fixture
def make_captions(tmp_path, folder):
    """Makes a project of the folder's four photographs of 120 x 80 pixels; the last has no caption."""

    def make(texts=CAPTIONS, name="captions.cadrage", **settings):
        protocol = CaptionProtocol(**settings)
        store = create_project(tmp_path / name, "captions", "Pets", protocol.to_dict())
        opened.append(store)
        list(take_in(store, [(path.name, path) for path in sorted(folder.iterdir())]))
        take_captions(store, texts)
        return store

    opened = []
    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(make_captions):
    return make_captions()


def texts_of(store, rater):
    return [caption.text for caption in tasks(store, rater)]


def ids(store):
    return {caption.text: caption.id for caption in captions(store)}


class TestProtocol:
    def test_is_kept_as_plain_values(self):
        protocol = CaptionProtocol("3:2", 0.1, 2, "random", 7)
        assert CaptionProtocol.from_dict(json.loads(json.dumps(protocol.to_dict()))) == protocol

    @pytest.mark.parametrize(
        ("settings", "sentence"),
        [
            ({"ratio": "5:1"}, "from 1:4 to 4:1; got 5:1"),
            ({"ratio": "wide"}, "'wide' is not an aspect ratio"),
            ({"smallest_side": 0.3}, "from 0.01 to 0.25"),
            ({"captions_per_photograph": 0}, "At least 1 caption"),
            ({"order": "sorted"}, "'balanced' or 'random'"),
        ],
    )
    def test_refuses_what_cannot_be_drawn(self, settings, sentence):
        with pytest.raises(RequestError, match=sentence):
            CaptionProtocol(**settings)


class TestFile:
    def read(self, tmp_path, *lines):
        path = tmp_path / "captions.jsonl"
        path.write_text("\n".join(lines), encoding="utf-8")
        return read_captions(path)

    def test_holds_one_caption_or_several_a_line(self, tmp_path):
        assert self.read(
            tmp_path,
            '{"image": "a.jpg", "captions": ["A  dog\\truns .", "A dog runs ."], "width": 5, "entities": []}',
            "",
            '{"image": "b.jpg", "caption": "Ein Käfer"}',
            '{"image": "a.jpg", "caption": "grass"}',
        ) == {"a.jpg": ("A dog runs .", "grass"), "b.jpg": ("Ein Käfer",)}

    @pytest.mark.parametrize(
        ("line", "sentence"),
        [
            ('{"image": "a.jpg"', "line 2 is no JSON"),
            ('["a.jpg", "dog"]', 'line 2 is no object with "image"'),
            ('{"image": 3, "caption": "dog"}', 'line 2 is no object with "image"'),
            ('{"image": "a.jpg"}', 'line 2 needs "captions"'),
            ('{"image": "a.jpg", "captions": "dog"}', 'line 2 needs "captions", a list'),
            ('{"image": "a.jpg", "captions": []}', 'line 2 needs "captions"'),
            ('{"image": "a.jpg", "caption": "  "}', "line 2: a caption is a text of 1 to 1000"),
            ('{"image": "a.jpg", "captions": ["x", null]}', "line 2: a caption is a text"),
            ('{"image": "a.jpg", "caption": "\\u0007"}', "line 2: a caption is a text"),
        ],
    )
    def test_names_the_line_that_is_wrong(self, tmp_path, line, sentence):
        with pytest.raises(DataError, match=f"captions.jsonl,? {sentence}"):
            self.read(tmp_path, '{"image": "a.jpg", "caption": "dog"}', line)

    def test_must_be_there_and_hold_something(self, tmp_path):
        with pytest.raises(DataError, match="cannot be read: No such file"):
            read_captions(tmp_path / "none.jsonl")
        with pytest.raises(DataError, match="holds no caption"):
            self.read(tmp_path, "")
        (tmp_path / "latin.jsonl").write_bytes(b'{"image": "a", "caption": "caf\xe9"}')
        with pytest.raises(DataError, match="no text in UTF-8"):
            read_captions(tmp_path / "latin.jsonl")


class TestCaptions:
    def test_of_photographs_that_the_folder_lacks_are_named(self, make_captions):
        store = make_captions({})
        taken = take_captions(store, {**CAPTIONS, "far/away.png": ("nobody",)})
        assert (taken.added, taken.unknown, taken.uncaptioned) == (6, ("far/away.png",), ("3.png",))

    def test_of_a_broken_photograph_wait_until_it_is_mended(self, make_captions, folder):
        (folder / "9.png").write_text("no picture")
        store = make_captions({"9.png": ("a horse",)})
        assert captions(store) == ()
        assert take_captions(store, {"9.png": ("a horse",)}).unknown == ()
        (folder / "9.png").write_bytes((folder / "0.png").read_bytes())
        list(take_in(store, [("9.png", folder / "9.png")]))
        assert take_captions(store, {"9.png": ("a horse",)}).added == 1

    def test_keep_their_places_and_boxes_when_the_file_grows(self, store):
        before = captions(store)
        ada = enter(store, "Ada").id
        draw(store, ada, before[0].id, Box(0, 0, 60, 40), 10)
        assert take_captions(store, {"0.png": ("its tail", "a cat")}).added == 1
        assert [(c.position, c.text) for c in captions(store)[:3]] == [
            (0, "a cat"),
            (1, "its nose"),
            (2, "its tail"),
        ]
        assert set(before) <= set(captions(store))
        assert len(list(drawn(store))) == 1

    def test_are_the_first_of_each_photograph_if_few_are_used(self, make_captions):
        store = make_captions(captions_per_photograph=2)
        assert [(photo.name, len(texts)) for photo, texts in captioned(store)] == [
            ("0.png", 2),
            ("1.png", 1),
            ("2.png", 2),
        ]
        assert take_captions(store, CAPTIONS).added == 0

    def test_belong_to_projects_of_their_kind(self, make_project):
        with pytest.raises(
            DataError, match="is a project of rated crops, not a project of captions and boxes"
        ):
            take_captions(make_project(), CAPTIONS)


class TestTasks:
    def test_go_round_the_photographs_in_the_raters_order(self, store):
        order = photograph_order(3, "balanced", 0, rater=2)
        first = [("a cat", "a dog", "a bird")[photograph] for photograph in order]
        second = [
            text for text in (("its nose", None, "its wing")[photograph] for photograph in order) if text
        ]
        assert texts_of(store, 2) == [*first, *second, "its beak"]

    def test_are_the_same_on_every_call_and_every_caption_once(self, store):
        for rater in range(1, 6):
            assert texts_of(store, rater) == texts_of(store, rater)
            assert sorted(texts_of(store, rater)) == sorted(ids(store))

    def test_follow_the_seed(self, make_captions):
        orders = {tuple(texts_of(make_captions(name=f"{seed}.cadrage", seed=seed), 1)) for seed in range(8)}
        assert len(orders) > 1

    def test_are_none_without_captions(self, make_captions):
        assert tasks(make_captions({}), 1) == ()


class TestBoxes:
    def test_are_kept_one_for_each_rater_and_caption(self, store):
        ada, ben = enter(store, "Ada").id, enter(store, "Ben").id
        dog = ids(store)["a dog"]
        draw(store, ada, dog, Box(0, 0, 120, 80), 1500)
        draw(store, ben, dog, Box(10, 20.5, 60, 70), 2500)
        draw(store, ada, dog, Box(1, 2, 30, 40), 90_000_000)
        found = list(drawn(store, caption=dog))
        assert [(one.rater, one.box) for one in found] == [
            (ada, Box(1, 2, 30, 40)),
            (ben, Box(10, 20.5, 60, 70)),
        ]
        assert [one.milliseconds for one in found] == [3_600_000, 2500]
        assert boxes_drawn(store) == {ada: 1, ben: 1}

    def test_are_taken_back(self, store):
        ada, dog = enter(store, "Ada").id, ids(store)["a dog"]
        draw(store, ada, dog, Box(0, 0, 120, 80), 0)
        draw(store, ada, dog, None, 0)
        draw(store, ada, dog, None, 0)
        assert list(drawn(store)) == []

    @pytest.mark.parametrize(
        ("box", "sentence"),
        [
            (Box(-0.5, 0, 60, 40), "leaves the frame of 120 x 80 pixels"),
            (Box(0, 0, 120.5, 80), "leaves the frame"),
            (Box(0, 0, 7.5, 80), "too small: each side is at least 8 pixels"),
            (Box(0, 0, 60, 50), "has another ratio than 3:2"),
        ],
    )
    def test_are_refused_where_they_break_the_protocol(self, make_captions, box, sentence):
        store = make_captions(ratio="3:2", smallest_side=0.1)
        with pytest.raises(RequestError, match=sentence):
            draw(store, enter(store, "Ada").id, ids(store)["a dog"], box, 0)
        assert list(drawn(store)) == []

    @given(
        left=st.floats(0, 900),
        top=st.floats(0, 500),
        height=st.floats(70, 200),
        ratio=st.sampled_from(["16:9", "2:3"]),
    )
    def test_of_a_fixed_ratio_may_be_rounded_to_whole_pixels(self, left, top, height, ratio):
        width = height * {"16:9": 16 / 9, "2:3": 2 / 3}[ratio]
        rounded = Box(*Box(left, top, left + width, top + height).rounded())
        check_box(rounded, (1400, 800), CaptionProtocol(ratio))

    def test_are_of_known_raters_and_captions(self, store):
        ada, dog = enter(store, "Ada").id, ids(store)["a dog"]
        with pytest.raises(RequestError, match="no rater 9"):
            draw(store, 9, dog, Box(0, 0, 60, 40), 0)
        with pytest.raises(RequestError, match="no caption 99"):
            draw(store, ada, 99, Box(0, 0, 60, 40), 0)


class TestRoutes:
    def test_show_a_task_with_the_own_box_only(self, store, serving):
        client = serving(store)
        ada, ben = client.enter("Ada"), client.enter("Ben")
        number = texts_of(store, ada).index("a dog")
        dog = ids(store)["a dog"]
        put = client.send(
            "PUT", f"/api/raters/{ada}/boxes", {"caption": dog, "box": [10, 20, 70, 60], "milliseconds": 800}
        )
        assert (put.status, put.json) == (200, {"caption": dog, "box": [10, 20, 70, 60], "drawn": 1})
        task = client.get(f"/api/raters/{ada}/tasks/{number}").json
        photograph = photographs(store)[1]
        assert task["caption"] == {"id": dog, "text": "a dog"}
        assert (task["photograph"]["id"], task["photograph"]["width"], task["photograph"]["height"]) == (
            photograph.id,
            120,
            80,
        )
        assert (task["box"], task["ratio"], task["smallest"]) == ([10, 20, 70, 60], None, 4)
        of_ben = texts_of(store, ben).index("a dog")
        assert client.get(f"/api/raters/{ben}/tasks/{of_ben}").json["box"] is None
        assert [one["done"] for one in client.get(f"/api/raters/{ben}/tasks").json["tasks"]] == [False] * 6
        mine = client.get(f"/api/raters/{ada}/tasks").json["tasks"]
        assert [one["caption"] for one in mine if one["done"]] == [dog]
        assert [one["caption"] for one in mine] == [caption.id for caption in tasks(store, ada)]

    def test_count_captions_as_progress(self, store, serving):
        client = serving(store)
        ada = client.enter("Ada")
        draw(store, ada, ids(store)["a dog"], Box(0, 0, 60, 40), 0)
        [known] = client.get("/api/raters").json
        assert (known["done"], known["total"]) == (1, 6)

    def test_tell_the_fixed_ratio(self, make_captions, serving):
        client = serving(make_captions(ratio="3:2"))
        assert client.get(f"/api/raters/{client.enter('Ada')}/tasks/0").json["ratio"] == 1.5

    def test_keep_the_order_and_seed_to_themselves(self, store, serving):
        project = serving(store).get("/api/project").json
        assert (project["kind"], project["settings"]) == ("captions", {"ratio": None, "smallest_side": 0.05})

    @pytest.mark.parametrize(
        ("body", "status", "sentence"),
        [
            ({"caption": 1, "box": [0, 0, 500, 40], "milliseconds": 5}, 422, "leaves the frame"),
            ({"caption": 1, "box": [0, 0, 60], "milliseconds": 5}, 422, "box"),
            ({"caption": 1, "box": ["0", 0, 60, 40], "milliseconds": 5}, 422, "box"),
            ({"caption": 1, "box": [60, 0, 0, 40], "milliseconds": 5}, 422, "x1 < x2"),
            ({"caption": 99, "box": [0, 0, 60, 40], "milliseconds": 5}, 422, "no caption 99"),
            ({"caption": 1, "milliseconds": 5}, 422, "box"),
            ({"caption": 1, "box": None, "milliseconds": -1}, 422, "milliseconds"),
            ({"caption": 1, "box": None, "milliseconds": 5, "rater": 2}, 422, "rater"),
        ],
    )
    def test_refuse_other_bodies(self, store, serving, body, status, sentence):
        client = serving(store)
        answer = client.send("PUT", f"/api/raters/{client.enter('Ada')}/boxes", body)
        assert answer.status == status
        assert sentence in answer.detail

    def test_know_what_is_not_there(self, store, serving):
        client = serving(store)
        ada = client.enter("Ada")
        for path in (f"/api/raters/{ada}/tasks/6", "/api/raters/9/tasks", "/api/raters/9/tasks/0"):
            assert client.get(path).status == 404
        unknown = {"caption": 1, "box": None, "milliseconds": 0}
        assert client.send("PUT", "/api/raters/9/boxes", unknown).status == 404

    def test_take_no_box_without_the_token(self, store, serving):
        client = serving(store)
        body = {"caption": 1, "box": [0, 0, 60, 40], "milliseconds": 5}
        answer = client.send("PUT", f"/api/raters/{client.enter('Ada')}/boxes", body, X_Cadrage_Token="guess")
        assert answer.status == 403
        assert list(drawn(store)) == []
