"""Studies in a real browser: served by the command, answered by keyboard, mouse and touch, found in the file."""

from collections.abc import Iterator
from typing import Any

import pytest

from cadrage.annotation.store import Store
from cadrage.annotation.store.studies import descriptions, methods, outputs, votes

from .browser import (
    DARK_LAPTOP,
    LAPTOP,
    PHONE,
    UPRIGHT_TABLET,
    Server,
    chromium,
    close_help,
    opened,
    screenshot,
)
from .studies import METHODS, photographic_study


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


def come_in(page: Any, name: str) -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Start").click()
    close_help(page)


def is_at(page: Any, task: int, tasks: int = 6) -> None:
    page.get_by_text(f"{task} of {tasks}", exact=True).wait_for()


def is_saved(page: Any) -> None:
    # Not the header's word for it: it says nothing of the first moments of saving, so as not to flicker.
    page.wait_for_function(
        "() => !Object.keys(localStorage).some((name) => name.startsWith('cadrage:queue:'))"
    )


def sizes(page: Any) -> list[tuple[float, float]]:
    """Width and height of each output on the page, in its pixels."""
    boxes = [image.bounding_box() for image in page.locator(".study-output img").all()]
    return [(box["width"], box["height"]) for box in boxes]


class TestPreference:
    def test_a_voter_chooses_closes_resumes_and_finishes(self, browser, tmp_path):
        file = photographic_study(tmp_path)
        with Server(("study", "serve", file)) as server:
            with opened(browser, server.url) as page:
                come_in(page, "Ann")
                is_at(page, 1)
                screenshot(page, tmp_path, "study-preference")
                page.keyboard.press("2")
                is_at(page, 2)
                page.keyboard.press("ArrowLeft")
                page.get_by_text("Your choice").wait_for()
                screenshot(page, tmp_path, "study-preference-chosen")
                page.keyboard.press("ArrowRight")
                is_at(page, 2)
                page.get_by_role("button", name="Output 3 of 3").click()
                is_at(page, 3)
                is_saved(page)
            server.kill()
            server.start()
            with opened(browser, server.url, DARK_LAPTOP) as page:
                page.get_by_role("button", name="Ann").click()
                page.get_by_role("button", name="Ann: someone else goes on").wait_for()
                is_at(page, 3)
                page.get_by_text("2 of 6 photographs").wait_for()
                screenshot(page, tmp_path, "study-preference-dark")
                page.keyboard.press("ArrowRight")
                for task in (4, 5, 6):
                    is_at(page, task)
                    page.keyboard.press("1")
                is_at(page, 3)  # what was left out
                page.keyboard.press("3")
                page.get_by_role("heading", name="Thank you, Ann").wait_for()
                page.get_by_text("Everything is saved").wait_for()
                screenshot(page, tmp_path, "study-ending")
        with Store.open(file) as store:
            positions = [vote.shown.index(vote.choice) for vote in votes(store)]
            assert sorted(positions) == [0, 0, 0, 1, 2, 2]

    def test_undo_goes_back_to_what_was_chosen_before(self, browser, tmp_path):
        file = photographic_study(tmp_path)
        with Server(("study", "serve", file)) as server, opened(browser, server.url) as page:
            come_in(page, "Ann")
            is_at(page, 1)
            page.keyboard.press("1")
            is_at(page, 2)
            page.keyboard.press("2")
            is_at(page, 3)
            page.keyboard.press("u")
            is_at(page, 2)
            page.get_by_text("1 of 6 photographs").wait_for()
            page.keyboard.press("Control+z")
            is_at(page, 1)
            page.get_by_text("0 of 6 photographs").wait_for()
            assert page.get_by_text("Your choice").count() == 0
            is_saved(page)
            page.keyboard.press("n")
            is_at(page, 2)
        with Store.open(file) as store:
            assert list(votes(store)) == []

    def test_nothing_in_the_page_names_a_method(self, browser, tmp_path):
        with (
            Server(("study", "serve", photographic_study(tmp_path))) as server,
            opened(browser, server.url) as page,
        ):
            answers = []
            page.on("response", lambda answer: answers.append(answer.url))
            come_in(page, "Ann")
            is_at(page, 1)
            seen = page.content() + page.evaluate("JSON.stringify(localStorage)") + "".join(answers)

        assert [name for name in METHODS if name.lower() in seen.lower()] == []

    @pytest.mark.parametrize("rule", ["area", "height"])
    def test_no_output_is_shown_larger_than_another(self, browser, tmp_path, rule):
        file = photographic_study(tmp_path, sizes=rule)
        with Server(("study", "serve", file)) as server, opened(browser, server.url) as page:
            come_in(page, "Ann")
            is_at(page, 1)
            for look in (LAPTOP, UPRIGHT_TABLET, PHONE):
                page.set_viewport_size(look["viewport"])
                screenshot(page, tmp_path, f"study-{rule}-{look['viewport']['width']}")
                found = sizes(page)
                room = page.locator(".study-outputs").bounding_box()

                measured = [width * height if rule == "area" else height for width, height in found]
                assert measured == pytest.approx([measured[0]] * 3, rel=0.02)
                assert len({round(width / height, 2) for width, height in found}) == 3
                assert all(width <= room["width"] and height <= room["height"] for width, height in found)

    def test_a_finger_will_do(self, browser, tmp_path):
        file = photographic_study(tmp_path, photographs=1)
        with Server(("study", "serve", file)) as server, opened(browser, server.url, UPRIGHT_TABLET) as page:
            come_in(page, "Ann")
            page.get_by_role("button", name="Output 2 of 3").tap()
            page.get_by_role("heading", name="Thank you, Ann").wait_for()
            page.get_by_text("Everything is saved").wait_for()
        with Store.open(file) as store:
            assert [vote.shown.index(vote.choice) for vote in votes(store)] == [1]

    def test_votes_outlive_a_server_that_is_away(self, browser, tmp_path):
        file = photographic_study(tmp_path, photographs=2)
        with Server(("study", "serve", file)) as server:
            away = "ERR_CONNECTION_REFUSED"
            with opened(browser, server.url, allowed=away) as page:
                come_in(page, "Ann")
                is_at(page, 1, 2)
                page.wait_for_load_state("networkidle")
                server.kill()
                page.keyboard.press("3")
                page.get_by_text("Offline, 1 waiting").wait_for()
                server.start()
                is_at(page, 2, 2)
                is_saved(page)
        with Store.open(file) as store:
            assert [vote.shown.index(vote.choice) for vote in votes(store)] == [2]


