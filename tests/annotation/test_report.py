"""The report of a project: a small one by hand, the odd ones in plain sentences, and its page in a browser."""

import json
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from cadrage.annotation.quality.page import crop_picture, page_of, write_page
from cadrage.annotation.quality.photographs import DisagreedCrop
from cadrage.annotation.quality.report import ReportOptions, report_ratings
from cadrage.annotation.quality.table import read_table
from cadrage.annotation.store import (
    crops_of,
    enter,
    exclude,
    grade,
    photographs,
    spend,
    take_in,
)
from cadrage.errors import DataError, MissingExtraError, RequestError

from .browser import chromium

SMALL = {
    "Ada": (1, 4, 3, 5),
    "Ben": (2, 4, 3, 5),
    "Cy": (5, 4, 2, 4),
}
"""Grades for the first two crops of two photographs; the last grades of Cy are missing in some tests."""

QUICK = ReportOptions(samples=20)


def ratable(store, photograph):
    return [crop.id for crop in crops_of(store, photographs(store)[photograph].id) if crop.ratable]


def rate(store, name, grades, *, is_repeat=False, milliseconds=1500, crops=None):
    """Let a rater grade crops, in their order; by default the first two of two photographs."""
    crops = crops or [crop for photograph in (0, 1) for crop in ratable(store, photograph)[:2]]
    rater = enter(store, name).id
    with store.writing():
        for crop, value in zip(crops, grades, strict=False):
            grade(store, rater, crop, value, milliseconds, is_repeat=is_repeat)


@pytest.fixture
def small(store):
    """Three raters of four crops of two photographs, and two hidden repeats."""
    for name, grades in SMALL.items():
        rate(store, name, grades)
    rate(store, "Ada", (2, 4), is_repeat=True, milliseconds=400)
    return store


@pytest.fixture
def crowd(store):
    """Six raters of everything: four of one mind but for noise, one who guesses, one who always says 3."""
    random = np.random.default_rng(0)
    crops = [crop for photograph in range(4) for crop in ratable(store, photograph)]
    taste = random.uniform(1, 5, len(crops))
    for number in range(4):
        felt = np.clip(np.rint(taste + random.normal(0, 0.5, len(crops))), 1, 5)
        rate(store, f"honest {number}", felt.astype(int).tolist(), crops=crops)
    rate(store, "<b>guess</b> & go", random.integers(1, 6, len(crops)).tolist(), crops=crops)
    rate(store, "same", [3] * len(crops), crops=crops)
    return store


class TestTable:
    def test_grades_and_repeats_are_apart(self, small):
        table = read_table(small)
        assert [rater.name for rater in table.raters] == ["Ada", "Ben", "Cy"]
        assert table.grades().shape == table.repeats().shape == (48, 3)
        graded = [0, 1, 12, 13]
        np.testing.assert_array_equal(table.grades()[graded], np.array(list(SMALL.values())).T)
        np.testing.assert_array_equal(table.repeats()[[0, 1], 0], [2, 4])
        assert (~np.isnan(table.grades())).sum() == 12
        assert (~np.isnan(table.repeats())).sum() == 2

    def test_grades_come_in_the_order_in_which_they_were_last_given(self, store):
        first, second, third = ratable(store, 0)[:3]
        rater = enter(store, "Ada").id
        for crop, value in ((third, 1), (first, 2), (second, 5), (third, 4), (second, None), (second, 3)):
            grade(store, rater, crop, value, 0 if value == 4 else 700, is_repeat=False)
        given = read_table(store).given
        assert given.grade.tolist() == [2, 4, 3]
        assert given.crop.tolist() == [0, 2, 1]
        np.testing.assert_array_equal(given.milliseconds, [700, np.nan, 700])

    def test_crops_that_nobody_may_grade_are_not_in_it(self, store):
        table = read_table(store)
        assert len(table.crop_ids) == 4 * 12
        assert table.photograph_of.tolist() == sorted(list(range(4)) * 12)

    def test_a_project_of_another_kind_is_refused(self, tmp_path):
        from cadrage.annotation.store import create_project

        with (
            create_project(tmp_path / "c.cadrage", "captions", "C", {}) as store,
            pytest.raises(DataError, match="captions"),
        ):
            read_table(store)


