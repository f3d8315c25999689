"""``cadrage train``: networks from rated photographs, and saliency heads from masks."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cadrage.cli.console import Progress, complain
from cadrage.errors import MissingExtraError

if TYPE_CHECKING:
    from cadrage.learning.epochs import Epoch

FIGURES = ("srcc", "pcc", "mae", "max_f")
"""Of a validation's metrics, those that are shown after every epoch."""

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)


class Watching:
    """Shows steps as a bar on a terminal, and epochs as lines on standard output unless that is to be quiet."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._stage = ""
        self._bar: Progress | None = None

    def __enter__(self) -> Watching:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)

    def step(self, stage: str, done: int, total: int) -> None:
        """Move the stage's bar."""
        if stage != self._stage or self._bar is None:
            self.__exit__()
            self._stage, self._bar = stage, Progress(stage, total)
        self._bar.advance(done)

    def epoch(self, stage: str, line: Epoch) -> None:
        """Print the epoch's loss and validation, where the bar was if there is one."""
        self.__exit__()
        self._bar = None
        if not self._quiet:
            print(_told(stage, line), flush=True)


class Companion:
    """Prints the epochs of another process, in place of the bar that this one may have drawn on the line."""

    def step(self, stage: str, done: int, total: int) -> None:
        """Say nothing of it."""

    def epoch(self, stage: str, line: Epoch) -> None:
        """Print the epoch's loss and validation."""
        if sys.stdout is not None:
            print(("\r\x1b[K" if sys.stdout.isatty() else "") + _told(stage, line), flush=True)


def _told(stage: str, line: Epoch) -> str:
    measured = line.validation or {}
    figures = "".join(f"  {name} {measured[name]:.4f}" for name in FIGURES if measured.get(name) is not None)
    return f"{stage}  epoch {line.epoch}  loss {line.loss:.4f}{figures}"


@app.callback()
def train() -> None:
    """Train a model on photographs that people have rated or drawn masks for."""


@app.command("gaicd")
def train_gaicd(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="Data set in the GAICD layout.")],
    recipe: Annotated[str, typer.Option(help="default (makes the shipped model) or paper.")] = "default",
    run: Annotated[Path | None, typer.Option(help="Folder of the run [runs/RECIPE].")] = None,
    weights: Annotated[
        str, typer.Option(help="Initial backbone of the student: 'imagenet' (downloaded), a file, or 'none'.")
    ] = "imagenet",
    pixels: Annotated[
        str | None,
        typer.Option(
            help="How those weights expect pixels: imagenet or centred (-1 to 1) [for 'imagenet' in the default "
            "recipe as those weights were trained, else as the recipe]."
        ),
    ] = None,
    unrated: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Folder of unrated photographs to distil on; may be repeated."),
    ] = None,
    validation: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Photographs set aside where the data set has no validation part. [120, at most a fifth]",
        ),
    ] = None,
    split_seed: Annotated[int, typer.Option(min=0, help="Seed of that draw.")] = 0,
    seed: Annotated[int, typer.Option(min=0, max=10**9, help="Seed of training.")] = 0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Other number of epochs.")] = None,
    backbone: Annotated[str | None, typer.Option(help="Other backbone, such as vgg16 or timm:NAME.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of a process.")] = 1,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Processes that share the default recipe's work. [as use all CPUs, at most one a teacher]",
        ),
    ] = None,
) -> None:
    """Train a crop scorer on a data set in the GAICD layout (images/ and annotations/).

    The result is RUN/network.pt, with every setting and the history in run.json and scalars for TensorBoard; or
    RUN/student/network.pt, with those of each network that took part in the folders beside it. A run that was
    stopped at any moment continues when the same command is given again.

    \b
      cadrage train gaicd GAICD --recipe paper
      cadrage train gaicd GAICD --unrated photographs --run runs/mine
      cadrage evaluate gaicd GAICD --split val --model runs/mine/student/network.pt
      cadrage export runs/mine/student/network.pt --out my-model
    """
    try:
        from cadrage.datasets.division import divide_gaicd  # noqa: PLC0415
        from cadrage.learning import recipes  # noqa: PLC0415
        from cadrage.learning.devices import use_device  # noqa: PLC0415
        from cadrage.learning.run import (  # noqa: PLC0415
            photographs_in,
            result_of,
            run_recipe,
            usual_processes,
        )
    except ImportError:
        raise MissingExtraError("Training", "train") from None
    chosen = recipes.named(recipe)
    usual = None
    if pixels is None and weights == "imagenet" and recipe == "default":
        # The recipe's own rule is for the weights that the shipped model started from.
        usual = recipes.usual_pixels(backbone or recipes.result_config(chosen).network.backbone)
    given = usual if pixels is None else pixels
    chosen = recipes.with_changes(chosen, seed=seed, epochs=epochs, backbone=backbone, pixels=given)
    division = divide_gaicd(root, validation, split_seed)
    photographs = photographs_in(unrated or [])
    if isinstance(chosen, recipes.DistillConfig) and len(photographs) < chosen.unrated:
        complain(
            f"The recipe is made for {chosen.unrated} unrated photographs, and {len(photographs)} are given "
            "(--unrated DIR): its network learns from fewer than the shipped one."
        )
    folder = run or Path("runs") / recipe
    device = use_device(device, threads)
    with Watching() as watcher:
        run_recipe(
            chosen,
            division,
            photographs,
            folder,
            initial_weights=None if weights == "none" else weights,
            device=device,
            threads=threads,
            processes=processes or usual_processes(chosen, device, threads),
            watcher=watcher,
            companion=Companion(),
        )
    print(f"The network is in {result_of(chosen, folder)}")


