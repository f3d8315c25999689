"""The methods by name, what they answer, and the options of the search as text."""

import numpy as np
import pytest
import torch
from PIL import Image
from speaker import Speaker
from torch import nn

from cadrage.captions.cropper import CaptionRequest
from cadrage.captions.evaluation.method_options import OPTIONS, changed
from cadrage.captions.evaluation.methods import ABLATIONS, USUAL, Networks, content_version, make_method
from cadrage.captions.search.schedule import SCALES
from cadrage.errors import RequestError
from cadrage.imaging import open_photo
from cadrage.weights import load_entry

QUICK = "steps=3,restarts=3,candidates=6,weight=0"


class Looker(Speaker):
    """With a last convolution, for GradCAM."""

    def __init__(self):
        super().__init__()
        self.last_convolution = nn.Conv2d(3, 3, 3, padding=1).double().requires_grad_(False)

    def _steps(self, pictures, numbers):
        return super()._steps(torch.sigmoid(self.last_convolution(pictures)), numbers)


@pytest.fixture(scope="module")
def networks():
    return Networks(Looker(), None)


@pytest.fixture
def photo(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    pixels[:24, :32] = (255, 0, 0)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return open_photo(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("spec", "box"),
    [("original", (0, 0, 64, 48)), ("centre=0.5", (16, 12, 48, 36)), ("centre=1", (0, 0, 64, 48))],
)
def test_blind_methods(spec, box, networks, photo):
    method = make_method(spec, networks)
    answer = method.answer(photo, "no word is known")
    assert answer.box.as_tuple() == pytest.approx(box)
    assert (len(answer.runs_xyxy), method.name, method.is_seeded) == (0, spec, False)


def test_anchor_is_the_best_crop_of_the_aesthetic_cropper(tiny_entry, networks, photo):
    from cadrage import Cropper

    method = make_method(f"anchor={tiny_entry.folder}", networks)
    assert method.answer(photo, "anything").box == Cropper(tiny_entry).crop(photo.source).best.box
    assert "tiny 7.1" in method.version


def test_gradcam_is_a_box_in_the_frame(networks, photo):
    method = make_method("gradcam", networks)
    box = method.answer(photo, "a red ball").box
    assert box.x1 >= 0
    assert box.y1 >= 0
    assert box.x2 <= 64
    assert box.y2 <= 48
    with pytest.raises(RequestError, match="does not know"):
        method.answer(photo, "xylophones")


def test_grounding_is_the_localisers_box_in_the_frame(networks, tmp_path):
    pytest.importorskip("transformers")
    import hub_models

    from cadrage.captions.baselines.grounding import load_grounder

    folder = hub_models.save_owl(tmp_path / "owl", "owlvit")
    pixels = np.random.default_rng(0).integers(0, 255, (300, 600, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.png")
    method = make_method(f"grounding={folder}", networks, CaptionRequest(most_pixels_side=60))
    box = method.answer(open_photo(tmp_path / "large.png"), "a red ball").box
    small = np.array(Image.open(tmp_path / "large.png").resize((60, 30), Image.Resampling.BILINEAR))
    seen = load_grounder(folder).box(small, "a red ball")
    np.testing.assert_allclose(box.as_tuple(), np.array(seen.as_tuple()) * 10, atol=3)
    assert str(folder) in method.version


def test_cagic_answers_with_its_restarts_and_repeats_itself(networks, photo):
    method = make_method(f"cagic:{QUICK},starts=frame,halvings=0", networks)
    first, second = (method.answer(photo, "a red ball", seed=4) for _ in range(2))
    assert first.box == second.box
    assert first.runs_xyxy.shape == (3, 4)
    np.testing.assert_array_equal(first.runs_xyxy, second.runs_xyxy)
    assert method.is_seeded
    other = method.answer(photo, "a red ball", seed=5)
    assert not np.array_equal(first.runs_xyxy, other.runs_xyxy)


def test_restarts_that_were_ended_on_purpose_do_not_count(networks, photo):
    answer = make_method(f"cagic:{QUICK},starts=frame,halvings=1", networks).answer(photo, "a red ball")
    assert answer.runs_xyxy.shape == (2, 4)


def test_versions_name_networks_and_options(networks):
    usual = make_method("cagic", networks)
    assert usual.version == make_method("cagic:", networks).version
    assert usual.version != make_method("cagic:steps=9", networks).version
    other = Networks(Speaker(seed=1), None)
    assert make_method("cagic", other).version != usual.version
    assert "aesthetics none" in usual.version


def test_versions_change_with_the_file_of_a_judge_or_a_localiser(networks, tmp_path):
    file = tmp_path / "weights"
    versions = []
    for content in (b"one", b"other"):
        file.write_bytes(content)
        versions += [networks.judge_version(f"nima={file}"), content_version(str(tmp_path))]
    assert len(set(versions)) == 4
    assert networks.judge_version("nima=owner/name") == "nima=owner/name"
    entry = load_entry(None)
    assert (
        networks.judge_version("gaic-regions") == f"gaic-regions {entry.version} {entry.encode.sha256[:12]}"
    )


def test_only_searches_from_the_frame_are_asked_with_every_seed(networks):
    assert not make_method("cagic", networks).is_seeded
    assert make_method("cagic:starts=frame", networks).is_seeded


def test_a_judge_that_is_none_is_refused_before_the_first_case(networks):
    with pytest.raises(RequestError, match="no aesthetics called 'pretty'"):
        make_method("cagic:aesthetics=pretty", networks)


def test_options_change_search_loss_and_weight():
    text = "restarts=3,annealing=off,multi-scale=off,refine=off,patience=off,aggregate=median,rate=0.3"
    request, aesthetics = changed(
        CaptionRequest(), f"{text},weight=0,loss=likelihood,end=on,aesthetics=nima=weights.pt"
    )
    search = request.search
    assert (search.restarts, search.schedule, search.multi_scale, search.refine) == (3, None, False, False)
    assert (search.patience, search.aggregate, search.learning_rate) == (None, "median", 0.3)
    assert (request.weight_aesthetic, request.loss.kind, request.loss.with_end) == (0, "likelihood", True)
    assert aesthetics == "nima=weights.pt"
    assert changed(CaptionRequest(), "annealing=cosine")[0].search.schedule == SCALES["cosine"]
    assert changed(CaptionRequest(), "") == (CaptionRequest(), None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("speed=9", f"no option of cagic: give NAME=VALUE of {', '.join(OPTIONS)}"),
        ("restarts", "'restarts' cannot be used: its value is a number"),
        ("restarts=many", "its value is a number"),
        ("restarts=0", "The number of restarts is from 1"),
        ("weight=-1", "The weight of aesthetics"),
        ("multi-scale=no", "its value is on or off"),
        ("aggregate=all", "its value is best or mean or median or cluster"),
        ("patience=long", "its value is a number"),
    ],
)
def test_options_that_cannot_be_used(text, sentence):
    with pytest.raises(RequestError) as refused:
        changed(CaptionRequest(), text)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "spec", ["", "original=1", "centre", "centre=0", "centre=x", "gradcam=1", "grounding", "x"]
)
def test_unknown_methods_are_refused(spec, networks):
    with pytest.raises(RequestError):
        make_method(spec, networks)


def test_the_usual_methods_and_all_of_the_ablations_exist(networks):
    specs = {*USUAL, *(spec for methods in ABLATIONS.values() for spec in methods)}
    made = {spec: make_method(spec, networks) for spec in specs}
    assert all(method.name == spec for spec, method in made.items())
    versions = [made[spec].version for spec in specs if spec.startswith("cagic")]
    assert len(set(versions)) == len(versions)


def test_networks_share_one_captioner():
    networks = Networks(Speaker(), None)
    assert networks.cropper("none").captioner is networks.captioner is networks.cropper().captioner
