"""``cadrage crop --caption`` and ``cadrage explain --caption`` with a tiny captioner of random weights."""

import json

import hub_models
import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def captioner(tmp_path_factory):
    torch = pytest.importorskip("torch")
    from cadrage.captions.captioners.small import CaptionerConfig, SmallCaptioner, save_captioner
    from cadrage.captions.vocabulary import Vocabulary

    torch.manual_seed(0)
    config = CaptionerConfig(side=32, cells=8, hidden=8, words=8, longest=4)
    made = SmallCaptioner(config, Vocabulary.learn(["a red ball on green grass"])).eval()
    path = tmp_path_factory.mktemp("captioner") / "tiny.safetensors"
    save_captioner(made, path, {})
    return path


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Two threads on a busy machine wait for each other; and the number is the process's, so it is put back."""
    torch = pytest.importorskip("torch")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def quick(captioner):
    return ["--captioner", captioner, "--aesthetics", "none", "--steps", 3, "--restarts", 2]


@pytest.fixture
def garden(folder):
    """A photograph of 160 x 120 with a red spot."""
    pixels = np.full((120, 160, 3), 90, np.uint8)
    pixels[20:60, 100:140] = (220, 20, 20)
    Image.fromarray(pixels).save("garden.png")
    return "garden.png"


def test_it_prints_a_row_for_each_caption_and_rank(cadrage, garden, quick):
    ran = cadrage("crop", garden, "--caption", "a red ball", "--caption", "green grass", *quick)
    assert (ran.code, ran.err) == (0, [])
    assert ran.out[0].split("\t")[:6] == ["photograph", "caption", "ratio", "rank", "box", "loss"]
    assert [row.split("\t")[:4] for row in ran.out[1:]] == [
        ["garden.png", "a red ball", "free", "1"],
        ["garden.png", "green grass", "free", "1"],
    ]


def test_json_names_words_losses_and_files(cadrage, garden, quick):
    ran = cadrage(
        "crop", garden, "-c", "a red ball", "-r", "1:1", "-r", "free", "--json", "--out", "crops", *quick
    )
    square, free = map(json.loads, ran.out)
    assert (square["ratio"], free["ratio"], square["size"]) == ("1:1", "free", [160, 120])
    assert [one["word"] for one in square["words"]] == ["red", "ball"]
    crop = square["crops"][0]
    assert crop["file"] == "crops/garden_a-red-ball_1x1.png"
    assert crop["loss"] == crop["caption_loss"]
    x1, y1, x2, y2 = crop["box"]
    with Image.open(crop["file"]) as written:
        assert written.size == (x2 - x1, y2 - y1)


def test_captions_that_read_alike_get_names_of_their_own(cadrage, garden, folder, quick):
    ran = cadrage("crop", garden, "-c", "red ball!", "-c", "Red ball?", "--out", "crops", *quick)
    assert ran.code == 0
    names = sorted(file.name for file in (folder / "crops").iterdir())
    assert names == ["garden_red-ball-2_free.png", "garden_red-ball_free.png"]


@pytest.fixture
def no_search(monkeypatch):
    from cadrage.captions.cropper import CaptionCropper

    monkeypatch.setattr(CaptionCropper, "crops", lambda *_, **__: pytest.fail("It was searched."))


def test_a_crop_that_is_there_is_found_before_the_search(cadrage, garden, folder, quick, request):
    call = ["crop", garden, "-c", "red", "-c", "ball", "-r", "free", "-r", "1:1", "--out", "crops", *quick]
    assert cadrage(*call).code == 0
    for name in ("red_free", "red_1x1", "ball_free"):
        (folder / "crops" / f"garden_{name}.png").unlink()
    request.getfixturevalue("no_search")
    ran = cadrage(*call, "--no-overwrite")
    kept = "cadrage: crops/garden_ball_1x1.png is there already, and --no-overwrite keeps it."
    assert (ran.code, ran.err, len(ran.out)) == (2, [kept], 0)


def test_a_further_crop_that_is_there_is_kept_too(cadrage, garden, folder, quick):
    call = ["crop", garden, "-c", "red", "--top", 3, "--max-overlap", 0.9, "--out", "crops", *quick]
    assert cadrage(*call).code == 0
    first, second, *_ = sorted((folder / "crops").iterdir())
    first.unlink()
    ran = cadrage(*call, "--no-overwrite")
    assert (ran.code, second.name in ran.err[0]) == (2, True)
    assert not first.exists()


@pytest.mark.usefixtures("no_search")
def test_a_folder_that_takes_no_crops_is_found_before_the_search(cadrage, garden, folder, quick):
    (folder / "file").touch()
    ran = cadrage("crop", garden, "-c", "red", "--out", "file/crops", *quick)
    assert (ran.code, ran.out) == (2, [])
    assert ran.err == ["cadrage: --out file/crops takes no crops: not a directory."]


def test_a_sheet_shows_all(cadrage, garden, quick):
    ran = cadrage("crop", garden, "-c", "red", "--top", 2, "--sheet", "sheet.png", "--bag", *quick)
    assert ran.code == 0
    with Image.open("sheet.png") as sheet:
        assert sheet.width > 800


