"""The run behind ``cadrage crop --caption``: the crops that captions describe, of one photograph after another."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadrage.atomic import require_replaceable
from cadrage.batch.names import NameTemplate, distinct_stems, parent_of
from cadrage.captions.vocabulary import known_words, remarks, words_of
from cadrage.cli.caption_options import CaptionOptions
from cadrage.cli.console import Progress, Rows
from cadrage.cli.crop_call import CropCall
from cadrage.cli.files import find_photos
from cadrage.errors import CadrageError, ImageError, MissingExtraError, RequestError
from cadrage.imaging import (
    OutputRule,
    Photo,
    Written,
    open_photo,
    preview,
    save,
    suffix_for,
    write_crops,
)
from cadrage.imaging.photo import printable, reason_of
from cadrage.overlay import PREVIEW_WH, LabelledCrop, SheetRow, contact_sheet
from cadrage.request import CropRequest
from cadrage.threads import MOST_THREADS, available_cpus

if TYPE_CHECKING:
    from cadrage.captions.cropper import CaptionCropper, CaptionRequest
    from cadrage.captions.results import CaptionResult

HONOURED = ("ratios", "top", "max_overlap")
"""The wishes of a ``CropRequest`` that caption-guided cropping knows."""

LONGEST_SLUG = 40
"""Characters of a caption in a file's name."""


@dataclass(slots=True)
class _Count:
    """What became of the photographs, for the exit code and the sheet."""

    done: int = 0
    failed: int = 0
    rows: list[SheetRow] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        return (1 if self.done else 2) if self.failed else 0


