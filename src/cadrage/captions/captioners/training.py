"""The training of a small captioner on photographs with captions and phrase boxes.

A run lives in a folder like that of a crop scorer's training, see ``learning.epochs``; its result is
``captioner.safetensors``. It can be stopped at any moment and continued in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from cadrage.captions.captioners.small import CaptionerConfig, SmallCaptioner, save_captioner, sentence
from cadrage.captions.captioners.views import LARGEST, Sayings, ViewRule, Views, draw_views
from cadrage.captions.sampler import picture_of, pyramid, sample_crops
from cadrage.captions.vocabulary import STOP_WORDS, Vocabulary, words_of
from cadrage.datasets.entities import CaptionDivision, CaptionedImage
from cadrage.errors import DataError
from cadrage.imaging import Photo, open_photo
from cadrage.learning.devices import use_device
from cadrage.learning.epochs import Place, Run, Watcher, cosine, descend, follow
from cadrage.learning.train import run_header

RESULT = "captioner.safetensors"

LONGEST_GRADIENT = 5.0
"""Longer ones are shortened to this: a recurrent speaker's are long at times."""


@dataclass(frozen=True, slots=True)
class CaptionerRecipe:
    """Every setting of a captioner's training."""

    network: CaptionerConfig = field(default_factory=CaptionerConfig)
    views: ViewRule = field(default_factory=ViewRule)
    least_count: int = 4
    """Words that occur fewer times in captions and phrases are left out."""
    epochs: int = 8
    """Passes over the photographs."""
    placing: float = 0.25
    """Share of the passes, the last ones, that also teach to tell a photograph's crops apart by a phrase."""
    images_per_step: int = 8
    learning_rate: float = 1e-3
    """Of the speaker, at its height; it falls with a cosine."""
    placing_rate: float = 6e-4
    """The same in the last passes, over which it rises and falls once more."""
    backbone_rate: float = 0.2
    """Learning rate of the backbone, as a share of the speaker's."""
    weight_decay: float = 1e-3
    warmup_steps: int = 100
    """Steps over which the learning rate rises from zero."""
    places: float = 0.5
    """Weight of telling crops apart, beside saying what is in each."""
    smoothing: float = 0.05
    """Share of each word's target that is spread over all words."""
    ema: float = 0.998
    """Decay of the moving average of the weights that is kept as the result."""
    frozen_blocks: int = 4
    """First blocks of the backbone that keep their initial weights."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the backbone's arithmetic while training; bfloat16 is slower on processors without matrix units."""
    seed: int = 0

    @property
    def speaking_epochs(self) -> int:
        """The passes before crops are told apart; at least one is left for that."""
        return self.epochs - max(1, round(self.epochs * self.placing))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the run record."""
        return asdict(self)


def train_captioner(
    recipe: CaptionerRecipe,
    division: CaptionDivision,
    folder: Path,
    *,
    initial_weights: str | Path | None = None,
    device: str = "cpu",
    threads: int = 1,
    watcher: Watcher | None = None,
) -> SmallCaptioner:
    """Train a small captioner, or continue the run in a folder.

    Args:
        recipe: every setting.
        division: photographs with captions and phrase boxes; the validation part is only reported on.
        folder: of the run.
        initial_weights: of the backbone, see ``learning.backbones.build_trunk``.
        device: "cpu", "cuda", or "auto" for CUDA where there is a device.
        threads: CPU threads.
        watcher: is told how it goes.

    Returns:
        The captioner in evaluation mode; it is also in ``folder/captioner.safetensors``.

    Raises:
        DataError: there is nothing to learn from.
        RequestError: the folder holds another run, the device is missing, or the loss grew beyond all bounds.
        WeightsError: the backbone's weights cannot be had.
    """
    device = use_device(device, threads)
    if not division.training:
        raise DataError("Training needs photographs.")
    header = run_header(recipe.to_dict(), division.record(), initial_weights)
    vocabulary = Vocabulary.learn(_texts(division.training), recipe.least_count)
    torch.manual_seed(recipe.seed)
    captioner = SmallCaptioner(recipe.network, vocabulary, initial_weights).to(device)
    average = SmallCaptioner(recipe.network, vocabulary).to(device).eval()
    average.load_state_dict(captioner.state_dict())
    captioner.trunk.to(memory_format=torch.channels_last)
    for block in captioner.trunk.first_blocks[: recipe.frozen_blocks]:
        block.requires_grad_(False)
    optimiser = _optimiser(recipe, captioner)
    run = Run(folder, header, {"network": captioner, "average": average, "optimiser": optimiser}, device)
    sayings = [Sayings.of(image) for image in division.training]

    def plan(generator: torch.Generator) -> list[list[int]]:
        order = torch.randperm(len(sayings), generator=generator).tolist()
        return [
            order[at : at + recipe.images_per_step] for at in range(0, len(order), recipe.images_per_step)
        ]

    def step(indices: list[int], place: Place) -> tuple[float, float]:
        captioner.train()
        captioner.trunk.eval()  # batch statistics stay those of ImageNet
        chosen = [sayings[index] for index in indices]
        views = draw_views(chosen, recipe.views, recipe.network.side, place.generator)
        rate, places = lesson(recipe, place)
        loss = taught_loss(captioner, views, recipe, device, places)
        value = descend(optimiser, loss, rate, longest=LONGEST_GRADIENT)
        follow(average, captioner, recipe.ema, place.done)
        return value, rate

    run.go(
        epochs=recipe.epochs,
        seed=recipe.seed,
        plan=plan,
        step=step,
        report=lambda: evaluate(average, division.validation) if division.validation else None,
        keep=lambda: save_captioner(average, folder / RESULT, run.made),
        watcher=watcher,
    )
    return average.requires_grad_(False)


def lesson(recipe: CaptionerRecipe, place: Place) -> tuple[float, float]:
    """The learning rate at a step, and the weight of telling crops apart."""
    speaking = place.total // recipe.epochs * recipe.speaking_epochs
    if place.done < speaking:
        return recipe.learning_rate * cosine(place.done, speaking, recipe.warmup_steps), 0.0
    share = cosine(place.done - speaking, place.total - speaking, recipe.warmup_steps)
    return recipe.placing_rate * share, recipe.places


def taught_loss(
    captioner: SmallCaptioner, views: Views, recipe: CaptionerRecipe, device: str, places: float
) -> Tensor:
    """What is minimised on views: words that are wrong and, with a weight, crops that are taken for each other."""
    with torch.autocast(device, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
        cells = captioner.look(views.pictures.to(device)).float()
    loss = spoken_loss(captioner, cells, views.texts, recipe.smoothing)
    if places:
        loss = loss + places * placed_loss(captioner, cells, views, recipe.views.sharpness)
    return loss


def placed_loss(captioner: SmallCaptioner, cells: Tensor, views: Views, sharpness: float) -> Tensor:
    """Mean cross-entropy between where a phrase is and where the captioner has it.

    Where a phrase is: the softmax of its fits with the crops of the photograph. Where the captioner has it: by
    Bayes' rule with every crop as likely as another, the softmax of how likely its words are for the crops.
    """
    photographs, phrases, crops = views.fits.shape
    texts = [text for one in views.phrases for text in one for _ in range(crops)]
    rows = cells.reshape(photographs, 1, crops, *cells.shape[1:]).expand(-1, phrases, -1, -1, -1)
    numbers = numbers_of(captioner, texts).to(cells.device)
    steps = captioner.say(rows.flatten(0, 2), numbers)
    said = steps.gather(2, numbers[:, : steps.shape[1], None])[..., 0].nan_to_num(0).sum(dim=1)
    wanted = (sharpness * views.fits.to(cells.device)).softmax(dim=2)
    return -(wanted * said.reshape(wanted.shape).log_softmax(dim=2)).sum(dim=2).mean()


def spoken_loss(captioner: SmallCaptioner, cells: Tensor, texts: Sequence[str], smoothing: float) -> Tensor:
    """Mean cross-entropy of the words of N texts, with their ends, given what is seen, see ``look``."""
    numbers = numbers_of(captioner, texts).to(cells.device)
    steps = captioner.say(cells, numbers)
    said = ~steps[..., 0].isnan()
    chances, wanted = steps[said], numbers[:, : steps.shape[1]][said]
    missed = -chances.gather(1, wanted[:, None])[:, 0]
    return ((1 - smoothing) * missed - smoothing * chances.mean(dim=1)).mean()


def numbers_of(captioner: SmallCaptioner, texts: Sequence[str]) -> Tensor:
    """Numbers of the words of texts, shape (N, T), with their ends and padding."""
    rows = [torch.tensor(sentence(captioner.vocabulary, text, captioner.config.longest)) for text in texts]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True)


@torch.no_grad()
def evaluate(captioner: SmallCaptioner, images: Sequence[CaptionedImage]) -> Mapping[str, Any]:
    """How well a captioner does on photographs it has not seen, as plain values.

    Returns:
        ``word_precision``: share of the telling words of its caption of a photograph that somebody used of it;
        ``caption_loss`` and ``phrase_loss``: mean negative log-likelihood of a word, of captions of whole
        photographs and of phrases on what they name, in nats.
    """
    used, captions, phrases = [], [], []
    for image in images:
        whole = (0.0, 0.0, float(image.size_wh[0]), float(image.size_wh[1]))
        said = image.entities[:4]
        boxes = [whole, *(entity.union.as_tuple() for entity in said)]
        seen = crops_of(open_photo(image.path), boxes, captioner.size_wh)
        told = [word for word in words_of(captioner.described(seen[:1])[0]) if word not in STOP_WORDS]
        known = set(words_of(" ".join(image.captions)))
        used.append(sum(word in known for word in told) / max(len(told), 1))
        captions.append(
            _likelihood(captioner, seen[:1].expand(len(image.captions), -1, -1, -1), image.captions)
        )
        if said:
            phrases.append(_likelihood(captioner, seen[1:], [entity.phrase for entity in said]))
    return {
        "word_precision": _mean(used),
        "caption_loss": _mean(captions),
        "phrase_loss": _mean(phrases),
    }


def crops_of(photo: Photo, boxes_xyxy: Sequence[Sequence[float]], size_wh: tuple[int, int]) -> Tensor:
    """Crops of a photograph, boxes in frame pixels, as a captioner reads them: (K, 3, h, w), RGB in [0, 1]."""
    picture = picture_of(photo, LARGEST)
    height, width = picture.shape[1:]
    boxes = torch.tensor(boxes_xyxy, dtype=torch.float32) * (width / photo.size_wh[0])
    limits = boxes.new_tensor([width, height]).repeat(2)
    return sample_crops(pyramid(picture), torch.minimum(boxes, limits), size_wh)


def _likelihood(captioner: SmallCaptioner, pictures: Tensor, texts: Sequence[str]) -> float:
    numbers = numbers_of(captioner, texts)
    steps = captioner.forced(pictures, numbers)
    return -float(steps.gather(2, numbers[:, : steps.shape[1], None])[..., 0].nanmean())


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def _texts(images: Sequence[CaptionedImage]) -> list[str]:
    return [
        text for image in images for text in (*image.captions, *(entity.phrase for entity in image.entities))
    ]


def _optimiser(recipe: CaptionerRecipe, captioner: SmallCaptioner) -> torch.optim.Optimizer:
    backbone = [one for one in captioner.trunk.parameters() if one.requires_grad]
    known = {id(one) for one in captioner.trunk.parameters()}
    speaker = [one for one in captioner.parameters() if id(one) not in known]
    groups = [{"params": speaker, "share": 1.0}, {"params": backbone, "share": recipe.backbone_rate}]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
