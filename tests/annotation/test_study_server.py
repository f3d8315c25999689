"""A study over HTTP: nothing tells a method, answers are kept, and come back."""

from collections import Counter

import pytest

from cadrage.annotation.store import Store
from cadrage.annotation.store.studies import descriptions, outputs, votes

from .studies import METHODS, study

HIDDEN = [name.encode() for name in METHODS]


@pytest.fixture
def preference(tmp_path, serving):
    """A client of a study of six photographs and three methods, and its store."""
    with Store.open(study(tmp_path)) as store:
        yield serving(store), store


@pytest.fixture
def description(tmp_path, serving):
    """The same, of descriptions."""
    with Store.open(study(tmp_path, question="description", captions={"p1.png": ["A beast."]})) as store:
        yield serving(store), store


def choose(client, rater: int, task: int, output: int | None):
    body = {"task": task, "output": output, "milliseconds": 1200}
    return client.send("PUT", f"/api/raters/{rater}/votes", body)


def say(client, rater: int, task: int, text: str | None):
    body = {"task": task, "text": text, "milliseconds": 1200}
    return client.send("PUT", f"/api/raters/{rater}/descriptions", body)


class TestBlindness:
    @pytest.mark.parametrize("kind", ["preference", "description"])
    def test_no_answer_of_the_server_names_a_method_or_a_caption(self, kind, request):
        client, _ = request.getfixturevalue(kind)
        rater = client.enter("Ann")
        answers = [
            client.get(path) for path in ("/", "/api/project", "/api/raters", f"/api/raters/{rater}/tasks")
        ]
        for number in range(6):
            task = client.get(f"/api/raters/{rater}/tasks/{number}")
            answers += [task, *(client.get(output["picture"]) for output in task.json["outputs"])]
            answers.append(
                choose(client, rater, number, task.json["outputs"][0]["id"])
                if kind == "preference"
                else say(client, rater, number, "Something.")
            )
        answers.append(client.get("/api/raters"))

        assert {answer.status for answer in answers} == {200}
        for answer in answers:
            said = answer.body + repr(answer.headers).encode()
            assert [name for name in (*HIDDEN, b"A beast") if name.lower() in said.lower()] == []

    def test_the_numbers_of_outputs_say_nothing(self, preference):
        _, store = preference
        ids = [output.id for output in outputs(store)]  # by photograph and method

        assert sorted(ids) != ids
        assert min(ids) > 10_000

    def test_pages_are_told_nothing_of_the_seed_or_of_what_was_left_out(self, preference):
        client, _ = preference

        assert client.get("/api/project").json["settings"] == {
            "question": "preference",
            "sizes": "area",
            "show_original": False,
        }

    def test_the_order_is_random_and_balanced(self, preference):
        client, store = preference
        method = {output.id: output.method for output in outputs(store)}
        first = Counter()
        for number in range(5):
            rater = client.enter(f"Voter {number}")
            for task in range(6):
                shown = client.get(f"/api/raters/{rater}/tasks/{task}").json["outputs"]
                first[method[shown[0]["id"]]] += 1

        assert first == dict.fromkeys(METHODS, 10)