@app.command("saliency")
def train_saliency(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with images/ and masks/.")],
    network: Annotated[
        Path, typer.Option(metavar="FILE.pt", help="network.pt of a run: the crop scorer that gets the head.")
    ],
    run: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("runs/saliency"),
    validation: Annotated[int, typer.Option(min=0, help="Photographs set aside.")] = 100,
    split_seed: Annotated[int, typer.Option(min=0, help="Seed of that draw.")] = 0,
    seed: Annotated[int, typer.Option(min=0, max=10**9, help="Seed of training.")] = 0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Other number of epochs.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
) -> None:
    """Train a saliency head on the trunk of a crop scorer, whose scores stay what they are.

    A picture images/NAME.jpg and its mask masks/NAME.png, white where the salient object is, belong together. The
    result is RUN/network.pt, the crop scorer with the head. A run that was stopped at any moment continues when the
    same command is given again.

    \b
      cadrage train saliency MASKS --network runs/mine/student/network.pt --run runs/saliency
      cadrage evaluate saliency MASKS --split val --model runs/saliency/network.pt
      cadrage export runs/saliency/network.pt --out my-model
    """
    try:
        from cadrage.datasets.masks import divide_masks  # noqa: PLC0415
        from cadrage.learning import saliency_train as training  # noqa: PLC0415
        from cadrage.learning.saliency_recipe import SaliencyConfig  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("Training", "train") from None
    config = SaliencyConfig(seed=seed)
    if epochs is not None:
        config = replace(config, epochs=epochs)
    division = divide_masks(root, validation, split_seed)
    with Watching() as watcher:
        training.train_saliency(
            config, network, division, run, device=device, threads=threads, watcher=watcher
        )
    print(f"The network is in {run / 'network.pt'}")


