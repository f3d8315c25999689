"""Damaged and hostile pictures by the thousand, through everything that reads them.

``python tests/imaging/fuzzing.py --seconds 600`` looks for a file that raises anything but a ``CadrageError``,
warns, takes more than ten seconds or grows the memory; the case it ends with is shown again by ``--only CASE``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import itertools
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from heic_picture import HEIC_TURNED
from icc_profiles import cmyk_profile, grey_profile, rgb_profile
from PIL import ExifTags, Image

from cadrage.errors import CadrageError
from cadrage.geometry import Box
from cadrage.imaging import RasterRule, cut, open_photo, preview, raster, write_crops

PIXEL_LIMIT = 2_000_000
SECONDS_A_FILE = 10
"""Of the processor, so that a busy machine finds no more than an idle one."""
MEGABYTES_GROWN = 400
"""What 2 million pixels take in the costliest format, several times over; a bomb takes thousands."""

_RULE = RasterRule(64, 32, 128)
_NUMBERS = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
)


def seeds() -> dict[str, bytes]:
    """Valid pictures, of every format and most of their kinds, by name."""
    y, x = np.mgrid[0:20, 0:28]
    rgb = Image.fromarray(np.stack([x * 9, y * 12, (x * y) % 256], axis=2).astype(np.uint8))
    rgba = rgb.copy()
    rgba.putalpha(Image.fromarray((x * 9).astype(np.uint8)))
    grey16 = Image.fromarray((x * 2000 + y).astype(np.uint16))
    palette = rgb.quantize(16)
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    moving = {"save_all": True, "append_images": [rgb.rotate(90 * turns) for turns in range(1, 4)]}
    icc, exif = {"icc_profile": rgb_profile(1.0)}, {"exif": turned}
    cmyk = encoded(rgb.convert("CMYK"), "JPEG", icc_profile=cmyk_profile())
    pictures = {
        "jpeg": encoded(rgb, "JPEG", **exif, **icc, comment=b"a comment"),
        "jpeg progressive": encoded(rgb, "JPEG", progressive=True, subsampling=2, **exif),
        "jpeg grey": encoded(rgb.convert("L"), "JPEG", icc_profile=grey_profile(1.0)),
        "jpeg cmyk": cmyk,
        "jpeg cmyk without marker": cmyk.replace(b"Adobe", b"Other"),
        "jpeg several": encoded(rgb, "MPO", **moving, **exif),
        "png": encoded(rgb, "PNG", **icc, **exif),
        "png alpha": encoded(rgba, "PNG"),
        "png grey alpha": encoded(rgba.convert("LA"), "PNG"),
        "png 16 bits": encoded(grey16, "PNG"),
        "png palette": encoded(palette, "PNG", transparency=bytes(range(0, 160, 10))),
        "png bilevel": encoded(rgb.convert("1"), "PNG"),
        "png colour key": encoded(rgb, "PNG", transparency=(0, 0, 0)),
        "png animated": encoded(rgba, "PNG", **moving, default_image=True),
        "webp": encoded(rgb, "WEBP", **icc, **exif),
        "webp lossless": encoded(rgba, "WEBP", lossless=True),
        "webp animated": encoded(rgba, "WEBP", **moving, **icc, **exif, duration=40),
        "tiff": encoded(rgb, "TIFF", **exif, **icc),
        "tiff lzw": encoded(rgb, "TIFF", compression="tiff_lzw"),
        "tiff deflate 16 bits": encoded(grey16, "TIFF", compression="tiff_deflate"),
        "tiff jpeg": encoded(rgb, "TIFF", compression="jpeg"),
        "tiff fax": encoded(rgb.convert("1"), "TIFF", compression="group4"),
        "tiff pages": encoded(rgb, "TIFF", **moving),
        "tiff large": encoded(rgb, "TIFF", big_tiff=True),
        "tiff lab": encoded(rgb.convert("LAB"), "TIFF"),
        "tiff cmyk": encoded(rgb.convert("CMYK"), "TIFF", icc_profile=cmyk_profile()),
        "tiff float": encoded(rgb.convert("F"), "TIFF"),
        "gif": encoded(palette, "GIF", transparency=3, comment=b"a comment"),
        "gif animated": encoded(rgb, "GIF", **moving, disposal=2, loop=0),
        "avif": encoded(rgb, "AVIF", speed=10, **exif, **icc),
        "avif animated": encoded(rgb, "AVIF", **moving, speed=10),
        "bmp": encoded(rgb, "BMP"),
        "bmp palette": encoded(palette, "BMP"),
        "ppm": encoded(rgb, "PPM"),
        "pgm 16 bits": encoded(grey16.convert("I"), "PPM"),
        "ppm in words": b"P3\n# a comment\n4 2\n255\n" + b" ".join(b"%d" % value for value in range(24)),
        "pfm": encoded(rgb.convert("F"), "PPM"),
        "jpeg 2000": encoded(rgb, "JPEG2000"),
        "jpeg 2000 stream": encoded(rgba, "JPEG2000", no_jp2=True, tile_size=(16, 16)),
    }
    if importlib.util.find_spec("pi_heif"):
        pictures["heic"] = HEIC_TURNED
    return pictures


def encoded(image: Image.Image, format_name: str, **options: Any) -> bytes:
    """Bytes of a picture file."""
    buffer = io.BytesIO()
    if "append_images" in options:
        options["append_images"] = [frame.copy() for frame in options["append_images"]]
    image.copy().save(buffer, format_name, **options)  # copies, since encoders leave their settings on them
    return buffer.getvalue()


def mutant(case: int, seed: int, pictures: dict[str, bytes]) -> bytes:
    """The damaged file of a number: the same for the same seed, on any machine with the same encoders."""
    chance = random.Random(f"{seed} {case}")
    names = sorted(pictures)
    data = bytearray(pictures[names[case % len(names)]])
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        data = chance.choice(_DAMAGES)(data, chance, pictures)
    if data.startswith(b"\x89PNG") and chance.random() < 0.8:
        mend_checksums(data)
    return bytes(data)


def mend_checksums(png: bytearray) -> None:
    """Give every chunk its right checksum, so that damage reaches further than the check."""
    at = 8
    while at + 12 <= len(png):
        (length,) = struct.unpack_from(">I", png, at)
        if at + 12 + length > len(png):
            return
        struct.pack_into(">I", png, at + 8 + length, zlib.crc32(png[at + 4 : at + 8 + length]))
        at += 12 + length


def _place(data: bytearray, chance: random.Random) -> int:
    """Anywhere, but half of the time in the first bytes, where the header is."""
    return chance.randrange(min(len(data), chance.choice((64, 256, len(data), len(data))))) if data else 0


def _flip(data: bytearray, chance: random.Random, _: dict[str, bytes]) -> bytearray:
    if data:
        data[_place(data, chance)] ^= 1 << chance.randrange(8)
    return data


def _scatter(data: bytearray, chance: random.Random, _: dict[str, bytes]) -> bytearray:
    for _ in range(chance.randrange(1, 30) if data else 0):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return data


def _number(data: bytearray, chance: random.Random, _: dict[str, bytes]) -> bytearray:
    layout = chance.choice(("B", "<H", ">H", "<I", ">I"))
    size = struct.calcsize(layout)
    if len(data) > size:
        value = chance.choice(_NUMBERS) & (256**size - 1)
        struct.pack_into(layout, data, min(_place(data, chance), len(data) - size), value)
    return data


def _cut_off(data: bytearray, chance: random.Random, _: dict[str, bytes]) -> bytearray:
    return data[: _place(data, chance)]


def _remove(data: bytearray, chance: random.Random, _: dict[str, bytes]) -> bytearray:
    start = _place(data, chance)
    del data[start : start + chance.choice((1, 2, 4, 16, 64))]
    return data


def _repeat(data: bytearray, chance: random.Random, _: dict[str, bytes]) -> bytearray:
    start = _place(data, chance)
    part = data[start : start + chance.choice((1, 4, 12, 64, 200))]
    return data[:start] + part * chance.choice((2, 3, 50)) + data[start:]


def _insert(data: bytearray, chance: random.Random, _: dict[str, bytes]) -> bytearray:
    start = _place(data, chance)
    return data[:start] + chance.randbytes(chance.choice((1, 2, 4, 40))) + data[start:]


def _splice(data: bytearray, chance: random.Random, pictures: dict[str, bytes]) -> bytearray:
    other = pictures[chance.choice(sorted(pictures))]
    return data[: _place(data, chance)] + other[chance.randrange(len(other)) :]


_DAMAGES = (_flip, _flip, _scatter, _number, _number, _number, _cut_off, _remove, _repeat, _insert, _splice)


def read_all(source: bytes | Path) -> None:
    """Open a picture and use it as the cropper does; a sentence about the file is as good as its pixels."""
    try:
        photo = open_photo(source, name="fuzz", pixel_limit=PIXEL_LIMIT)
        assert photo.frames >= 1
        pixels = raster(photo, _RULE)
        assert pixels.dtype == np.uint8
        assert pixels.shape[2] == 3
        width, height = photo.size_wh
        crop = cut(photo, Box(width // 4, height // 4, width, height))
        assert crop.size == (width - width // 4, height - height // 4)
        write_crops(photo, [Box(0, 0, 1 + width // 2, 1 + height // 2)], [io.BytesIO()])
        if photo.format == "TIFF" and photo.frames > 1:
            preview(open_photo(source, pixel_limit=PIXEL_LIMIT, page=1), (32, 32))
    except CadrageError as error:
        sentence = str(error)
        assert sentence.isprintable(), repr(sentence)
        assert sentence.endswith(".") or "pip install" in sentence, sentence


def run(cases: Iterator[int], seed: int, report: int) -> None:
    """Read the mutants of some numbers.

    Args:
        cases: numbers.
        seed: of all the mutants.
        report: descriptor of a file that holds the number at work, for when the process dies of it.
    """
    pictures = seeds()
    for data in pictures.values():
        raster(open_photo(data), _RULE)  # seeds that are not pictures find nothing
    at_start = peak_megabytes()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        path = Path(folder) / "fuzz.jpg"
        for case in cases:
            os.pwrite(report, b"%-20d" % case, 0)
            data = mutant(case, seed, pictures)
            signal.setitimer(signal.ITIMER_PROF, SECONDS_A_FILE)
            if case % 4:
                read_all(data)
            else:
                path.write_bytes(data)
                read_all(path)
            signal.setitimer(signal.ITIMER_PROF, 0)
            assert not remarks, remarks[0]
            grown = peak_megabytes() - at_start
            assert grown < MEGABYTES_GROWN, f"case {case}: {grown:.0f} MB more than at the start"


def peak_megabytes() -> float:
    """Most memory that the process has held; what the one that started it held counts only where it must."""
    with contextlib.suppress(OSError):
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def until(seconds: float) -> Iterator[int]:
    """Numbers from 0, for some seconds."""
    end = time.monotonic() + seconds
    return itertools.takewhile(lambda _: time.monotonic() < end, itertools.count())


def main() -> None:
    """Run from the command line; ends with status 0 and the count, or with what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--count", type=int, help="files to try")
    wanted.add_argument("--seconds", type=float, help="or the time to spend")
    wanted.add_argument("--only", type=int, help="or one case, seen before")
    parser.add_argument("--start", type=int, default=0, help="first case of --count")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    if options.only is not None:
        cases = iter([options.only])
    elif options.count is not None:
        cases = iter(range(options.start, options.start + options.count))
    else:
        cases = until(options.seconds)
    with tempfile.TemporaryFile() as report:
        child = os.fork()
        if not child:
            run(cases, options.seed, report.fileno())
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        report.seek(0)
        last = report.read().decode().strip()
    if status:
        how = {-signal.SIGPROF: f"took more than {SECONDS_A_FILE} seconds"}.get(
            status, f"ended with {status}"
        )
        sys.exit(f"seed {options.seed} case {last} {how}: --seed {options.seed} --only {last}")
    print(f"no trouble up to case {last}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
