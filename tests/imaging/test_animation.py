from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageSequence

from cadrage.errors import ImageError
from cadrage.geometry import Box
from cadrage.imaging import OutputRule, animation, open_photo, write_crops

BOX = Box(12, 8, 61, 55)
DURATIONS = [100, 50, 200, 30, 70]


def drawn(alpha: bool) -> list[Image.Image]:
    """Five frames of 80 x 60, each with a block of another colour in another place."""
    frames = []
    for number in range(5):
        pixels = np.zeros((60, 80, 4), np.uint8)
        pixels[...] = (40 * number, 90, 200 - 30 * number, 255)
        pixels[10 + 5 * number : 30 + 5 * number, 5 + 9 * number : 40 + 9 * number, :3] = (
            250 - 20 * number,
            7,
            99,
        )
        if alpha:
            pixels[: 15 + 3 * number] = 0
        frames.append(Image.fromarray(pixels))
    return frames


def encoded(format_name: str, alpha: bool = False, **options) -> bytes:
    buffer = io.BytesIO()
    first, *rest = drawn(alpha)
    given = {"duration": DURATIONS, "loop": 3, "save_all": True, "append_images": rest, **options}
    first.save(buffer, format_name, **given)
    return buffer.getvalue()


def shown(data: bytes) -> tuple[list[np.ndarray], list[float], int | None]:
    """Frames as a viewer shows them, durations and loop count; colours under full transparency do not count."""
    frames, durations = [], []
    with Image.open(io.BytesIO(data)) as image:
        for frame in ImageSequence.Iterator(image):
            frame.load()
            pixels = np.asarray(frame.convert("RGBA")).copy()
            pixels[pixels[..., 3] == 0] = 0
            frames.append(pixels)
            durations.append(frame.info.get("duration"))
        return frames, durations, image.info.get("loop")


PLAIN = OutputRule()


def crop_of(data: bytes, rule: OutputRule = PLAIN, **options):
    target = io.BytesIO()
    (written,) = write_crops(open_photo(data), [BOX], [target], rule, **options)
    return target.getvalue(), written


SOURCES = [
    *(("GIF", {"disposal": disposal}) for disposal in (0, 1, 2, [1, 3, 2, 1, 1])),
    ("WEBP", {"lossless": True}),
    ("PNG", {}),
    ("PNG", {"disposal": 1}),
    ("PNG", {"blend": 1}),
]


class TestFrames:
    @pytest.mark.parametrize("alpha", [False, True], ids=["opaque", "alpha"])
    @pytest.mark.parametrize(("format_name", "options"), SOURCES)
    @pytest.mark.parametrize("target", [None, "gif", "webp", "png"])
    def test_each_is_cut_as_it_is_shown(self, format_name, options, alpha, target):
        data = encoded(format_name, alpha, **options)
        crop, written = crop_of(data, OutputRule(target, lossless=True))
        frames, _, _ = shown(data)
        cropped, durations, loop = shown(crop)
        assert written.size_wh == (49, 47)
        assert (durations, loop) == (DURATIONS, 3)
        for frame, expected in zip(cropped, frames, strict=True):
            assert np.array_equal(frame, expected[8:55, 12:61])

    def test_avif_keeps_their_number_and_timing(self):
        crop, _ = crop_of(encoded("AVIF"))
        frames, durations, _ = shown(crop)
        assert (len(frames), durations) == (5, DURATIONS)

    @pytest.mark.parametrize("target", ["gif", "png"])
    def test_those_that_become_alike_keep_their_time(self, target):
        frames = [Image.new("RGB", (80, 60), (200, 30, 10)) for _ in range(3)]
        for number, frame in enumerate(frames):
            frame.paste((0, 90 * number, 0), (0, 0, 5, 5))
        buffer = io.BytesIO()
        frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=[100, 70, 30])
        crop, _ = crop_of(buffer.getvalue(), OutputRule(target))
        cropped, durations, _ = shown(crop)
        assert durations == [100, 70, 30]
        assert np.array_equal(cropped[0], cropped[2])

    @pytest.mark.parametrize("format_name", ["GIF", "WEBP", "PNG"])
    def test_at_another_size(self, format_name):
        crop, written = crop_of(encoded(format_name), size_wh=(31, 33))
        frames, durations, _ = shown(crop)
        assert [frame.shape for frame in frames] == [(33, 31, 4)] * 5
        assert durations == DURATIONS
        assert not written.lossless
        assert frames[2][1, 1].tolist() == pytest.approx([80, 90, 140, 255], abs=9)

    @pytest.mark.parametrize("target", ["jpeg", "tiff"])
    def test_a_still_format_gets_the_first(self, target):
        crop, written = crop_of(encoded("GIF"), OutputRule(target))
        assert written.notes == (f"Only the first of 5 frames was written: {target.upper()} has no frames.",)
        assert getattr(Image.open(io.BytesIO(crop)), "n_frames", 1) == 1


