"""The project file: made, opened, refused, copied, and never half written."""

import sqlite3
import threading
from contextlib import closing

import pytest

from cadrage.annotation.store import (
    Store,
    add_crops,
    broken,
    create_project,
    crops_of,
    enter,
    exclude,
    grade,
    graded_crops,
    grades_of,
    gradings,
    grid_crops,
    photographs,
    picture,
    project_of,
    raters,
    reject,
    seconds_spent,
    spend,
    take_in,
)
from cadrage.candidates import RELEASED_LABELS_GRID
from cadrage.errors import DataError, RequestError


def ratable_crops(store):
    return [crop.id for photo in photographs(store) for crop in crops_of(store, photo.id) if crop.ratable]


class TestTheFile:
    def test_a_project_is_there_again_when_it_is_opened(self, tmp_path):
        with create_project(tmp_path / "p.cadrage", "ratings", "Holiday", {"a": [1, 2]}) as store:
            made = project_of(store)
        with Store.open(tmp_path / "p.cadrage") as store:
            assert project_of(store) == made
        assert (made.kind, made.title, made.settings) == ("ratings", "Holiday", {"a": [1, 2]})

    def test_a_closed_project_is_one_file(self, tmp_path):
        with create_project(tmp_path / "p.cadrage", "ratings", "Holiday", {}) as store:
            enter(store, "Ada")
        assert [path.name for path in tmp_path.iterdir()] == ["p.cadrage"]

    def test_a_file_that_exists_is_not_made_anew(self, tmp_path):
        (tmp_path / "p.cadrage").write_text("mine")
        with pytest.raises(DataError, match="exists already"):
            create_project(tmp_path / "p.cadrage", "ratings", "Holiday", {})
        assert (tmp_path / "p.cadrage").read_text() == "mine"

    def test_a_missing_folder_is_named(self, tmp_path):
        with pytest.raises(DataError, match="nowhere is no folder"):
            create_project(tmp_path / "nowhere" / "p.cadrage", "ratings", "Holiday", {})

    def test_a_missing_project_is_named_and_not_made(self, tmp_path):
        with pytest.raises(DataError, match="There is no project"):
            Store.open(tmp_path / "p.cadrage")
        assert list(tmp_path.iterdir()) == []

    def test_another_programs_database_is_refused_and_stays_as_it_is(self, tmp_path):
        path = tmp_path / "p.cadrage"
        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE notes (text)")
            database.commit()
        before = path.read_bytes()
        with pytest.raises(DataError, match="is no project of cadrage"):
            Store.open(path)
        assert path.read_bytes() == before
        assert [found.name for found in tmp_path.iterdir()] == ["p.cadrage"]

    @pytest.mark.parametrize("content", [b"", b"hello", b"\xff" * 5000])
    def test_what_is_no_database_is_refused(self, tmp_path, content):
        path = tmp_path / "p.cadrage"
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"p\.cadrage"):
            Store.open(path)
        assert path.read_bytes() == content

    def test_a_project_of_a_newer_version_is_refused_and_stays_as_it_is(self, tmp_path):
        path = tmp_path / "p.cadrage"
        create_project(path, "ratings", "Holiday", {}).close()
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA user_version = 99")
        before = path.read_bytes()
        with pytest.raises(DataError, match="newer cadrage"):
            Store.open(path)
        assert path.read_bytes() == before

    def test_a_truncated_project_is_refused_with_a_sentence(self, make_project):
        store = make_project()
        store.close()
        whole = store.path.read_bytes()
        store.path.write_bytes(whole[: len(whole) // 3])
        with pytest.raises(DataError, match="cannot be used"), Store.open(store.path) as damaged:
            for photograph in photographs(damaged):
                crops_of(damaged, photograph.id)
                picture(damaged, photograph.id)

    def test_a_project_of_another_kind_is_refused(self, tmp_path):
        with (
            create_project(tmp_path / "p.cadrage", "captions", "Holiday", {}) as store,
            pytest.raises(
                DataError, match="is a project of captions and boxes, not a project of rated crops"
            ),
        ):
            project_of(store, "ratings")

    def test_two_programs_can_have_it_open(self, store):
        with Store.open(store.path) as other:
            ada = enter(store, "Ada")
            bob = enter(other, "Bob")
            assert raters(store) == raters(other) == (ada, bob)

    def test_a_block_that_fails_leaves_nothing(self, store):
        with pytest.raises(RuntimeError), store.writing():
            enter(store, "Ada")
            raise RuntimeError
        assert raters(store) == ()

    def test_it_is_copied_while_others_write(self, store, tmp_path):
        rater = enter(store, "Ada").id
        crops = ratable_crops(store)
        stop = threading.Event()

        def rate():
            number = 0
            while not stop.is_set():
                grade(store, rater, crops[number % len(crops)], number % 5 + 1, 500, is_repeat=False)
                number += 1

        writer = threading.Thread(target=rate)
        writer.start()
        try:
            for number in range(5):
                store.backup(tmp_path / f"copy-{number}.cadrage")
        finally:
            stop.set()
            writer.join()
        for number in range(5):
            with closing(sqlite3.connect(tmp_path / f"copy-{number}.cadrage")) as copy:
                assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                # The log and the grades are written together: a copy has both or neither.
                last = (
                    "SELECT grade FROM rating_log WHERE id IN (SELECT max(id) FROM rating_log GROUP BY crop)"
                )
                stand = copy.execute("SELECT grade FROM rating ORDER BY crop").fetchall()
                assert stand == copy.execute(f"{last} ORDER BY crop").fetchall()
        assert sorted(path.suffix for path in tmp_path.glob("copy-*")) == [".cadrage"] * 5

    def test_a_copy_that_cannot_be_written_is_an_error(self, store, tmp_path):
        with pytest.raises(DataError, match="cannot be written"):
            store.backup(tmp_path / "nowhere" / "copy.cadrage")


class TestPhotographs:
    def test_they_are_taken_in_once(self, store, folder):
        files = [(path.name, path) for path in sorted(folder.iterdir())]
        before = photographs(store)
        again = list(take_in(store, files))
        assert [taken.is_new for taken in again] == [False] * 4
        assert photographs(store) == before
        assert [photo.name for photo in before] == ["0.png", "1.png", "2.png", "3.png"]

    def test_their_picture_is_a_jpeg(self, store):
        assert picture(store, 1).startswith(b"\xff\xd8")
        assert picture(store, 99) is None

    def test_a_broken_one_is_noted_without_its_folder_and_tried_again(self, store, tmp_path, folder):
        bad = tmp_path / "bad.png"
        bad.write_bytes(b"no picture")
        (taken,) = take_in(store, [("bad.png", bad)])
        assert taken.photograph is None
        assert broken(store) == {"bad.png": taken.problem}
        assert taken.problem.startswith("bad.png is not in a picture format")

        bad.write_bytes((folder / "0.png").read_bytes())
        (taken,) = take_in(store, [("bad.png", bad)])
        assert taken.photograph.name == "bad.png"
        assert broken(store) == {}

    def test_one_that_cannot_be_used_is_noted_too(self, store):
        reject(store, photographs(store)[0], "0.png is too small.")
        assert broken(store) == {"0.png": "0.png is too small."}
        assert len(photographs(store)) == 3
        assert picture(store, 1) is None


class TestCrops:
    @pytest.mark.parametrize(
        ("size_wh", "ratable"), [((1024, 768), 90), ((1200, 800), 87), ((1280, 720), 75)]
    )
    def test_they_are_those_of_the_released_labels(self, size_wh, ratable):
        boxes_xyxy, within = grid_crops(size_wh, RELEASED_LABELS_GRID)
        assert boxes_xyxy.shape == (90, 4)
        assert within.sum() == ratable

    def test_they_are_given_once(self, store):
        photo = photographs(store)[0]
        before = crops_of(store, photo.id)
        boxes_xyxy, ratable = grid_crops((120, 80), RELEASED_LABELS_GRID)
        add_crops(store, photo, boxes_xyxy[:3], ratable[:3])
        assert crops_of(store, photo.id) == before

    def test_a_frame_of_a_few_pixels_has_none(self):
        with pytest.raises(RequestError, match="23 x 40 pixels is too small"):
            grid_crops((23, 40), RELEASED_LABELS_GRID)


class TestPeople:
    def test_a_name_comes_again_whatever_its_case_and_spaces(self, store):
        ada = enter(store, "Ada Lovelace")
        assert enter(store, "  ada   LOVELACE ") == ada
        assert enter(store, "Bob").id == 2

    @pytest.mark.parametrize("name", ["", "   ", "a" * 61, "a\x00b", "a\u202eb"])
    def test_a_name_that_cannot_be_shown_is_refused(self, store, name):
        with pytest.raises(RequestError, match="1 to 60 letters"):
            enter(store, name)

    def test_leaving_somebody_out_keeps_their_grades(self, store):
        ada = enter(store, "Ada")
        grade(store, ada.id, ratable_crops(store)[0], 3, 500, is_repeat=False)
        exclude(store, "ada", "slept")
        assert raters(store)[0].excluded == "slept"
        assert len(list(gradings(store))) == 1
        exclude(store, "Ada", None)
        assert raters(store) == (ada,)
        with pytest.raises(RequestError, match="no rater 'Eve'"):
            exclude(store, "Eve", "unknown")

    def test_time_adds_up_over_sessions_and_never_falls(self, store):
        ada, bob = enter(store, "Ada").id, enter(store, "Bob").id
        spend(store, ada, "one", 10)
        spend(store, ada, "one", 25.5)
        spend(store, ada, "one", 20)
        spend(store, ada, "two", 4)
        assert seconds_spent(store) == {ada: 29.5}
        with pytest.raises(RequestError, match="another rater's"):
            spend(store, bob, "one", 50)
        assert seconds_spent(store) == {ada: 29.5}


class TestGrades:
    @pytest.fixture
    def ada(self, store):
        return enter(store, "Ada").id

    @pytest.fixture
    def crop(self, store):
        return ratable_crops(store)[0]

    def test_the_last_one_stands_and_all_are_logged(self, store, ada, crop):
        changes = [grade(store, ada, crop, value, 700, is_repeat=False) for value in (3, 5, None, None, 2)]
        assert changes == [1, 0, -1, 0, 1]
        assert [(one.crop, one.grade, one.milliseconds) for one in gradings(store)] == [(crop, 2, 700)]
        with store.reading() as database:
            log = database.execute("SELECT grade FROM rating_log ORDER BY id").fetchall()
        assert [row[0] for row in log] == [3, 5, None, None, 2]

    def test_a_repeat_stands_beside_the_first(self, store, ada, crop):
        grade(store, ada, crop, 3, 700, is_repeat=False)
        grade(store, ada, crop, 4, 700, is_repeat=True)
        assert grades_of(store, ada, 1, is_repeat=False) == {crop: 3}
        assert grades_of(store, ada, 1, is_repeat=True) == {crop: 4}
        assert graded_crops(store, ada) == ((crop, False), (crop, True))

    @pytest.mark.parametrize("wrong", [0, 6, -2])
    def test_there_are_five(self, store, ada, crop, wrong):
        with pytest.raises(RequestError, match="from 1 to 5"):
            grade(store, ada, crop, wrong, 700, is_repeat=False)

    def test_only_known_people_grade_and_only_crops_within_the_bounds(self, store, ada, crop):
        outside = next(crop.id for crop in crops_of(store, 1) if not crop.ratable)
        for rater, graded in ((99, crop), (ada, 9999), (ada, outside)):
            with pytest.raises(RequestError, match="There is no"):
                grade(store, rater, graded, 3, 700, is_repeat=False)
        assert list(gradings(store)) == []

    def test_times_beyond_sense_are_cut(self, store, ada):
        one, other = ratable_crops(store)[:2]
        grade(store, ada, one, 3, -5, is_repeat=False)
        grade(store, ada, other, 3, 10**12, is_repeat=False)
        assert [kept.milliseconds for kept in gradings(store)] == [0, 3_600_000]