class TestByHand:
    def test_distributions(self, small):
        report = report_ratings(small, QUICK)
        assert (len(report.photographs), report.crops, report.rated) == (4, 48, 4)
        assert (report.grades, report.repeats, report.grades_per_crop) == (12, 2, (3, 3.0, 3))
        mos = np.array([8, 12, 8, 14]) / 3
        assert report.mos.mean == pytest.approx(mos.mean())
        assert report.mos.deviation == pytest.approx(mos.std())
        assert report.mos.counts == (0, 0, 0, 0, 2, 0, 0, 1, 0, 1)
        apart = [np.std([1, 2, 5]), 0, np.std([3, 3, 2]), np.std([5, 5, 4])]
        assert report.deviation.mean == pytest.approx(np.mean(apart))
        assert (report.over_one, report.over_one_share) == (1, 0.25)
        assert report.by_grade == pytest.approx(np.array([1, 2, 2, 4, 3]) / 12)

    def test_the_divisor_of_deviations_is_a_choice(self, small):
        report = report_ratings(small, ReportOptions(ddof=1, samples=20))
        assert report.deviation.mean == pytest.approx(
            np.mean([np.std(grades, ddof=1) for grades in ([1, 2, 5], [4, 4, 4], [3, 3, 2], [5, 5, 4])])
        )
        assert "ddof 1" in report.rules["Deviation"]

    def test_raters(self, small):
        spend(small, 1, "one", 60)
        spend(small, 1, "two", 30)
        ada, _, cy = (one.figures for one in report_ratings(small, QUICK).raters)
        assert ada.bias == pytest.approx(np.mean([1 - 3.5, 0, 0.5, 0.5]))
        assert cy.bias == pytest.approx(np.mean([3.5, 0, -1, -1]))
        assert (ada.repeats, ada.equal_repeats, ada.repeat_difference) == (2, 0.5, 0.5)
        assert (ada.milliseconds, ada.fast_share, ada.seconds) == (1500, pytest.approx(2 / 6), 90)

    def test_photographs_and_crops_that_are_seen_differently(self, small):
        report = report_ratings(small, QUICK)
        first, second, third, _ = report.photographs
        assert (first.crops, first.rated, first.grades) == (12, 2, 6)
        assert (first.mos, first.best_mos, first.over_one) == (pytest.approx(10 / 3), 4, 0.5)
        assert second.deviation == pytest.approx(np.std([3, 3, 2]))
        assert (third.rated, third.grades) == (0, 0)
        assert [(crop.name, crop.by_grade) for crop in report.disagreed] == [
            ("0.png", (1, 1, 0, 0, 1)),
            ("1.png", (0, 1, 2, 0, 0)),
            ("1.png", (0, 0, 0, 1, 2)),
        ]

    def test_imported_scores_stand_in_where_nobody_graded(self, small):
        with small.writing() as database:
            database.execute("UPDATE crop SET imported_mos = 1.5")
        report = report_ratings(small, QUICK)
        assert (report.rated, report.imported, report.mos.values) == (4, 44, 48)
        assert report.deviation.values == 4


class TestExclusion:
    def test_who_is_excluded_in_the_project_is_listed_and_does_not_count(self, crowd):
        exclude(crowd, "same", "never looked")
        report = report_ratings(crowd, QUICK)
        same = next(one for one in report.raters if one.figures.name == "same")
        assert same.excluded == "In the project: never looked"
        assert same.figures.grades == 48
        assert (report.grades, report.icc.raters) == (5 * 48, 5)
        assert "same" not in report.pairs.names

    def test_flagged_raters_count_unless_that_is_asked_for(self, crowd):
        before = report_ratings(crowd, QUICK)
        flagged = {one.figures.name for one in before.raters if one.flags}
        assert flagged == {"<b>guess</b> & go", "same"}
        assert all(one.excluded is None for one in before.raters)
        after = report_ratings(crowd, ReportOptions(exclude_flagged=True, samples=20))
        excluded = {one.figures.name: one.excluded for one in after.raters if one.excluded}
        assert set(excluded) == flagged
        assert excluded["same"].startswith("Flagged. ")
        assert "100.0 % of the grades are 3." in excluded["same"]
        assert after.alpha > before.alpha + 0.2
        assert after.icc.single > before.icc.single + 0.2

    def test_raters_are_excluded_by_name_in_any_case_of_letters(self, crowd):
        report = report_ratings(crowd, ReportOptions(exclude=("SAME",), samples=20))
        assert report.raters[-1].excluded == "On request, for this report."
        with pytest.raises(RequestError, match="no rater 'Zoe'"):
            report_ratings(crowd, ReportOptions(exclude=("Zoe",)))

    def test_without_anybody_left_it_says_so(self, small):
        report = report_ratings(small, ReportOptions(exclude=("Ada", "Ben", "Cy")))
        assert report.notes == ("All raters who graded crops are excluded: there is nothing to measure.",)
        assert json.dumps(report.to_dict(), allow_nan=False)


