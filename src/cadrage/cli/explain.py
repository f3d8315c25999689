"""``cadrage explain``: one picture that shows why a photograph is cropped as it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cadrage.candidates import grid_anchors
from cadrage.cli.caption_options import (
    AestheticsSpec,
    AllowPickle,
    Bag,
    CaptionerSpec,
    CaptionOptions,
    Captions,
    Restarts,
    Seed,
    Starts,
    Steps,
    TimeLimit,
    WeightAesthetic,
)
from cadrage.cli.request_options import (
    Avoid,
    Faces,
    Focus,
    Headroom,
    Keep,
    MaxArea,
    MaxOverlap,
    MinArea,
    MinSize,
    PolicyName,
    Prefer,
    Ratios,
    RequestFile,
    Size,
    Subject,
    Tolerance,
    Top,
)
from cadrage.cli.request_text import build_request
from cadrage.cli.sections import SectionedCommand
from cadrage.cropper import Cropper
from cadrage.errors import RequestError
from cadrage.imaging import Photo, preview, save
from cadrage.imaging.photo import printable
from cadrage.overlay import PREVIEW_WH, Explained, LabelledCrop, explanation
from cadrage.request import CropRequest
from cadrage.result import Crop

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=SectionedCommand)
def explain(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="The photograph.", readable=False)],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help="The picture to write; with --caption also an animation, FILE.gif or FILE.webp. "
            "[NAME_explained.png, here]",
        ),
    ] = None,
    ratio: Ratios = None,
    size: Size = None,
    top: Top = None,
    max_overlap: MaxOverlap = None,
    min_size: MinSize = None,
    min_area: MinArea = None,
    max_area: MaxArea = None,
    keep: Keep = None,
    prefer: Prefer = None,
    avoid: Avoid = None,
    focus: Focus = None,
    headroom: Headroom = None,
    faces: Faces = None,
    subject: Subject = None,
    policy: PolicyName = None,
    tolerance: Tolerance = None,
    request: RequestFile = None,
    caption: Captions = None,
    weight_aesthetic: WeightAesthetic = None,
    captioner: CaptionerSpec = None,
    aesthetics: AestheticsSpec = None,
    restarts: Restarts = None,
    steps: Steps = None,
    starts: Starts = None,
    seed: Seed = None,
    time_limit: TimeLimit = None,
    bag: Bag = False,
    allow_pickle: AllowPickle = False,
    model: Annotated[str | None, typer.Option(metavar="NAME|DIR", help="Another model.")] = None,
) -> None:
    """Show why a photograph is cropped as it is, in one picture.

    Its panels: what the best crop keeps, with its thirds, and what it discards; all crops that were asked for, with
    their scores; where the candidates that people would like lie; the subject that was found, and its focal point.
    Below, a line for each crop: score, margin over the largest crop, share of the subject, wishes that could not
    be fulfilled.

    With --caption: the boxes along the way of the search, the crop, the losses over the steps, and how likely the
    captioner says the words before and after.

    \b
    Examples:
      cadrage explain beach.jpg
      cadrage explain beach.jpg --ratio 16:9 --ratio 1:1 --top 3 --out why.png
      cadrage explain beach.jpg --caption "a dog catching a ball" --out why.gif
    """
    wanted = build_request(
        request,
        ratios=ratio,
        size=size,
        min_size=min_size,
        keep=keep,
        prefer=prefer,
        avoid=avoid,
        focus=focus,
        top=top,
        max_overlap=max_overlap,
        min_area=min_area,
        max_area=max_area,
        headroom=headroom,
        faces=faces,
        subject=subject,
        policy=policy,
        tolerance=tolerance,
        upscale=None if caption else True,
    )
    guided = CaptionOptions(
        tuple(caption or ()),
        weight_aesthetic,
        captioner,
        aesthetics,
        restarts,
        steps,
        starts,
        seed,
        time_limit,
        bag,
        allow_pickle,
    )
    if guided.captions:
        from cadrage.cli import explain_caption  # noqa: PLC0415

        explain_caption.run(photo, out, wanted, guided)
        return
    guided.check_alone()
    target = out or Path(f"{photo.stem}_explained.png")
    if target.suffix.lower() != ".png":
        raise RequestError(f"--out {printable(str(target))} must end in .png.")
    if os.path.realpath(target) == os.path.realpath(photo):
        raise RequestError(f"--out {printable(str(target))} is the photograph; choose another name.")
    cropper = Cropper(model)
    save(explanation(_explained(cropper, cropper.open(photo), wanted)), target)
    print(printable(str(target)))


def _explained(cropper: Cropper, photo: Photo, request: CropRequest) -> Explained:
    features, faces = cropper.look(photo, request)
    result = cropper.choose(photo.name, features, request, faces)
    anchors = grid_anchors(photo.size_wh, corners="rounded")
    return Explained(
        title=Path(photo.name).name,
        image=preview(photo, PREVIEW_WH),
        size_wh=photo.size_wh,
        crops=[LabelledCrop(_label(crop, request), crop.box, crop.score) for crop in result.crops],
        notes=[_note(crop) for crop in result.crops],
        boxes=anchors,
        scores=cropper.scorer.score(features, anchors),
        saliency=features.saliency,
        focus=result.focus,
        model=f"{cropper.model} {cropper.version}",
    )


def _label(crop: Crop, request: CropRequest) -> str:
    return f"{crop.ratio} #{crop.rank}" if request.top > 1 else crop.ratio


def _note(crop: Crop) -> str:
    parts = [
        f"{crop.ratio} #{crop.rank}",
        f"box {','.join(map(str, crop.box.rounded()))}",
        f"score {crop.score:.2f}",
        f"{crop.margin:+.2f} over the largest crop",
    ]
    if crop.subject is not None:
        parts.append(f"{crop.subject:.0%} of the subject")
    if crop.broken:
        parts.append(f"could not hold: {', '.join(crop.broken)}")
    return "   ".join(parts)
