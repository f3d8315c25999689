"""``cadrage explain``: one picture, or one sentence."""

import numpy as np
from PIL import Image


def test_it_writes_one_picture_and_prints_its_name(cadrage, folder, lamp, tiny_entry):
    lamp("beach.jpg")
    ran = cadrage("explain", "beach.jpg", "--ratio", "1:1", "--top", 2, "--model", tiny_entry.folder)
    assert (ran.code, ran.out, ran.err) == (0, ["beach_explained.png"], [])
    with Image.open("beach_explained.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 1300


def test_what_is_discarded_is_dark_and_what_is_kept_is_not(cadrage, folder, lamp, tiny_entry):
    Image.new("RGB", (640, 320), (200, 200, 200)).save("grey.png")
    ran = cadrage("explain", "grey.png", "-r", "1:1", "--keep", "0,0,320,320", "--out", "why.png",
                  "--model", tiny_entry.folder)  # fmt: skip
    assert ran.code == 0
    with Image.open("why.png") as picture:
        panel = np.asarray(picture.convert("L"))[144:464, 40:680]
    assert np.median(panel[:, 10:300]) == 200
    assert np.median(panel[:, 340:]) < 90


def test_wishes_that_contradict_the_photograph_are_refused_before_anything_is_written(
    cadrage, folder, lamp, tiny_entry
):
    lamp("beach.jpg")
    ran = cadrage("explain", "beach.jpg", "--keep", "0,0,999,9", "--model", tiny_entry.folder)
    assert (ran.code, ran.out) == (2, [])
    assert "reaches outside the frame" in ran.err[0]
    assert not list(folder.glob("*.png"))


def test_the_picture_must_be_a_png_of_another_name(cadrage, folder, lamp, tiny_entry):
    lamp("beach.png")
    for target, said in (("why.jpg", "must end in .png"), ("./beach.png", "is the photograph")):
        ran = cadrage("explain", "beach.png", "--out", target, "--model", tiny_entry.folder)
        assert (ran.code, len(ran.err)) == (2, 1)
        assert said in ran.err[0]


def test_a_missing_photograph_is_one_sentence(cadrage, folder, tiny_entry):
    ran = cadrage("explain", "none.jpg", "--model", tiny_entry.folder)
    assert (ran.code, ran.err) == (2, ["cadrage: none.jpg does not exist."])