class TestOddProjects:
    def check(self, store, *sentences):
        report = report_ratings(store, QUICK)
        assert report.notes == sentences
        text = json.dumps(report.to_dict(), allow_nan=False)
        assert "nan" not in page_of(report, [None] * len(report.disagreed)).lower()
        return report, json.loads(text)

    def test_no_ratings(self, store):
        _, values = self.check(store, "Nobody has rated a crop yet: there is nothing to measure.")
        assert values["grades"] == 0
        assert values["icc"]["single"] is None
        assert values["mos"]["mean"] is None

    def test_no_crops(self, store):
        with store.writing() as database:
            database.execute("DELETE FROM crop")
        self.check(store, "The project has no crops to rate yet.")

    def test_one_rater(self, store):
        rate(store, "Ada", (1, 2, 3, 4))
        report, values = self.check(
            store,
            "Only one rater counts, Ada: agreement needs two.",
            "Too few grades to be judged (fewer than 30): Ada.",
        )
        assert (report.mos.values, report.deviation.values) == (4, 0)
        assert values["raters"][0]["figures"]["bias"] is None

    def test_one_crop(self, store):
        crop = ratable(store, 0)[:1]
        for name, value in (("Ada", 2), ("Ben", 4)):
            rate(store, name, [value], crops=crop)
        _, values = self.check(
            store,
            "Only one photograph is rated: there are no confidence bounds.",
            "Too few grades to be judged (fewer than 30): Ada, Ben.",
            "Outliers can be told from 3 raters on.",
        )
        assert values["icc"]["single"] is None
        assert values["deviation"]["values"] == 1

    def test_no_crop_in_common(self, store):
        rate(store, "Ada", [2, 3], crops=ratable(store, 0)[:2])
        rate(store, "Ben", [4, 5], crops=ratable(store, 1)[:2])
        report = report_ratings(store, QUICK)
        assert report.notes[0] == "No crop has grades of two raters yet: agreement needs that."
        assert json.dumps(report.to_dict(), allow_nan=False)

    def test_equal_grades(self, store):
        for name in SMALL:
            rate(store, name, (3, 3, 3, 3))
        report = report_ratings(store, QUICK)
        assert report.notes[0] == "All grades are equal: agreement cannot be told from chance."
        assert report.disagreed == ()
        assert json.dumps(report.to_dict(), allow_nan=False)

    @pytest.mark.parametrize(
        "wrong", [{"ddof": 2}, {"level": "ratio"}, {"confidence": 1}, {"samples": 0}], ids=str
    )
    def test_options_out_of_range_are_refused(self, wrong):
        with pytest.raises(RequestError):
            ReportOptions(**wrong)


class Elements(HTMLParser):
    """Collects a page's elements, and fails where they are not closed in order."""

    VOID = frozenset({"meta", "img", "br", "rect"})

    def __init__(self, page):
        super().__init__()
        self.open, self.found, self.texts = [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


class TestPage:
    def test_it_is_whole_and_names_are_escaped(self, crowd, tmp_path):
        (tmp_path / "broken.jpg").write_bytes(b"no picture")
        list(take_in(crowd, [("<i>broken</i>.jpg", tmp_path / "broken.jpg")]))
        report = report_ratings(crowd, QUICK)
        write_page(report, crowd, tmp_path / "report.html")
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        elements = Elements(page)
        tags = {tag for tag, _ in elements.found}
        assert tags >= {"svg", "table", "img", "style"}
        assert tags.isdisjoint({"b", "script", "link", "iframe"})
        assert not any(tag == "i" and "class" not in attributes for tag, attributes in elements.found)
        for text in ("<b>guess</b> & go", "<i>broken</i>.jpg", "100.0 % of the grades are 3."):
            assert text in "".join(elements.texts)
        for rule in report.rules.values():
            assert rule in "".join(elements.texts)

    def test_plots_take_the_page_s_colours(self, crowd):
        report = report_ratings(crowd, QUICK)
        page = page_of(report, [None] * len(report.disagreed))
        drawings = page[page.index("<body>") :]
        assert "fill: var(--bar)" in drawings
        assert "fill: var(--alert)" in drawings
        assert "#0" not in drawings

    def test_a_picture_is_cut_from_the_project_s_own(self, store):
        first = photographs(store)[0]
        shown = Image.open(BytesIO(crop_picture(store, disagreed(first.id, (0, 0, 60, 80)))))
        assert shown.size == (60, 80)
        assert crop_picture(store, disagreed(999, (0, 0, 60, 80))) is None

    def test_a_file_that_cannot_be_written_is_told(self, small, tmp_path):
        with pytest.raises(DataError, match="cannot be written"):
            write_page(report_ratings(small, QUICK), small, tmp_path / "nowhere" / "report.html")

    def test_without_matplotlib_the_extra_is_named(self, small, tmp_path, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
        with pytest.raises(MissingExtraError, match="annotate"):
            write_page(report_ratings(small, QUICK), small, tmp_path / "report.html")

    @pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
    def test_a_browser_shows_it_without_fetching_anything(self, crowd, tmp_path, scheme, width):
        write_page(report_ratings(crowd, QUICK), crowd, tmp_path / "report.html")
        with chromium() as browser:
            page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            page.set_default_timeout(120_000)
            asked, complaints = [], []
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: complaints.append(message.text))
            page.goto((tmp_path / "report.html").as_uri())
            page.screenshot(path=tmp_path / f"report-{scheme}-{width}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
            assert page.locator("svg[role=img]").count() == 3
            ink, ground = page.evaluate(
                "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
            )
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        assert complaints == []
        brightness = [float(colour.strip("rgb()").split(",")[0]) for colour in (ink, ground)]
        assert (brightness[0] < brightness[1]) == (scheme == "light")


def disagreed(photograph, box):
    """A crop of a frame of 120 x 80 pixels."""
    return DisagreedCrop(photograph, "0.png", (120, 80), box, (1, 0, 0, 0, 1), 3.0, 2.0)
