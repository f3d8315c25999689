"""The small captioner: its words, its gradients, its file."""

import json
from dataclasses import asdict

import pytest
import torch
from safetensors.torch import save_file

from cadrage.captions.captioners.shipped import load_captioner
from cadrage.captions.captioners.small import (
    CaptionerConfig,
    SmallCaptioner,
    load_captioner_file,
    save_captioner,
    sentence,
)
from cadrage.captions.protocols import Captioner, Convolutional
from cadrage.captions.vocabulary import END, Vocabulary
from cadrage.errors import WeightsError

TINY = CaptionerConfig(
    backbone="timm:mobilenetv3_small_050",
    side=64,
    cells=16,
    hidden=24,
    words=12,
    longest=6,
    same_padding=False,
    pixels="imagenet",
)
WORDS = Vocabulary.learn(["a brown dog runs through tall grass"])


@pytest.fixture(scope="module")
def captioner():
    torch.manual_seed(0)
    return SmallCaptioner(TINY, WORDS).eval().requires_grad_(False)


def pictures(count=2):
    return torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_it_speaks_until_its_end_or_its_breath_does(captioner):
    steps = captioner.spoken(pictures())
    assert steps.shape[0] == 2
    assert 1 <= steps.shape[1] <= TINY.longest
    assert steps.shape[2] == len(WORDS)
    said = steps[~steps[..., 0].isnan()]
    assert torch.allclose(said.exp().sum(-1), torch.ones(len(said)))


def test_nothing_is_said_after_the_end(captioner):
    end = WORDS.end
    steps = captioner.forced(pictures(), torch.tensor([[4, end, 0, 0], [4, 5, 6, end]]))
    assert steps[0, :, 0].isnan().tolist() == [False, False, True, True]
    assert not steps[1].isnan().any()


def test_its_own_words_forced_upon_it_are_as_likely(captioner):
    steps = captioner.spoken(pictures(1))
    numbers = steps.argmax(-1)
    assert torch.allclose(captioner.forced(pictures(1), numbers), steps, atol=1e-5)


def test_pictures_of_a_batch_do_not_touch_each_other(captioner):
    seen = pictures(3)
    numbers = torch.tensor([[4, 5, WORDS.end]] * 3)
    alone = torch.cat([captioner.forced(one[None], numbers[:1]) for one in seen])
    assert torch.allclose(captioner.forced(seen, numbers), alone, atol=1e-4)


def test_gradients_with_respect_to_pixels_are_those_of_differences():
    torch.manual_seed(0)
    captioner = SmallCaptioner(TINY, WORDS).eval().double().requires_grad_(False)
    seen = pictures(1).double().requires_grad_()
    numbers = torch.tensor([[4, 5, WORDS.end]])

    def likelihood(picture):
        return captioner.forced(picture, numbers).gather(2, numbers[..., None]).sum()

    (gradient,) = torch.autograd.grad(likelihood(seen), seen)
    way = torch.rand(seen.shape, generator=torch.Generator().manual_seed(2), dtype=torch.double) - 0.5
    with torch.no_grad():
        difference = (likelihood(seen + 1e-6 * way) - likelihood(seen - 1e-6 * way)) / 2e-6
    assert float((gradient * way).sum()) == pytest.approx(float(difference), rel=1e-4)


def test_it_is_what_the_search_asks_for(captioner):
    checked: Captioner = captioner
    assert checked.size_wh == (64, 64)
    assert isinstance(captioner, Convolutional)


def test_the_map_that_is_listened_to_is_the_one_that_is_looked_at(captioner):
    heard = []
    captioner.last_convolution.register_forward_hook(lambda _, __, maps: heard.append(maps))
    cells = captioner.look(pictures())
    torch.testing.assert_close(heard[0].flatten(2).transpose(1, 2), cells)
    assert (cells >= 0).all()


def test_a_file_holds_it_in_half_precision(captioner, tmp_path):
    file = tmp_path / "captioner.safetensors"
    save_captioner(captioner, file, {"epoch": 3})
    read, record = load_captioner_file(file)
    assert record == {"epoch": 3}
    assert read.vocabulary.words == WORDS.words
    assert torch.allclose(read.look(pictures()), captioner.look(pictures()), atol=0.02)
    assert not any(parameter.requires_grad for parameter in read.parameters())
    assert load_captioner(file).described(pictures()) == read.described(pictures())


def test_a_sentence_is_cut_where_its_breath_ends():
    numbers = sentence(WORDS, "a brown cat runs through tall grass", 5)
    assert [WORDS.words[number] for number in numbers] == ["a", "brown", "runs", "through", END]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda file: file.unlink(), "no captioner at"),
        (lambda file: file.write_bytes(b"no weights"), "cannot be read as weights"),
        (lambda file: file.write_bytes(file.read_bytes()[:4000]), "cannot be read as weights"),
        (lambda file: save_file({"a": torch.zeros(1)}, file), "is not a cadrage captioner"),
    ],
)
def test_other_files_are_refused(captioner, tmp_path, spoil, message):
    file = tmp_path / "captioner.safetensors"
    save_captioner(captioner, file, {})
    spoil(file)
    with pytest.raises(WeightsError, match=message):
        load_captioner(file)


def test_weights_of_another_shape_are_refused(captioner, tmp_path):
    file = tmp_path / "captioner.safetensors"
    state = {name: tensor for name, tensor in captioner.state_dict().items() if "embedding" not in name}
    about = {
        "format": "cadrage-captioner-1",
        "config": json.dumps({**asdict(TINY), "cells": 8}),
        "words": json.dumps(WORDS.words),
        "record": "{}",
    }
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, file, metadata=about)
    with pytest.raises(WeightsError, match="does not fit this version"):
        load_captioner(file)
