"""Captioners of transformers: every family from a local folder, to the pixels and back."""

import json
import os
import socket
import time
from urllib.parse import urlsplit

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

pytest.importorskip("transformers")

import hub_models

from cadrage.captions.baselines.gradcam import attention
from cadrage.captions.captioners import hub_files
from cadrage.captions.captioners.hub import load_hub_captioner
from cadrage.captions.captioners.hub_files import PROXY_PATIENCE_S, hub_can_answer
from cadrage.captions.captioners.shipped import load_captioner
from cadrage.captions.cropper import CaptionCropper, CaptionRequest
from cadrage.captions.objective import CaptionLoss, Target, caption_loss, caption_losses
from cadrage.captions.protocols import Bounded, Convolutional, Looking
from cadrage.captions.search.descent import SearchConfig
from cadrage.captions.vocabulary import ANYHOW
from cadrage.errors import RequestError, WeightsError

FAMILIES = {
    "blip": hub_models.save_blip,
    "git": hub_models.save_git,
    "vit-gpt2": hub_models.save_vit_gpt2,
    "swin-bert": hub_models.save_swin_bert,
}
TEXTS = ["a red ball", "the dog runs", "blue sky"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {name: save(root / name) for name, save in FAMILIES.items()}


@pytest.fixture(scope="module", params=FAMILIES)
def captioner(request, folders):
    return load_hub_captioner(folders[request.param], longest=6, dtype=torch.float64)


def pictures(count=3, seed=1):
    return torch.rand((count, 3, 32, 32), dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def words_of(steps):
    return [[int(step.argmax()) for step in picture if not step.isnan().any()] for picture in steps.unbind()]


def test_spoken_words_are_the_likeliest_and_their_distributions_those_of_saying_them(captioner):
    steps = captioner.spoken(pictures())
    assert steps.shape[::2] == (3, len(captioner.vocabulary))
    said = words_of(steps)
    torch.testing.assert_close(steps.exp().nansum(-1), (~steps[..., 0].isnan()).double(), atol=1e-9, rtol=0)
    for number, words in enumerate(said):
        one = pictures()[number : number + 1]
        forced = captioner.forced(one, torch.tensor([words]))
        torch.testing.assert_close(forced[0], steps[number, : len(words)])
        assert captioner.vocabulary.end not in words[:-1]
        assert len(words) == 6 or words[-1] == captioner.vocabulary.end


def test_what_follows_the_end_is_padding(captioner):
    end = captioner.vocabulary.end
    numbers = torch.tensor([[7, 8, end, 0], [9, end, 3, 3], [7, 7, 7, 7]])
    steps = captioner.forced(pictures(), numbers)
    assert steps[..., 0].isnan().tolist() == [
        [False, False, False, True],
        [False, False, True, True],
        [False] * 4,
    ]
    alone = captioner.forced(pictures()[1:2], torch.tensor([[9, end]]))
    torch.testing.assert_close(steps[1, :2], alone[0])


@pytest.mark.parametrize(
    "loss",
    [CaptionLoss(), CaptionLoss(words="forced"), CaptionLoss(kind="likelihood")],
    ids=["spoken", "forced", "likelihood"],
)
def test_gradients_reach_the_pixels_and_agree_with_finite_differences(captioner, loss, request):
    targets = [Target.of(text, captioner, loss) for text in TEXTS[:2]]
    given = pictures(2)
    direction = torch.randn(given.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

    def along(step):
        return caption_loss(captioner, given + step * direction, targets, loss)

    # Git's softmax is in single precision whatever is asked for.
    single = request.node.callspec.params["captioner"] == "git"
    exact = {"eps": 1e-4, "atol": 1e-2, "rtol": 1e-2} if single else {"eps": 1e-7, "atol": 1e-5}
    assert gradcheck(along, torch.zeros((), dtype=torch.float64, requires_grad=True), **exact)
    given.requires_grad_()
    (gradient,) = torch.autograd.grad(caption_loss(captioner, given, targets, loss).sum(), given)
    assert (gradient.abs().amax(dim=(1, 2, 3)) > 0).all()


def test_distributions_are_those_of_the_library(captioner, folders, request):
    """The library's own forward pass, on pixels normalised by hand."""
    import transformers

    name = request.node.callspec.params["captioner"]
    kind = {"blip": "BlipForConditionalGeneration", "git": "GitForCausalLM"}.get(
        name, "VisionEncoderDecoderModel"
    )
    model = getattr(transformers, kind).from_pretrained(folders[name], dtype=torch.float64).eval()
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ([0.5, 0.4, 0.3], [0.2, 0.25, 0.3]))
    words = [7, 8, 9, 10]
    given = torch.tensor([[captioner.family.begin, *words[:-1]]])
    names = "decoder_input_ids" if kind.startswith("Vision") else "input_ids"
    with torch.no_grad():
        expected = model(pixel_values=(pictures(1) - mean) / std, **{names: given}).logits[:, -4:]
        found = captioner.forced(pictures(1), torch.tensor([words]))
    torch.testing.assert_close(found, expected.log_softmax(-1), atol=1e-6, rtol=1e-6)


def test_words_and_pieces(folders):
    words = load_hub_captioner(folders["git"]).vocabulary
    assert "bicycle" in words
    assert [words.words[number] for number in words.pieces("bicycle")] == ["bi", "##cycle"]
    assert words.text([*words.numbers("a dog's bicycle"), words.end, 7]).startswith("a dog")
    assert "zebra" not in words
    assert words.nearest("dogz") == ["dog", "dogs"]
    assert words.nearest("zebra", least=ANYHOW) == ["bird", "ball", "grass"]
    assert words.nearest("犬", least=ANYHOW) == []
    pairs = load_hub_captioner(folders["vit-gpt2"]).vocabulary
    assert "zebra" in pairs
    assert "犬" in pairs
    assert pairs.text(pairs.pieces("ball")) == "ball"
    assert [pairs.words[number] for number in pairs.pieces("ball")] == ["ball"]
    assert pairs.pieces("ball") != pairs.numbers("ball")


def test_a_bag_is_a_mean_over_the_pieces(folders):
    captioner = load_hub_captioner(folders["git"])
    target = Target.of("The bicycle, a ball", captioner, CaptionLoss())
    shares = {
        captioner.vocabulary.words[n]: round(share, 6) for n, share in enumerate(target.bag.tolist()) if share
    }
    assert shares == {"bi": round(1 / 3, 6), "##cycle": round(1 / 3, 6), "ball": round(1 / 3, 6)}
    said = [captioner.vocabulary.words[number] for number in target.numbers.tolist()]
    assert said == ["the", "bi", "##cycle", "a", "ball", "[SEP]"]
    with pytest.raises(RequestError, match=r"'zebra' \(the nearest that it knows: bird, ball, grass\)"):
        Target.of("zebra", captioner, CaptionLoss())


FORCED = [CaptionLoss(words="forced"), CaptionLoss(kind="likelihood")]


@pytest.mark.parametrize("loss", FORCED, ids=["forced", "likelihood"])
def test_a_caption_longer_than_the_decoder_has_places_for_is_refused(captioner, loss):
    """The networks of these tests have places for 32 pieces, the sentence's begin among them."""
    assert isinstance(captioner, Bounded)
    with pytest.raises(RequestError, match=r"too long to be taken .* 32 at most\. Shorten it, .*--bag"):
        Target.of("dog " * 60, captioner, loss)
    assert len(Target.of("dog " * 60, captioner, CaptionLoss()).numbers) > 60
    longest = next(
        target
        for words in range(31, 0, -1)
        if len((target := Target.of("dog " * words, captioner, CaptionLoss())).numbers) <= 32
    )
    longest = Target.of(longest.text, captioner, loss)
    assert len(longest.numbers) == 32
    assert caption_loss(captioner, pictures(1), [longest], loss).isfinite().all()
    with pytest.raises((RuntimeError, IndexError)):
        captioner.forced(pictures(1), longest.numbers[None, :1].expand(1, 33))


def test_places_that_a_decoder_skips_do_not_count(tmp_path):
    """RoBERTa's begin after the number of its padding, which is 1 here."""
    captioner = load_hub_captioner(hub_models.save_swin_bert(tmp_path, "Roberta"), longest=99)
    assert (captioner.longest_forced, captioner.longest) == (30, 30)
    small = pictures(1).float()
    assert captioner.forced(small, torch.full((1, 30), 7)).isfinite().all()
    with pytest.raises((RuntimeError, IndexError)):
        captioner.forced(small, torch.full((1, 31), 7))
    captioner.spoken(small)


@pytest.mark.parametrize("loss", FORCED, ids=["forced", "likelihood"])
def test_captions_share_what_is_seen(captioner, loss):
    assert isinstance(captioner, Looking)
    targets = [Target.of(text, captioner, loss) for text in TEXTS]
    together = caption_losses(captioner, pictures(2), targets, loss)
    for target, found in zip(targets, together, strict=True):
        expected = caption_loss(captioner, pictures(2), [target] * 2, loss)
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)


def test_attention_is_a_map_of_places(captioner):
    assert isinstance(captioner, Convolutional)
    loss = CaptionLoss()
    heat = attention(captioner, pictures(1)[0], Target.of("red ball", captioner, loss), loss)
    assert heat.shape in ((4, 4), (8, 8))
    assert (heat >= 0).all()


def test_numbers_of_the_image_processor_are_read(folders, tmp_path):
    folder = hub_models.save_git(tmp_path / "git")
    path = folder / "preprocessor_config.json"
    values = json.loads(path.read_text())
    values |= {
        "size": {"shortest_edge": 40},
        "crop_size": {"height": 32, "width": 32},
        "do_center_crop": True,
    }
    values["rescale_factor"] = 1 / 127.5
    path.write_text(json.dumps(values))
    captioner = load_hub_captioner(folder)
    assert captioner.size_wh == (32, 32)
    assert captioner.mean.flatten().tolist() == pytest.approx([0.25, 0.2, 0.15])
    assert captioner.std.flatten().tolist() == pytest.approx([0.1, 0.125, 0.15])


def test_folders_that_are_no_captioner_are_refused_in_a_sentence(folders, tmp_path):
    def refused(spec, message, **options):
        with pytest.raises(WeightsError, match=message):
            load_hub_captioner(spec, **options)

    refused(tmp_path / "nothing", "There is no folder at")
    refused("./nothing/at/all", "There is no folder at")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "holds no config.json")
    (tmp_path / "file.bin").touch()
    refused(tmp_path / "file.bin", "is a file; a captioner of transformers is a folder")
    bert = tmp_path / "bert"
    bert.mkdir()
    (bert / "config.json").write_text('{"model_type": "bert"}')
    refused(bert, "is no captioner that can be used: it is of the type 'bert'")
    (bert / "config.json").write_text('{"model_type": "no-such"}')
    refused(bert, "is not the folder of a captioner of transformers")
    code = {"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}
    (bert / "config.json").write_text(json.dumps(code))
    (bert / "own.py").write_text("raise SystemExit('this was run')")
    refused(bert, "is not the folder of a captioner of transformers")


def test_folders_without_whole_weights_are_refused_in_a_sentence(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = hub_models.save_blip(tmp_path / "blip")
    weights = folder / "model.safetensors"
    held = load_file(weights)
    del held["vision_model.post_layernorm.weight"]
    save_file(held, weights, {"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks 'vision_model.post_layernorm.weight'"):
        load_hub_captioner(folder)
    weights.write_bytes(b"nothing of the kind")
    with pytest.raises(WeightsError, match="is not the folder of a captioner"):
        load_hub_captioner(folder)
    weights.unlink()
    with pytest.raises(WeightsError, match=r"holds no weights in .* are read only with --allow-pickle \("):
        load_hub_captioner(folder)
    with pytest.raises(WeightsError, match=r"blip holds no weights\.$"):
        load_hub_captioner(folder, allow_pickle=True)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_without_tokenizer_is_refused_in_a_sentence(family, tmp_path):
    """Where there is none the library makes up one that has special pieces only, or says so in five lines."""
    folder = FAMILIES[family](tmp_path / family)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    with pytest.raises(WeightsError, match=rf"^{folder} holds no tokenizer( that can be read)?\.$"):
        load_hub_captioner(folder)


def test_a_folder_without_image_processor_is_refused_in_a_sentence(tmp_path):
    folder = hub_models.save_git(tmp_path / "git")
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(WeightsError, match=rf"^{folder} holds no preprocessor_config.json, [^.]*\.$"):
        load_hub_captioner(folder)


def test_of_what_the_library_says_one_sentence_is_passed_on(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "no-such"}')
    with pytest.raises(WeightsError, match=r"does not recognize this architecture\.$"):
        load_hub_captioner(tmp_path)


@pytest.mark.parametrize("spec", ["", " "])
def test_a_captioner_without_a_name_is_refused(spec):
    with pytest.raises(WeightsError, match=r"^No captioner is named: give [^.]*\.$"):
        load_captioner(spec)


def test_torchs_own_format_is_read_only_when_allowed(tmp_path):
    from safetensors.torch import load_file

    folder = hub_models.save_blip(tmp_path / "blip")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    expected = load_hub_captioner(folder, dtype=torch.float64).spoken(pictures(1))
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match="holds no weights in safetensors files"):
        load_hub_captioner(folder)
    found = load_hub_captioner(folder, allow_pickle=True, dtype=torch.float64).spoken(pictures(1))
    torch.testing.assert_close(found, expected, equal_nan=True)


def test_without_a_network_a_name_on_the_hub_is_a_sentence(monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="captioner 'nobody/nothing' cannot be fetched from the hub"):
        load_hub_captioner("nobody/nothing")
    assert "HF_HUB_OFFLINE" not in os.environ


def test_a_hub_whose_name_nobody_knows_is_not_asked_again_and_again(monkeypatch):
    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    hub_can_answer.cache_clear()
    monkeypatch.setattr(hub_files, "getproxies", dict)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("It was asked again."))
    with pytest.raises(WeightsError, match="cannot be fetched from the hub"):
        load_hub_captioner("nobody/nothing")
    hub_can_answer.cache_clear()


@pytest.fixture
def proxies(monkeypatch):
    """The environment's proxies; the hub's own name is known to nobody."""
    found = {}
    monkeypatch.setattr(hub_files, "getproxies", lambda: found)
    monkeypatch.setattr(hub_files, "proxy_bypass", lambda host: host == found.get("no"))
    monkeypatch.setattr(
        hub_files, "urlsplit", lambda url: urlsplit(url.replace("huggingface.co", "hub.invalid"))
    )
    hub_can_answer.cache_clear()
    yield found
    hub_can_answer.cache_clear()


class TestProxy:
    @pytest.mark.parametrize("address", ["http://127.0.0.1:{}", "127.0.0.1:{}", "socks5://a:b@127.0.0.1:{}/"])
    def test_one_that_takes_connections_is_asked(self, proxies, address):
        with socket.create_server(("127.0.0.1", 0)) as server:
            proxies["https"] = address.format(server.getsockname()[1])
            assert hub_can_answer()
        hub_can_answer.cache_clear()
        assert not hub_can_answer()

    def test_a_dead_one_is_given_up_at_once(self, proxies, monkeypatch):
        asked = []

        def silent(address, timeout):
            asked.append((address, timeout))
            raise TimeoutError

        monkeypatch.setattr(socket, "create_connection", silent)
        proxies["all"] = "http://proxy.invalid"
        with pytest.raises(WeightsError, match="cannot be fetched from the hub"):
            load_hub_captioner("nobody/nothing")
        assert asked == [(("proxy.invalid", 80), PROXY_PATIENCE_S)]

    @pytest.mark.parametrize(
        "named",
        [{"http": "http://127.0.0.1"}, {"https": "http://127.0.0.1", "no": "hub.invalid"}, {"https": "x:y"}],
    )
    def test_one_that_the_hub_is_not_asked_through_does_not_count(self, proxies, named, monkeypatch):
        monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("It was asked."))
        proxies |= named
        assert not hub_can_answer()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_search_is_guided_by_each_family(folders, family):
    pixels = np.full((48, 72, 3), 90, np.uint8)
    pixels[10:30, 40:64] = (200, 30, 30)
    config = SearchConfig(steps=2, restarts=2, candidates=4, halvings=0)
    cropper = CaptionCropper(str(folders[family]), None)
    result = cropper.crop(pixels, "a dog", CaptionRequest(search=config))
    assert len(result.runs) == 2
    assert all(len(run.boxes) > 1 for run in result.runs)
    assert 0 <= result.best.box.x1 < result.best.box.x2 <= 72
    assert {one.word for one in result.words} <= {"dog"}
