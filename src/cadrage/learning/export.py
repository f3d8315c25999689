"""From a trained network to a weights entry: the two ONNX graphs, checked against torch.

``encode.onnx`` maps a working raster, uint8 (1, H, W, 3) RGB, to features, float32 (1, C, H/16, W/16), and, where
the network has a saliency head, to a saliency map, float32 (1, H/8, W/8) in [0, 1];
``score.onnx`` maps features and boxes, float32 (K, 4) in raster pixels, to mean opinion scores, float32 (K,).
Normalisation is inside, so model and preprocessing cannot be mismatched.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cadrage.atomic import replacing
from cadrage.candidates import grid_anchors
from cadrage.errors import WeightsError, first_line
from cadrage.imaging import RasterRule, open_photo, raster
from cadrage.learning.deployed import QuickScoreGraph, ScoreGraph, score_graph
from cadrage.learning.factorise import factorise
from cadrage.learning.network import CropNetwork
from cadrage.learning.quantise import quantise_head, quantise_trunk, typical_boxes
from cadrage.learning.run import photographs_in
from cadrage.learning.saliency_export import (
    SALIENCY_AGREEMENT,
    SALIENCY_TOLERANCE,
    EncodeSubjectGraph,
    check_saliency,
)
from cadrage.weights import CARD_FILE, GraphFile, InputRule, WeightsEntry, render_card, write_entry

OPSET = 20
AGREEMENT = 0.98
"""Least correlation of an 8-bit export's scores with the network's."""

TOLERANCE = 1e-3
"""Largest difference from torch, in points of the 1-5 scale, that a float32 export may show."""


OFFICIAL_CAVEAT = (
    "The network was made for the official preprocessing, which resizes without antialiasing and rounds boxes: "
    "with cadrage's own, as exported models are used, its scores differ from those of "
    "'cadrage evaluate --model CHECKPOINT'."
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a weights entry says of itself."""

    name: str
    version: str
    license: str
    training: Mapping[str, Any]
    metrics: Sequence[Mapping[str, Any]]
    notes: str = ""
    """Markdown for the card: what the figures do not say."""


class EncodeGraph(nn.Module):
    """Raster to features."""

    def __init__(self, network: CropNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, raster: Tensor) -> Tensor:
        """From uint8 (1, H, W, 3) to float32 (1, C, H/16, W/16)."""
        return self.network.encode(raster.permute(0, 3, 1, 2).float())


class WholeGraph(nn.Module):
    """Raster and boxes to mean opinion scores, for use without cadrage."""

    def __init__(self, network: CropNetwork) -> None:
        super().__init__()
        self.encode = EncodeGraph(network)
        self.score = ScoreGraph(network)

    def forward(self, raster: Tensor, boxes: Tensor) -> Tensor:
        """From uint8 (1, H, W, 3) and float32 (K, 4), raster pixels, to (K,)."""
        scores: Tensor = self.score(self.encode(raster), boxes)
        return scores


