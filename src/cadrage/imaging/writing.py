"""Crops written to files: one decoding for all, in the format, quality and with the metadata asked for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any, BinaryIO

from numpy.typing import ArrayLike
from PIL import Image

from cadrage.errors import ImageError, RequestError
from cadrage.geometry import Box, as_boxes
from cadrage.imaging.animation import check_frames, is_animated, pages_agree, write_frames
from cadrage.imaging.crops import cutter, whole_pixels
from cadrage.imaging.failures import printable, reason_of
from cadrage.imaging.lossless import crop_jpeg, cut_without_loss, lossless_grid
from cadrage.imaging.metadata import Metadata, encoder_options, for_crop, metadata_of
from cadrage.imaging.orientation import Region, Size, turned
from cadrage.imaging.photo import PIXEL_LIMIT, Photo, decode
from cadrage.imaging.quiet import quiet
from cadrage.imaging.resizing import DRAFT_MARGIN, resize_crop
from cadrage.imaging.saving import (
    JPEG,
    PNG,
    TIFF,
    WEBP,
    WRITERS,
    Writer,
    encode,
    natural_writer,
    refusing,
    writing,
)

Target = Path | BinaryIO
"""Where a crop goes: a file by its name, or one that is open."""

_ALIASES = {"jpg": "jpeg", "tif": "tiff"}


@dataclass(frozen=True, slots=True)
class OutputRule:
    """How crops are written.

    Attributes:
        format: ``"jpeg"``, ``"png"``, ``"webp"``, ``"avif"``, ``"tiff"`` or ``"gif"``; by default the
            photograph's own, or JPEG for a HEIC file and PNG for others that are not written.
        quality: of JPEG, WebP and AVIF, 1 to 100.
        strip: leave out all metadata (place, time, camera, XMP, comments) but the colour profile.
        lossless: copy the coefficients of a JPEG file where its box allows it (see ``lossless_grid``; needs the
            extra ``lossless``), and write WebP without loss.

    Raises:
        RequestError: a value is outside its range.
    """

    format: str | None = None
    quality: int = 92
    strip: bool = False
    lossless: bool = False

    def __post_init__(self) -> None:
        if self.format is not None:
            name = str(self.format).lower().removeprefix(".")
            object.__setattr__(self, "format", _ALIASES.get(name, name))
            if self.format not in WRITERS:
                raise RequestError(f"The format must be {', '.join(WRITERS)}, not {self.format!r}.")
        whole = isinstance(self.quality, int) and not isinstance(self.quality, bool)
        if not whole or not 1 <= self.quality <= 100:
            raise RequestError(f"The quality must be from 1 to 100, not {self.quality!r}.")
        for flag, what in ((self.strip, "strip"), (self.lossless, "lossless")):
            if not isinstance(flag, bool):
                raise RequestError(f"'{what}' must be true or false, not {flag!r}.")


@dataclass(frozen=True, slots=True)
class Written:
    """A crop that was written.

    Attributes:
        path: the file; ``None`` for a target that was open.
        size_wh: width and height as a viewer shows it, in pixels.
        format: as in ``OutputRule``.
        lossless: whether nothing was lost: the pixels are the photograph's own, or the coefficients of a JPEG file.
        scale: size of the crop to that of its box: above 1 it was enlarged.
        notes: sentences on what could not be done as asked.
    """

    path: Path | None
    size_wh: Size
    format: str
    lossless: bool
    scale: float = 1.0
    notes: tuple[str, ...] = ()


def suffix_for(photo: Photo, rule: OutputRule) -> str:
    """Suffix, with its dot, of a crop's file."""
    return _writer_for(photo, rule).suffixes[0]


def copies_coefficients(photo: Photo, rule: OutputRule) -> bool:
    """Whether crops are cut out of the coefficients of a photograph's file, where their boxes allow it."""
    return rule.lossless and photo.format == "JPEG" and _writer_for(photo, rule) is JPEG