class TestVotes:
    def test_a_vote_is_kept_with_what_was_shown(self, preference):
        client, store = preference
        rater = client.enter("Ann")
        shown = [output["id"] for output in client.get(f"/api/raters/{rater}/tasks/2").json["outputs"]]
        answer = choose(client, rater, 2, shown[1])

        assert (answer.status, answer.json) == (200, {"task": 2, "answer": shown[1], "done": 1})
        [kept] = votes(store)
        assert (kept.rater, kept.choice, list(kept.shown), kept.milliseconds) == (
            rater,
            shown[1],
            shown,
            1200,
        )

    def test_it_can_be_changed_and_taken_back(self, preference):
        client, store = preference
        rater = client.enter("Ann")
        one, other, _ = (
            output["id"] for output in client.get(f"/api/raters/{rater}/tasks/0").json["outputs"]
        )
        choose(client, rater, 0, one)
        choose(client, rater, 0, other)
        assert [vote.choice for vote in votes(store)] == [other]
        assert choose(client, rater, 0, None).json["done"] == 0

        assert list(votes(store)) == []

    def test_whoever_comes_back_goes_on(self, preference):
        client, _ = preference
        rater = client.enter("Ann")
        task = client.get(f"/api/raters/{rater}/tasks/1").json
        choose(client, rater, 1, task["outputs"][2]["id"])

        assert client.enter("ann") == rater
        tasks = client.get(f"/api/raters/{rater}/tasks").json
        assert tasks == {"tasks": [{"done": number == 1} for number in range(6)], "done": 1}
        assert client.get(f"/api/raters/{rater}/tasks/1").json == task | {"answer": task["outputs"][2]["id"]}
        assert client.get("/api/raters").json[0]["done"] == 1
        assert client.get("/api/raters").json[0]["total"] == 6

    def test_only_an_output_that_is_shown_can_be_chosen(self, preference):
        client, store = preference
        rater = client.enter("Ann")
        other = client.get(f"/api/raters/{rater}/tasks/1").json["outputs"][0]["id"]

        for output in (other, 1):
            answer = choose(client, rater, 0, output)
            assert (answer.status, answer.detail) == (
                422,
                f"There is no output {output} of this photograph to choose.",
            )
        assert list(votes(store)) == []

    def test_what_is_not_there_is_not_found(self, preference):
        client, _ = preference
        rater = client.enter("Ann")

        for path in (
            f"/api/raters/{rater}/tasks/6",
            "/api/raters/9/tasks",
            "/outputs/1.jpg",
            "/pictures/1.jpg",
        ):
            assert client.get(path).status == 404
        assert choose(client, rater, 6, 1).status == 404
        assert choose(client, 9, 0, 1).status == 404

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"task": 0, "output": "1", "milliseconds": 1},
            {"task": -1, "output": None, "milliseconds": 1},
            {"task": 0, "output": None, "milliseconds": 1, "method": "Aardvark"},
        ],
    )
    def test_odd_bodies_are_refused(self, preference, body):
        client, _ = preference
        rater = client.enter("Ann")

        assert client.send("PUT", f"/api/raters/{rater}/votes", body).status == 422

    def test_a_vote_needs_the_token(self, preference):
        client, _ = preference
        rater = client.enter("Ann")
        body = {"task": 0, "output": None, "milliseconds": 1}

        assert (
            client.send("PUT", f"/api/raters/{rater}/votes", body, X_Cadrage_Token="guessed-it").status == 403
        )

    def test_a_description_is_not_asked_for(self, preference):
        client, _ = preference
        answer = say(client, client.enter("Ann"), 0, "A beast.")

        assert (answer.status, answer.detail) == (
            422,
            "This study asks for a preference, not for a description.",
        )


class TestDescriptions:
    def test_everybody_sees_each_photograph_once_and_all_methods_in_turn(self, description):
        client, store = description
        made = {output.id: (output.photograph, output.method) for output in outputs(store)}
        seen = Counter()
        for number in range(3):
            rater = client.enter(f"Voter {number}")
            shown = [client.get(f"/api/raters/{rater}/tasks/{task}").json["outputs"] for task in range(6)]
            assert [len(one) for one in shown] == [1] * 6
            mine = [made[one[0]["id"]] for one in shown]
            assert len({photograph for photograph, _ in mine}) == 6
            assert Counter(method for _, method in mine) == dict.fromkeys(METHODS, 2)
            seen.update(mine)

        assert seen == dict.fromkeys(made.values(), 1)

    def test_a_description_is_kept_with_its_spaces_in_order(self, description):
        client, store = description
        rater = client.enter("Ann")
        answer = say(client, rater, 3, "  <b>A</b>\n beast.  ")

        assert answer.json == {"task": 3, "answer": "<b>A</b> beast.", "done": 1}
        assert [one.text for one in descriptions(store)] == ["<b>A</b> beast."]
        assert client.get(f"/api/raters/{rater}/tasks/3").json["answer"] == "<b>A</b> beast."
        assert say(client, rater, 3, None).json["done"] == 0

    @pytest.mark.parametrize("text", ["", "  ", "x" * 501, "a\u0000b"])
    def test_texts_that_are_none_are_refused(self, description, text):
        client, store = description
        answer = say(client, client.enter("Ann"), 0, text)

        assert (answer.status, answer.detail) == (422, "A description is a text of 1 to 500 letters.")
        assert list(descriptions(store)) == []

    def test_a_vote_is_not_asked_for(self, description):
        client, _ = description
        rater = client.enter("Ann")
        shown = client.get(f"/api/raters/{rater}/tasks/0").json["outputs"][0]["id"]

        assert choose(client, rater, 0, shown).status == 422
