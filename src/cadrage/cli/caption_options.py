"""The options of caption-guided cropping, for every command that takes a caption.

Imports nothing but Typer, so that help is quick; ``cadrage.cli.crop_caption`` makes the request of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from cadrage.errors import RequestError

_CAPTION = "By a caption (extra 'caption')"

Captions = Annotated[
    list[str] | None,
    typer.Option(
        "--caption",
        "-c",
        metavar="TEXT",
        help="What the crop shall show, such as 'a dog catching a ball'; may be repeated.",
        rich_help_panel=_CAPTION,
    ),
]
WeightAesthetic = Annotated[
    float | None,
    typer.Option(
        "--weight-aesthetic",
        metavar="L",
        help="Weight of pleasing crops beside the caption. [0.25]",
        rich_help_panel=_CAPTION,
    ),
]
CaptionerSpec = Annotated[
    str | None,
    typer.Option(
        "--captioner",
        metavar="FILE|DIR|NAME",
        help="Another captioner: a file of cadrage's, or a BLIP, GIT or vision encoder-decoder (ViT-GPT2 and the "
        "like) of transformers, by its name on the hub or its folder.",
        rich_help_panel=_CAPTION,
    ),
]
AestheticsSpec = Annotated[
    str | None,
    typer.Option(
        "--aesthetics",
        metavar="SPEC",
        help="What judges crops: gaic, gaic-regions, nima=FILE or none. [gaic-regions]",
        rich_help_panel=_CAPTION,
    ),
]
ALLOW_PICKLE_HELP = "Also read weights of the hub in torch's own format, where a model has no safetensors."

SPLIT_HELP = (
    "val or all. Of captions-train the shipped captioner has learnt from all but val, as it is drawn without "
    "--validation and --split-seed."
)

AllowPickle = Annotated[
    bool,
    typer.Option(
        "--allow-pickle",
        help=ALLOW_PICKLE_HELP,
        rich_help_panel=_CAPTION,
    ),
]
Restarts = Annotated[
    int | None,
    typer.Option("--restarts", metavar="N", help="Runs of the search. [8]", rich_help_panel=_CAPTION),
]
Steps = Annotated[
    int | None,
    typer.Option("--steps", metavar="N", help="Steps of the search. [20]", rich_help_panel=_CAPTION),
]
Starts = Annotated[
    str | None,
    typer.Option(
        "--starts",
        metavar="NAME",
        help="Where runs start: anchors, those candidates that fit the caption best; grid; or frame, the largest "
        "crop and random ones. [anchors]",
        rich_help_panel=_CAPTION,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        help="Seed of the random starts of --starts frame. [0]",
        rich_help_panel=_CAPTION,
    ),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        metavar="SECONDS",
        help="Take the best that is found in this time, for each ratio of a photograph.",
        rich_help_panel=_CAPTION,
    ),
]
Bag = Annotated[
    bool,
    typer.Option(
        "--bag",
        help="Measure a crop by the words alone, as CAGIC was published, instead of by how likely the captioner "
        "says the whole sentence, in its order.",
        rich_help_panel=_CAPTION,
    ),
]


@dataclass(frozen=True, slots=True)
class CaptionOptions:
    """What was typed; None is not given."""

    captions: tuple[str, ...] = ()
    weight_aesthetic: float | None = None
    captioner: str | None = None
    aesthetics: str | None = None
    restarts: int | None = None
    steps: int | None = None
    starts: str | None = None
    seed: int | None = None
    time_limit: float | None = None
    bag: bool = False
    allow_pickle: bool = False

    def check_alone(self) -> None:
        """Refuse, where there is no caption, options that need one.

        Raises:
            RequestError: one was given.
        """
        given = {
            "--weight-aesthetic": self.weight_aesthetic,
            "--captioner": self.captioner,
            "--aesthetics": self.aesthetics,
            "--restarts": self.restarts,
            "--steps": self.steps,
            "--starts": self.starts,
            "--seed": self.seed,
            "--time-limit": self.time_limit,
            "--bag": self.bag or None,
            "--allow-pickle": self.allow_pickle or None,
        }
        if option := next((name for name, value in given.items() if value is not None), None):
            raise RequestError(f"{option} is about captions: give --caption too.")