def test_a_photograph_that_cannot_be_read_does_not_stop_the_others(cadrage, garden, quick):
    ran = cadrage("crop", "none.png", garden, "-c", "red", "--json", *quick)
    assert ran.code == 1
    assert ran.err == ["cadrage: none.png does not exist."]
    assert [set(json.loads(line)) >= {"crops"} for line in ran.out] == [False, True]


def test_the_same_call_gives_the_same_lines(cadrage, garden, quick):
    first, again = (cadrage("crop", garden, "-c", "red", "--json", "--seed", 3, *quick) for _ in range(2))
    assert first.out == again.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-c", ""], "The caption holds no words."),
        (["-c", "zebra crossing"], "does not know 'zebra', 'crossing'"),
        (["-c", "red " * 9999], "characters at most"),
        (["-c", "red", "--keep", "0,0,9,9"], "--keep is not heeded where a caption guides"),
        (["-c", "red", "--size", "10x10"], "--size is not heeded"),
        (["-c", "red", "--resume", "--manifest", "m.jsonl"], "does not go with --caption"),
        (["-c", "red", "--steps", "-1"], "number of steps is from 0"),
        (["-c", "red", "--seed", 10**20], f"The seed is from 0 to 4,294,967,295; got {10**20}."),
        (["-c", "red", "--starts", "anywhere"], "There are no starts 'anywhere': give frame, grid, anchors"),
        (["-c", "red", "--ratio", "wide"], "is not an aspect ratio"),
        (["-c", "red", "--weight-aesthetic", "-1"], "0 or more"),
        ([], "--captioner is about captions"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(cadrage, garden, captioner, arguments, said):
    ran = cadrage("crop", garden, "--captioner", captioner, "--aesthetics", "none", *arguments)
    assert (ran.code, ran.out, len(ran.err)) == (2, [], 1)
    assert said in ran.err[0]


def test_words_that_the_captioner_does_not_know_are_named_once(cadrage, garden, quick):
    ran = cadrage("crop", garden, garden, "-c", "two red balls by a zebra", "--json", *quick)
    assert ran.code == 0
    assert ran.err[0].endswith("'balls' is taken as 'ball'.")
    assert "does not know 'two', 'zebra'" in ran.err[1]
    assert len(ran.err) == 2
    result = json.loads(ran.out[0])
    assert result["unknown"] == ["two", "zebra"]
    assert [one["word"] for one in result["words"]] == ["red", "ball"]


def test_a_model_without_safetensors_is_read_only_when_allowed(cadrage, garden, tmp_path):
    import torch
    from safetensors.torch import load_file

    folder = hub_models.save_git(tmp_path / "git")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    call = ["crop", garden, "-c", "a dog", "--captioner", folder, "--aesthetics", "none", "--steps", 1]
    ran = cadrage(*call)
    assert (ran.code, len(ran.err)) == (2, 1)
    assert "no weights in safetensors files" in ran.err[0]
    assert cadrage(*call, "--allow-pickle").code == 0


def test_a_captioner_that_is_none_is_one_sentence(cadrage, garden, folder):
    (folder / "broken.safetensors").write_bytes(b"nothing")
    for name in ("missing.safetensors", "broken.safetensors"):
        ran = cadrage("crop", garden, "-c", "red", "--captioner", name, "--aesthetics", "none")
        assert (ran.code, len(ran.err)) == (2, 1)


def test_explain_shows_a_search_in_one_picture(cadrage, garden, quick):
    ran = cadrage("explain", garden, "--caption", "a red ball", *quick)
    assert (ran.code, ran.out, ran.err) == (0, ["garden_explained.png"], [])
    with Image.open("garden_explained.png") as picture:
        assert picture.size[0] > 1100


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_explain_writes_an_animation_of_the_steps(cadrage, garden, quick, suffix):
    ran = cadrage("explain", garden, "-c", "red", "--out", f"why.{suffix}", *quick)
    assert (ran.code, ran.out) == (0, [f"why.{suffix}"])
    with Image.open(f"why.{suffix}") as picture:
        assert picture.format == suffix.upper()
        assert picture.n_frames >= 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "why.jpg"], "must end in .png, .gif or .webp"),
        (["--out", "garden.png"], "is the photograph"),
        (["-c", "green"], "one --caption"),
        (["--top", "2"], "one --caption, one --ratio and no --top"),
        (["--focus", "3,3"], "--focus is not heeded"),
    ],
)
def test_explain_refuses_what_it_cannot_show(cadrage, garden, quick, arguments, said):
    ran = cadrage("explain", garden, "-c", "red", *quick, *arguments)
    assert (ran.code, ran.out, len(ran.err)) == (2, [], 1)
    assert said in ran.err[0]


def test_the_threads_of_the_environment_are_heeded(cadrage, garden, quick):
    import torch

    torch.set_num_threads(2)
    assert cadrage("crop", garden, "-c", "red", *quick).code == 0
    assert torch.get_num_threads() == 1
