"""The cropper: a request in, ranked crops out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cadrage.constraints import Wishes, check_request
from cadrage.errors import RequestError
from cadrage.faces import SIDE as FACES_SIDE
from cadrage.faces import FaceFinder
from cadrage.geometry import AspectRatio, Box, FloatArray, areas
from cadrage.imaging import PIXEL_LIMIT, Photo, RasterRule, Source, open_photo, preview, raster
from cadrage.request import CropRequest
from cadrage.result import Crop, CropResult, RatioCrops
from cadrage.runtime import Features, Scorer
from cadrage.search import Found, search
from cadrage.selection import leader, most_agreed, pick, rounded
from cadrage.subject import find_subject
from cadrage.weights import WeightsEntry


class Cropper:
    """Finds the best crops of photographs; safe to share between threads.

    Attributes:
        scorer: the model at work, for boxes of your own.
        pixel_limit: most pixels a photograph may have.

    Example:
        >>> result = Cropper().crop("beach.jpg", ratios=["16:9", "free"], top=3)
        >>> result.best.box
        Box(x1=0, y1=187, x2=4032, y2=2455)
    """

    def __init__(
        self,
        model: WeightsEntry | str | os.PathLike[str] | None = None,
        *,
        threads: int | None = None,
        pixel_limit: int = PIXEL_LIMIT,
    ) -> None:
        """Load a model.

        Args:
            model: a weights entry, the name of a shipped model or the folder of another; ``None`` is the
                default model.
            threads: threads for one photograph; ``None`` is one for each CPU the process may use.
            pixel_limit: most pixels a photograph may have.

        Raises:
            RequestError: ``threads`` or ``pixel_limit`` is outside its range.
            WeightsError: the model is missing or damaged.
        """
        if not isinstance(pixel_limit, int) or pixel_limit < 1:
            raise RequestError(f"The limit of pixels must be a whole number above 0, not {pixel_limit!r}.")
        self.scorer = Scorer(model, threads=threads)
        self.pixel_limit = pixel_limit
        self._rule = RasterRule(**asdict(self.scorer.entry.input))
        self._faces: FaceFinder | None = None

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.scorer.model

    @property
    def version(self) -> str:
        """Version of its weights."""
        return self.scorer.version

    def crop(
        self,
        source: Source,
        ratios: str | float | AspectRatio | Iterable[str | float | AspectRatio] = ("free",),
        *,
        request: CropRequest | None = None,
        **wishes: Any,  # noqa: ANN401
    ) -> CropResult:
        """Find the best crops of a photograph.

        Args:
            source: a path, the bytes of a file, a binary file, a Pillow picture or a uint8 array.
            ratios: see ``CropRequest``.
            request: a request made before, instead of ``ratios`` and ``wishes``.
            wishes: the other attributes of ``CropRequest``: ``top``, ``size``, ``keep`` and so on.

        Raises:
            ImageError: the photograph cannot be opened or decoded.
            MissingExtraError: faces are asked for, and the extra that finds them is not installed.
            RequestError: the request is malformed, or contradicts the photograph.

        Example:
            >>> Cropper().crop("beach.jpg", size=(1200, 630), keep=[(820, 400, 1010, 700)]).best.broken
            ()
        """
        if request is not None and (wishes or ratios != ("free",)):
            raise RequestError("Give a request or its parts, not both.")
        request = request or CropRequest.from_dict({"ratios": ratios, **wishes})
        if not isinstance(request, CropRequest):
            raise RequestError(
                "A request is a CropRequest: CropRequest.from_dict makes one of names and values."
            )
        return self.answer(self.open(source), request)

    def answer(self, photo: Photo, request: CropRequest) -> CropResult:
        """Answer a request about an opened photograph; a request that contradicts it costs no work.

        Raises:
            ImageError: the photograph cannot be decoded.
            MissingExtraError: faces are asked for, and the extra that finds them is not installed.
            RequestError: the request contradicts the photograph.
        """
        features, faces = self.look(photo, request)
        return self.choose(photo.name, features, request, faces)

    def look(self, photo: Photo, request: CropRequest) -> tuple[Features, tuple[Box, ...]]:
        """What ``choose`` needs of a photograph: its features, and its faces where the request asks for them.

        Errors as for ``answer``.
        """
        check_request(request, photo.size_wh)
        faces = self.find_faces(photo) if request.faces else ()
        return self.encode(photo), faces

    def score(self, source: Source, boxes_xyxy: ArrayLike | Iterable[Box]) -> FloatArray:
        """Score boxes of a photograph.

        Args:
            source: as for ``crop``.
            boxes_xyxy: shape (K, 4), in frame pixels, or an iterable of ``Box``.

        Returns:
            Shape (K,), predicted mean opinion scores, rounded as those of ``crop``.

        Raises:
            ImageError: the photograph cannot be opened or decoded.
            RequestError: a box is malformed or reaches outside the frame.
        """
        return rounded(self.scorer.score(self.encode(self.open(source)), boxes_xyxy))

    def open(self, source: Source) -> Photo:
        """Open a photograph within the pixel limit; nothing is decoded yet."""
        return open_photo(source, pixel_limit=self.pixel_limit)

    def encode(self, photo: Photo) -> Features:
        """Run the trunk on a photograph; any number of requests and boxes are answered from the features."""
        return self.scorer.encode(raster(photo, self._rule), photo.size_wh)

    def find_faces(self, photo: Photo) -> tuple[Box, ...]:
        """Boxes of the faces in a photograph, in frame pixels, largest first.

        Raises:
            ImageError: the photograph cannot be decoded.
            MissingExtraError: the extra ``faces`` is not installed.
        """
        if self._faces is None:
            self._faces = FaceFinder()
        small = np.asarray(preview(photo, (FACES_SIDE, FACES_SIDE)))
        width, height = photo.size_wh
        boxes = self._faces.find(small) * np.tile([width / small.shape[1], height / small.shape[0]], 2)
        boxes = np.clip(boxes, 0, [width, height, width, height])
        ranked = boxes[np.argsort(-areas(boxes), kind="stable")]
        return tuple(Box(*box) for box in ranked.round(1).tolist())

    def choose(
        self, name: str, features: Features, request: CropRequest, faces: tuple[Box, ...] = ()
    ) -> CropResult:
        """Answer a request from the features of a photograph.

        Args:
            name: of the photograph, for the result.
            features: of the photograph.
            request: what is wanted.
            faces: boxes, in frame pixels, that are kept where ``request.faces`` asks for it.

        Raises:
            RequestError: the request contradicts the photograph.
        """
        check_request(request, features.frame_wh)
        saliency = features.saliency
        subject = None if saliency is None else find_subject(saliency, features.frame_wh)
        wishes = Wishes(request, features.frame_wh, faces, subject)
        found = search(partial(self.scorer.score, features), wishes, request.ratios)  # type: ignore[arg-type]
        groups = tuple(
            _group(one, str(shape), wishes) for one, shape in zip(found, request.ratios, strict=True)
        )
        focus = request.focus or (subject.focus if subject else None)
        return CropResult(name, features.frame_wh, groups, self.model, self.version, focus, faces)


def _group(found: Found, ratio: str, wishes: Wishes) -> RatioCrops:
    """The crops of one ratio that are returned."""
    request = wishes.request
    if request.policy == "best" and ratio == "free":
        first = most_agreed(found.adjusted, found.boxes, request.max_overlap)
    else:
        first = leader(request.policy, found.adjusted, found.boxes, found.baseline, request.tolerance)
    best = pick(found.adjusted, found.boxes, top=request.top, max_overlap=request.max_overlap, first=first)
    kept = wishes.subject.kept(found.boxes[best]).round(4).tolist() if wishes.subject else [None] * len(best)
    crops = tuple(
        Crop(
            box=Box(*map(int, found.boxes[index])),
            score=float(found.scores[index]),
            ratio=ratio,
            margin=float(rounded(found.scores[index] - found.baseline_score)),
            rank=rank,
            adjusted=float(found.adjusted[index]),
            subject=share,
            broken=found.broken,
        )
        for rank, (index, share) in enumerate(zip(best.tolist(), kept, strict=True), start=1)
    )
    return RatioCrops(ratio, found.baseline, found.baseline_score, crops)
