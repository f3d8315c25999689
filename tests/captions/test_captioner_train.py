"""The training of a small captioner: what it learns from, that it learns, and that it can be stopped."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from cadrage.captions.captioners.small import CaptionerConfig, load_captioner_file
from cadrage.captions.captioners.training import (
    CaptionerRecipe,
    crops_of,
    lesson,
    numbers_of,
    placed_loss,
    train_captioner,
)
from cadrage.captions.captioners.views import Sayings, ViewRule, Views, draw_views
from cadrage.datasets.entities import divide_captions
from cadrage.errors import DataError, RequestError
from cadrage.geometry import iou_matrix
from cadrage.imaging import open_photo
from cadrage.learning.epochs import Place, Silent

from .photographs import write_captioned

RECIPE = CaptionerRecipe(
    network=CaptionerConfig(
        backbone="timm:mobilenetv3_small_050",
        side=64,
        cells=32,
        hidden=32,
        words=16,
        dropout=0.0,
        same_padding=False,
        pixels="imagenet",
    ),
    least_count=1,
    epochs=3,
    images_per_step=4,
    learning_rate=1e-2,
    placing_rate=1e-2,
    warmup_steps=4,
    ema=0.5,
    frozen_blocks=0,
)


@pytest.fixture(scope="module")
def division(tmp_path_factory):
    return divide_captions(write_captioned(tmp_path_factory.mktemp("captioned") / "boxes", 24), 3)


@pytest.fixture(scope="module")
def run(division, tmp_path_factory):
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train_captioner(RECIPE, division, folder)
    return folder


class Stopping(Silent):
    """Ends a run as a kill would."""

    def step(self, stage, done, total):
        if done == total // 2:
            raise KeyboardInterrupt


class TestViews:
    def test_things_of_one_box_are_said_together_and_the_frame_comes_first(self, division):
        said = Sayings.of(division.training[0])
        assert said.boxes_xyxy[0].tolist() == [0, 0, 96, 72]
        assert len(said.texts) == 2
        assert said.texts[0] == division.training[0].captions

    def test_crops_that_fit_a_phrase_are_called_by_it(self, division):
        said = [Sayings.of(image) for image in division.training]
        tight = ViewRule(crops=3, anywhere=0, shift=0, stretch=0, sharpness=50)
        texts = draw_views(said, tight, 64, torch.Generator().manual_seed(0)).texts
        ours = [text for one in said for text in one.texts[0] + one.texts[1]]
        assert len(texts) == 3 * len(said)
        assert set(texts) <= set(ours)
        assert {"a red box", "a green box", "a blue box"} <= set(texts)

    def test_the_same_generator_draws_the_same_views(self, division):
        said = [Sayings.of(image) for image in division.training[:2]]
        first, again = (draw_views(said, ViewRule(), 64, torch.Generator().manual_seed(5)) for _ in range(2))
        assert torch.equal(first.pictures, again.pictures)
        assert (first.texts, first.phrases) == (again.texts, again.phrases)
        assert first.pictures.shape == (10, 3, 64, 64)
        assert 0 <= float(first.pictures.min()) <= float(first.pictures.max()) <= 1
        assert first.fits.shape == (2, 2, 5)
        assert [len(phrases) for phrases in first.phrases] == [2, 2]

    def test_phrases_fit_the_crops_around_what_they_mean(self, division):
        said = [Sayings.of(image) for image in division.training[:3]]
        tight = ViewRule(crops=6, phrases=3, anywhere=0, shift=0, stretch=0)
        views = draw_views(said, tight, 64, torch.Generator().manual_seed(0))
        for number, one in enumerate(said):
            for phrase, fits in zip(views.phrases[number], views.fits[number], strict=True):
                box = next(
                    box for box, texts in zip(one.boxes_xyxy, one.texts, strict=True) if phrase in texts
                )
                ways = set(iou_matrix(box[None], one.boxes_xyxy)[0].round(4))
                assert set(fits.double().numpy().round(4)) <= ways

    def test_a_crop_for_training_is_that_of_the_search(self, division):
        image = division.training[0]
        box = image.entities[0].union
        seen = crops_of(open_photo(image.path), [box.as_tuple()], (64, 64))
        colour = seen[0].mean(dim=(1, 2)) * 255
        name = image.entities[0].phrase.split()[1]
        assert int(colour.argmax()) == ["red", "green", "blue"].index(name)


class TestPlacedLoss:
    def test_it_is_the_cross_entropy_of_where_phrases_are(self, run):
        """By hand, with the likelihood of each phrase for each crop asked for one by one."""
        captioner, _ = load_captioner_file(run / "captioner.safetensors")
        pictures = torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(0))
        phrases = [["a red box", "a plain ground"], ["a blue box", "there is one box"]]
        fits = torch.tensor([[[0.1, 0.9, 0.0], [0.5, 0.5, 0.2]], [[0.0, 0.0, 1.0], [0.3, 0.2, 0.1]]])
        views = Views(pictures, [], phrases, fits)
        losses = []
        for number, texts in enumerate(phrases):
            for text, fit in zip(texts, fits[number], strict=True):
                numbers = numbers_of(captioner, [text])
                said = [
                    captioner.forced(one[None], numbers).gather(2, numbers[..., None]).sum()
                    for one in pictures[3 * number : 3 * number + 3]
                ]
                placed = torch.stack(said).log_softmax(0)
                losses.append(-((10 * fit).softmax(0) * placed).sum())
        found = placed_loss(captioner, captioner.look(pictures), views, 10.0)
        assert float(found) == pytest.approx(float(torch.stack(losses).mean()), rel=1e-4)


class TestLesson:
    def test_it_speaks_first_and_tells_crops_apart_in_the_last_passes(self):
        recipe = replace(CaptionerRecipe(), epochs=8, warmup_steps=0)
        generator = torch.Generator()
        lessons = [lesson(recipe, Place(done, 80, generator)) for done in (0, 30, 59, 60, 70)]
        assert lessons[0] == (1e-3, 0.0)
        assert lessons[1] == (pytest.approx(5e-4), 0.0)
        assert lessons[2][0] < 1e-5
        assert lessons[3] == (6e-4, 0.5)
        assert lessons[4] == (pytest.approx(3e-4), 0.5)

    @pytest.mark.parametrize(("epochs", "speaking"), [(1, 0), (2, 1), (3, 2), (8, 6)])
    def test_the_last_pass_always_tells_apart(self, epochs, speaking):
        assert replace(CaptionerRecipe(), epochs=epochs).speaking_epochs == speaking


class TestTraining:
    def test_the_loss_falls_and_everything_is_written(self, run):
        record = json.loads((run / "run.json").read_text())
        spoken, more, placed = [line["loss"] for line in record["history"]]
        assert more < spoken
        assert placed > more  # the last pass also counts how well crops are told apart
        validation = [line["validation"]["phrase_loss"] for line in record["history"]]
        assert validation[-1] < validation[0]
        assert set(record["history"][-1]["validation"]) == {"word_precision", "caption_loss", "phrase_loss"}
        captioner, told = load_captioner_file(run / "captioner.safetensors")
        assert told["epoch"] == 3
        assert "red" in captioner.vocabulary

    def test_a_stopped_run_ends_as_the_whole_one(self, division, run, tmp_path):
        folder = tmp_path / "stopped"
        with pytest.raises(KeyboardInterrupt):
            train_captioner(RECIPE, division, folder, watcher=Stopping())
        train_captioner(RECIPE, division, folder)
        whole, continued = ((one / "captioner.safetensors") for one in (run, folder))
        first, second = (load_captioner_file(one)[0].state_dict() for one in (whole, continued))
        assert all(torch.equal(first[name], second[name]) for name in first)

    def test_another_recipe_does_not_go_on_in_its_folder(self, division, run):
        from dataclasses import replace

        with pytest.raises(RequestError, match="another run"):
            train_captioner(replace(RECIPE, seed=1), division, run)

    def test_no_photographs_are_refused(self, division, tmp_path):
        from dataclasses import replace

        with pytest.raises(DataError, match="needs photographs"):
            train_captioner(RECIPE, replace(division, training=()), tmp_path / "none")

    def test_texts_of_a_batch_are_padded(self, run):
        captioner, _ = load_captioner_file(run / "captioner.safetensors")
        numbers = numbers_of(captioner, ["a red box", "box"])
        assert numbers.shape == (2, 4)
        assert np.count_nonzero(numbers[1].numpy()) == 2
