"""Crops of pictures with many frames: the same box for all, one frame in memory at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import IO, Any

from PIL import Image

from cadrage.errors import ImageError
from cadrage.imaging.apng import write_apng
from cadrage.imaging.crops import cut_stored
from cadrage.imaging.failures import decoding
from cadrage.imaging.gif import crop_gif, write_gif
from cadrage.imaging.orientation import Region, Size
from cadrage.imaging.photo import Photo, header
from cadrage.imaging.resizing import resize_crop
from cadrage.imaging.saving import GIF, PNG, TIFF, WEBP, Writer, fitting

ANIMATION_PIXELS = 1_000_000_000
"""Most pixels that the frames of one picture may have together; the limit is on time, memory holds two frames."""

MOST_FRAMES = 10_000
"""Most frames that are written."""

_DEFAULT_MILLISECONDS = 100.0
"""Duration of a frame that states none."""

_WEBP_FLAGS_AT, _WEBP_ALPHA = 20, 0x10

Frames = Iterator[tuple[Image.Image, float]]
"""Pictures, and how long each is shown in milliseconds."""


def is_animated(photo: Photo, writer: Writer) -> bool:
    """Whether the photograph has frames or pages, and the format room for them."""
    if photo.frames < 2:
        return False
    return writer is TIFF and photo.page == 0 if photo.format == "TIFF" else writer.frames


def check_frames(photo: Photo) -> None:
    """Refuse more frames than can be written in reasonable time.

    Raises:
        ImageError: they are more than ``MOST_FRAMES``, or have more than ``ANIMATION_PIXELS`` together.
    """
    width, height = photo.size_wh
    pixels = width * height * photo.frames
    if pixels > ANIMATION_PIXELS or photo.frames > MOST_FRAMES:
        raise ImageError(
            f"{photo.name} has {photo.frames:,} frames of {width} x {height} = {pixels:,} pixels together, more "
            f"than the limit of {MOST_FRAMES:,} frames and {ANIMATION_PIXELS:,} pixels: write a still format such "
            "as JPEG to crop its first frame."
        )


def pages_agree(photo: Photo) -> bool:
    """Whether all pages of a TIFF file have the size of the first.

    Raises:
        ImageError: a page's header is damaged.
    """
    with header(photo.source, photo.name) as image:
        sizes = set()
        for page in range(photo.frames):
            with decoding(photo.name):
                image.seek(page)
                sizes.add(image.size)
    return len(sizes) == 1


def write_frames(
    photo: Photo,
    region: Region,
    size_wh: Size | None,
    target: IO[bytes],
    writer: Writer,
    options: dict[str, Any],
    *,
    strip: bool,
) -> None:
    """Write one crop of all frames.

    Args:
        photo: with frames, in a format for which ``is_animated``.
        region: in frame pixels.
        size_wh: of the result; by default that of the region.
        target: an open file.
        writer: the format.
        options: for Pillow's encoder.
        strip: leave out metadata; ``options`` hold none then.

    Raises:
        ImageError: a frame cannot be decoded.
    """
    if photo.format == "GIF" and writer is GIF and size_wh is None:
        with _file(photo) as source:
            crop_gif(source, region, target, photo.name, strip=strip)
        return
    width, height = size_wh or (region[2] - region[0], region[3] - region[1])
    if writer is TIFF:
        pages = _Sequence(
            photo.frames, lambda: _frames(photo, region, size_wh, lambda page: fitting(page, TIFF))
        )
        pages.save(target, "TIFF", save_all=True, **options)
        return
    first, loop = _first_and_loop(photo)
    count = photo.frames - first

    def frames() -> Frames:
        return _frames(photo, region, size_wh, _same_mode(photo, writer), first)

    if writer is GIF:
        write_gif(frames(), (width, height), loop, options.get("comment"), target)
    elif writer is PNG:
        write_apng(frames(), count, 1 if loop is None else loop, options, target)
    else:
        sequence = _Sequence(count, frames)
        buffer = BytesIO()
        extra = {"loop": 1 if loop is None else loop} if writer is WEBP else {}
        sequence.save(
            buffer, writer.format, save_all=True, duration=sequence.milliseconds, **extra, **options
        )
        if writer is WEBP and sequence.mode == "RGBA":
            _declare_alpha(buffer)
        target.write(buffer.getbuffer())


def _declare_alpha(webp: BytesIO) -> None:
    """Set the file's alpha flag, which libwebp forgets where lossless frames have few colours."""
    webp.seek(_WEBP_FLAGS_AT)
    flags = webp.read(1)[0]
    webp.seek(_WEBP_FLAGS_AT)
    webp.write(bytes([flags | _WEBP_ALPHA]))


