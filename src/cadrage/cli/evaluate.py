"""``cadrage evaluate``: how well a model agrees with people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cadrage.cli.console import Progress, Rows
from cadrage.errors import MissingExtraError, RequestError

if TYPE_CHECKING:
    from cadrage.bench.evaluation import Evaluation, ScoreImage
    from cadrage.datasets.types import RatedImage

LINES = {"Acc K/5": "acc5", "Acc K/10": "acc10", "Acc^w K/5": "acc5_w", "Acc^w K/10": "acc10_w"}

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)


@app.callback()
def evaluate() -> None:
    """Measure how well a model agrees with people's ratings of crops."""


@app.command("gaicd")
def evaluate_gaicd(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="Data set in the GAICD layout.")],
    split: Annotated[str, typer.Option(help="test, val, train or all.")] = "test",
    model: Annotated[
        str | None,
        typer.Option(
            help="Model name or folder; or a .pt/.pth checkpoint, the authors' own included [default]."
        ),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Evaluate these scores (JSON lines) instead of a model."),
    ] = None,
    write_scores: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the model's scores as JSON lines.")
    ] = None,
    mirrored: Annotated[
        bool, typer.Option("--mirrored", help="Average with the mirrored photograph (checkpoints only).")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Acc without credit for ties at rank N.")] = False,
    validation: Annotated[
        int, typer.Option(min=1, help="Photographs drawn for val where the data set has no such part.")
    ] = 120,
    split_seed: Annotated[int, typer.Option(min=0, help="Seed of that draw.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print every ranking metric with the data set, release, split and metric rule.

    SRCC and PCC are averaged over photographs; Acc K/N is the share of the K best predicted crops that are among
    the N best rated ones, in percent; regret is what the best predicted crop lacks in rating.

    \b
      cadrage evaluate gaicd GAICD --split test
      cadrage evaluate gaicd GAICD --split val --model runs/default/student/network.pt
      cadrage evaluate gaicd GAICD --split test --predictions scores.jsonl --json
    """
    from cadrage.bench.evaluation import evaluate_ranking, write_predictions  # noqa: PLC0415

    images, drawn, release = _chosen(root, split, validation, split_seed)
    if predictions is not None:
        if model or mirrored or write_scores:
            raise RequestError(
                "--predictions takes the place of a model: leave out --model, --mirrored, --write-scores."
            )
        name, method = _predicted(predictions, images)
    elif model is not None and Path(model).suffix in {".pt", ".pth"}:
        name, method = _checkpoint(Path(model), mirrored)
    elif mirrored:
        raise RequestError("--mirrored is for checkpoints (.pt, .pth).")
    else:
        name, method = _exported(model)
    with Progress("evaluating", len(images)) as progress:

        def counted(image: RatedImage) -> Any:  # noqa: ANN401
            scores = method(image)
            progress.advance()
            return scores

        evaluation, scores = evaluate_ranking(
            images,
            counted,
            name=name,
            data_set=f"GAICD ({root.resolve().name})",
            release=release,
            split=drawn,
            strict=strict,
        )
    if write_scores is not None:
        write_predictions(write_scores, images, scores)
    if as_json:
        print(json.dumps(evaluation.to_dict()))
    else:
        _print(evaluation)


def _chosen(root: Path, split: str, validation: int, seed: int) -> tuple[Sequence[RatedImage], str, str]:
    """The images, the part's description, and the release."""
    from cadrage.datasets.division import divide_gaicd, parts_of  # noqa: PLC0415
    from cadrage.datasets.gaicd import load_gaicd, release_of  # noqa: PLC0415

    if split == "val" and "val" not in parts_of(root):
        division = divide_gaicd(root, validation, seed)
        return division.validation, f"val ({division.description})", division.release
    images = load_gaicd(root, split)  # type: ignore[arg-type]  # which refuses any other word
    return images, split, release_of(images)


def _exported(model: str | None) -> tuple[str, ScoreImage]:
    from cadrage.cropper import Cropper  # noqa: PLC0415

    cropper = Cropper(model)
    entry = cropper.scorer.entry
    return f"{entry.name} {entry.version}", lambda image: cropper.score(image.path, image.boxes_xyxy)


def _predicted(path: Path, images: Sequence[RatedImage]) -> tuple[str, ScoreImage]:
    from cadrage.bench.evaluation import read_predictions  # noqa: PLC0415

    return f"scores in {path.name}", read_predictions(path, images)


def _checkpoint(path: Path, mirrored: bool) -> tuple[str, ScoreImage]:
    try:
        from cadrage.learning.scoring import checkpoint_method  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("A checkpoint", "train") from None
    return f"{path}{' (mirrored)' if mirrored else ''}", checkpoint_method(path, mirrored=mirrored)


def _print(evaluation: Evaluation) -> None:
    report = evaluation.report
    print(
        f"{evaluation.data_set}, {evaluation.release} release, split {evaluation.split}: {report.images} images"
    )
    print(f"model: {evaluation.method}; ties: {report.tie_rule}")
    print(f"SRCC {report.srcc:.4f}   PCC {report.pcc:.4f}   regret {report.regret:.4f}")
    means = report.means
    rows = Rows("", "K=1", "K=2", "K=3", "K=4", "mean")
    for label, name in LINES.items():
        figures = [*getattr(report, name), means[name]]
        rows.add(label, *(f"{value:.2f}" for value in figures))
    rows.finish()