class TestDescription:
    def test_people_describe_what_they_see(self, browser, tmp_path):
        file = photographic_study(tmp_path, photographs=3, question="description")
        with Server(("study", "serve", file)) as server:
            with opened(browser, server.url) as page:
                come_in(page, "Ann")
                is_at(page, 1, 3)
                page.keyboard.type("A cat looks past the camera")
                screenshot(page, tmp_path, "study-description")
                page.keyboard.press("Enter")
                is_at(page, 2, 3)
                page.keyboard.type("Not yet kept")
                page.get_by_role("button", name="Next").click()  # keeps it too
                is_at(page, 3, 3)
                page.get_by_role("button", name="Previous").click()
                is_at(page, 2, 3)
                page.get_by_label("What does this picture show?").fill("Something <b>else</b>")
                page.get_by_role("button", name="Keep").click()
                is_at(page, 3, 3)
                is_saved(page)
            with opened(browser, server.url, UPRIGHT_TABLET) as page:
                page.get_by_role("button", name="Ann").click()
                is_at(page, 3, 3)
                screenshot(page, tmp_path, "study-description-tablet")
                page.get_by_label("What does this picture show?").fill("The last")
                page.get_by_role("button", name="Keep").tap()
                page.get_by_role("heading", name="Thank you, Ann").wait_for()
                page.get_by_text("Everything is saved").wait_for()
        with Store.open(file) as store:
            made = {output.id: output.method for output in outputs(store)}
            found = list(descriptions(store))
            assert sorted(one.text for one in found) == [
                "A cat looks past the camera",
                "Something <b>else</b>",
                "The last",
            ]
            assert {made[one.output] for one in found} == set(methods(store))
