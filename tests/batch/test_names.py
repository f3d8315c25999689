"""Names of crops: templates that are understood, and names of one call that are never equal."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadrage.batch.names import NameTemplate, distinct_stems
from cadrage.errors import RequestError
from cadrage.request import CropRequest


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{stem}_{ratio}", "beach_16x9"),
        ("{parent}-{stem}-{rank}", "holiday-beach-2"),
        ("{stem}_{width}x{height}", "beach_1600x900"),
        ("crop {{{ratio}}}", "crop {16x9}"),
    ],
)
def test_fields_are_filled_in(template, name):
    made = NameTemplate(template).name(
        stem="beach", parent="holiday", ratio="16:9", rank=2, size_wh=(1600, 900)
    )
    assert made == name


def test_the_default_names_the_rank_where_there_are_several():
    assert NameTemplate.default(CropRequest()).text == "{stem}_{ratio}"
    assert NameTemplate.default(CropRequest(top=2)).text == "{stem}_{ratio}_{rank}"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{stem}/{ratio}", "cannot hold a folder"),
        ("{stem}\0", "cannot hold a folder"),
        ("{size}", "has no field {size}"),
        ("{}", "has no field {}"),
        ("{0}", "has no field {0}"),
        ("{stem.upper}", "has no field {stem.upper}"),
        ("{stem", "brace without its other half"),
        ("stem}", "brace without its other half"),
        ("{rank:999999999}", "nothing but a field's name"),
        ("{stem!r}", "nothing but a field's name"),
        ("", "is no name"),
        ("..", "is no name"),
    ],
)
def test_a_bad_template_is_one_sentence(template, said):
    with pytest.raises(RequestError) as raised:
        NameTemplate(template)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("template", "request_", "photographs", "field"),
    [
        ("{ratio}", CropRequest(), 2, "{stem}"),
        ("{stem}", CropRequest(("1:1", "4:5")), 1, "{ratio}"),
        ("{stem}", CropRequest(top=2), 1, "{rank}"),
        ("{stem}{width}", CropRequest(), 1, "must come last"),
        ("{width}_{stem}", CropRequest(), 1, "must come last"),
        ("{stem}_{width}_7_{height}", CropRequest(), 1, "must come last"),
        ("{stem}_{width}2", CropRequest(), 1, "must come last"),
    ],
)
def test_a_template_that_could_make_two_names_equal_is_refused(template, request_, photographs, field):
    with pytest.raises(RequestError) as raised:
        NameTemplate(template).check(request_, photographs)
    assert field in str(raised.value)


@pytest.mark.parametrize("template", ["{stem}", "{width}-{stem}"])
def test_what_is_one_or_known_needs_no_field(template):
    NameTemplate(template).check(CropRequest(size=(100, 50)), 5)


def test_a_name_without_stem_that_is_the_photograph_itself_is_refused(tmp_path):
    photo = tmp_path / "cover.jpg"
    with pytest.raises(RequestError, match="would replace"):
        distinct_stems({photo: tmp_path}, NameTemplate("Cover"), CropRequest())


def test_a_photograph_named_like_a_crop_with_its_size_is_not_replaced(tmp_path):
    photos = [tmp_path / "a.jpg", tmp_path / "a_10x20.jpg"]
    stems = distinct_stems(
        dict.fromkeys(photos, tmp_path), NameTemplate("{stem}_{width}x{height}"), CropRequest()
    )
    assert list(stems.values()) == ["a-2", "a_10x20"]


def test_folders_of_results_are_told_apart(tmp_path):
    folders = {Path(f"in/{name}/a.jpg"): tmp_path / name for name in ("x", "y")}
    assert set(distinct_stems(folders, NameTemplate("{stem}"), CropRequest()).values()) == {"a"}


STEMS = st.lists(
    st.text("aA_-12x", min_size=1, max_size=5).map(lambda stem: Path(f"in/{stem}.jpg")),
    min_size=1,
    max_size=6,
    unique=True,
)
TEMPLATES = st.sampled_from(
    ["{stem}_{ratio}_{rank}", "{stem}{rank}_{ratio}_{width}x{height}", "x{ratio}{stem}{rank}_{height}"]
)


@given(photos=STEMS, template=TEMPLATES, sides=st.lists(st.integers(1, 130), min_size=24, max_size=24))
def test_no_two_crops_of_a_call_have_one_name(photos, template, sides):
    wanted = CropRequest(("1:1", "2:1"), top=2)
    made = NameTemplate(template)
    made.check(wanted, len(photos))
    stems = distinct_stems(dict.fromkeys(photos, Path("in")), made, wanted)
    every = itertools.product(photos, wanted.ratios, (1, 2))
    size = itertools.cycle(sides)
    names = [
        made.name(stem=stems[photo], ratio=str(ratio), rank=rank, size_wh=(next(size), next(size))).casefold()
        for photo, ratio, rank in every
    ]
    names += {photo.stem.casefold() for photo in photos}
    assert len(names) == len(set(names))
