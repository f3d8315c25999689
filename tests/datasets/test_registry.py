"""Every data set of the registry: read, written and read again in the same way."""

import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cadrage.datasets.caption_crops import CaptionCrops
from cadrage.datasets.data_set import KINDS
from cadrage.datasets.registry import DATA_SETS, find_data_set
from cadrage.datasets.types import ComparedImage, MaskedImage, RatedImage
from cadrage.errors import DataError, RequestError

WRITTEN = [name for name, one in DATA_SETS.items() if one.save is not None]


@pytest.fixture
def made(rated, framed, compared, source):
    """Images of the kind that a data set holds, as its layout can hold them."""

    def make(name):
        kind = DATA_SETS[name].kind
        if kind is RatedImage:
            split = None if name == "cpc" else "test"
            return [rated("a", split, (3.5, math.nan)), rated("b", split)]
        if kind is ComparedImage:
            return [compared("a"), compared("b")]
        if kind is CaptionCrops:
            boxes = np.array([[0, 0, 9, 9]], dtype=float)
            return [CaptionCrops(f"{n}.jpg", source / f"{n}.jpg", (64, 48), "dog", boxes) for n in "ab"]
        boxes = [[4, 2, 60, 46]] * (3 if name == "icdb" else 1)
        return [framed(n, "test" if name == "fcdb" else None, boxes) for n in "ab"]

    return make


@pytest.mark.parametrize("name", WRITTEN)
def test_a_copy_is_read_as_it_was_written_with_sizes(made, name, tmp_path):
    if name == "flms":
        pytest.importorskip("scipy")
    data_set, images = find_data_set(name), made(name)
    data_set.save(images, tmp_path / "copy")
    found = data_set.read(tmp_path / "copy", read_sizes=True, keep_unrated=True)
    assert [type(image) for image in found] == [type(image) for image in images]
    assert {image.size_wh for image in found} == {(64, 48)}
    assert [image.path.stem for image in found] == ["a", "b"]
    for image, written in zip(found, images, strict=True):
        for field in ("boxes_xyxy", "mos", "first_xyxy", "second_xyxy", "votes"):
            np.testing.assert_array_equal(getattr(image, field, None), getattr(written, field, None))


@pytest.mark.parametrize("name", DATA_SETS)
def test_an_entry_says_what_the_data_set_is(name):
    one = DATA_SETS[name]
    assert one.name == name
    assert one.kind in {None, *KINDS}
    assert all((one.title, one.layout, one.source, one.terms, one.marks))
    assert all(count > 0 for counts in one.counts.values() for count in counts.values())


def test_crops_that_nobody_rated_are_left_out_unless_asked_for(rated, tmp_path):
    data_set = find_data_set("gaicd")
    data_set.save([rated("a", None, (math.nan, 2.0))], tmp_path / "copy")
    (image,) = data_set.read(tmp_path / "copy")
    assert image.boxes_xyxy.tolist() == [[4.5, 2, 60, 46]]
    assert image.mos.tolist() == [2]
    (whole,) = data_set.read(tmp_path / "copy", keep_unrated=True)
    assert len(whole.mos) == 2


def test_a_part_is_taken_by_name(framed, tmp_path):
    data_set = find_data_set("fcdb")
    data_set.save([framed("a", "train"), framed("b", "test")], tmp_path / "copy")
    assert [image.name for image in data_set.read(tmp_path / "copy", "test")] == ["b"]
    with pytest.raises(RequestError, match="has no part 'val': its parts are test, train"):
        data_set.read(tmp_path / "copy", "val")


def test_a_data_set_without_parts_has_none_to_take(compared, tmp_path):
    data_set = find_data_set("fcdb-pairs")
    data_set.save([compared()], tmp_path / "copy")
    with pytest.raises(RequestError, match="has no part 'test': it has no parts"):
        data_set.read(tmp_path / "copy", "test")