class TestGif:
    def test_palettes_and_play_once_are_kept(self):
        data = encoded("GIF", loop=None)
        crop, written = crop_of(data)
        assert written.lossless
        before, after = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(crop))
        assert after.getpalette() == before.getpalette()
        assert "loop" not in after.info

    @pytest.mark.parametrize(("strip", "kept"), [(False, b"made by hand"), (True, None)])
    def test_the_comment(self, strip, kept):
        crop, _ = crop_of(encoded("GIF", comment=b"made by hand"), OutputRule(strip=strip))
        assert Image.open(io.BytesIO(crop)).info.get("comment") == kept

    def test_a_frame_outside_the_box_only_takes_its_time(self):
        first = Image.new("P", (80, 60), 1)
        first.putpalette([0, 0, 0, 10, 200, 30, 250, 0, 0])
        second = first.copy()
        second.paste(2, (0, 0, 5, 5))
        buffer = io.BytesIO()
        first.save(buffer, "GIF", save_all=True, append_images=[second], duration=[100, 70], disposal=2)
        crop, _ = crop_of(buffer.getvalue())
        frames, durations, _ = shown(crop)
        assert durations == [100, 70]
        assert np.array_equal(frames[0], frames[1])

    def test_an_interlaced_one(self):
        data = encoded("GIF", interlace=True)
        crop, _ = crop_of(data)
        assert np.array_equal(shown(crop)[0][4], shown(data)[0][4][8:55, 12:61])

    @pytest.mark.parametrize("end", range(20, 2000, 97))
    def test_a_truncated_one_is_refused_or_cut_short(self, end, tmp_path):
        data = encoded("GIF")
        target = tmp_path / "crop.gif"
        try:
            write_crops(open_photo(data[:end]), [BOX], [target])
        except ImageError:
            assert list(tmp_path.iterdir()) == []
        else:
            assert Image.open(target).size == (49, 47)


class TestTiffPages:
    def test_are_all_kept_when_their_sizes_agree(self):
        crop, written = crop_of(encoded("TIFF"))
        cropped = Image.open(io.BytesIO(crop))
        assert (cropped.n_frames, written.notes) == (5, ())
        for number, page in enumerate(drawn(alpha=False)):
            cropped.seek(number)
            assert np.array_equal(np.asarray(cropped), np.asarray(page)[8:55, 12:61])

    def test_only_the_first_when_they_differ(self):
        buffer = io.BytesIO()
        first = Image.new("L", (80, 60), 7)
        first.save(buffer, "TIFF", save_all=True, append_images=[Image.new("L", (81, 60))])
        crop, written = crop_of(buffer.getvalue())
        assert Image.open(io.BytesIO(crop)).n_frames == 1
        assert written.notes == ("Only the first of 2 pages was written: they differ in size.",)

    def test_another_page_than_the_first_stands_alone(self):
        target = io.BytesIO()
        write_crops(open_photo(encoded("TIFF"), page=2), [BOX], [target])
        page = np.asarray(Image.open(target))
        assert np.array_equal(page, np.asarray(drawn(alpha=False)[2])[8:55, 12:61])


class TestLimits:
    def test_too_many_pixels_are_refused_before_any_work(self, monkeypatch, tmp_path):
        monkeypatch.setattr(animation, "ANIMATION_PIXELS", 20_000)
        with pytest.raises(ImageError, match=r"has 5 frames of 80 x 60 = 24,000 pixels together, more than"):
            write_crops(open_photo(encoded("GIF")), [BOX], [tmp_path / "crop.gif"])
        assert list(tmp_path.iterdir()) == []

    def test_the_first_frame_alone_is_not_limited(self, monkeypatch):
        monkeypatch.setattr(animation, "ANIMATION_PIXELS", 20_000)
        assert crop_of(encoded("GIF"), OutputRule("jpeg"))[1].size_wh == (49, 47)
