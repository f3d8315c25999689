"""The cropper of captions: a photograph and a sentence in, the crops that it describes out."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from cadrage.captions.aesthetics.gaic import USUAL_JUDGE, load_aesthetics
from cadrage.captions.boxes import BoxSpace
from cadrage.captions.captioners.shipped import load_captioner
from cadrage.captions.memory import give_back_cuda_code
from cadrage.captions.objective import CaptionLoss, Target, likeliest_texts, mean_words
from cadrage.captions.protocols import Aesthetics, Captioner, Judge
from cadrage.captions.results import CaptionCrop, CaptionResult, WordChange, bounds_of, settled
from cadrage.captions.sampler import Pyramid, picture_of, pyramid, sample_crops
from cadrage.captions.search.descent import Found, SearchConfig, Watch, search
from cadrage.captions.search.workers import workers
from cadrage.captions.vocabulary import known_words, unknown_words
from cadrage.errors import RequestError
from cadrage.geometry import MOST_ELONGATED, AspectRatio
from cadrage.imaging import PIXEL_LIMIT, Photo, Source, open_photo
from cadrage.selection import MAX_OVERLAP, pick
from cadrage.threads import require_threads


@dataclass(frozen=True, slots=True)
class CaptionRequest:
    """Which crops of a caption are wanted.

    Attributes:
        ratio: of the crops: one ratio, "original" for the photograph's own, None for any.
        top: how many crops, at most, at least 1; the further ones are the answers of other runs that differ, by
            their losses.
        max_overlap: largest intersection over union of two of them, in [0, 1].
        loss: how the distance from the caption is measured.
        weight_aesthetic: of the aesthetics loss beside the caption's (lambda of the paper, whose value is not
            published), 0 or more.
        search: how the search is made.
        time_limit_s: seconds after which the best so far is the answer; None for no limit.
        most_pixels_side: the photograph's longer side, in pixels, while it is searched, at least 16.

    Raises:
        RequestError: a value is outside its range.
    """

    ratio: AspectRatio | Literal["original"] | None = None
    top: int = 1
    max_overlap: float = MAX_OVERLAP
    loss: CaptionLoss = field(default_factory=partial(CaptionLoss, kind="likelihood"))
    weight_aesthetic: float = 0.25
    search: SearchConfig = field(default_factory=SearchConfig)
    time_limit_s: float | None = None
    most_pixels_side: int = 512

    def __post_init__(self) -> None:
        if self.top < 1:
            raise RequestError(f"At least one crop must be asked for; got {self.top}.")
        if not 0 <= self.max_overlap <= 1:
            raise RequestError(f"The overlap of two crops is from 0 to 1; got {self.max_overlap:g}.")
        if not 0 <= self.weight_aesthetic <= 1e6:
            raise RequestError(f"The weight of aesthetics is 0 or more; got {self.weight_aesthetic:g}.")
        if self.time_limit_s is not None and not self.time_limit_s > 0:
            raise RequestError(f"The time limit is more than 0 seconds; got {self.time_limit_s:g}.")
        if self.most_pixels_side < 16:
            raise RequestError(f"A photograph is searched at 16 pixels or more; got {self.most_pixels_side}.")

    @property
    def shape(self) -> str:
        """The ratio as text: "free" where any will do."""
        return "free" if self.ratio is None else str(self.ratio)


class CaptionCropper:
    """Finds the crops that captions describe.

    Attributes:
        captioner: the frozen network from pictures to words.
        aesthetics: the frozen network from crops to how pleasing they are, or None.

    Example:
        >>> result = CaptionCropper().crop("chelsea.jpg", "the eyes of a cat")
        >>> x1, y1, x2, y2 = result.best.box.rounded()  # in pixels of the photograph
        >>> [one.word for one in result.words]
        ['eyes', 'cat']
    """

    def __init__(
        self,
        captioner: Captioner | str | os.PathLike[str] | None = None,
        aesthetics: Aesthetics | str | None = USUAL_JUDGE,
        *,
        allow_pickle: bool = False,
    ) -> None:
        """Load the two networks.

        Args:
            captioner: a network, a file of one of ours, a folder or name of another; None for the shipped one.
            aesthetics: a network, or what ``aesthetics.load_aesthetics`` reads; None for none.
            allow_pickle: also read weights of a hub in torch's own format, where there are no safetensors.

        Raises:
            CadrageError: one of them cannot be loaded.
        """
        self.captioner = _captioner(captioner, allow_pickle=allow_pickle)
        self.aesthetics = _aesthetics(aesthetics, _dtype_of(self.captioner), allow_pickle=allow_pickle)
        give_back_cuda_code()

    def crop(
        self,
        photo: Photo | Source,
        caption: str,
        request: CaptionRequest | None = None,
        *,
        watch: Watch | None = None,
    ) -> CaptionResult:
        """Find the crops of one caption; see ``crops``."""
        return self.crops(photo, [caption], request, watch=watch)[0]

    def crops(
        self,
        photo: Photo | Source,
        captions: Sequence[str],
        request: CaptionRequest | None = None,
        *,
        watch: Watch | None = None,
    ) -> list[CaptionResult]:
        """Find the crops of several captions of one photograph, which share its preparation and the work.

        Args:
            photo: a photograph, or what one can be opened from.
            captions: what the crops shall show.
            request: what else is wanted; None for the defaults.
            watch: told of each step of the search.

        Returns:
            One for each caption.

        Raises:
            ImageError: the photograph cannot be opened or decoded.
            RequestError: there is no caption, or one that the captioner knows no word of.
        """
        begun, request = time.monotonic(), request or CaptionRequest()
        if not captions:
            raise RequestError("Give at least one caption.")
        # Captions first: a wrong one costs no work.
        targets = [Target.of(caption, self.captioner, request.loss) for caption in captions]
        photo = photo if isinstance(photo, Photo) else open_photo(photo, pixel_limit=PIXEL_LIMIT)
        with workers() as shared:
            picture = self.picture(photo, request.most_pixels_side)
            space = space_of((picture.shape[2], picture.shape[1]), request, photo.size_wh)
            levels = pyramid(picture)
            found = search(
                levels,
                space,
                targets,
                self.captioner,
                self._judge(picture, space, request),
                request.loss,
                request.weight_aesthetic,
                request.search,
                deadline=None if request.time_limit_s is None else begun + request.time_limit_s,
                watch=watch,
                shared=shared,
            )
            return [
                self._result(photo, space, levels, target, one, request, begun)
                for target, one in zip(targets, found, strict=True)
            ]

    def picture(self, photo: Photo, most_pixels_side: int) -> Tensor:
        """The photograph as it is searched: RGB in [0, 1], shape (3, H, W), of the captioner's floating point."""
        return picture_of(photo, most_pixels_side).to(_dtype_of(self.captioner))

    def _judge(self, picture: Tensor, space: BoxSpace, request: CaptionRequest) -> Judge | None:
        if self.aesthetics is None or not (request.weight_aesthetic or request.search.salience):
            return None
        ratio = None if space.is_free else space.largest_wh[0] / space.largest_wh[1]
        return self.aesthetics.look(picture, ratio)

    def _result(
        self,
        photo: Photo,
        space: BoxSpace,
        levels: Pyramid,
        target: Target,
        found: Found,
        request: CaptionRequest,
        begun: float,
    ) -> CaptionResult:
        boxes = torch.stack([found.box, *(run.best for run in found.runs)])
        terms = torch.stack([found.terms, *(run.best_terms for run in found.runs)])
        totals = (terms[:, 0] + request.weight_aesthetic * terms[:, 1]).double()
        ranked = pick(
            -totals.nan_to_num(nan=1e9).numpy(),
            boxes.double().numpy(),
            top=request.top,
            max_overlap=request.max_overlap,
            first=0,
        ).tolist()
        to_frame = torch.tensor(photo.size_wh, dtype=boxes.dtype) / torch.tensor(space.size_wh).to(boxes)
        to_frame = to_frame.repeat(2)
        runs = tuple(replace(run, boxes=run.boxes * to_frame, best=run.best * to_frame) for run in found.runs)
        baseline, ratio = _middle(space), _ratio_of(photo.size_wh, request)
        crops = tuple(
            CaptionCrop(
                settled(boxes[row], space, photo.size_wh, ratio),
                totals[row].item(),
                terms[row, 0].item(),
                terms[row, 1].item(),
                bounds_of(boxes[row], space),
            )
            for row in ranked
        )
        words, said = self._words(levels, torch.stack([baseline.to(boxes), boxes[0]]), target, request)
        return CaptionResult(
            source=photo.name,
            size_wh=photo.size_wh,
            caption=target.text,
            ratio=request.shape,
            crops=crops,
            baseline=settled(baseline, space, photo.size_wh, ratio),
            words=words,
            unknown=tuple(unknown_words(target.text, self.captioner.vocabulary)),
            said=said,
            runs=runs,
            in_time=found.in_time,
            seconds=time.monotonic() - begun,
        )

    def _words(
        self, levels: Pyramid, boxes: Tensor, target: Target, request: CaptionRequest
    ) -> tuple[tuple[WordChange, ...], tuple[str, str]]:
        """The caption's words in the captioner's mean distribution, and its own words, of two boxes (2, 4)."""
        with torch.no_grad():
            steps = self.captioner.spoken(sample_crops(levels, boxes, self.captioner.size_wh))
        before, after = mean_words(self.captioner, steps, request.loss)
        names = self.captioner.vocabulary
        words = tuple(
            WordChange(word, before[names.pieces(word)].sum().item(), after[names.pieces(word)].sum().item())
            for word in dict.fromkeys(known_words(target.text, names, request.loss.stop_words))
        )
        first, second = likeliest_texts(steps, names)
        return words, (first, second)


def space_of(
    size_wh: tuple[int, int], request: CaptionRequest, frame_wh: tuple[int, int] | None = None
) -> BoxSpace:
    """The boxes of a picture that answer a request.

    Args:
        size_wh: width and height of the picture.
        request: with the ratio.
        frame_wh: of the photograph that the picture was made from, in whose pixels the ratio is meant: the
            picture's sides are rounded, and those of a thin one by much. None where it is the same.
    """
    least = request.search.least_scale
    if request.ratio == "original":
        return BoxSpace(size_wh, size_wh, least)
    if request.ratio is None or frame_wh is None:
        return BoxSpace.of(size_wh, request.ratio, least, request.search.most_elongated)
    (width, height), (frame_w, frame_h) = size_wh, frame_wh
    wide, high = request.ratio.largest_within(frame_wh)
    return BoxSpace(size_wh, (wide / frame_w * width, high / frame_h * height), least)


def _ratio_of(frame_wh: tuple[int, int], request: CaptionRequest) -> AspectRatio | None:
    """The ratio of a photograph's crops; None where any will do, or it is the photograph's and has no name."""
    if request.ratio != "original":
        return request.ratio
    return AspectRatio(*frame_wh) if max(frame_wh) <= MOST_ELONGATED * min(frame_wh) else None


def parse_ratio(text: str) -> AspectRatio | Literal["original"] | None:
    """The ratio of a request as people write it: what ``AspectRatio.parse`` reads, "original" or "free".

    Raises:
        RequestError: the text is none of these.
    """
    match text.strip().lower():
        case "free":
            return None
        case "original":
            return "original"
    return AspectRatio.parse(text)


def use_threads(count: int) -> None:
    """Calculate in so many threads, for the whole process: for its main program, not for libraries.

    Raises:
        RequestError: see ``require_threads``: torch ends the process where it cannot start them.
    """
    require_threads(count)
    torch.set_num_threads(count)


def _middle(space: BoxSpace) -> Tensor:
    """The largest box of a space, in the middle of its room."""
    frame, sides = torch.tensor(space.size_wh), torch.tensor(space.largest_wh)
    return torch.cat([(frame - sides) / 2, (frame + sides) / 2])


def _captioner(given: Captioner | str | os.PathLike[str] | None, *, allow_pickle: bool) -> Captioner:
    if given is None or isinstance(given, str):
        return load_captioner(given, allow_pickle=allow_pickle)
    if isinstance(given, os.PathLike):
        return load_captioner(Path(given), allow_pickle=allow_pickle)
    return given


def _aesthetics(
    given: Aesthetics | str | None, dtype: torch.dtype, *, allow_pickle: bool
) -> Aesthetics | None:
    if isinstance(given, str):
        return load_aesthetics(given, dtype=dtype, allow_pickle=allow_pickle)
    return given


def _dtype_of(captioner: Captioner) -> torch.dtype:
    """What the captioner calculates in."""
    weights = captioner.parameters() if isinstance(captioner, nn.Module) else iter(())
    return next((one.dtype for one in weights if one.is_floating_point()), torch.float32)