@pytest.mark.parametrize(
    ("boxes", "found"),
    [
        ([[4, 2, 65, 49]], [[4, 2, 64, 48]]),
        ([[0, 0, 64, 48]], [[0, 0, 64, 48]]),
        ([[4, 2, 65.5, 48]], None),
        ([[64, 2, 65, 48]], None),
        ([[-1, -1, 64, 48]], [[0, 0, 64, 48]]),
        ([[-2, 0, 64, 48]], None),
        ([[-1, 0, 0, 48]], None),
    ],
)
def test_a_box_may_go_over_the_edge_by_a_pixel_and_is_cut_there(framed, tmp_path, boxes, found):
    data_set = find_data_set("fcdb")
    data_set.save([framed("a", boxes=boxes)], tmp_path / "copy")
    if found is None:
        with pytest.raises(
            DataError,
            match=r"1 box outside its picture: .*, line 2, entry 1 \(a\), box 1: expected .* 64 x 48, got ",
        ):
            data_set.read(tmp_path / "copy", read_sizes=True)
    else:
        (image,) = data_set.read(tmp_path / "copy", read_sizes=True)
        assert image.boxes_xyxy.tolist() == found


def test_a_photograph_in_two_parts_is_refused(framed, tmp_path):
    data_set = find_data_set("fcdb")
    data_set.save([framed("a", "train"), framed("b", "test")], tmp_path / "copy")
    shutil.copy(tmp_path / "copy/cropping_testing_set.json", tmp_path / "copy/cropping_training_set.json")
    (tmp_path / "copy/images/a.jpg").unlink()
    with pytest.raises(DataError, match=r"1 image in more than one part, .*: b \(test and train\)\."):
        data_set.read(tmp_path / "copy", "test")


def test_a_folder_of_another_layout_is_refused_with_what_is_in_it(framed, tmp_path):
    find_data_set("fcdb").save([framed("a")], tmp_path / "copy")
    for name, one in DATA_SETS.items():
        if not name.startswith("fcdb"):
            with pytest.raises(
                DataError, match=r"found there: cropping_testing_set\.json, images \(2 in all\)"
            ) as no:
                one.read(tmp_path / "copy")
            assert one.layout in str(no.value)


def test_a_turned_photograph_is_as_large_as_it_is_seen(framed, tmp_path):
    image = framed("a", boxes=[[0, 0, 48, 64]])
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 48)).save(image.path, exif=exif)
    data_set = find_data_set("fcdb")
    data_set.save([image], tmp_path / "copy")
    assert data_set.read(tmp_path / "copy", read_sizes=True)[0].size_wh == (48, 64)


def test_unknown_names_and_folders_are_refused(tmp_path):
    with pytest.raises(RequestError, match="There is no data set 'gaic': choose gaicd, fcdb, fcdb-pairs"):
        find_data_set("gaic")
    with pytest.raises(DataError, match="does not exist"):
        find_data_set("gaicd").read(tmp_path / "no")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is not a folder"):
        find_data_set("fcdb").read(tmp_path / "file")


def test_types_refuse_what_does_not_fit_together(framed, compared):
    with pytest.raises(DataError, match=r"'a' needs one box of four coordinates or more; got .* \(0, 4\)"):
        framed(boxes=np.zeros((0, 4)))
    with pytest.raises(DataError, match="'a' has 1 boxes and 2 annotators"):
        framed(annotators=("Ada", "Ben"))
    with pytest.raises(DataError, match=r"got shapes \(2, 4\), \(2, 4\) and \(1, 2\)"):
        replace(compared(), votes=np.array([[1, 2]]))


def test_masks_are_read_too(source, tmp_path):
    (tmp_path / "masks").mkdir()
    source.rename(tmp_path / "images")
    for name in "abc":
        Image.new("L", (64, 48), 255).save(tmp_path / f"masks/{name}.png")
    found = find_data_set("masks").read(tmp_path, read_sizes=True)
    assert [type(image) for image in found] == [MaskedImage] * 3
