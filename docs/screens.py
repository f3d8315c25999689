"""Makes the pictures of the pages in ``rating.md``: a real server, a real browser, people who are simulated.

Part of ``make pictures``; needs Chromium on the PATH.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from cadrage.annotation.store import Store, crops_of, enter, grade, photographs

PHOTOGRAPHS = Path(__file__).parents[1] / "examples" / "photographs"
IMAGES = Path(__file__).parent / "images"
COMMAND = Path(sysconfig.get_path("scripts")) / "cadrage"

LAPTOP = {"width": 1366, "height": 768}
QUALITY = 72
RATERS = ("Ada", "Ben", "Chloé", "Dilan", "Eve")


def main() -> None:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        photos = _photographs(Path(folder) / "holiday")
        _rating(browser, photos)
        _report(browser, photos / "ratings.cadrage", Path(folder) / "report.html")
        _captions(browser, photos)
        _study(browser, photos, Path(folder))


def _photographs(folder: Path) -> Path:
    folder.mkdir()
    for name in ("coffee", "china", "rocket", "chelsea", "flower", "astronaut"):
        shutil.copy(PHOTOGRAPHS / f"{name}.jpg", folder)
    return folder


def _rating(browser: Browser, photos: Path) -> None:
    with _served("annotate", photos, "--title", "Holiday") as url, _opened(browser, url) as page:
        page.get_by_label("Your name").fill("Ada")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Skip").click()
        page.wait_for_selector(".card.is-chosen")
        for key in "423432":
            page.keyboard.press(key)
            page.wait_for_timeout(900)
        _shoot(page, "rating")


def _report(browser: Browser, project: Path, html: Path) -> None:
    """The report on five raters, of whom one does not look."""
    generator = np.random.default_rng(0)
    with Store.open(project) as store:
        crops = [
            crop.id for photo in photographs(store) for crop in crops_of(store, photo.id) if crop.ratable
        ]
        quality = generator.normal(3.1, 0.8, len(crops))
        for name in RATERS:
            rater = enter(store, name).id
            bias = generator.normal(0, 0.25)
            seen = quality + bias + generator.normal(0, 0.6, len(crops))
            grades = generator.integers(1, 6, len(crops)) if name == "Eve" else np.clip(np.rint(seen), 1, 5)
            with store.writing():
                for crop, value in zip(crops, grades.astype(int).tolist(), strict=True):
                    pause = int(generator.lognormal(5.7 if name == "Eve" else 7.6, 0.4))
                    grade(store, rater, crop, value, pause, is_repeat=False)
    subprocess.run([COMMAND, "ratings", "report", project, "--html", html], check=True, capture_output=True)
    with _opened(browser, html.as_uri()) as page:
        _shoot(page, "rating-report")


def _captions(browser: Browser, photos: Path) -> None:
    captions = photos / "captions.jsonl"
    captions.write_text(
        '{"image": "chelsea.jpg", "captions": ["A cat looks past the camera with green eyes."]}\n'
    )
    with _served("annotate", photos, "--captions", captions) as url, _opened(browser, url) as page:
        page.get_by_label("Your name").fill("Ada")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Got it").click()
        page.wait_for_selector("dialog", state="detached")
        page.wait_for_selector(".photograph-view img")
        page.wait_for_timeout(500)
        place = page.locator(".photograph-view").bounding_box()
        assert place is not None  # noqa: S101  (it is shown)
        page.mouse.move(place["x"] + 0.1 * place["width"], place["y"] + 0.08 * place["height"])
        page.mouse.down()
        page.mouse.move(place["x"] + 0.92 * place["width"], place["y"] + 0.86 * place["height"], steps=8)
        page.mouse.up()
        _shoot(page, "rating-captions")


def _study(browser: Browser, photos: Path, folder: Path) -> None:
    for name, ratio in (("wide", "16:9"), ("square", "1:1"), ("tall", "4:5")):
        made = [COMMAND, "crop", photos, "--ratio", ratio, "--out", folder / name]
        subprocess.run(made, check=True, capture_output=True)
    study = folder / "study.cadrage"
    methods = [
        part for name in ("wide", "square", "tall") for part in ("--method", f"{name}={folder / name}")
    ]
    subprocess.run(
        [COMMAND, "study", "create", study, "--title", "Which shape?", *methods],
        check=True,
        capture_output=True,
    )
    with _served("study", "serve", study) as url, _opened(browser, url) as page:
        page.get_by_label("Your name").fill("Ada")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Got it").click()
        page.wait_for_timeout(1000)
        _shoot(page, "rating-study")


@contextlib.contextmanager
def _served(*arguments: object) -> Iterator[str]:
    line = [COMMAND, *map(str, arguments), "--port", "0", "--no-browser"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None  # noqa: S101  (it is a pipe)
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@contextlib.contextmanager
def _opened(browser: Browser, url: str) -> Iterator[Page]:
    context = browser.new_context(viewport=LAPTOP)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(url)
    yield page
    context.close()


def _shoot(page: Page, name: str) -> None:
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / f"{name}.jpg", type="jpeg", quality=QUALITY)


if __name__ == "__main__":
    main()