@quiet()
def write_crops(
    photo: Photo,
    boxes: ArrayLike | Iterable[Box],
    targets: Sequence[Target | str],
    rule: OutputRule = OutputRule(),
    *,
    size_wh: Size | None = None,
    sources: Iterable[Path] = (),
) -> list[Written]:
    """Write crops of one photograph, upright, each whole or not at all.

    Transparency, palette, 16-bit grey, CMYK and colour profile are kept where the format can hold them, and so is
    the metadata, made true for the crop: orientation, size, no thumbnail. Of an animation all frames are written
    if the format has frames, of a TIFF file all pages if they are of one size.

    Args:
        photo: the photograph.
        boxes: shape (N, 4), or an iterable of ``Box``, in frame pixels; rounded to whole pixels and clipped to the
            frame.
        targets: as many: paths, whose folders are made and whose files are replaced, or open binary files. The
            format does not depend on their names; see ``suffix_for``.
        rule: how they are written.
        size_wh: width and height of all of them, in pixels; by default each has the size of its box.
        sources: files that must not be replaced, whatever name leads to them; the photograph's is one anyhow.

    Returns:
        What was written, in the order of the boxes.

    Raises:
        ImageError: the pixels cannot be decoded, or a crop cannot be written. Those before it are written.
        RequestError: a box lies outside the frame, the size is impossible, targets are too few or the same.
        MissingExtraError: ``rule.lossless`` for a JPEG file without the extra ``lossless``.
    """
    regions = [whole_pixels(Box(*row), photo.size_wh) for row in as_boxes(boxes).tolist()]
    places: list[Target] = [Path(target) if isinstance(target, str) else target for target in targets]
    _check_size(size_wh)
    _check_targets(places, len(regions))
    job = _Job(photo, _writer_for(photo, rule), rule, size_wh, _protected(photo, sources))
    if not regions:
        return []
    if is_animated(photo, job.writer) and (job.writer is not TIFF or pages_agree(photo)):
        check_frames(photo)
        return list(itertools.starmap(job.write_frames, zip(regions, places, strict=True)))
    return job.write_stills(regions, places)


