"""``cadrage explain --caption``: how a caption found its crop, as a picture or as an animation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from cadrage.captions.vocabulary import remarks
from cadrage.cli.caption_options import CaptionOptions
from cadrage.cli.console import Progress, complain
from cadrage.cli.crop_caption import check_request, prepare
from cadrage.errors import RequestError
from cadrage.geometry import Box
from cadrage.imaging import Photo, open_photo, preview, save
from cadrage.imaging.photo import printable
from cadrage.imaging.saving import writing
from cadrage.overlay import PREVIEW_WH
from cadrage.overlay.caption_search import SearchShown, WordShown, search_frames, search_picture
from cadrage.request import CropRequest

if TYPE_CHECKING:
    from cadrage.captions.results import CaptionResult
    from cadrage.captions.search.runs import Run

MOVING = (".gif", ".webp")
"""Suffixes of animations; a .png is one picture."""

STEP_MS, LAST_MS = 120, 2500
"""How long a step of an animation is shown, and its answer."""


def run(photo: Path, out: Path | None, request: CropRequest, options: CaptionOptions) -> None:
    """Search, write the picture and print its name.

    Raises:
        CadrageError: the photograph, the request or the name cannot be used.
    """
    check_request(request)
    if len(options.captions) > 1 or len(request.ratios) > 1 or request.top > 1:
        raise RequestError("explain shows one search: give one --caption, one --ratio and no --top.")
    target = out or Path(f"{photo.stem}_explained.png")
    name = printable(str(target))
    if target.suffix.lower() not in (".png", *MOVING):
        raise RequestError(f"--out {name} must end in .png, .gif or .webp.")
    if os.path.realpath(target) == os.path.realpath(photo):
        raise RequestError(f"--out {name} is the photograph; choose another name.")
    opened = open_photo(photo)
    cropper, (wanted,) = prepare(options, request)
    with Progress("searching", wanted.search.steps) as progress:
        result = cropper.crop(
            opened, options.captions[0], wanted, watch=lambda done, _: progress.advance(done)
        )
    for sentence in remarks(result.caption, cropper.captioner.vocabulary):
        complain(sentence)
    shown = _shown(opened, result, wanted.weight_aesthetic)
    if target.suffix.lower() in MOVING:
        _save_moving(shown, target, photo)
    else:
        save(search_picture(shown), target, sources=[photo])
    print(name)


def _save_moving(shown: SearchShown, target: Path, photo: Path) -> None:
    frames = search_frames(shown)
    first, rest = next(frames), list(frames)
    durations = [STEP_MS] * len(rest) + [LAST_MS]
    form = target.suffix[1:].upper()
    with writing(target, [photo]) as part:
        if form == "GIF":
            # One palette for all, of the last picture: colours must not flicker.
            palette = rest[-1].quantize(256)
            first, *rest = [one.quantize(palette=palette) for one in chain([first], rest)]
        first.save(part, form, save_all=True, append_images=rest, duration=durations, loop=0)


def _shown(photo: Photo, result: CaptionResult, weight: float) -> SearchShown:
    runs = _nearest_first(result)
    losses = [(run.terms[:, 0] + weight * run.terms[:, 1]).tolist() for run in runs]
    best = result.best
    notes = [
        f"box {','.join(map(str, best.box.rounded()))}   loss {best.loss:.3f}   caption loss "
        f"{best.caption_loss:.3f}   aesthetics loss {best.aesthetic_loss:.3f}",
        f"The captioner says of the largest crop: {result.said[0] or '(nothing)'}",
        f"The captioner says of the answer: {result.said[1] or '(nothing)'}",
    ]
    if best.bounds:
        notes.append(f"The box is the {best.bounds[0]} that is allowed.")
    if not result.in_time:
        notes.append("The time limit ended the search.")
    return SearchShown(
        title=Path(photo.name).name,
        caption=result.caption,
        image=preview(photo, PREVIEW_WH),
        size_wh=photo.size_wh,
        crop=best.box,
        path=_boxes(runs[0]),
        losses=losses,
        words=[WordShown(one.word, one.before, one.after) for one in result.words],
        notes=notes,
    )


def _nearest_first(result: CaptionResult) -> Sequence[Run]:
    """The runs, that whose best box is nearest to the answer first."""
    answer = result.best.box.as_tuple()

    def distance(run: Run) -> float:
        edges: list[float] = run.best.tolist()
        return sum(abs(one - other) for one, other in zip(edges, answer, strict=True))

    return sorted(result.runs, key=distance)


def _boxes(run: Run) -> list[Box]:
    return [Box(*box) for box in run.boxes.tolist()]
