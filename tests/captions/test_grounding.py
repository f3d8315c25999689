"""Localisers of transformers: tiny ones of random weights from local folders."""

import json

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

import hub_models

from cadrage.captions.baselines.grounding import load_grounder
from cadrage.errors import RequestError, WeightsError


def picture(width=60, height=40):
    return np.random.default_rng(0).integers(0, 255, (height, width, 3)).astype(np.uint8)


@pytest.fixture(scope="module", params=["owlvit", "owlv2", "grounding-dino"])
def folder(request, tmp_path_factory):
    save = {
        "owlvit": hub_models.save_owl,
        "owlv2": hub_models.save_owl,
        "grounding-dino": hub_models.save_grounding_dino,
    }
    path = tmp_path_factory.mktemp(request.param)
    return save[request.param](path, request.param)


@pytest.fixture(scope="module")
def grounder(folder):
    return load_grounder(folder)


def test_a_box_lies_in_the_picture_and_is_the_same_every_time(grounder):
    box = grounder.box(picture(), "A red ball!")
    assert 0 <= box.x1 < box.x2 <= 60
    assert 0 <= box.y1 < box.y2 <= 40
    assert grounder.box(picture(), "a red ball") == box


def test_the_box_is_the_one_that_the_library_is_surest_of(grounder):
    is_dino = grounder.kind == "grounding-dino"
    given = grounder.processor(
        images=picture(),
        text=["a red ball."] if is_dino else [["a red ball"]],
        return_tensors="pt",
        input_data_format="channels_last",
    )
    with torch.no_grad():
        found = grounder.model(**given)
    extra = {"input_ids": given["input_ids"], "text_threshold": 0.0} if is_dino else {}
    (best,) = grounder.processor.post_process_grounded_object_detection(
        found, threshold=0.0, target_sizes=[(40, 60)], **extra
    )
    x1, y1, x2, y2 = best["boxes"][best["scores"].argmax()].tolist()
    expected = (max(x1, 0), max(y1, 0), min(x2, 60), min(y2, 40))
    assert grounder.box(picture(), "a red ball").as_tuple() == pytest.approx(expected, abs=1e-3)


def test_a_long_caption_is_read_as_far_as_it_goes(grounder):
    grounder.box(picture(), "a red ball and " * 50)


def test_a_caption_without_words_is_refused(grounder):
    with pytest.raises(RequestError, match="holds no words"):
        grounder.box(picture(), " !? ")


def test_folders_that_are_no_localiser_are_refused_in_a_sentence(tmp_path):
    with pytest.raises(WeightsError, match="There is no folder at"):
        load_grounder(tmp_path / "nothing")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(WeightsError, match="is no localiser that can be used: it is of the type 'bert'"):
        load_grounder(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "owlvit"}))
    with pytest.raises(WeightsError, match="holds no weights in safetensors files"):
        load_grounder(tmp_path)
