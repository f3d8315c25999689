"""The scorer: a working raster to features, features and boxes to scores, through ONNX Runtime.

Features are a value. They are made once for a picture and then any boxes are scored against them; the scorer
itself keeps nothing between calls, so one scorer serves any number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import ArrayLike, NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from cadrage.errors import RequestError, WeightsError
from cadrage.geometry import Box, FloatArray, as_boxes
from cadrage.threads import available_cpus, require_threads
from cadrage.weights import WeightsEntry, load_entry

BOXES_PER_RUN = 256
"""Boxes scored in one go: enough for full speed, and it bounds the memory that thousands of boxes take."""

ROUNDING = 1e-6
"""Share of the frame's side by which a box may go over an edge: arithmetic on coordinates adds as much."""

_LOADING_ERRORS = (
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
)
_ERRORS_ONLY = 3

_SPINS_BRIEFLY = tuple(map(int, ort.__version__.split(".")[:2])) >= (1, 31)
_SPINNING = {"allow_spinning": "1", "spin_duration_us": "200"} if _SPINS_BRIEFLY else {"allow_spinning": "0"}
"""How idle threads wait for the next operator.

Spinning for 200 microseconds bridges the gaps between operators: with two threads encoding takes 4.2 ms instead of
6.0. Without a limit, which older versions do not know, threads burn a core for 50 ms after every call; where the
cores are shared with other work that made encoding nearly three times slower.
"""


@dataclass(frozen=True, slots=True)
class Features:
    """What the trunk makes of one picture, and the frame that boxes refer to.

    Attributes:
        array: float32 of shape (1, C, h, w), not writable.
        raster_wh: width and height of the working raster, pixels.
        frame_wh: width and height of the frame, pixels; every box scored against these features is in them.
        saliency: float32 of shape (h', w') over the whole frame, not writable: in [0, 1], how likely each cell
            shows the salient subject; ``None`` where the model has no such output.
    """

    array: NDArray[np.float32]
    raster_wh: tuple[int, int]
    frame_wh: tuple[int, int]
    saliency: NDArray[np.float32] | None = None


class Scorer:
    """Scores crops of pictures with a model; safe to share between threads.

    Attributes:
        entry: the weights entry in use.
        threads: threads a call may use.

    Example:
        >>> scorer = Scorer()
        >>> features = scorer.encode(raster, size_wh=(4000, 3000))
        >>> scorer.score(features, [(0, 0, 2000, 1500), (400, 0, 4000, 3000)])
        array([2.31, 3.87])
    """

    def __init__(
        self,
        entry: WeightsEntry | str | os.PathLike[str] | None = None,
        *,
        threads: int | None = None,
        providers: Sequence[str] | None = None,
    ) -> None:
        """Load a model.

        Args:
            entry: a weights entry, or whatever ``load_entry`` takes; ``None`` is the default model.
            threads: threads a call may use, 1 to ``threads.MOST_THREADS``; ``None`` is one for each CPU the process
                may use.
            providers: execution providers of ONNX Runtime, best first; ``None`` is the CPU.

        Raises:
            RequestError: ``threads`` is outside its range, or a provider is not there.
            WeightsError: the model is missing, damaged, or not a pair of cadrage graphs.
        """
        if threads is not None:
            require_threads(threads)
        self.entry = entry if isinstance(entry, WeightsEntry) else load_entry(entry)
        self.threads = threads or available_cpus()
        chosen = _providers(providers)
        folder = self.entry.folder
        self._encode = _session(
            folder / self.entry.encode.path, self.threads, chosen, {"raster"}, {"features"}, {"saliency"}
        )
        self._made = [node.name for node in self._encode.get_outputs()]
        self._score = _session(
            folder / self.entry.score.path, self.threads, chosen, {"features", "boxes"}, {"scores"}
        )

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.entry.name

    @property
    def version(self) -> str:
        """Version of the weights."""
        return self.entry.version

    def encode(self, raster: NDArray[np.uint8], size_wh: tuple[int, int] | None = None) -> Features:
        """Run the trunk on a working raster.

        Args:
            raster: uint8 RGB of shape (H, W, 3); H and W are multiples of ``entry.input.multiple``.
            size_wh: width and height of the frame the raster was made from, pixels; by default the raster is
                the frame.

        Raises:
            RequestError: the array is of another shape or kind, or a side is no such multiple.
        """
        if raster.dtype != np.uint8 or raster.ndim != 3 or raster.shape[2] != 3:
            raise RequestError(f"A raster is uint8 of shape (H, W, 3), not {raster.dtype} of {raster.shape}.")
        height, width = raster.shape[:2]
        multiple = self.entry.input.multiple
        if height % multiple or width % multiple or not raster.size:
            raise RequestError(f"The sides of a raster are multiples of {multiple}, not {width}x{height}.")
        made = dict(zip(self._made, self._encode.run(self._made, {"raster": raster[None]}), strict=True))
        for array in made.values():
            array.setflags(write=False)
        saliency = made["saliency"][0] if "saliency" in made else None
        return Features(made["features"], (width, height), size_wh or (width, height), saliency)

    def score(self, features: Features, boxes_xyxy: ArrayLike | Iterable[Box]) -> FloatArray:
        """Predict the mean opinion score of crops.

        Args:
            features: of the picture.
            boxes_xyxy: shape (K, 4), in frame pixels, or an iterable of ``Box``; may be empty. One that goes over
                an edge by ``ROUNDING`` of that side at most is cut there.

        Returns:
            Shape (K,), on the raters' scale of 1 to 5; a prediction may lie a little outside of it.

        Raises:
            RequestError: a box is malformed or reaches outside the frame.
        """
        boxes = _inside(as_boxes(boxes_xyxy), features.frame_wh)
        to_raster = np.divide(features.raster_wh, features.frame_wh)
        scaled = (boxes * np.tile(to_raster, 2)).astype(np.float32)
        parts = [
            self._score.run(
                ["scores"], {"features": features.array, "boxes": scaled[start:][:BOXES_PER_RUN]}
            )[0]
            for start in range(0, len(scaled), BOXES_PER_RUN)
        ]
        return np.concatenate([np.zeros(0), *parts]).astype(np.float64)


