"""``cadrage crop``: find, print and write the best crops of photographs.

The options are here and nothing that works: help must not wait for what it imports.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
    Upscale,
)
from cadrage.cli.sections import SectionedCommand

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_PRINT = "What is printed"
_WRITE = "What is written"
_FOLDERS = "Folders"


def _path(text: str) -> Path:
    """A path, whether there is anything or not, readable or not: that is found out photograph by photograph."""
    if not text:  # as of a shell variable that is not set; it would be the current folder
        raise typer.BadParameter("A path is empty.")
    return Path(text)


@app.command(cls=SectionedCommand)
def crop(
    photos: Annotated[
        list[Path],
        typer.Argument(
            metavar="PHOTO", help="Photographs, folders of them, or - for standard input.", parser=_path
        ),
    ],
    *,
    ratio: Ratios = None,
    size: Size = None,
    upscale: Upscale = None,
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
    subject: Subject = None,
    faces: Faces = None,
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
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON Lines, one for each photograph.", rich_help_panel=_PRINT),
    ] = False,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help="Write one picture of up to 100 photographs, boxes, crops and scores.",
            rich_help_panel=_PRINT,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Only print what would be read and written; opens headers, writes nothing.",
            rich_help_panel=_PRINT,
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|-",
            parser=_path,
            help="Write the crops into this folder, made if missing; - writes one crop to standard output.",
            rich_help_panel=_WRITE,
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="jpeg, png, webp, avif, tiff or gif; by default the photograph's own.",
            rich_help_panel=_WRITE,
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(metavar="Q", help="1 to 100, for JPEG, WebP and AVIF. [92]", rich_help_panel=_WRITE),
    ] = None,
    strip: Annotated[
        bool,
        typer.Option(
            "--strip", help="Leave out the metadata, such as place and camera.", rich_help_panel=_WRITE
        ),
    ] = False,
    lossless: Annotated[
        bool,
        typer.Option(
            "--lossless",
            help="Copy JPEG files without loss (extra 'lossless'; the box moves by up to a block), and write WebP "
            "without loss.",
            rich_help_panel=_WRITE,
        ),
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="TEMPLATE",
            help="Names of the crops, less the suffix, of {stem} {ratio} {rank} {width} {height} {parent}. "
            "[{stem}_{ratio}, with --top {stem}_{ratio}_{rank}]",
            rich_help_panel=_WRITE,
        ),
    ] = None,
    overwrite: Annotated[
        bool | None,
        typer.Option(
            "--overwrite/--no-overwrite",
            help="Whether other files of these names are replaced; photographs of the call never are. "
            "[overwrite]",
            show_default=False,
            rich_help_panel=_WRITE,
        ),
    ] = None,
    recursive: Annotated[
        bool,
        typer.Option(
            "--recursive",
            "-R",
            help="Go into the folders below too; the tree is mirrored below --out.",
            rich_help_panel=_FOLDERS,
        ),
    ] = False,
    include: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="Of folders take only photographs whose name fits (with a /, whose path below the folder fits); "
            "may be repeated.",
            rich_help_panel=_FOLDERS,
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="Leave out photographs and whole folders whose name fits; may be repeated.",
            rich_help_panel=_FOLDERS,
        ),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Work in N processes; by default one, for many photographs without --threads one for each CPU.",
            rich_help_panel=_FOLDERS,
        ),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help="Record each photograph as it is done. [DIR/manifest.jsonl for folders with --out DIR]",
            rich_help_panel=_FOLDERS,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on where an earlier run of the same command ended, by its manifest.",
            rich_help_panel=_FOLDERS,
        ),
    ] = False,
    model: Annotated[str | None, typer.Option(metavar="NAME|DIR", help="Another model.")] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Threads of a process; by default as many as CPUs may be used, or 1 in several processes.",
        ),
    ] = None,
) -> None:
    """Find the best crops of photographs.

    Prints for each crop the photograph, the ratio, the box (x1,y1,x2,y2 in pixels of the upright photograph),
    the score (what people would give it on average, from 1, bad, to 5, excellent) and the margin over the
    largest crop of that ratio. "free" means the grid anchors of the paper: boxes of half to 84 % of the
    photograph, from 1:2 to 2.2:1. With --out the crops are written too, in the photograph's own format. No
    photograph of the call is ever overwritten; other files of these names are replaced.

    What cannot be fulfilled at once is broken from the least important on, and the crop says which: --keep,
    --faces, --focus, --min-size, --max-area, --min-area, --headroom, in this order. Wishes with a weight are
    held against the score.

    With --caption the crop is the one that a sentence describes: its box is optimised until a frozen captioner says
    the words of it. It prints losses in place of scores, lower is better.

    \b
    Examples:
      cadrage crop beach.jpg
      cadrage crop beach.jpg --ratio 16:9 --ratio 1:1 --out crops
      cadrage crop beach.jpg --size 1200x630 --keep 80,40,400,520 --out crops
      cadrage crop holiday --ratio original --top 3 --sheet holiday.png
      cadrage crop archive --recursive --ratio 4:5 --out crops --resume
      cadrage crop - --ratio 1:1 --out - < in.jpg > out.jpg
      cadrage crop beach.jpg --caption "a dog catching a ball" --out crops

    \b
    Exit code:
      0  every photograph was cropped
      1  some could not be; each is named with the reason
      2  none could be, or an option is wrong
    """
    from cadrage.cli.crop_call import CropCall  # noqa: PLC0415
    from cadrage.cli.crop_run import run  # noqa: PLC0415
    from cadrage.cli.request_text import build_request  # noqa: PLC0415

    wanted = build_request(
        request,
        ratios=ratio,
        size=size,
        upscale=upscale,
        top=top,
        max_overlap=max_overlap,
        min_size=min_size,
        min_area=min_area,
        max_area=max_area,
        keep=keep,
        prefer=prefer,
        avoid=avoid,
        focus=focus,
        headroom=headroom,
        subject=subject,
        faces=faces,
        policy=policy,
        tolerance=tolerance,
    )
    call = CropCall(
        photos=tuple(photos),
        request=wanted,
        as_json=as_json,
        sheet=sheet,
        dry_run=dry_run,
        out=out,
        format=form,
        quality=quality,
        strip=strip,
        lossless=lossless,
        name=name,
        overwrite=overwrite,
        recursive=recursive,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        processes=processes,
        manifest=manifest,
        resume=resume,
        model=model,
        threads=threads,
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
        from cadrage.cli import crop_caption  # noqa: PLC0415

        raise typer.Exit(crop_caption.run(call, guided))
    guided.check_alone()
    raise typer.Exit(run(call))
