"""Pages that stay open while their project changes, or another one takes its address."""

from pathlib import Path

import pytest
from PIL import Image

from cadrage.annotation.store import Store, gradings, raters

from .browser import Server, chromium, opened

SAMPLES = Path(__file__).parents[2] / "examples" / "photographs"
FEW = ("--grid", "6x6/2x2", "--group", "3:2", "--crops-per-page", "3", "--repeats", "0")
"""Five crops of each photograph, on two pages."""

TROUBLE = "Failed to load resource"


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def add(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        Image.open(SAMPLES / "coffee.jpg").resize((300, 200)).save(folder / f"{name}.png")


def annotate(folder):
    add(folder, "m", "n")
    return ("annotate", folder, "--title", folder.name, *FEW)


def enter(page, name="Ada"):
    page.get_by_label("Your name").fill(name)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Skip").click()
    page.wait_for_selector(".card.is-chosen")


def saved(page):
    page.wait_for_function("() => !Object.keys(localStorage).some(key => key.startsWith('cadrage:queue:'))")


def cards(page):
    page.wait_for_selector(".card.is-chosen")
    return [card.get_attribute("aria-label") for card in page.locator(".card").all()]


def kept(folder):
    with Store.open(folder / "ratings.cadrage") as store:
        return [(one.crop, one.grade) for one in gradings(store)]


def test_a_grade_that_waits_while_photographs_are_added_finds_its_crop(browser, tmp_path):
    folder = tmp_path / "photos"
    with Server(annotate(folder)) as server, opened(browser, server.url, allowed=TROUBLE) as page:
        enter(page)
        page.keyboard.press("1")
        saved(page)
        server.kill()
        page.keyboard.press("2")
        page.get_by_text("Offline, 1 waiting").wait_for()
        add(folder, "a", "b", "c", "x", "y")
        server.start()
        saved(page)
        page.keyboard.press("4")  # on the page from before, too
        saved(page)
        assert sorted(grade for _, grade in kept(folder)) == [1, 2, 4]

        page.reload()
        page.wait_for_selector(".header-count:has-text('3 of 35')")
        assert page.locator(".where").text_content() == "Page 2 of 2"  # of the photograph that was open
        page.keyboard.press("PageUp")
        page.locator(".where", has_text="Page 1 of 2").wait_for()
        assert cards(page) == ["Crop 1 of 3: bad", "Crop 2 of 3: poor", "Crop 3 of 3: good"]


def test_a_page_whose_visits_have_moved_is_loaded_anew(browser, tmp_path):
    folder = tmp_path / "photos"
    add(folder, "o", "p", "q")
    with Server(annotate(folder)) as server, opened(browser, server.url, allowed=TROUBLE) as page:
        enter(page)
        server.kill()
        add(folder, "a", "b", "c", "x", "y")
        server.start()
        for _ in range(6):  # the next photograph is there already, those after it are not
            page.keyboard.press("PageDown")
            page.wait_for_timeout(500)
            if page.get_by_role("dialog", name="have no grade yet").count():
                page.get_by_role("button", name="Leave for later").click()
                page.wait_for_timeout(500)
            if page.get_by_role("dialog", name="The project has changed").count():
                break
        page.get_by_role("button", name="Go on").click()
        page.wait_for_selector(".header-count:has-text('0 of 50')")


def test_what_waits_for_a_project_never_goes_to_another_at_its_address(browser, tmp_path):
    with Server(annotate(tmp_path / "mine")) as server:
        with opened(browser, server.url, allowed=TROUBLE) as page:
            enter(page)
            page.keyboard.press("1")
            saved(page)
            server.kill()
            page.keyboard.press("2")
            page.get_by_text("Offline, 1 waiting").wait_for()

            with Server(annotate(tmp_path / "other"), server.port) as other:
                page.get_by_text("Another project is open at this address. 1 waiting").wait_for()
                newcomer = page.context.new_page()
                newcomer.goto(other.url)
                enter(newcomer, "Ben")  # who is not taken for Ada
                newcomer.close()
            with Store.open(tmp_path / "other" / "ratings.cadrage") as store:
                assert [rater.name for rater in raters(store)] == ["Ben"]
            assert kept(tmp_path / "other") == []

            server.start()
            saved(page)
        assert [grade for _, grade in kept(tmp_path / "mine")] == [1, 2]
