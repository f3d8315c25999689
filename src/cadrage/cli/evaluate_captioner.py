"""``cadrage evaluate captioner``: how well a captioner captions whole photographs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cadrage.cli.caption_options import ALLOW_PICKLE_HELP, SPLIT_HELP
from cadrage.cli.console import Progress
from cadrage.errors import MissingExtraError, RequestError
from cadrage.threads import available_cpus

LINES = {
    "BLEU-1": "bleu_1",
    "BLEU-4": "bleu_4",
    "ROUGE-L": "rouge_l",
    "CIDEr": "cider",
    "word recall": "word_recall",
    "word precision": "word_precision",
}


def evaluate_captioner(
    root: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder with images/ and captions.jsonl with phrase boxes.")
    ],
    captioner: Annotated[
        str | None,
        typer.Option(metavar="FILE|DIR|NAME", help="Another captioner than the one that is shipped."),
    ] = None,
    *,
    allow_pickle: Annotated[
        bool,
        typer.Option("--allow-pickle", help=ALLOW_PICKLE_HELP),
    ] = False,
    split: Annotated[str, typer.Option(help=SPLIT_HELP)] = "val",
    validation: Annotated[
        int | None, typer.Option(min=1, help="Photographs drawn for val. [500, at most a fifth]")
    ] = None,
    split_seed: Annotated[int, typer.Option(min=0, help="Seed of that draw.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads [all].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure a captioner: its own captions of whole photographs against all that people wrote of them.

    BLEU-1, BLEU-4, ROUGE-L and CIDEr-D as the COCO caption evaluation has them. Word recall is the share of the
    words that at least two people used of a photograph, stop-words left out, that the captioner says.

    \b
      cadrage evaluate captioner CAPTIONS
      cadrage evaluate captioner CAPTIONS --captioner runs/captioner/captioner.safetensors --json
    """
    try:
        from cadrage.captions.captioners.shipped import load_captioner  # noqa: PLC0415
        from cadrage.captions.cropper import use_threads  # noqa: PLC0415
        from cadrage.captions.evaluation.speaking import speaking_report  # noqa: PLC0415
        from cadrage.datasets.entities import divide_captions, load_entities  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("A captioner", "caption") from None
    from cadrage.cli.learned import warn_if_captioner_learned  # noqa: PLC0415

    if split not in {"val", "all"}:
        raise RequestError(f"--split is val or all; got '{split}'.")
    use_threads(threads or available_cpus())
    if split == "all":
        every = images = load_entities(root)
        part = "all"
    else:
        division = divide_captions(root, validation, split_seed)
        images, part = division.validation, f"val ({division.description})"
        every = (*division.training, *images)
    speaker = load_captioner(captioner, allow_pickle=allow_pickle)
    warn_if_captioner_learned(captioner, every, images)
    with Progress("captioning", len(images)) as progress:
        report = speaking_report(speaker, images, progress.advance)
    name = captioner or "the shipped captioner"
    if as_json:
        about = {"captioner": name, "data_set": root.resolve().name, "split": part}
        print(json.dumps({**about, **report.to_dict()}))
        return
    print(f"{root.resolve().name}, split {part}: {report.images} photographs")
    print(f"captioner: {name}; it said {report.vocabulary} different words")
    values = report.to_dict()
    print("   ".join(f"{label} {values[key]:.4f}" for label, key in LINES.items()))
