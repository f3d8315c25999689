"""One photograph of a run: what becomes of it, and what is written."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cadrage.batch.jobs import Job, Task, Writing, do_job
from cadrage.batch.names import NameTemplate
from cadrage.batch.run import do_jobs, do_jobs_in_processes
from cadrage.cropper import Cropper
from cadrage.geometry import Box
from cadrage.imaging import OutputRule
from cadrage.request import CropRequest


@pytest.fixture
def cropper(tiny_entry) -> Cropper:
    return Cropper(tiny_entry)


@pytest.fixture
def photo(tmp_path) -> Path:
    """A JPEG file, 160 x 96, whose brightest part is columns 67 to 131."""
    pixels = np.zeros((96, 160, 3), np.uint8)
    pixels[:, 67:131] = 255
    file = tmp_path / "in" / "beam.jpg"
    file.parent.mkdir()
    Image.fromarray(pixels).save(file, quality=95, subsampling=0)
    return file


def writing(**rule) -> Writing:
    return Writing(OutputRule(**rule), NameTemplate("{parent}_{stem}_{ratio}_{width}"))


def test_boxes_alone_write_nothing(cropper, photo):
    done = do_job(cropper, Task(CropRequest(("1:1",))), Job(photo))
    assert (done.source, done.error, done.written) == (str(photo), "", ())
    assert done.result == cropper.crop(photo, "1:1")


def test_crops_are_named_and_recorded(cropper, photo, tmp_path):
    task = Task(CropRequest(("1:1", "original")), writing(format="png"))
    done = do_job(cropper, task, Job(photo, tmp_path / "out", "beam-2"))
    sides = [crop.box.rounded() for crop in done.result.crops]
    names = [
        f"in_beam-2_{ratio}_{x2 - x1}.png"
        for ratio, (x1, _, x2, _) in zip(("1x1", "original"), sides, strict=True)
    ]
    assert [one.path for one in done.written] == [tmp_path / "out" / name for name in names]
    recorded = [group["crops"][0]["file"] for group in done.to_dict()["ratios"]]
    assert [Path(file).name for file in recorded] == names


def test_a_size_is_that_of_the_file_and_of_its_name(cropper, photo, tmp_path):
    do_job(cropper, Task(CropRequest(size=(30, 20)), writing()), Job(photo, tmp_path, "beam"))
    with Image.open(tmp_path / "in_beam_30x20_30.jpg") as crop:
        assert crop.size == (30, 20)


def test_a_lossless_crop_is_shown_and_scored_where_it_was_cut(cropper, photo, tmp_path):
    pytest.importorskip("jpeglib")
    wanted = CropRequest(("2:3",))
    free = cropper.crop(photo, "2:3").best
    assert free.box.x1 % 8
    done = do_job(cropper, Task(wanted, writing(lossless=True)), Job(photo, tmp_path, "beam"))
    crop = done.result.best
    assert (crop.box.x1 % 8, crop.box.y1 % 8) == (0, 0)
    assert (crop.box.width, crop.box.height) == (free.box.width, free.box.height)
    assert crop.score == cropper.score(photo, [crop.box])[0]
    assert crop.score - crop.margin == pytest.approx(free.score - free.margin)
    assert done.written[0].lossless


def test_a_lossless_crop_in_another_format_stays_where_it_was_found(cropper, photo, tmp_path):
    found = cropper.crop(photo, "2:3").best
    task = Task(CropRequest(("2:3",)), writing(lossless=True, format="webp"))
    done = do_job(cropper, task, Job(photo, tmp_path, "beam"))
    assert done.result.best == found
    assert done.written[0].lossless


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (CropRequest(keep=(Box(0, 0, 200, 50),)), "reaches outside the frame of 160x96 pixels"),
        (CropRequest(size=(320, 200)), "larger than the frame"),
    ],
)
def test_a_request_that_contradicts_the_photograph_is_an_error_of_it(cropper, photo, request_, said):
    done = do_job(cropper, Task(request_), Job(photo))
    assert done.result is None
    assert said in done.error
    assert done.error.startswith(f"{photo}: ")
    assert done.to_dict() == {"source": str(photo), "error": done.error}


def test_here_and_in_processes_is_the_same(cropper, photo, tiny_entry):
    task, jobs = Task(CropRequest()), [Job(photo), Job(Path("gone.jpg")), Job(photo)]
    here = {number: done.to_dict() for number, done in do_jobs(cropper, task, jobs)}
    there = do_jobs_in_processes(str(tiny_entry.folder), task, jobs, processes=2)
    assert {number: done.to_dict() for number, done in there} == here