def export_entry(
    network: CropNetwork,
    folder: Path,
    identity: Identity,
    rule: RasterRule,
    *,
    calibration: Sequence[NDArray[np.uint8]] = (),
) -> WeightsEntry:
    """Write a weights entry; the card ends with the notes and ``caveat_of`` the network.

    Args:
        network: in evaluation mode.
        folder: where the files go; made if missing.
        identity: name, version, terms and history.
        rule: working raster the network was trained on.
        calibration: rasters (H, W, 3) to factorise the head on and to choose the ranges of 8-bit graphs by; none
            for float32 graphs of the network as it is.

    Raises:
        WeightsError: the exported graphs do not agree with the network, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeightsError(f"{folder} cannot be made a folder: {error.strerror}.") from error
    # Beside their place until they are checked: a model that is there already stays whole.
    with TemporaryDirectory(prefix=".cadrage-", dir=folder) as scratch:
        graphs = Path(scratch) / "encode.onnx", Path(scratch) / "score.onnx"
        write_pair(network, *graphs, rule)
        check_graphs(network, *graphs, rule)
        smooth = [pixels[0].numpy() for pixels, _ in _random_pictures(rule)]
        check_saliency(network, graphs[0], smooth, SALIENCY_TOLERANCE)
        if calibration:
            shorten(network, graphs[1], rule, calibration)
            quantise_trunk(graphs[0], calibration)
            quantise_head(graphs[1], graphs[0], calibration)
            check_agreement(network, *graphs, calibration)
            check_saliency(network, graphs[0], calibration, SALIENCY_AGREEMENT)
        entry = WeightsEntry(
            folder=Path(scratch),
            name=identity.name,
            version=identity.version,
            license=identity.license,
            encode=GraphFile.of(graphs[0]),
            score=GraphFile.of(graphs[1]),
            input=InputRule(rule.short_side, rule.multiple, rule.max_long_side),
            training=identity.training,
            metrics=tuple(identity.metrics),
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            precision="int8" if calibration else "float32",
            created=datetime.now(UTC).date().isoformat(),
        )
        card = Path(scratch) / CARD_FILE
        notes = "\n\n".join(filter(None, [identity.notes.strip(), caveat_of(network)]))
        try:
            described = write_entry(entry)
            card.write_text(render_card(entry, notes), encoding="utf-8")
        except UnicodeEncodeError as error:
            raise WeightsError(
                "Name, version, licence, notes and figures of a model have to be text: "
                f"{error.object[error.start : error.end]!r} is none."
            ) from error
        for made in (*graphs, card, described):
            made.replace(folder / made.name)
    return replace(entry, folder=folder)


def caveat_of(network: CropNetwork) -> str:
    """What whoever uses an export of the network should know, as a sentence; empty where there is nothing."""
    return OFFICIAL_CAVEAT if network.config.pooling == "official" else ""


def write_pair(network: CropNetwork, encode: Path, score: Path, rule: RasterRule) -> None:
    """Write the two float32 graphs."""
    pixels, _, _ = _examples(network, rule)
    dynamic = torch.export.Dim.DYNAMIC
    graph, outputs = (
        (EncodeGraph(network), ["features"])
        if network.saliency_head is None
        else (EncodeSubjectGraph(network), ["features", "saliency"])
    )
    write_graph(graph, encode, {"raster": (pixels, {1: dynamic, 2: dynamic})}, *outputs)
    write_score(score_graph(network), score, rule)


def write_score(graph: ScoreGraph, score: Path, rule: RasterRule) -> None:
    """Write the float32 graph from features and boxes to scores."""
    _, features, boxes = _examples(graph.network, rule)
    dynamic = torch.export.Dim.DYNAMIC
    inputs = {"features": (features, {2: dynamic, 3: dynamic}), "boxes": (boxes, {0: dynamic})}
    write_graph(graph, score, inputs, "scores")


def shorten(
    network: CropNetwork, score: Path, rule: RasterRule, rasters: Sequence[NDArray[np.uint8]]
) -> None:
    """Replace a float32 score graph by one that is factorised on photographs, where the network allows it."""
    graph = score_graph(network)
    if isinstance(graph, QuickScoreGraph):
        examples = (_typical(network, raster_hwc) for raster_hwc in rasters)
        write_score(factorise(graph, examples), score, rule)


def _typical(network: CropNetwork, raster_hwc: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        features = EncodeGraph(network)(torch.from_numpy(raster_hwc[None]))
    return features, torch.from_numpy(typical_boxes(raster_hwc.shape[1], raster_hwc.shape[0]))


def export_whole(network: CropNetwork, path: Path, rule: RasterRule) -> None:
    """Write one float32 graph from raster and boxes to scores.

    Raises:
        WeightsError: the exported graph does not agree with the network, or the file cannot be written.
    """
    pixels, _, boxes = _examples(network, rule)
    dynamic = torch.export.Dim.DYNAMIC
    inputs = {"raster": (pixels, {1: dynamic, 2: dynamic}), "boxes": (boxes, {0: dynamic})}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            write_graph(WholeGraph(network), part, inputs, "scores")
            check_whole(network, part, rule)
    except OSError as error:
        raise WeightsError(f"{path} cannot be written: {error.strerror}.") from error


def write_graph(
    module: nn.Module, path: Path, inputs: Mapping[str, tuple[Tensor, dict[int, Any]]], *outputs: str
) -> None:
    """Trace a module to an ONNX file; ``inputs`` maps names to an example and its dynamic axes."""
    with _hushed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own internals
        try:
            torch.onnx.export(
                module.eval(),
                tuple(example for example, _ in inputs.values()),
                str(path),
                dynamo=True,
                opset_version=OPSET,
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_shapes=tuple(axes for _, axes in inputs.values()),
                external_data=False,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise WeightsError(
                f"torch cannot turn this network into an ONNX graph: {first_line(error.__cause__ or error)}"
            ) from error


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep the exporter's and its optimiser's warnings, which nobody can act on, from the user."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def calibration_rasters(folder: Path, rule: RasterRule, most: int) -> list[NDArray[np.uint8]]:
    """Rasters of photographs of a folder, spread evenly over it by name."""
    paths = photographs_in([folder])
    picked = paths[:: max(1, len(paths) // most)][:most]
    return [raster(open_photo(path), rule) for path in picked]


def check_graphs(network: CropNetwork, encode: Path, score: Path, rule: RasterRule) -> float:
    """Compare exported float32 graphs with the network on random pictures of several shapes.

    Returns:
        The largest difference, in points of the 1-5 scale.

    Raises:
        WeightsError: it is over ``TOLERANCE``.
    """
    first, second = _run(encode), _run(score)
    return _compare(
        network,
        rule,
        lambda pixels, boxes: second({"features": first({"raster": pixels}), "boxes": boxes}),
    )


def check_agreement(
    network: CropNetwork, encode: Path, score: Path, rasters: Sequence[NDArray[np.uint8]]
) -> float:
    """Compare 8-bit graphs with the network on photographs, by the scores of their grid anchors.

    Returns:
        Pearson's correlation over all anchors of all rasters.

    Raises:
        WeightsError: it is under ``AGREEMENT``.
    """
    first, second = _run(encode), _run(score)
    exported, expected = [], []
    for raster_hwc in rasters:
        boxes = grid_anchors((raster_hwc.shape[1], raster_hwc.shape[0])).astype(np.float32)
        exported.append(second({"features": first({"raster": raster_hwc[None]}), "boxes": boxes}))
        with torch.no_grad():
            scores = WholeGraph(network)(torch.from_numpy(raster_hwc[None]), torch.from_numpy(boxes))
        expected.append(scores.numpy())
    correlation = float(np.corrcoef(np.concatenate(exported), np.concatenate(expected))[0, 1])
    if not correlation >= AGREEMENT:
        raise WeightsError(
            f"The 8-bit graphs agree with the network only to a correlation of {correlation:.4f}."
        )
    return correlation


def check_whole(network: CropNetwork, path: Path, rule: RasterRule) -> float:
    """The same as ``check_graphs``, of one graph."""
    run = _run(path)
    return _compare(network, rule, lambda pixels, boxes: run({"raster": pixels, "boxes": boxes}))


Numbers = NDArray[Any]


def _run(path: Path) -> Callable[[dict[str, Numbers]], Numbers]:
    import onnxruntime as ort  # noqa: PLC0415

    options = ort.SessionOptions()
    # A CPU without VNNI sums 8-bit products in 16 bits, which may overflow. The graph is judged, not the CPU.
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, inputs)[0]


def _compare(
    network: CropNetwork, rule: RasterRule, exported: Callable[[Numbers, Numbers], Numbers]
) -> float:
    worst = 0.0
    for pixels, boxes in _random_pictures(rule):
        with torch.no_grad():
            expected = WholeGraph(network)(pixels, boxes).numpy()
        worst = max(worst, float(np.abs(exported(pixels.numpy(), boxes.numpy()) - expected).max()))
    if not worst <= TOLERANCE:
        raise WeightsError(f"The exported graphs differ from the network by {worst:.4f} points.")
    return worst


def _random_pictures(rule: RasterRule) -> Iterator[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    short, step = rule.short_side, rule.multiple
    for width, height in ((short, short), (short + 4 * step, short), (short, short + 3 * step)):
        coarse = torch.rand((1, 3, 8, 8), generator=generator) * 255
        smooth = nn.functional.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 255)
        corners = torch.rand((90, 4), generator=generator)
        low, high = corners[:, :2] * 0.4, 0.6 + corners[:, 2:] * 0.4
        boxes = torch.cat([low, high], dim=1) * torch.tensor([width, height, width, height])
        yield smooth.permute(0, 2, 3, 1).to(torch.uint8).contiguous(), boxes


def _examples(network: CropNetwork, rule: RasterRule) -> tuple[Tensor, Tensor, Tensor]:
    _, (pixels, boxes), _ = _random_pictures(rule)
    with torch.no_grad():
        return pixels, EncodeGraph(network)(pixels), boxes
