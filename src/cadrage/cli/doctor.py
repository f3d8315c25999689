"""``cadrage doctor``: is everything here that cadrage needs, and does it work?"""

from __future__ import annotations

import io
import json
import os
import platform
import re
import shutil
import statistics
import textwrap
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

import cadrage
from cadrage.cli.console import complain
from cadrage.errors import CadrageError

if TYPE_CHECKING:
    from cadrage.cropper import Cropper

app = typer.Typer(rich_markup_mode=None, add_completion=False)

LIBRARIES = {"numpy": "numpy", "pillow": "PIL", "onnxruntime": "onnxruntime"}
"""What the work is done with: distributions, and the modules they install."""

FORMATS = {
    "JPEG": ("jpg", "libjpeg_turbo"),
    "PNG": ("zlib", "zlib_ng"),
    "WebP": ("webp", "webp"),
    "AVIF": ("avif", "avif"),
    "TIFF": ("libtiff", "libtiff"),
    "JPEG 2000": ("jpg_2000", "jpg_2000"),
    "ICC profiles": ("littlecms2", "littlecms2"),
}
"""What Pillow can be built with: its name of the feature, and of the library whose version is told."""

NEEDED_FORMATS = ("JPEG", "PNG")

RUNS = 5
"""Timed runs, of which the median is told."""

PICTURE_WH = (600, 400)
BROKEN = 2
"""Exit code when something needed is broken."""

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Part:
    """An optional part of cadrage.

    Attributes:
        present: all its packages are installed.
        versions: of those that are.
        get: the command that installs them.
    """

    present: bool
    versions: Mapping[str, str]
    get: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Attributes:
        healthy: nothing needed is broken.
        problems: a sentence for each thing that is.
        versions: of cadrage, Python and the packages needed.
        system: kind of machine.
        formats: versions of the libraries that Pillow decodes with, ``None`` for one that it lacks.
        providers: execution providers of ONNX Runtime.
        cpus: CPUs that the process may use, and CPUs there are.
        model: name, version, folder and checksums, once they are found right.
        timing: median milliseconds to encode a picture and to score boxes, how many boxes, on how many threads.
        parts: optional parts by the name of their extra.
    """

    healthy: bool
    problems: tuple[str, ...]
    versions: Mapping[str, str]
    system: str
    formats: Mapping[str, str | None] = field(default_factory=dict)
    providers: tuple[str, ...] = ()
    cpus: Mapping[str, int] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    timing: Mapping[str, float] = field(default_factory=dict)
    parts: Mapping[str, Part] = field(default_factory=dict)


@app.command()
def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    model: Annotated[str | None, typer.Option(metavar="NAME|DIR", help="Examine another model.")] = None,
) -> None:
    """Check that all that cadrage needs is here and works.

    Tells versions, picture formats, the model with its checksums, what it runs on, how long a picture takes, and
    which optional parts are installed or how to get them.

    \b
    Exit code:
      0  all is well
      2  something needed is broken; a sentence each says what
    """
    report = examine(model)
    if as_json:
        print(json.dumps(asdict(report), indent=2))
    else:
        for name, text in _lines(report).items():
            _print(name, text)
    for problem in report.problems:
        complain(problem)
    if not report.healthy:
        raise typer.Exit(BROKEN)


def examine(model: str | None = None) -> Report:
    """Look at everything; what is broken is told, and what rests on it left out.

    Args:
        model: as for ``Cropper``.
    """
    problems: list[str] = []

    def look(what: str, at: Callable[[], _Found], otherwise: _Found) -> _Found:
        try:
            return at()
        except CadrageError as error:
            problems.append(str(error))
        except Exception as error:  # whatever it is, to find it is what this command is for
            problems.append(f"{what} failed: {' '.join(str(error).split()) or type(error).__name__}.")
        return otherwise

    for library, module in LIBRARIES.items():
        if not problems:  # what fails after numpy may fail for want of it
            look(f"Loading {library}", partial(import_module, module), None)
    versions: Mapping[str, str] = look("Reading the versions", _versions, {})
    parts: Mapping[str, Part] = look("Reading the optional parts", _parts, {})
    if problems:
        return Report(False, tuple(problems), versions, _system(), parts=parts)
    cropper: Cropper | None = look("Loading the model", partial(_cropper, model), None)
    formats: Mapping[str, str | None] = look("Asking Pillow for its formats", _formats, {})
    providers: tuple[str, ...] = look("Asking ONNX Runtime for its providers", _providers, ())
    cpus: Mapping[str, int] = look("Counting the CPUs", _cpus, {})
    timing: Mapping[str, float] = {}
    if cropper:
        timing = look("The self-test", partial(_self_test, cropper), {})
    return Report(
        healthy=not problems,
        problems=tuple(problems),
        versions=versions,
        system=_system(),
        formats=formats,
        providers=providers,
        cpus=cpus,
        model=_model(cropper) if cropper else {},
        timing=timing,
        parts=parts,
    )


def _system() -> str:
    return f"{platform.system()} {platform.machine()}"


def _requirements() -> dict[str, list[str]]:
    """Names of the distributions that each extra needs; those always needed under the empty name."""
    found: dict[str, list[str]] = {
        extra: [] for extra in metadata.metadata("cadrage").get_all("Provides-Extra") or ()
    }
    for requirement in metadata.requires("cadrage") or ():
        specifier, _, marker = requirement.partition(";")
        name = re.split(r"[^A-Za-z0-9._-]", specifier.strip())[0]
        extra = re.search(r"""extra == ['"]([^'"]+)""", marker)
        if name != "cadrage":
            found.setdefault(extra[1] if extra else "", []).append(name)
    return found


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _versions() -> dict[str, str]:
    needed = {name: _installed(name) for name in _requirements()[""]}
    missing = [name for name, version in needed.items() if version is None]
    if missing:
        raise CadrageError(f"{' and '.join(missing)} is not installed: pip install --force-reinstall cadrage")
    return {"cadrage": cadrage.__version__, "Python": platform.python_version(), **needed}  # type: ignore[dict-item]


