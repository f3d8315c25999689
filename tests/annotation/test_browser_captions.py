"""The page of captions in a real browser: boxes by mouse, by touch and by keyboard end up in the project."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from cadrage.annotation.quality.boxes import report_boxes
from cadrage.annotation.store import Store, create_project, enter, photographs, raters, take_in
from cadrage.annotation.store.boxes import CaptionProtocol, captions, draw, drawn, take_captions, tasks
from cadrage.geometry import Box

from .browser import DARK_LAPTOP, LAPTOP, UPRIGHT_TABLET, chromium, close_help, opened, screenshot
from .conftest import draw as draw_photograph

REFUSED_OR_AWAY = "Failed to load resource"
"""What Chromium says of a request that the server refused or did not get."""

SIZES = {"large.jpg": (3000, 2000), "portrait.jpg": (900, 2400), "small.jpg": (300, 200)}
CAPTIONS = {
    "large.jpg": ["A bright patch.", "<script>document.title = 'broken'</script> & <b>bold</b>"],
    "portrait.jpg": ["A tall gradient."],
    "small.jpg": ["A small picture with a patch."],
}


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def make_captions(tmp_path) -> Iterator[Callable[..., Store]]:
    """Makes a project of three photographs, of which two are larger than they are shown, with four captions."""

    def make(**settings: object) -> Store:
        store = create_project(
            tmp_path / "captions.cadrage", "captions", "Patches", CaptionProtocol(**settings).to_dict()
        )
        stores.append(store)
        files = [(name, draw_photograph(tmp_path / name, size)) for name, size in SIZES.items()]
        list(take_in(store, files))
        take_captions(store, CAPTIONS)
        return store

    stores: list[Store] = []
    yield make
    for store in stores:
        store.close()


@dataclass
class Drawer:
    """A person in front of the page."""

    page: Any

    def come(self, name: str, *, new: bool = True) -> None:
        """Give a name, and read the help if one is new."""
        self.page.get_by_label("Your name").fill(name)
        self.page.keyboard.press("Enter")
        if new:
            close_help(self.page)
        self.wait_for_picture()

    def wait_for_picture(self) -> None:
        self.until("document.querySelector('.board img')?.naturalWidth > 0")

    @property
    def caption(self) -> str:
        return self.page.locator(".sentence").inner_text()

    def next(self, do: Callable[[], None]) -> None:
        """Do something that leads to another caption, and wait for it."""
        number = self.page.locator(".number").inner_text()
        do()
        self.until(f"document.querySelector('.number')?.textContent !== '{number}'")

    def saved(self) -> None:
        """Wait until the server has everything."""
        self.until("Object.keys(localStorage).every(key => !key.startsWith('cadrage:queue:'))")

    def until(self, condition: str) -> None:
        """Wait for a condition in JavaScript; the page's own rules forbid Playwright's way of waiting for one."""
        for _ in range(3000):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(20)
        pytest.fail(f"never came true: {condition}")

    def spots(self, size_wh: tuple[int, int], fractions: list[tuple[float, float]]):
        """Points of the screen, in whole pixels, near these parts of the frame; and where they are in the frame."""
        place = self.page.locator(".photograph-view").bounding_box()
        screen, frame = [], []
        for across, down in fractions:
            x = round(place["x"] + across * place["width"])
            y = round(place["y"] + down * place["height"])
            screen.append((x, y))
            frame.append(
                (
                    (x - place["x"]) / place["width"] * size_wh[0],
                    (y - place["y"]) / place["height"] * size_wh[1],
                )
            )
        return screen, frame

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move(*end, steps=5)
        mouse.up()

    def swipe(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """The same with a finger."""
        session = self.page.context.new_cdp_session(self.page)

        def touch(kind: str, *points: tuple[float, float]) -> None:
            touched = [{"x": x, "y": y} for x, y in points]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

        touch("touchStart", start)
        for step in range(1, 6):
            touch("touchMove", tuple(a + (b - a) * step / 5 for a, b in zip(start, end, strict=True)))
        touch("touchEnd")


@pytest.fixture
def visit(browser) -> Iterator[Callable[..., Drawer]]:
    """Opens the page on a device of one's own, which knows nothing of other visits."""
    with ExitStack() as pages:

        def open_page(url: str, look: dict[str, Any] = LAPTOP) -> Drawer:
            return Drawer(pages.enter_context(opened(browser, url, look, REFUSED_OR_AWAY)))

        yield open_page