@app.command("ranker")
def train_ranker(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="Data set in the GAICD layout.")],
    recipe: Annotated[
        str, typer.Option(help="ven (compares rated crops) or vfn (photographs with windows).")
    ],
    run: Annotated[Path | None, typer.Option(help="Folder of the run [runs/RECIPE].")] = None,
    weights: Annotated[
        str, typer.Option(help="Initial backbone: 'imagenet' (downloaded), a file, or 'none'.")
    ] = "imagenet",
    validation: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Photographs set aside where the data set has no validation part. [120, at most a fifth]",
        ),
    ] = None,
    split_seed: Annotated[int, typer.Option(min=0, help="Seed of that draw.")] = 0,
    seed: Annotated[int, typer.Option(min=0, max=10**9, help="Seed of training.")] = 0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Other number of epochs.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
) -> None:
    """Train one of the croppers that people used before grid anchors, to compare with.

    It judges every crop by its own pixels, in a pass of its own. The result is RUN/network.pt; compare it with
    cadrage bench --methods ven=RUN/network.pt. A run that was stopped at any moment continues when the same command
    is given again.

    \b
      cadrage train ranker GAICD --recipe ven --run runs/ven
    """
    try:
        from cadrage.datasets.division import divide_gaicd  # noqa: PLC0415
        from cadrage.learning import ranker_train as training  # noqa: PLC0415
        from cadrage.learning.ranker import ranker_recipe  # noqa: PLC0415
        from cadrage.learning.recipes import PIXEL_RULES  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("Training", "train") from None
    config = ranker_recipe(recipe, epochs=epochs, seed=seed)
    if weights == "imagenet":
        mean, deviation = PIXEL_RULES["imagenet"]
        config = replace(config, pixel_mean=mean, pixel_std=deviation)
    division = divide_gaicd(root, validation, split_seed)
    folder = run or Path("runs") / recipe
    with Watching() as watcher:
        training.train_ranker(
            config,
            division,
            folder,
            initial_weights=None if weights == "none" else weights,
            device=device,
            threads=threads,
            watcher=watcher,
        )
    print(f"The network is in {folder / 'network.pt'}")


@app.command("captioner")
def train_captioner(
    root: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder with images/ and captions.jsonl with phrase boxes.")
    ],
    run: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("runs/captioner"),
    weights: Annotated[
        str, typer.Option(help="Initial backbone: 'imagenet' (downloaded), a file, or 'none'.")
    ] = "imagenet",
    validation: Annotated[
        int | None, typer.Option(min=0, help="Photographs set aside. [500, at most a fifth]")
    ] = None,
    split_seed: Annotated[int, typer.Option(min=0, help="Seed of that draw.")] = 0,
    seed: Annotated[int, typer.Option(min=0, max=10**9, help="Seed of training.")] = 0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Other number of epochs.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
) -> None:
    """Train a small captioner, whose words then guide crops (see cadrage crop --caption).

    It learns to say of a crop what people said of what fills it: phrases of the boxes that Flickr30k Entities gives
    them, captions of whole photographs; in the last quarter of the epochs also which crop a phrase is said of. The
    result is RUN/captioner.safetensors, with every setting and the history in run.json. A run that was stopped at
    any moment continues when the same command is given again.

    \b
      cadrage train captioner CAPTIONS --run runs/captioner
      cadrage crop photo.jpg --caption "a dog catching a ball" --captioner runs/captioner/captioner.safetensors
    """
    try:
        from cadrage.captions.captioners import training  # noqa: PLC0415
        from cadrage.datasets.entities import divide_captions  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("Training", "train") from None
    recipe = training.CaptionerRecipe(seed=seed)
    if epochs is not None:
        recipe = replace(recipe, epochs=epochs)
    if weights == "imagenet":  # torchvision's weights, which were not trained by TensorFlow's rules
        recipe = replace(recipe, network=replace(recipe.network, pixels="imagenet", same_padding=False))
    division = divide_captions(root, validation, split_seed)
    with Watching() as watcher:
        training.train_captioner(
            recipe,
            division,
            run,
            initial_weights=None if weights == "none" else weights,
            device=device,
            threads=threads,
            watcher=watcher,
        )
    print(f"The captioner is in {run / training.RESULT}")