def run(call: CropCall, options: CaptionOptions) -> int:
    """Do a call with captions and return its exit code.

    Raises:
        CadrageError: the call cannot be begun.
    """
    _check(call)
    found = find_photos(call.photos, call.folder_rule)
    call.check_found(found)
    cropper, requests = prepare(options, call.request, call.threads)
    for sentence in _remarks(options.captions, cropper):
        _complain(None, sentence)
    photos = list(found.photos)
    stems = _stems(call, found.photos, options.captions)
    if call.out is not None and photos:
        _require_folder(call.out)
    count = _Count(failed=len(found.errors))
    columns = ["photograph", "caption", "ratio", "rank", "box", "loss", "caption loss", "aesthetic loss"]
    table = None if call.as_json else Rows(*columns, *["file"] * bool(call.out))
    for error in found.errors.values():
        _complain(None, error)
    total = len(photos) * len(requests)
    with Progress("searching", 1000 * total) as progress:
        for number, path in enumerate(photos):
            try:
                photo = open_photo(path)
                places = [stems[path, caption] for caption in range(len(options.captions))]
                _require_room(call, photo, requests, places)
                for part, request in enumerate(requests):
                    begun = 1000 * (number * len(requests) + part)
                    results = cropper.crops(
                        photo,
                        options.captions,
                        request,
                        watch=lambda done, of, begun=begun: progress.advance(begun + 1000 * done // of),  # type: ignore[misc]
                    )
                    for place, result in zip(places, results, strict=True):
                        written = _written(call, photo, result, place, photos)
                        _tell(result, written, table)
                        if not result.in_time:
                            _complain(
                                progress, f"{printable(result.source)}: the time limit ended the search."
                            )
                        if call.sheet:
                            count.rows.append(_sheet_row(photo, result))
                count.done += 1
            except CadrageError as error:
                count.failed += 1
                _complain(progress, error)
                if call.as_json:
                    print(json.dumps({"source": str(path), "error": str(error)}), flush=True)
    if table:
        table.finish()
    if call.sheet and count.rows:
        sheet = contact_sheet(count.rows, heading="Crops of captions (loss)", model=options.captioner or "")
        save(sheet, call.sheet, sources=photos)
    return count.exit_code


def prepare(
    options: CaptionOptions, request: CropRequest, threads: int | None = None
) -> tuple[CaptionCropper, list[CaptionRequest]]:
    """The cropper of a call and its requests, one for each ratio; this process's threads are set.

    Raises:
        MissingExtraError: torch is not installed.
        RequestError: an option is outside its range.
        WeightsError: a network cannot be loaded.
    """
    try:
        from cadrage.captions.aesthetics.gaic import USUAL_JUDGE  # noqa: PLC0415
        from cadrage.captions.cropper import (  # noqa: PLC0415
            CaptionCropper,
            CaptionRequest,
            parse_ratio,
            use_threads,
        )
        from cadrage.captions.objective import CaptionLoss  # noqa: PLC0415
        from cadrage.captions.search.descent import SearchConfig  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("Cropping by a caption", "caption") from None
    use_threads(threads or _usual_threads())
    default = CaptionRequest()
    typed: dict[str, Any] = {name: getattr(options, name) for name in ("restarts", "steps", "starts", "seed")}
    wanted = CaptionRequest(
        top=request.top,
        max_overlap=request.max_overlap,
        loss=CaptionLoss(kind="bag") if options.bag else default.loss,
        weight_aesthetic=(
            default.weight_aesthetic if options.weight_aesthetic is None else options.weight_aesthetic
        ),
        search=replace(SearchConfig(), **{name: value for name, value in typed.items() if value is not None}),
        time_limit_s=options.time_limit,
    )
    aesthetics = None if options.aesthetics == "none" or not wanted.weight_aesthetic else options.aesthetics
    if options.aesthetics is None and wanted.weight_aesthetic:
        aesthetics = USUAL_JUDGE
    cropper = CaptionCropper(options.captioner, aesthetics, allow_pickle=options.allow_pickle)
    return cropper, [replace(wanted, ratio=parse_ratio(str(ratio))) for ratio in request.ratios]


def check_request(request: CropRequest) -> None:
    """Refuse wishes that nothing heeds where a caption guides.

    Raises:
        RequestError: there is one.
    """
    default = CropRequest(ratios=request.ratios)
    for one in fields(CropRequest):
        if one.name not in HONOURED and getattr(request, one.name) != getattr(default, one.name):
            option = "--" + one.name.replace("_", "-")
            raise RequestError(f"{option} is not heeded where a caption guides: leave it out, or --caption.")


def _usual_threads() -> int:
    """As many as the environment says, as for every program on OpenMP, else as CPUs may be used."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdecimal() and 0 < int(said) <= MOST_THREADS else available_cpus()


def _check(call: CropCall) -> None:
    check_request(call.request)
    unused = {
        "--dry-run": call.dry_run,
        "--processes": call.processes is not None,
        "--manifest": call.manifest is not None,
        "--resume": call.resume,
        "--name": call.name is not None,
        "--lossless": call.lossless,
        "--model": call.model is not None,
    }
    if option := next((name for name, given in unused.items() if given), None):
        raise RequestError(f"{option} does not go with --caption.")
    if call.from_stream or call.to_stream:
        raise RequestError("--caption takes photographs by their names and writes into a folder, not -.")


def _stems(
    call: CropCall, folders: dict[Path, Path], captions: Sequence[str]
) -> dict[tuple[Path, int], tuple[Path, str]]:
    """Folder and start of the name of each photograph's crops, by photograph and number of the caption."""
    out = call.out or Path()
    places = {photo: out / below for photo, below in folders.items()}
    stems = distinct_stems(places, NameTemplate.default(call.request), call.request)
    slugs = list(_slugs(captions))
    return {
        (photo, number): (places[photo], f"{stem}_{slug}")
        for photo, stem in stems.items()
        for number, slug in enumerate(slugs)
    }


def _remarks(captions: Sequence[str], cropper: CaptionCropper) -> Iterator[str]:
    """What of captions guides a crop in another form or not; a caption that cannot guide is refused."""
    for caption in captions:
        known_words(caption, cropper.captioner.vocabulary)
        yield from remarks(caption, cropper.captioner.vocabulary)


def _slugs(captions: Sequence[str]) -> Iterator[str]:
    """Captions as parts of names, no two alike."""
    taken: set[str] = set()
    for caption in captions:
        slug = "-".join(words_of(caption))[:LONGEST_SLUG].rstrip("-")
        made, number = slug, 2
        while made in taken:
            made, number = f"{slug}-{number}", number + 1
        taken.add(made)
        yield made


def _require_folder(out: Path) -> None:
    """Make the folder of the crops: a search is long, and in vain where they cannot be written.

    Raises:
        RequestError: it cannot be made, or takes no file.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        require_replaceable(out / "crop")
    except OSError as error:
        raise RequestError(f"--out {printable(str(out))} takes no crops: {reason_of(error)}.") from error


def _require_room(
    call: CropCall, photo: Photo, requests: Sequence[CaptionRequest], places: Sequence[tuple[Path, str]]
) -> None:
    """Find out before the search whether its crops may be written; how many of a ratio there are is not known yet.

    Raises:
        ImageError: the first of one of its ratios is there, and is not to be replaced.
    """
    if call.out is not None and call.overwrite is False:
        for request, place in itertools.product(requests, places):
            _require_free(_file(call, photo, request.shape, 1, place))


def _require_free(file: Path) -> None:
    if os.path.lexists(file):
        raise ImageError(f"{printable(str(file))} is there already, and --no-overwrite keeps it.")


def _file(call: CropCall, photo: Photo, ratio: str, rank: int, place: tuple[Path, str]) -> Path:
    """Where a crop is written."""
    folder, stem = place
    name = NameTemplate.default(call.request).name(
        stem=stem, parent=parent_of(Path(photo.name)), ratio=ratio, rank=rank
    )
    return folder / (name + suffix_for(photo, _rule(call)))


def _rule(call: CropCall) -> OutputRule:
    quality = OutputRule().quality if call.quality is None else call.quality
    return OutputRule(call.format, quality, call.strip)


def _written(
    call: CropCall, photo: Photo, result: CaptionResult, place: tuple[Path, str], sources: Sequence[Path]
) -> list[Written]:
    if call.out is None:
        return []
    files = [_file(call, photo, result.ratio, rank, place) for rank in range(1, len(result.crops) + 1)]
    for file in files if call.overwrite is False else ():
        _require_free(file)
    return write_crops(photo, [crop.box for crop in result.crops], files, _rule(call), sources=sources)


def _tell(result: CaptionResult, written: Sequence[Written], table: Rows | None) -> None:
    if table is None:
        record = result.to_dict()
        for crop, one in zip(record["crops"], written, strict=False):
            crop["file"] = str(one.path)
        print(json.dumps(record), flush=True)
        return
    for rank, crop in enumerate(result.crops, start=1):
        cells = [printable(result.source), printable(result.caption), result.ratio, str(rank)]
        cells += [",".join(map(str, crop.box.rounded())), f"{crop.loss:.3f}"]
        cells += [f"{crop.caption_loss:.3f}", f"{crop.aesthetic_loss:.3f}"]
        table.add(*cells, *([printable(str(written[rank - 1].path))] if written else []))


def _sheet_row(photo: Photo, result: CaptionResult) -> SheetRow:
    crops = [
        LabelledCrop(
            f"{result.ratio} #{rank}" if len(result.crops) > 1 else result.ratio, crop.box, crop.loss
        )
        for rank, crop in enumerate(result.crops, start=1)
    ]
    title = f"{Path(result.source).name}: {result.caption}"
    return SheetRow(title, preview(photo, PREVIEW_WH), photo.size_wh, crops)


def _complain(progress: Progress | None, message: object) -> None:
    (progress or Progress("", 0)).complain(message)