def name_of(store: Store, text: str) -> str:
    names = {photograph.id: photograph.name for photograph in photographs(store)}
    return next(names[caption.photograph] for caption in captions(store) if caption.text == text)


def box_of(store: Store, rater: str, text: str) -> tuple[float, ...]:
    number = next(known.id for known in raters(store) if known.name == rater)
    caption = next(caption.id for caption in captions(store) if caption.text == text)
    [drawing] = drawn(store, rater=number, caption=caption)
    return drawing.box.as_tuple()


PLACES = [(0.2, 0.3), (0.75, 0.8)]


def corners(frame: list[tuple[float, float]]) -> tuple[float, ...]:
    return (*frame[0], *frame[1])


def test_two_raters_draw_by_mouse_and_by_touch_leave_and_come_back(make_captions, serving, visit, tmp_path):
    store = make_captions()
    url = serving(store).url
    expected: dict[tuple[str, str], tuple[float, ...]] = {}

    def draw_here(drawer: Drawer, name: str, drag: Callable, places=PLACES) -> str:
        text = drawer.caption
        screen, frame = drawer.spots(SIZES[name_of(store, text)], places)
        drag(*screen)
        expected[name, text] = corners(frame)
        return text

    ada = visit(url)
    ada.come("Ada")
    for _ in range(2):
        draw_here(ada, "Ada", ada.drag)
        ada.next(lambda: ada.page.keyboard.press("Enter"))
    third = draw_here(ada, "Ada", ada.drag)
    ada.page.keyboard.press("g")
    ada.saved()
    screenshot(ada.page, tmp_path, "captions-laptop")
    ada.page.context.close()

    again = visit(url, DARK_LAPTOP)
    again.page.get_by_role("button", name="Ada").click()
    again.wait_for_picture()
    assert again.caption not in {text for _, text in expected}
    assert again.page.locator(".header-count").inner_text() == "3 of 4 captions"
    again.next(lambda: again.page.keyboard.press("p"))
    assert again.caption == third
    assert again.page.locator(".drawn").is_visible()
    screenshot(again.page, tmp_path, "captions-dark")
    again.next(lambda: again.page.keyboard.press("n"))
    draw_here(again, "Ada", again.drag)
    again.page.keyboard.press("Enter")
    again.page.get_by_role("heading", name="Thank you, Ada").wait_for()
    screenshot(again.page, tmp_path, "captions-end")

    ben = visit(url, UPRIGHT_TABLET)
    ben.come("Ben")
    assert not ben.page.locator(".drawn").is_visible(), "one rater is shown another's box"
    for number in range(4):
        draw_here(ben, "Ben", ben.swipe, [(0.3, 0.3), (0.75, 0.7)])
        if number == 0:
            screenshot(ben.page, tmp_path, "captions-tablet")
        ben.next(lambda: ben.page.get_by_role("button", name="Keep and go on").tap())
    ben.saved()

    assert len(expected) == 8
    for (name, text), box in expected.items():
        assert box_of(store, name, text) == pytest.approx(box, abs=1), (name, text)
    report = report_boxes(store)
    assert report.iou == pytest.approx(0.45 * 0.4 / (0.55 * 0.5), abs=0.01)
    assert all(rater.seconds is not None and rater.seconds > 0 for rater in report.raters)


