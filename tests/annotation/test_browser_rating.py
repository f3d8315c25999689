"""The rating page as people use it: a real server, a real browser, photographs rated by keyboard and by mouse."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from cadrage.annotation.store import Store, gradings, raters, seconds_spent

from .browser import (
    COMMAND,
    DARK_LAPTOP,
    LAPTOP,
    PHONE,
    TABLET,
    UPRIGHT_TABLET,
    Server,
    chromium,
    opened,
    screenshot,
)

SAMPLES = Path(__file__).parents[2] / "examples" / "photographs"
FEW = ("--grid", "6x6/2x2", "--group", "3:2", "--crops-per-page", "3", "--repeats", "0")
CROPS = 5
"""Of each photograph: a page of three and a page of two."""
NO_SERVER = "ERR_CONNECTION_REFUSED"
HIDE = """hidden => {
    Object.defineProperty(document, "visibilityState", {value: hidden ? "hidden" : "visible", configurable: true});
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def lasting(tmp_path_factory) -> Server:
    """A server for tests that differ in their rater."""
    with Server(annotate(tmp_path_factory.mktemp("lasting"))) as started:
        yield started


@pytest.fixture
def mortal(tmp_path) -> Server:
    """A server that a test may kill."""
    with Server(annotate(tmp_path / "photos")) as started:
        yield started


def annotate(folder):
    folder.mkdir(exist_ok=True)
    for name in ("coffee", "rocket"):
        Image.open(SAMPLES / f"{name}.jpg").resize((300, 200)).save(folder / f"{name}.png")
    return ("annotate", folder, "--title", "Cups and <b>rockets</b>", *FEW)


def enter(page, name="Ada"):
    page.get_by_label("Your name").fill(name)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Skip").click()
    page.wait_for_selector(".card.is-chosen")


def grade(page, keys):
    """Press keys, each when the one before has had its effect."""
    for key in keys:
        before = progress(page)
        page.keyboard.press(key)
        page.wait_for_function(
            "before => document.querySelector('.header-count').textContent !== before", arg=before
        )


def progress(page):
    return page.locator(".header-count").text_content()


def saved(page):
    """Wait until the server has everything; the page says so a little earlier, for it hides short moments."""
    page.wait_for_function("() => !Object.keys(localStorage).some(key => key.startsWith('cadrage:queue:'))")
    page.get_by_text("Saved", exact=True).wait_for()


def where(page):
    return page.locator(".where").text_content()


def turned(page, text):
    page.locator(".where", has_text=text).wait_for()


def chosen(page):
    """The label of the crop in the frame."""
    return page.locator(".card.is-chosen").get_attribute("aria-label")


def project_of(server):
    return server.arguments[1] / "ratings.cadrage"


def kept(server, name="Ada"):
    """The grades that a rater has given, in the order of the crops."""
    with Store.open(project_of(server)) as store:
        (rater,) = (one.id for one in raters(store) if one.name == name)
        return [one.grade for one in gradings(store, rater=rater)]


def test_photographs_are_rated_by_keyboard_and_mouse_left_resumed_finished_exported_and_trained_on(
    browser, mortal, tmp_path
):
    with opened(browser, mortal.url, allowed=NO_SERVER) as page:
        screenshot(page, tmp_path, "rating-welcome")
        enter(page)
        assert page.title() == "Cups and <b>rockets</b>"
        assert (progress(page), where(page)) == (f"0 of {2 * CROPS} crops", "Page 1 of 2")

        grade(page, "34")
        assert chosen(page) == "Crop 3 of 3: no grade"
        screenshot(page, tmp_path, "rating-laptop")
        page.keyboard.press("ArrowLeft")
        assert chosen(page) == "Crop 2 of 3: good"
        grade_buttons = page.locator(".card").nth(2).locator(".grade")
        grade_buttons.nth(0).click()  # by mouse; after a moment the next page comes
        turned(page, "Page 2 of 2")
        page.keyboard.press("u")
        turned(page, "Page 1 of 2")
        assert chosen(page) == "Crop 3 of 3: no grade"
        page.keyboard.press("Control+z")
        assert chosen(page) == "Crop 2 of 3: no grade"
        assert progress(page) == f"1 of {2 * CROPS} crops"
        saved(page)
        assert kept(mortal) == [3]

        page.keyboard.press("PageDown")
        turned(page, "Page 2 of 2")
        grade(page, "5")
        saved(page)
    mortal.kill()
    mortal.start()

    with opened(browser, mortal.url) as page:  # another machine: it knows nothing but the server
        page.get_by_role("button", name=re.compile("Ada")).click()
        page.wait_for_selector(".card.is-chosen")
        assert (progress(page), where(page)) == (f"2 of {2 * CROPS} crops", "Page 1 of 2")
        assert chosen(page) == "Crop 2 of 3: no grade"
        grade(page, "25")
        turned(page, "Page 2 of 2")
        page.reload()  # the same machine: it knows the rater and the page
        turned(page, "Page 2 of 2")
        grade(page, "2")
        turned(page, "Page 1 of 2")
        grade(page, "123")
        turned(page, "Page 2 of 2")
        grade(page, "43")
        page.get_by_role("heading", name="Thank you, Ada").wait_for()
        page.get_by_text("Everything is saved").wait_for()
        screenshot(page, tmp_path, "rating-end")
    assert len(kept(mortal)) == 2 * CROPS

    assert_runs("ratings", "export", project_of(mortal), "--out", tmp_path / "data")
    pytest.importorskip("torch")
    quick = ("--weights", "none", "--backbone", "timm:mobilenetv3_small_050", "--validation", "1")
    assert_runs(
        "train",
        "gaicd",
        tmp_path / "data",
        "--run",
        tmp_path / "run",
        "--recipe",
        "paper",
        "--epochs",
        "1",
        *quick,
    )
    assert len(json.loads((tmp_path / "run" / "run.json").read_text())["history"]) == 1


def assert_runs(*arguments):
    ran = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_nothing_is_lost_while_the_server_is_away(browser, mortal, tmp_path):
    with opened(browser, mortal.url, allowed=NO_SERVER) as page:
        enter(page)
        grade(page, "1")
        saved(page)
        mortal.kill()
        grade(page, "23")
        page.get_by_text("Offline, 2 waiting").wait_for()
        turned(page, "Page 2 of 2")
        grade(page, "45")
        page.get_by_text("Offline, 4 waiting").wait_for()
        screenshot(page, tmp_path, "rating-offline")
        mortal.start()
        saved(page)
        assert sorted(kept(mortal)) == [1, 2, 3, 4, 5]

        mortal.kill()
        grade(page, "2")
        page.close()  # before the server has it
        mortal.start()
        later = page.context.new_page()
        later.goto(mortal.url)
        later.wait_for_selector(f".header-count:has-text('6 of {2 * CROPS}')")
        saved(later)
    assert sorted(kept(mortal)) == [1, 2, 2, 3, 4, 5]


def test_a_server_with_another_token_takes_what_waits_once_its_address_was_opened(browser, tmp_path):
    arguments = annotate(tmp_path / "photos")
    with Server((*arguments, "--token", "the-first-token")) as server:
        with opened(
            browser, f"{server.url}?token=the-first-token", allowed="Failed to load resource"
        ) as page:
            enter(page)
            server.kill()
            server.arguments = (*arguments, "--token", "another-token")
            server.start()
            page.keyboard.press("4")
            page.get_by_text("Not let in, 1 waiting").wait_for()
            page.context.new_page().goto(f"{server.url}?token=another-token")
            saved(page)
            grade(page, "5")
            saved(page)
        assert sorted(kept(server)) == [4, 5]


def test_leaving_a_photograph_with_ungraded_crops_asks_and_n_finds_them(browser, lasting):
    with opened(browser, lasting.url) as page:
        enter(page, "Barbara")
        page.keyboard.press("PageDown")
        turned(page, "Page 2 of 2")
        page.keyboard.press("1")
        page.keyboard.press("PageDown")
        question = page.get_by_role("dialog", name=f"{CROPS - 1} crops of this photograph have no grade yet")
        question.wait_for()
        page.keyboard.press("Enter")  # the first answer: go back
        turned(page, "Page 1 of 2")
        assert chosen(page) == "Crop 1 of 3: no grade"

        page.keyboard.press(".")
        turned(page, "Page 2 of 2")
        page.keyboard.press(".")
        question.wait_for()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # leave it for later
        turned(page, "Page 1 of 2")
        grade(page, "111")
        turned(page, "Page 2 of 2")
        grade(page, "11")
        turned(page, "Page 1 of 2")  # the programme ends, and leads back to what was left out
        grade(page, "11")
        page.keyboard.press("n")
        assert chosen(page) == "Crop 3 of 3: no grade"
        page.keyboard.press(".")
        turned(page, "Page 2 of 2")
        page.keyboard.press("?")
        assert chosen(page) == "Crop 2 of 2: no grade"
        grade(page, "1")
        page.get_by_role("dialog", name="1 crop of this photograph has no grade yet").wait_for()
        page.keyboard.press("Enter")
        turned(page, "Page 1 of 2")
        grade(page, "1")
        page.get_by_role("heading", name="Thank you, Barbara").wait_for()


def test_the_clock_stops_while_the_tab_is_hidden(browser, lasting):
    with opened(browser, lasting.url) as page:
        enter(page, "Cecilia")
        page.wait_for_function("() => document.querySelector('.header-clock').textContent !== '0:00'")
        page.evaluate(HIDE, True)
        before = page.locator(".header-clock").text_content()
        page.wait_for_timeout(2500)
        assert page.locator(".header-clock").text_content() == before
        page.evaluate(HIDE, False)
        page.wait_for_function(
            "now => document.querySelector('.header-clock').textContent !== now", arg=before
        )
        page.keyboard.press("3")
        saved(page)
    with Store.open(project_of(lasting)) as store:
        (cecilia,) = (one.id for one in raters(store) if one.name == "Cecilia")
        assert seconds_spent(store)[cecilia] > 0
        (given,) = gradings(store, rater=cecilia)
        assert given.grade == 3


def test_options_are_kept_and_the_help_tells_the_keys(browser, lasting, tmp_path):
    with opened(browser, lasting.url, DARK_LAPTOP) as page:
        enter(page, "Dorothy")
        page.keyboard.press("g")
        page.keyboard.press("d")
        assert page.locator(".photograph-view .thirds").is_visible()
        assert page.locator(".distribution").is_hidden()
        page.keyboard.press("h")
        page.get_by_label("The next page comes by itself").uncheck()
        screenshot(page, tmp_path, "rating-help-dark")
        page.keyboard.press("Escape")
        page.reload()
        page.wait_for_selector(".card.is-chosen")
        assert page.locator(".photograph-view .thirds").is_visible()
        grade(page, "123")
        page.wait_for_timeout(900)
        assert where(page) == "Page 1 of 2"  # until it is asked for
        page.keyboard.press("d")
        bars = page.get_by_role("img", name="Your grades for this photograph: bad 1, poor 1, fair 1, good 0")
        assert bars.is_visible()
        screenshot(page, tmp_path, "rating-thirds-dark")
        page.keyboard.press("Enter")
        turned(page, "Page 2 of 2")


def test_two_pages_of_one_rater_do_not_get_into_each_others_way(browser, lasting):
    with opened(browser, lasting.url) as page:
        enter(page, "Edith")
        other = page.context.new_page()
        other.goto(lasting.url)
        other.wait_for_selector(".card.is-chosen")
        grade(page, "12")
        grade(other, "34")
        saved(page)
        saved(other)
    assert sorted(kept(lasting, "Edith")) == [3, 4]  # the last word counts


def test_names_are_shown_as_text_and_raters_do_not_mix(browser, lasting):
    with opened(browser, lasting.url) as page:
        enter(page, "<img src=x>")
        grade(page, "1")
        saved(page)
        page.get_by_role("button", name="<img src=x>").click()
        enter(page, "Grace")
        assert progress(page) == f"0 of {2 * CROPS} crops"
        assert page.locator("img[src=x]").count() == 0
        page.get_by_role("button", name="Grace").click()
        page.get_by_role("button", name=f"<img src=x> 1 of {2 * CROPS}").wait_for()
        page.keyboard.press("Escape")
        assert page.locator(".header-rater").text_content() == "Grace"


@pytest.mark.parametrize(
    ("name", "look", "scrolls"),
    [
        ("laptop", LAPTOP, False),
        ("laptop-dark", DARK_LAPTOP, False),
        ("tablet", TABLET, False),
        ("tablet-upright", UPRIGHT_TABLET, False),
        ("phone", PHONE, True),
    ],
)
def test_the_page_fits_the_screen(browser, lasting, tmp_path, name, look, scrolls):
    with opened(browser, lasting.url, look) as page:
        page.get_by_label("Your name").fill(f"Frances {name}")
        page.get_by_role("button", name="Start").click()
        for step in range(4):
            screenshot(page, tmp_path, f"tutorial-{step + 1}-{name}")
            page.get_by_role("button", name="Next").click()
        page.locator(".try-out .grade").nth(3).click()
        screenshot(page, tmp_path, f"tutorial-5-{name}")
        page.get_by_role("button", name="Start rating").click()
        page.wait_for_selector(".stage .card.is-chosen")
        page.locator(".stage .grade").nth(4).click()
        screenshot(page, tmp_path, f"rating-{name}")
        width, height = page.evaluate(
            "['scrollWidth', 'scrollHeight'].map(side => document.documentElement[side])"
        )
        assert (width, height) == tuple(look["viewport"].values())
        stage = page.evaluate(
            "(({scrollHeight, clientHeight}) => scrollHeight > clientHeight)"
            "(document.querySelector('.stage'))"
        )
        assert stage == scrolls
        for button in page.locator(".stage .grade").all()[:5]:
            box = button.bounding_box()
            assert box["height"] >= (44 if look.get("has_touch") else 36)


def test_the_tutorial_can_be_gone_through_with_enter_alone(browser, lasting):
    with opened(browser, lasting.url) as page:
        page.get_by_label("Your name").fill("Enid")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Skip").wait_for()
        for title in ("What makes a good crop", "Five grades", "Keys", "Try it"):
            page.keyboard.press("Enter")
            page.get_by_role("heading", name=title).wait_for()
        page.keyboard.press("4")
        page.keyboard.press("Enter")
        page.wait_for_selector(".card.is-chosen")
        assert progress(page).startswith("0 of")


def test_a_key_too_many_while_the_page_turns_changes_no_grade(browser, lasting):
    with opened(browser, lasting.url) as page:
        enter(page, "Tara")
        turned(page, "Page 1")
        for key in "23455":
            page.keyboard.press(key)
        turned(page, "Page 2")
        saved(page)
    assert sorted(kept(lasting, "Tara")) in ([2, 3, 4], [2, 3, 4, 5])