def _providers(wanted: Sequence[str] | None) -> list[str]:
    names = ["CPUExecutionProvider"] if wanted is None else list(wanted)
    available = ort.get_available_providers()
    for name in names:
        if name not in available:
            raise RequestError(f"There is no execution provider '{name}' here, only {', '.join(available)}.")
    return names


def _session(
    file: Path,
    threads: int,
    providers: list[str],
    inputs: set[str],
    outputs: set[str],
    optional: Set[str] = frozenset(),
) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    for key, value in _SPINNING.items():
        options.add_session_config_entry(f"session.intra_op.{key}", value)
    # The arena keeps the peak of every shape seen; without it the speed is the same.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    try:
        session = ort.InferenceSession(file, options, providers=providers)
    except _LOADING_ERRORS as error:
        raise WeightsError(f"{file}: ONNX Runtime cannot load this model.") from error
    found = {node.name for node in session.get_inputs()}, {node.name for node in session.get_outputs()}
    if (found[0], found[1] - optional) != (inputs, outputs):
        raise WeightsError(
            f"{file}: a graph from {_listed(inputs)} to {_listed(outputs)} was expected, "
            f"and this one goes from {_listed(found[0])} to {_listed(found[1])}."
        )
    return session


def _listed(names: set[str]) -> str:
    return " and ".join(sorted(names))


def _inside(boxes_xyxy: FloatArray, frame_wh: tuple[int, int]) -> FloatArray:
    """The boxes, cut at the edges of the frame."""
    sides = np.tile(np.array(frame_wh, dtype=np.float64), 2)
    inside: FloatArray = np.clip(boxes_xyxy, 0.0, sides)
    is_over = (np.abs(boxes_xyxy - inside) > ROUNDING * sides).any(axis=1)
    is_flat = (inside[:, 2:] <= inside[:, :2]).any(axis=1)
    outside = np.flatnonzero(is_over | is_flat)
    if outside.size:
        row = int(outside[0])
        raise RequestError(
            f"Box {row}, {boxes_xyxy[row].tolist()}, reaches outside the frame of "
            f"{frame_wh[0]}x{frame_wh[1]} pixels."
        )
    return inside