@dataclass(frozen=True, slots=True)
class _Job:
    """What the crops of a call share."""

    photo: Photo
    writer: Writer
    rule: OutputRule
    size_wh: Size | None
    protected: tuple[Path, ...]

    def write_frames(self, region: Region, target: Target) -> Written:
        """Write one crop of an animation."""
        photo = self.photo
        first, _ = decode(photo, at_least=(1, 1))
        metadata = Metadata() if self.rule.strip else metadata_of(photo, first)
        options, notes = self._options(for_crop(metadata, self._size_of(region)))
        options["icc_profile"] = first.info.get("icc_profile")
        with self._open(target, region) as file:
            write_frames(photo, region, self.size_wh, file, self.writer, options, strip=self.rule.strip)
        exact = self.writer in (PNG, TIFF) or photo.format == "GIF" == self.writer.format or self._webp_exact
        return self._written(target, region, (*metadata.notes, *notes), exact=exact)

    def write_stills(self, regions: list[Region], targets: Sequence[Target]) -> list[Written]:
        """Write crops of a still, or of an animation's first frame."""
        notes = self._notes_on_frames()
        copied, refusals = self._plan(regions)
        written: dict[int, Written] = {}
        if any(copied):
            written |= self._copy_coefficients(regions, targets, copied)
        left = [number for number, done in enumerate(copied) if not done]
        if left:
            for number, one in self._reencode({n: regions[n] for n in left}, targets, (*notes, *refusals)):
                written[number] = one
        return [written[number] for number in range(len(regions))]

    def _plan(self, regions: list[Region]) -> tuple[list[bool], tuple[str, ...]]:
        """For each region whether its coefficients are copied; and why not, where it was asked for."""
        photo = self.photo
        if not copies_coefficients(photo, self.rule):
            return [False] * len(regions), ()
        if self.size_wh is not None:
            return [False] * len(regions), ("Resized, so not a lossless copy.",)
        grid = lossless_grid(photo)
        if grid is None:
            return [False] * len(regions), ("This kind of JPEG file cannot be cropped without loss.",)
        refusal = f"The box does not lie on the grid of {grid[0]} x {grid[1]} pixels, so it was encoded anew."
        return cut_without_loss(regions, photo), (refusal,)

    def _copy_coefficients(
        self, regions: list[Region], targets: Sequence[Target], copied: list[bool]
    ) -> dict[int, Written]:
        photo = self.photo
        numbers = [number for number, done in enumerate(copied) if done]
        crops, notes = crop_jpeg(photo, [regions[number] for number in numbers], strip=self.rule.strip)
        written = {}
        for number, data in zip(numbers, crops, strict=True):
            with self._open(targets[number], regions[number]) as file:
                file.write(data)
            written[number] = self._written(targets[number], regions[number], notes, exact=True)
        return written

    def _reencode(
        self, regions: dict[int, Region], targets: Sequence[Target], notes: tuple[str, ...]
    ) -> Iterator[tuple[int, Written]]:
        photo, size_wh = self.photo, self.size_wh
        stored, extent = decode(photo, at_least=self._draft_size(regions.values()))
        metadata = Metadata() if self.rule.strip else metadata_of(photo, stored)
        if size_wh is not None:
            for number, region in regions.items():
                crop = resize_crop(stored, extent, photo.orientation, photo.size_wh, region, size_wh)
                yield number, self._encode(crop, metadata, region, targets[number], notes)
            return
        decoded = [stored]
        del stored
        with cutter(decoded, photo.orientation, regions.values()) as cut:
            for number, region in regions.items():
                yield number, self._encode(cut(region), metadata, region, targets[number], notes)

    def _encode(
        self, crop: Image.Image, metadata: Metadata, region: Region, target: Target, notes: tuple[str, ...]
    ) -> Written:
        options, losses = self._options(for_crop(metadata, crop.size))
        with self._open(target, region) as file:
            encode(crop, file, self.writer, options)
        exact = crop.mode in self.writer.modes and (not self.writer.lossy or self._webp_exact)
        return self._written(target, region, (*notes, *metadata.notes, *losses), exact=exact)

    def _options(self, metadata: Metadata) -> tuple[dict[str, Any], tuple[str, ...]]:
        """For Pillow's encoder; and what was left out."""
        said: tuple[dict[str, Any], tuple[str, ...]] = ({}, ())
        if not self.rule.strip:
            said = encoder_options(metadata, self.writer)
        options, notes = said
        if self.writer.lossy:
            options["quality"] = self.rule.quality
        if self.writer is WEBP and self.rule.lossless:
            options |= {"lossless": True, "exact": True}
        return options, notes

    @property
    def _webp_exact(self) -> bool:
        return self.writer is WEBP and self.rule.lossless

    def _draft_size(self, regions: Iterable[Region]) -> Size | None:
        """How large the stored picture must be for the largest reduction that all crops bear."""
        if self.size_wh is None:
            return None
        scales = [max(self.size_wh[0] / (x2 - x1), self.size_wh[1] / (y2 - y1)) for x1, y1, x2, y2 in regions]
        scale = DRAFT_MARGIN * max(scales)
        stored_wh = turned(self.photo.size_wh, self.photo.orientation)
        return (math.ceil(stored_wh[0] * scale), math.ceil(stored_wh[1] * scale)) if scale < 1 else None

    def _notes_on_frames(self) -> tuple[str, ...]:
        photo = self.photo
        if photo.frames < 2 or (photo.format == "TIFF" and photo.page):
            return ()
        if photo.format != "TIFF":
            return (
                f"Only the first of {photo.frames} frames was written: {self.writer.format} has no frames.",
            )
        reason = "they differ in size" if self.writer is TIFF else f"{self.writer.format} has no pages"
        return (f"Only the first of {photo.frames} pages was written: {reason}.",)

    def _size_of(self, region: Region) -> Size:
        return self.size_wh or (region[2] - region[0], region[3] - region[1])

    def _written(self, target: Target, region: Region, notes: tuple[str, ...], *, exact: bool) -> Written:
        width, height = self._size_of(region)
        scale = max(width / (region[2] - region[0]), height / (region[3] - region[1]))
        return Written(
            path=target if isinstance(target, Path) else None,
            size_wh=(width, height),
            format=self.writer.format.lower(),
            lossless=exact and (self.size_wh is None or scale == 1),
            scale=scale,
            notes=notes,
        )

    @contextmanager
    def _open(self, target: Target, region: Region) -> Iterator[IO[bytes]]:
        """The file to write a crop into."""
        size_wh = self._size_of(region)
        if isinstance(target, Path):
            name = printable(str(target))
            with (
                writing(target, self.protected) as part,
                part.open("wb+") as file,
                refusing(name, self.writer, size_wh),
            ):
                yield file
            return
        buffer = BytesIO()
        name = f"The crop of {self.photo.name}"
        with refusing(name, self.writer, size_wh):
            yield buffer
        try:
            target.write(buffer.getbuffer())
            target.flush()
        except OSError as error:
            raise ImageError(f"{name} cannot be written: {reason_of(error)}.") from error


def _writer_for(photo: Photo, rule: OutputRule) -> Writer:
    return WRITERS[rule.format] if rule.format else natural_writer(photo)


def _check_size(size_wh: Size | None) -> None:
    if size_wh is None:
        return
    width, height = size_wh
    if width < 1 or height < 1 or width * height > PIXEL_LIMIT:
        raise RequestError(
            f"The size of a crop must be at least 1 x 1 and at most {PIXEL_LIMIT:,} pixels, not {width} x {height}."
        )


def _check_targets(targets: Sequence[Target], count: int) -> None:
    if len(targets) != count:
        raise RequestError(f"There are {count} boxes and {len(targets)} targets to write them to.")
    paths = [target for target in targets if isinstance(target, Path)]
    for path in paths:
        if paths.count(path) > 1:
            raise RequestError(f"{printable(str(path))} is the target of two crops.")


def _protected(photo: Photo, sources: Iterable[Path]) -> tuple[Path, ...]:
    own = [photo.source] if isinstance(photo.source, Path) else []
    return (*own, *sources)