def _formats() -> dict[str, str | None]:
    from PIL import features  # noqa: PLC0415

    found = {
        name: (features.version(library) or features.version(feature) or "")
        if features.check(feature)
        else None
        for name, (feature, library) in FORMATS.items()
    }
    lacking = [name for name in NEEDED_FORMATS if found[name] is None]
    if lacking:
        raise CadrageError(
            f"This Pillow cannot read {' and '.join(lacking)}: pip install --force-reinstall pillow"
        )
    return found


def _providers() -> tuple[str, ...]:
    import onnxruntime  # noqa: PLC0415

    return tuple(onnxruntime.get_available_providers())


def _cpus() -> dict[str, int]:
    from cadrage.threads import available_cpus  # noqa: PLC0415

    return {"usable": available_cpus(), "present": os.cpu_count() or 1}


def _cropper(model: str | None) -> Cropper:
    from cadrage.cropper import Cropper  # noqa: PLC0415

    return Cropper(model)


def _model(cropper: Cropper) -> dict[str, Any]:
    entry = cropper.scorer.entry
    checksums = {graph.path: graph.sha256 for graph in (entry.encode, entry.score)}
    return {"name": entry.name, "version": entry.version, "folder": str(entry.folder), "sha256": checksums}


def _self_test(cropper: Cropper) -> dict[str, float]:
    """Crop a generated picture, check the crop, and time the model's two halves."""
    from cadrage.candidates import grid_anchors  # noqa: PLC0415

    photo = cropper.open(_picture())
    box = cropper.crop(_picture(), ratios=["1:1"]).best.box
    x1, y1, x2, y2 = box.as_tuple()
    width, height = photo.size_wh
    if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height and x2 - x1 == y2 - y1):
        raise CadrageError(f"The self-test's crop {box} is no square within {width}x{height} pixels.")
    boxes = grid_anchors(photo.size_wh)
    features = cropper.encode(photo)
    raster = _raster_like(features.raster_wh)
    return {
        "encode_ms": _median_ms(lambda: cropper.scorer.encode(raster)),
        "score_ms": _median_ms(lambda: cropper.scorer.score(features, boxes)),
        "boxes": len(boxes),
        "threads": cropper.scorer.threads,
    }


def _picture() -> bytes:
    """A bright disc on a sky that darkens upwards, as a JPEG file."""
    from PIL import Image, ImageDraw  # noqa: PLC0415

    picture = Image.linear_gradient("L").resize(PICTURE_WH).convert("RGB")
    ImageDraw.Draw(picture).ellipse((380, 120, 480, 220), fill=(250, 220, 120))
    file = io.BytesIO()
    picture.save(file, "JPEG")
    return file.getvalue()


def _raster_like(size_wh: tuple[int, int]) -> Any:  # noqa: ANN401
    import numpy as np  # noqa: PLC0415

    return np.random.default_rng(0).integers(0, 256, (size_wh[1], size_wh[0], 3)).astype(np.uint8)


def _median_ms(work: Callable[[], object]) -> float:
    work()  # the first run allocates
    spans = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        spans.append(time.perf_counter() - start)
    return round(1000 * statistics.median(spans), 2)


def _parts() -> dict[str, Part]:
    parts = {}
    for extra, names in _requirements().items():
        found = {name: _installed(name) for name in names}
        versions = {name: version for name, version in found.items() if version is not None}
        if extra and names:
            parts[extra] = Part(len(versions) == len(names), versions, f"pip install 'cadrage[{extra}]'")
    return parts


def _lines(report: Report) -> dict[str, str]:
    """The report for people: a name and what is said of it."""
    lines = dict(report.versions)
    if lines:
        lines["Python"] += f" on {report.system}"
    if report.formats:
        lines["formats"] = ", ".join(
            f"no {name}" if version is None else f"{name} {version}".strip()
            for name, version in report.formats.items()
        )
    if report.providers:
        lines["providers"] = ", ".join(report.providers)
    if report.cpus:
        lines["CPUs"] = f"{report.cpus['usable']} usable of {report.cpus['present']}"
    if model := report.model:
        sums = ", ".join(f"{file} {checksum[:12]}" for file, checksum in model["sha256"].items())
        lines["model"] = f"{model['name']} {model['version']}; checksums are right: {sums}"
    if timing := report.timing:
        lines["self-test"] = (
            f"a crop came out right; encoding takes {timing['encode_ms']:.1f} ms and {timing['boxes']} boxes "
            f"{timing['score_ms']:.1f} ms, threads: {timing['threads']}"
        )
    for extra, part in report.parts.items():
        lines[f"part '{extra}'"] = _part_line(part)
    lines["verdict"] = "all is well" if report.healthy else "something is broken"
    return lines


def _part_line(part: Part) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in part.versions.items())
    if part.present:
        return versions
    return f"incomplete ({versions}): {part.get}" if versions else f"not installed: {part.get}"


def _print(name: str, text: str) -> None:
    """Print a name in a column of its own, and the text beside it in as many lines as it takes."""
    indent = " " * 16
    width = max(40, shutil.get_terminal_size().columns)
    print(
        textwrap.fill(
            text,
            width,
            initial_indent=f"{name:15} ",
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )
