"""The croppers that caption-guided cropping is compared with, and itself with every option of its search.

The five of CAGIC (poster): Original; Anchor, by its name and number the best crop of the grid-anchor cropper;
GradCAM; a localiser of referring expressions, here a grounding model in MAttNet's place; and CAGIC. Centre crops
look at nothing: what is worse than they are knows nothing of the photograph.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import nn

from cadrage import __version__
from cadrage.captions.aesthetics.gaic import USUAL_JUDGE
from cadrage.captions.baselines.gradcam import attention, box_of
from cadrage.captions.baselines.grounding import Grounder, load_grounder
from cadrage.captions.cropper import CaptionCropper, CaptionRequest
from cadrage.captions.evaluation.method_options import changed
from cadrage.captions.objective import Target
from cadrage.captions.protocols import Captioner
from cadrage.cropper import Cropper
from cadrage.errors import RequestError
from cadrage.geometry import Box, FloatArray, as_boxes
from cadrage.imaging import Photo, preview
from cadrage.request import CropRequest
from cadrage.weights import load_entry

METHODS = (
    "original",
    "centre=SHARE",
    "anchor",
    "gradcam",
    "grounding=MODEL",
    "cagic",
    "cagic:NAME=VALUE,...",
)

USUAL = ("original", "centre=0.9", "centre=0.7", "anchor", "gradcam", "cagic")
"""Methods that need nothing but the shipped networks."""

ABLATIONS: Mapping[str, tuple[str, ...]] = {
    "stabilisers": (
        "cagic",
        "cagic:steps=0",
        "cagic:aggregate=best",
        "cagic:aggregate=best,multi-scale=off",
        "cagic:aggregate=best,annealing=off",
        "cagic:aggregate=best,restarts=1",
        "cagic:aggregate=best,multi-scale=off,annealing=off,restarts=1",
    ),
    "aesthetic": ("cagic", *(f"cagic:weight={weight}" for weight in ("0", "0.1", "0.5", "1", "2"))),
    "restarts": ("cagic", *(f"cagic:restarts={count}" for count in (1, 2, 4, 16))),
    "evidence": ("cagic", "cagic:salience=0", "cagic:loss=bag", "cagic:loss=bag,salience=0"),
}
"""Methods that are compared to see what a part of the search does: no gradient steps; each of the paper's three
stabilisers left out, with the box of least loss as the answer, since the consensus hears the candidates whatever
the runs do; other weights of the aesthetics loss (its lambda); other numbers of restarts; words without their
order, as published, in place of the sentence, and a consensus that expects no subject."""

NO_RUNS: FloatArray = as_boxes([])


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A method's crop.

    Attributes:
        box: in frame pixels.
        runs_xyxy: what the restarts of a search found that were not ended as the worse ones, shape (R, 4), in frame
            pixels; R is 0 where none is made.
    """

    box: Box
    runs_xyxy: FloatArray


class CropMethod(Protocol):
    """A cropper of captions.

    Attributes:
        name: as in ``--method``.
        version: changes whenever an answer may.
        is_seeded: whether the answer may depend on the seed.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def version(self) -> str: ...  # noqa: D102

    @property
    def is_seeded(self) -> bool: ...  # noqa: D102

    def answer(self, photo: Photo, caption: str, seed: int = 0) -> Answer:
        """The crop of a photograph, of any ratio, that a caption describes.

        Raises:
            ImageError: the photograph cannot be decoded.
            RequestError: the method can do nothing with this caption.
        """


class Networks:
    """The networks that methods share, each loaded when it is first needed."""

    def __init__(
        self,
        captioner: Captioner | str | Path | None = None,
        aesthetics: str | None = USUAL_JUDGE,
        *,
        allow_pickle: bool = False,
    ) -> None:
        """Say which networks.

        Args:
            captioner: as for ``CaptionCropper``.
            aesthetics: as for ``CaptionCropper``; of methods that do not name another.
            allow_pickle: as for ``CaptionCropper``; of localisers, too.
        """
        self.allow_pickle = allow_pickle
        self._captioner = captioner
        self._aesthetics = aesthetics
        self._croppers: dict[str | None, CaptionCropper] = {}
        self._version = ""

    @property
    def captioner(self) -> Captioner:
        """The captioner."""
        return self.cropper("none").captioner

    @property
    def version(self) -> str:
        """The captioner's name and the beginning of a checksum of its weights."""
        if not self._version:
            given = self._captioner
            name = "shipped" if given is None else str(given) if isinstance(given, (str, Path)) else "given"
            self._version = f"{name} {_fingerprint(self.captioner)}".strip()
        return self._version

    def cropper(self, aesthetics: str | None = None) -> CaptionCropper:
        """A cropper with the captioner and a judge of aesthetics: another one than usual, or "none"."""
        wanted = self._aesthetics if aesthetics is None else None if aesthetics == "none" else aesthetics
        if wanted not in self._croppers:
            loaded = next((one.captioner for one in self._croppers.values()), self._captioner)
            self._croppers[wanted] = CaptionCropper(loaded, wanted, allow_pickle=self.allow_pickle)
        return self._croppers[wanted]

    def judge_version(self, named: str | None) -> str:
        """The judge that ``cropper`` takes: its name, and the beginning of a checksum of its files."""
        name = named or self._aesthetics or "none"
        kind, _, where = name.partition("=")
        if kind.startswith("gaic") and not where:
            entry = load_entry(None)  # the default model, which changes from one release to the next
            return f"{name} {entry.version} {entry.encode.sha256[:12]}"
        return f"{name} {content_version(where)}".strip()


def content_version(where: str) -> str:
    """The beginning of a checksum of a file, or of a folder's files; nothing for a name that is neither."""
    path = Path(where)
    if not where or not path.exists():
        return ""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(file.name.encode())
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:12]


def _fingerprint(captioner: Captioner) -> str:
    if not isinstance(captioner, nn.Module):
        return ""
    digest = hashlib.sha256()
    for name, weights in captioner.state_dict().items():
        digest.update(name.encode())
        digest.update(weights.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Centre:
    """The middle of the frame, whatever the caption: a share of both sides; of 1, the whole ("Original")."""

    name: str
    share: float
    version: str = "1"
    is_seeded: bool = False

    def answer(self, photo: Photo, caption: str, seed: int = 0) -> Answer:
        """See ``CropMethod``."""
        del caption, seed
        (width, height), edge = photo.size_wh, (1 - self.share) / 2
        return Answer(Box(width * edge, height * edge, width * (1 - edge), height * (1 - edge)), NO_RUNS)


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """The best crop of the aesthetic cropper, whatever the caption."""

    name: str
    cropper: Cropper
    is_seeded: bool = False

    @property
    def version(self) -> str:
        """Of cadrage and the model."""
        return f"cadrage {__version__}, {self.cropper.model} {self.cropper.version}"

    def answer(self, photo: Photo, caption: str, seed: int = 0) -> Answer:
        """See ``CropMethod``."""
        del caption, seed
        return Answer(self.cropper.answer(photo, CropRequest()).best.box, NO_RUNS)


@dataclass(frozen=True, slots=True, eq=False)
class GradCam:
    """A box around what the captioner looks at while the caption is measured, see ``gradcam``."""

    name: str
    networks: Networks
    request: CaptionRequest
    is_seeded: bool = False

    @property
    def version(self) -> str:
        """Of cadrage and the captioner."""
        return f"cadrage {__version__}, captioner {self.networks.version}"

    def answer(self, photo: Photo, caption: str, seed: int = 0) -> Answer:
        """See ``CropMethod``."""
        del seed
        cropper, loss = self.networks.cropper("none"), self.request.loss
        target = Target.of(caption, cropper.captioner, loss)
        picture = cropper.picture(photo, self.request.most_pixels_side)
        return Answer(box_of(attention(cropper.captioner, picture, target, loss), photo.size_wh), NO_RUNS)


@dataclass(frozen=True, slots=True, eq=False)
class Grounding:
    """The box of a localiser of referring expressions; its version is of its files, which are read once for it."""

    name: str
    version: str
    grounder: Grounder
    most_pixels_side: int
    is_seeded: bool = False

    def answer(self, photo: Photo, caption: str, seed: int = 0) -> Answer:
        """See ``CropMethod``."""
        del seed
        picture = np.array(preview(photo, (self.most_pixels_side, self.most_pixels_side)))
        found = as_boxes([self.grounder.box(picture, caption)])[0]
        scale_x, scale_y = photo.size_wh[0] / picture.shape[1], photo.size_wh[1] / picture.shape[0]
        return Answer(Box(*(found * [scale_x, scale_y, scale_x, scale_y])), NO_RUNS)


@dataclass(frozen=True, slots=True, eq=False)
class Cagic:
    """Caption-guided cropping."""

    name: str
    networks: Networks
    request: CaptionRequest
    judge: str | None
    judge_version: str

    @property
    def is_seeded(self) -> bool:
        """Only starts from the frame are drawn."""
        return self.request.search.starts == "frame"

    @property
    def version(self) -> str:
        """Of cadrage, the networks, and all options."""
        digest = hashlib.sha256(repr(_plain(self.request)).encode()).hexdigest()[:12]
        return (
            f"cadrage {__version__}, captioner {self.networks.version}, aesthetics {self.judge_version}, "
            f"options {digest}"
        )

    def answer(self, photo: Photo, caption: str, seed: int = 0) -> Answer:
        """See ``CropMethod``."""
        request = replace(self.request, search=replace(self.request.search, seed=seed))
        result = self.networks.cropper(self.judge).crop(photo, caption, request)
        # What a run that was ended on purpose has found says nothing of how well one restart does.
        whole = [run for run in result.runs if not run.halved]
        return Answer(result.best.box, as_boxes([Box(*run.best.tolist()) for run in whole]))


def _plain(request: CaptionRequest) -> CaptionRequest:
    """A request whose text does not vary: sets of words have no order of their own."""
    words = tuple(sorted(request.loss.stop_words))
    return replace(request, loss=replace(request.loss, stop_words=words))


def make_method(
    spec: str, networks: Networks, request: CaptionRequest | None = None, threads: int | None = None
) -> CropMethod:
    """A method by its name.

    Args:
        spec: one of ``METHODS``; ``anchor=MODEL`` takes another aesthetic cropper.
        networks: the shared networks.
        request: options of "cagic" and "gradcam" that the name does not change.
        threads: of "anchor"; ``None`` for one each CPU.

    Raises:
        RequestError: there is no such method, or its argument cannot be used.
        CadrageError: what it needs cannot be loaded.
    """
    request = request or CaptionRequest()
    name, _, argument = spec.partition("=") if not spec.startswith("cagic") else spec.partition(":")
    match name:
        case "original" if not argument:
            return Centre(spec, 1.0)
        case "centre":
            return Centre(spec, _share(spec, argument))
        case "anchor":
            return Anchor(spec, Cropper(argument or None, threads=threads))
        case "gradcam" if not argument:
            return GradCam(spec, networks, request)
        case "grounding" if argument:
            grounder = load_grounder(argument, allow_pickle=networks.allow_pickle)
            version = f"cadrage {__version__}, {argument} {content_version(argument)}".strip()
            return Grounding(spec, version, grounder, request.most_pixels_side)
        case "cagic":
            changed_request, aesthetics = changed(request, argument)
            asked = changed_request.weight_aesthetic or changed_request.search.salience
            judge = aesthetics if asked else "none"
            networks.cropper(judge)  # refuses a wrong one
            return Cagic(spec, networks, changed_request, judge, networks.judge_version(judge))
    raise RequestError(f"There is no method '{spec}': give {', '.join(METHODS)}.")


def _share(spec: str, text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise RequestError(f"'{spec}': give the share of the sides that is kept, such as centre=0.7.")
    return share
