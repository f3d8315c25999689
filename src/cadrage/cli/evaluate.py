"""``cadrage evaluate``: how well a model agrees with people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cadrage.cli.console import Progress, Rows
from cadrage.cli.evaluate_captioner import evaluate_captioner
from cadrage.cli.evaluate_captions import evaluate_captions
from cadrage.errors import DataError, MissingExtraError, RequestError, WeightsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cadrage.bench.evaluation import Evaluation, ScoreImage
    from cadrage.datasets.types import RatedImage

    _Measured = tuple[str, ScoreImage, Mapping[str, Any]]
    """A method's name, itself, and the record of its training, as far as there is one."""

LINES = {"Acc K/5": "acc5", "Acc K/10": "acc10", "Acc^w K/5": "acc5_w", "Acc^w K/10": "acc10_w"}

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)


@app.callback()
def evaluate() -> None:
    """Measure how well a model agrees with people."""


app.command("captions")(evaluate_captions)
app.command("captioner")(evaluate_captioner)


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
        typer.Option(
            metavar="FILE",
            help='Evaluate these scores instead of a model: lines {"image": NAME, "scores": [...]}.',
        ),
    ] = None,
    write_scores: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the model's scores as JSON lines.")
    ] = None,
    mirrored: Annotated[
        bool, typer.Option("--mirrored", help="Average with the mirrored photograph (checkpoints only).")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Acc without credit for ties at rank N.")] = False,
    validation: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Photographs drawn for val where the data set has no such part. [120, at most a fifth]",
        ),
    ] = None,
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
    from cadrage.bench.evaluation import evaluate_ranking, require_writable, write_predictions  # noqa: PLC0415
    from cadrage.cli.learned import warn_if_learned  # noqa: PLC0415

    images, drawn, release = _chosen(root, split, validation, split_seed)
    if predictions is not None:
        if model or mirrored or write_scores:
            raise RequestError(
                "--predictions takes the place of a model: leave out --model, --mirrored, --write-scores."
            )
        name, method, training = _predicted(predictions, images)
    elif model is not None and Path(model).suffix in {".pt", ".pth"}:
        name, method, training = _checkpoint(Path(model), mirrored)
    elif mirrored:
        raise RequestError("--mirrored is for checkpoints (.pt, .pth).")
    else:
        name, method, training = _exported(model)
    warn_if_learned(name, training, release, drawn)
    if write_scores is not None:
        require_writable(write_scores, root)
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
    # Before the figures, which may go to a pipe that is closed; and a disk that is full by now costs no figures.
    unwritten: DataError | None = None
    if write_scores is not None:
        try:
            write_predictions(write_scores, images, scores)
        except DataError as error:
            unwritten = error
    if as_json:
        print(json.dumps(evaluation.to_dict()), flush=True)
    else:
        _print(evaluation)
    if unwritten is not None:
        raise unwritten


def _chosen(
    root: Path, split: str, validation: int | None, seed: int
) -> tuple[Sequence[RatedImage], str, str]:
    """The images, the part's description, and the release."""
    from cadrage.datasets.division import draw_validation, parts_of  # noqa: PLC0415
    from cadrage.datasets.gaicd import load_gaicd, release_of  # noqa: PLC0415

    if split == "val" and "val" not in parts_of(root):
        division = draw_validation(root, validation, seed)
        return division.validation, f"val ({division.description})", division.release
    images = load_gaicd(root, split, read_sizes=True)  # type: ignore[arg-type]  # which refuses any other word
    return images, split, release_of(images)


def _exported(model: str | None) -> _Measured:
    from cadrage.cropper import Cropper  # noqa: PLC0415

    cropper = Cropper(model)
    entry = cropper.scorer.entry
    name = f"{entry.name} {entry.version}"
    return name, lambda image: cropper.score(image.path, image.boxes_xyxy), entry.training


def _predicted(path: Path, images: Sequence[RatedImage]) -> _Measured:
    from cadrage.bench.evaluation import read_predictions  # noqa: PLC0415

    return f"scores in {path.name}", read_predictions(path, images), {}


def _checkpoint(path: Path, mirrored: bool) -> _Measured:
    try:
        from cadrage.learning.scoring import checkpoint_method  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("A checkpoint", "train") from None
    name = f"{path}{' (mirrored)' if mirrored else ''}"
    return name, *checkpoint_method(path, mirrored=mirrored)


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


@app.command("saliency")
def evaluate_saliency(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with images/ and masks/.")],
    split: Annotated[str, typer.Option(help="val, train or all.")] = "val",
    model: Annotated[
        str | None, typer.Option(help="Model name or folder; or a .pt checkpoint [default].")
    ] = None,
    validation: Annotated[int, typer.Option(min=1, help="Photographs drawn for val.")] = 100,
    split_seed: Annotated[int, typer.Option(min=0, help="Seed of that draw.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare a model's saliency maps with masks of the salient object, at the size of the masks.

    Give the same --validation and --split-seed as in training. MAE is the mean difference of a photograph's map and
    its mask. F-measures weigh precision over recall (beta^2 = 0.3): at the threshold that is best for all
    photographs together, on average over thresholds, at twice each map's mean, and at one half.

    \b
      cadrage evaluate saliency MASKS --split val --model runs/saliency/network.pt
      cadrage evaluate saliency MASKS --split all --json
    """
    from cadrage.datasets.masks import divide_masks, read_mask  # noqa: PLC0415
    from cadrage.saliency_metrics import saliency_report  # noqa: PLC0415

    images, drawn = divide_masks(root, 0 if split == "all" else validation, split_seed).part(split)
    name, method = _saliency_method(model)
    with Progress("evaluating", len(images)) as progress:

        def pairs() -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
            for image in images:
                yield method(image.path), read_mask(image)
                progress.advance()

        report = saliency_report(pairs())
    data_set = f"saliency masks ({root.resolve().name})"
    if as_json:
        print(json.dumps({"method": name, "data_set": data_set, "split": drawn, **report.to_dict()}))
        return
    print(f"{data_set}, split {drawn}: {report.images} images")
    print(f"model: {name}; F-measure: {report.rule}")
    print(f"MAE {report.mae:.4f}   S-measure {report.s_measure:.4f}")
    print(
        f"F-measure: best {report.max_f:.4f}   mean {report.mean_f:.4f}   "
        f"adaptive {report.adaptive_f:.4f}   at 0.5 {report.half_f:.4f}"
    )


def _saliency_method(model: str | None) -> tuple[str, Callable[[Path], NDArray[np.float32]]]:
    """The model's name, and its saliency map of a picture."""
    if model is not None and Path(model).suffix in {".pt", ".pth"}:
        try:
            from cadrage.learning.scoring import checkpoint_saliency  # noqa: PLC0415
        except ImportError:
            raise MissingExtraError("A checkpoint", "train") from None
        return model, checkpoint_saliency(Path(model))
    from cadrage.cropper import Cropper  # noqa: PLC0415

    cropper = Cropper(model)

    def method(path: Path) -> NDArray[np.float32]:
        saliency = cropper.encode(cropper.open(path)).saliency
        if saliency is None:
            raise WeightsError(f"The model {cropper.model} makes no saliency maps.")
        return saliency

    return f"{cropper.model} {cropper.version}", method
