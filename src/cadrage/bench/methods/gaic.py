"""GAIC: our own model and every variant of it, and the authors' own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cadrage import __version__
from cadrage.bench.methods.derived import box_from_scores
from cadrage.bench.methods.interface import Entry, Method, MethodOptions, Picture
from cadrage.bench.methods.versions import checkpoint_version, model_version
from cadrage.cropper import Cropper
from cadrage.datasets.types import RatedImage
from cadrage.errors import MissingExtraError
from cadrage.geometry import AspectRatio, Box, FloatArray
from cadrage.threads import available_cpus

CHECKPOINTS = {".pt", ".pth"}


def gaic(options: MethodOptions) -> Method:
    """The default model, or that of ``gaic=MODEL``: a name, a folder, a checkpoint, the authors' ``.pth``.

    Raises:
        MissingExtraError: a checkpoint is asked for, and torch is not installed.
        WeightsError: the model is missing or damaged.
    """
    given = options.argument
    return (
        Checkpoint(given, options.threads)
        if given and Path(given).suffix in CHECKPOINTS
        else Exported(options)
    )


def _name(argument: str | None) -> str:
    return f"gaic={argument}" if argument else "gaic"


class Exported:
    """A model as it is used: ONNX graphs, from the file to the scores or the crop.

    Grid Anchor based Image Cropping (Zeng, Li, Cao and Zhang, CVPR 2019 and TPAMI 2020). The box is the first crop
    of ``Cropper.crop`` with a request that states no wish but the ratio.
    """

    def __init__(self, options: MethodOptions) -> None:
        """Load the model.

        Raises:
            WeightsError: it is missing or damaged.
        """
        self.name = _name(options.argument)
        self._cropper = Cropper(options.argument, threads=options.threads)

    @property
    def version(self) -> str:
        """Of the package and the model."""
        return f"{__version__}, {model_version(self._cropper.scorer.entry)}"

    @property
    def training(self) -> Mapping[str, Any]:
        """How the model was trained, as its entry says."""
        return self._cropper.scorer.entry.training

    def scores(self, picture: Picture, boxes_xyxy: FloatArray) -> FloatArray:
        """Shape (K,), predicted mean opinion scores.

        Raises:
            ImageError: the picture cannot be decoded.
            RequestError: a box reaches outside the frame.
        """
        return self._cropper.score(picture.path, boxes_xyxy)

    def box(self, picture: Picture, ratio: AspectRatio | None) -> Box:
        """The best crop.

        Raises:
            ImageError: the picture cannot be decoded.
        """
        return self._cropper.crop(picture.path, "free" if ratio is None else ratio).best.box


class Checkpoint:
    """A network in torch: of a training run, or of the authors' code with the authors' own preprocessing.

    The box is the best of the grid anchors or of the ratio's candidates.
    """

    def __init__(self, file: str, threads: int | None = None) -> None:
        """Load the network.

        Args:
            file: the checkpoint.
            threads: of torch, for the whole process; None is one for each CPU.

        Raises:
            MissingExtraError: torch is not installed.
            WeightsError: the file is missing, damaged, or no such network.
        """
        self.name = _name(file)
        self._score: Callable[[RatedImage], FloatArray]
        self.training: Mapping[str, Any]
        try:
            from cadrage.learning.devices import use_device  # noqa: PLC0415
            from cadrage.learning.scoring import checkpoint_method  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError("A checkpoint", "train") from error
        use_device("cpu", threads or available_cpus())
        self._score, self.training = checkpoint_method(Path(file))
        self.version = checkpoint_version(Path(file))

    def scores(self, picture: Picture, boxes_xyxy: FloatArray) -> FloatArray:
        """Shape (K,), predicted mean opinion scores.

        Raises:
            DataError: a box reaches outside the frame.
            ImageError: the picture cannot be decoded.
        """
        unknown = np.full(len(boxes_xyxy), np.nan)
        return self._score(RatedImage(picture.name, picture.path, boxes_xyxy, unknown))

    def box(self, picture: Picture, ratio: AspectRatio | None) -> Box:
        """The best of the grid anchors or of the ratio's candidates."""
        return box_from_scores(lambda boxes: self.scores(picture, boxes), picture.size_wh, ratio)


METHODS = (Entry("gaic", gaic, takes_argument=True),)