def test_everything_can_be_done_by_keyboard(make_captions, serving, visit):
    store = make_captions()
    cy = visit(serving(store).url)
    page = cy.page
    cy.come("Cy")
    text = cy.caption
    width, height = SIZES[name_of(store, text)]
    step = round(0.005 * max(width, height))

    page.keyboard.press("Enter")
    page.get_by_text("Draw a box first").wait_for()
    assert cy.caption == text

    page.keyboard.press("ArrowRight")  # begins with a box in the middle
    middle = [round(part) for part in (0.2 * width, 0.2 * height, 0.8 * width, 0.8 * height)]
    cy.saved()
    assert box_of(store, "Cy", text) == pytest.approx(middle, abs=1)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    cy.saved()
    moved = [middle[0] + 2 * step, middle[1] - 2 * step, middle[2], middle[3]]
    assert box_of(store, "Cy", text) == pytest.approx(moved, abs=1)
    page.wait_for_timeout(800)  # what follows is a change of its own
    page.keyboard.press("+")
    cy.saved()
    larger = box_of(store, "Cy", text)
    assert larger[2] - larger[0] == pytest.approx(1.05 * (moved[2] - moved[0]), abs=1)
    page.keyboard.press("u")
    cy.saved()
    assert box_of(store, "Cy", text) == pytest.approx(moved, abs=1)

    page.keyboard.press("Backspace")
    cy.saved()
    assert list(drawn(store)) == []
    page.keyboard.press("Control+z")
    cy.saved()
    assert box_of(store, "Cy", text) == pytest.approx(moved, abs=1)

    page.keyboard.press("h")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    cy.next(lambda: page.keyboard.press("Enter"))
    cy.next(lambda: page.keyboard.press("n"))  # leaves the second out
    for _ in range(2):
        page.keyboard.press("-")
        cy.next(lambda: page.keyboard.press("Enter"))
    assert cy.caption == tasks(store, 1)[1].text, "after the last caption comes the one that was left out"
    page.keyboard.press("+")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Thank you, Cy").wait_for()
    cy.saved()
    assert len(list(drawn(store))) == 4


def test_a_box_is_moved_and_resized_by_its_handles(make_captions, serving, visit):
    store = make_captions()
    drawer = visit(serving(store).url)
    drawer.come("Ada")
    text = drawer.caption
    size = SIZES[name_of(store, text)]
    screen, frame = drawer.spots(size, [(0.2, 0.2), (0.6, 0.6), (0.4, 0.4), (0.5, 0.3), (0.9, 0.9)])
    drawer.drag(screen[0], screen[1])
    drawer.drag(screen[2], screen[3])  # in the box: it moves along
    dx, dy = frame[3][0] - frame[2][0], frame[3][1] - frame[2][1]
    moved = (frame[0][0] + dx, frame[0][1] + dy, frame[1][0] + dx, frame[1][1] + dy)
    drawer.saved()
    assert box_of(store, "Ada", text) == pytest.approx(moved, abs=1)

    handle = drawer.page.locator(".handle-se").bounding_box()
    grip = (round(handle["x"] + handle["width"] / 2 + 3), round(handle["y"] + handle["height"] / 2 - 3))
    place = drawer.page.locator(".photograph-view").bounding_box()
    drawer.drag(grip, (grip[0] + 50, grip[1] + 30))
    resized = (
        *moved[:2],
        moved[2] + 50 / place["width"] * size[0],
        moved[3] + 30 / place["height"] * size[1],
    )
    drawer.saved()
    assert box_of(store, "Ada", text) == pytest.approx(resized, abs=1.5)

    edge = drawer.page.locator(".handle-w").bounding_box()
    grip = (round(edge["x"] + edge["width"] / 2), round(edge["y"] + edge["height"] / 2))
    drawer.drag(grip, (round(place["x"]) - 15, grip[1] + 40))  # beside the photograph: to its edge
    drawer.saved()
    left, *others = box_of(store, "Ada", text)
    assert left == 0
    assert others == pytest.approx(resized[1:], abs=1.5)

    drawer.drag(screen[4], (screen[4][0] + 2, screen[4][1]))  # a click that shakes is no box
    drawer.saved()
    assert box_of(store, "Ada", text) == (left, *others)
    drawer.page.mouse.move(*screen[4])
    drawer.page.mouse.down()
    drawer.page.mouse.move(*screen[3], steps=3)
    drawer.page.keyboard.press("Escape")  # gives the drag up
    drawer.page.mouse.up()
    drawer.saved()
    assert box_of(store, "Ada", text) == (left, *others)