def _frames(
    photo: Photo,
    region: Region,
    size_wh: Size | None,
    convert: Callable[[Image.Image], Image.Image],
    first: int = 0,
) -> Frames:
    """Crops of one frame after the other, each as a viewer shows it: composed with those before."""
    with header(photo.source, photo.name) as image:
        for number in range(first, photo.frames):
            with decoding(photo.name):
                image.seek(number)
                image.load()
                if size_wh is None:
                    frame = cut_stored(image, photo.orientation, region)
                else:
                    whole = (0, 0, *image.size)
                    frame = resize_crop(image, whole, photo.orientation, photo.size_wh, region, size_wh)
                frame = convert(frame)
                duration = float(image.info.get("duration", _DEFAULT_MILLISECONDS))
            yield frame, duration


def _first_and_loop(photo: Photo) -> tuple[int, int | None]:
    """The first frame of the animation, and its loop count in the format's own sense."""
    with header(photo.source, photo.name) as image:
        first = 1 if image.info.get("default_image") else 0
        loop = image.info.get("loop", 0 if photo.format == "AVIF" else None)
    return first, loop if isinstance(loop, int) else None


def _same_mode(photo: Photo, writer: Writer) -> Callable[[Image.Image], Image.Image]:
    """Makes frames of one mode, which is known only after the first."""
    mode = ""

    def convert(frame: Image.Image) -> Image.Image:
        nonlocal mode
        if writer is GIF:
            return fitting(frame, GIF)
        if not mode:
            # Later frames of a GIF may show what is behind them, whatever the first does.
            sees_through = frame.has_transparency_data or photo.format == "GIF"
            plain = frame.mode if writer is PNG and frame.mode in ("L", "I;16") else "RGB"
            mode = "RGBA" if sees_through else plain
        fitted = frame if frame.mode == mode else frame.convert(mode)
        fitted.info = {}
        return fitted

    return convert


@contextlib.contextmanager
def _file(photo: Photo) -> Iterator[IO[bytes]]:
    if isinstance(photo.source, bytes):
        yield BytesIO(photo.source)
    else:
        with header(photo.source, photo.name) as image:
            file: IO[bytes] = image.fp  # type: ignore[attr-defined]
            file.seek(0)
            yield file


class _Sequence(Image.Image):
    """Frames that Pillow's encoders ask for one by one, instead of a list of them all.

    Attributes:
        n_frames: how many there are.
        milliseconds: durations of the frames asked for so far; encoders look one up after its frame.
    """

    is_animated = True

    def __init__(self, count: int, frames: Callable[[], Frames]) -> None:
        super().__init__()
        self.n_frames = count
        self.milliseconds: list[int] = []
        self._start = frames
        self._rest = frames()
        self._at = -1
        self.seek(0)

    def seek(self, frame: int) -> None:
        """Make a frame the picture."""
        if frame >= self.n_frames:
            raise EOFError
        if frame < self._at:
            self._rest = self._start()
            self._at = -1
        while self._at < frame:
            image, duration = next(self._rest)
            self._at += 1
            if len(self.milliseconds) == self._at:
                self.milliseconds.append(round(duration))
            self.im, self._mode, self._size = image.im, image.mode, image.size
            self.palette, self.info = image.palette, image.info

    def tell(self) -> int:
        """The frame that is the picture."""
        return self._at
