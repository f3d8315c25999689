"""Other people's croppers, run on real pictures."""

import numpy as np
import pytest
from PIL import Image

from cadrage.bench.methods import MethodOptions, Picture, make_method
from cadrage.errors import ImageError
from cadrage.geometry import AspectRatio

PEERS = ("vips-attention", "vips-entropy", "smartcrop")
SQUARE = AspectRatio(1, 1)
FRAME = (400, 200)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Makes a grey picture with a coloured, rough patch from x = 300 on; brackets in its name."""
    folder = tmp_path_factory.mktemp("peers")
    rough = np.random.default_rng(0).integers(0, 256, (120, 80, 3), dtype=np.uint8)
    rough[..., 0] = 255 - rough[..., 0] // 4
    pixels = np.full((200, 400, 3), 128, dtype=np.uint8)
    pixels[40:160, 300:380] = rough

    def make(name="patch[1].png", *, mode="RGB", orientation=1):
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(pixels).convert(mode).save(folder / name, exif=exif)
        return Picture.of("patch", folder / name)

    return make


@pytest.fixture(params=PEERS)
def peer(request):
    pytest.importorskip(request.param.split("-")[0].replace("vips", "pyvips"))
    return make_method(request.param, MethodOptions(threads=1))


def test_the_crop_has_the_ratio_and_goes_where_something_is(peer, pictures):
    box = peer.box(pictures(), SQUARE)
    assert box.aspect == pytest.approx(1, abs=0.02)
    assert box.x1 >= 150
    assert box.x2 >= 370
    assert 0 <= box.y1 < box.y2 <= 200


@pytest.mark.parametrize("mode", ["L", "P", "RGBA"])
def test_pictures_of_every_mode_are_cropped(peer, pictures, mode):
    assert peer.box(pictures(f"{mode}.png", mode=mode), SQUARE).width <= 200


def test_boxes_are_in_the_turned_frame(peer, pictures):
    picture = pictures("turned.jpg", orientation=6)  # to be turned right: the patch is at the bottom
    assert picture.size_wh == (200, 400)
    box = peer.box(picture, SQUARE)
    assert box.y2 >= 370
    assert 0 <= box.x1 < box.x2 <= 200


def test_crops_are_scored_by_their_overlap_with_the_free_box(peer, pictures):
    picture = pictures()
    own = peer.box(picture, None)
    scores = peer.scores(picture, np.array([own.as_tuple(), (0, 0, 400, 200)]))
    assert scores == pytest.approx([1, own.area / 80_000])


def test_the_free_box_leaves_at_most_a_tenth_of_the_sides(peer, pictures):
    own = peer.box(pictures(), None)
    assert own.width == pytest.approx(360, abs=8) or own.width == 400
    assert own.aspect == pytest.approx(2, abs=0.1)


def test_the_version_is_that_of_the_package(peer):
    assert peer.version.split()[1] in {"libvips", "smartcrop"}
    assert peer.version.split()[2].count(".") == 2


def test_a_file_that_is_no_picture_is_refused(peer, tmp_path):
    (tmp_path / "note.jpg").write_text("a note")
    with pytest.raises(ImageError, match=r"note\.jpg"):
        peer.box(Picture("note", tmp_path / "note.jpg", FRAME), None)


@pytest.mark.parametrize("interesting", ["attention", "entropy"])
def test_libvips_takes_nine_tenths_where_it_finds_most(interesting, pictures):
    pytest.importorskip("pyvips")
    box = make_method(f"vips-{interesting}").box(pictures(), None)
    assert (box.width, box.height) == (360, 180)


def test_libvips_refuses_a_picture_that_it_sees_in_another_size(pictures):
    pytest.importorskip("pyvips")
    picture = Picture("patch", pictures().path, (401, 200))
    with pytest.raises(ImageError, match="has 400 x 200 pixels for libvips, not 401 x 200"):
        make_method("vips-attention").box(picture, None)