def test_boxes_keep_a_fixed_ratio(make_captions, serving, visit):
    store = make_captions(ratio="4:3")
    drawer = visit(serving(store).url)
    drawer.come("Ada")
    for number in range(4):
        size = SIZES[name_of(store, drawer.caption)]
        start, end = drawer.spots(size, [(0.1, 0.1), (0.5, 0.9)])[0]
        drawer.drag(start, end)
        if number == 0:
            assert drawer.page.locator(".handle").count() == 4
            assert "4:3 fixed ratio" in " ".join(drawer.page.locator(".figure").first.inner_text().split())
        for key in ("+", "ArrowLeft", "Shift+ArrowUp"):
            drawer.page.keyboard.press(key)
        drawer.next(lambda: drawer.page.keyboard.press("Enter"))
    drawer.saved()
    boxes = [drawing.box for drawing in drawn(store)]
    assert len(boxes) == 4
    assert all(abs(box.width - 4 / 3 * box.height) <= 1 + 4 / 3 for box in boxes)


def test_a_caption_is_text_whatever_it_holds(make_captions, serving, visit):
    store = make_captions()
    number = next(n for n, caption in enumerate(tasks(store, 1)) if "<script>" in caption.text)
    drawer = visit(serving(store).url)
    drawer.come("<b>Ada</b>")
    for _ in range(number):
        drawer.page.keyboard.press("+")
        drawer.next(lambda: drawer.page.keyboard.press("Enter"))
    assert drawer.caption == CAPTIONS["large.jpg"][1]
    assert drawer.page.title() == "Patches"
    assert drawer.page.locator(".sentence *").count() == 0
    assert drawer.page.locator(".header-rater").inner_text() == "<b>Ada</b>"


def test_boxes_drawn_while_the_server_is_away_reach_it_later(make_captions, serving, visit):
    store = make_captions()
    drawer = visit(serving(store).url)
    drawer.come("Ada")
    drawer.page.wait_for_timeout(500)  # the next picture is fetched ahead
    drawer.page.context.set_offline(True)
    drawer.page.keyboard.press("+")
    drawer.page.get_by_text("Offline, 1 waiting").wait_for()
    assert list(drawn(store)) == []
    drawer.page.context.set_offline(False)
    drawer.saved()
    assert len(list(drawn(store))) == 1


def test_a_project_without_captions_says_so(make_captions, serving, visit):
    store = make_captions()
    with store.writing() as database:
        database.execute("DELETE FROM caption")
    page = visit(serving(store).url).page
    page.get_by_label("Your name").fill("Ada")
    page.keyboard.press("Enter")
    page.get_by_text("no photograph of the project has a caption").wait_for()


def test_a_refused_box_is_taken_off_the_page(make_captions, serving, visit):
    store = make_captions()
    ada = enter(store, "Ada").id
    draw(store, ada, tasks(store, ada)[0].id, Box(10, 10, 150, 100), 0)
    drawer = visit(serving(store).url)
    drawer.page.get_by_role("button", name="Ada").click()
    drawer.wait_for_picture()
    drawer.next(lambda: drawer.page.keyboard.press("p"))
    before = drawer.page.locator(".figure").nth(2).inner_text()
    # The rules become stricter behind the page's back.
    with store.writing() as database:
        database.execute("UPDATE project SET settings = json_set(settings, '$.ratio', '1:4')")
    drawer.page.keyboard.press("+")
    drawer.page.get_by_text("has another ratio than 1:4").wait_for()
    drawer.until(f"document.querySelectorAll('.figure')[2].innerText === {json.dumps(before)}")
