"""Official checkpoints give the official scores; what is not one is refused in a sentence."""

import math
import pickle
from collections import OrderedDict
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch
from official_reference import official_entries, preprocess, random_official

from cadrage.errors import WeightsError
from cadrage.learning.network import OFFICIAL_MEAN, OFFICIAL_STD, CropNetwork, NetworkConfig
from cadrage.learning.official import load_official, save_official
from cadrage.learning.official_preprocessing import official_boxes, official_raster

CASES = [
    # backbone, head, entries, trainable parameters, as counted in the official modules
    ("mobilenet_v2", 2019, 324, 2_911_753),
    ("shufflenet_v2_x1_0", 2019, 348, 1_879_373),
    ("vgg16", 2019, 70, 15_823_433),
    ("mobilenet_v2", 2020, 314, 2_909_961),
    ("shufflenet_v2_x1_0", 2020, 338, 1_877_581),
    ("vgg16", 2020, 60, 15_821_641),
]
SIZE_HW = (201, 301)
BOXES = np.array([[0, 0, 300, 200], [10, 7, 273, 169], [55, 20, 287, 196], [101.5, 3.25, 220, 150]])
"""On a photograph of that size."""


def photograph(height, width):
    rough = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return np.kron(rough, np.ones((math.ceil(height / 6), math.ceil(width / 8), 1), np.uint8))[
        :height, :width
    ]


def boxes_on(height, width):
    return BOXES * np.array([width / SIZE_HW[1], height / SIZE_HW[0]] * 2)


def scores_of(network, image, boxes):
    """What a user does: official preprocessing, our network."""
    raster, scale_xy = official_raster(image)
    with torch.inference_mode():
        return network(raster, torch.from_numpy(official_boxes(boxes, scale_xy)))


def official_scores(reference, image, boxes):
    raster, scale_xy = official_raster(image)
    pixels = raster[0].permute(1, 2, 0).numpy().astype(np.uint8)
    with torch.inference_mode():
        return reference(preprocess(pixels), official_boxes(boxes, scale_xy), [0] * len(boxes))


def write(tmp_path, entries, **options):
    path = tmp_path / "official.pth"
    torch.save(entries, path, **options)
    return path


@pytest.mark.parametrize(("backbone", "head", "entries", "parameters"), CASES)
def test_official_checkpoints_give_the_official_scores(tmp_path, backbone, head, entries, parameters):
    reference = random_official(backbone, head)
    state = official_entries(reference)
    assert len(state) == entries
    assert sum(parameter.numel() for parameter in set(reference.parameters())) == parameters

    network = load_official(write(tmp_path, state))
    assert not network.training
    assert network.config.backbone == backbone
    assert network.config.norm == (head == 2019)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters

    for size_hw in ((201, 301), (331, 219)) if backbone != "vgg16" else ((203, 207),):
        image, boxes = photograph(*size_hw), boxes_on(*size_hw)
        expected = official_scores(reference, image, boxes)
        assert expected.std() > 0.01  # scores that tell the boxes apart
        torch.testing.assert_close(scores_of(network, image, boxes), expected, rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def shufflenet():
    return random_official("shufflenet_v2_x1_0", 2019)


@pytest.fixture
def entries(shufflenet):
    return official_entries(shufflenet)


@pytest.fixture(scope="module")
def expected(shufflenet):
    return official_scores(shufflenet, photograph(*SIZE_HW), BOXES)


def assert_loads(path, expected):
    scores = scores_of(load_official(path), photograph(*SIZE_HW), BOXES)
    torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-4)


def test_normalisation_is_the_official_one_to_the_bit(tmp_path, entries):
    network = load_official(write(tmp_path, entries))
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    ours = network.normalise(torch.from_numpy(levels).permute(2, 0, 1)[None].float())
    assert torch.equal(ours, preprocess(levels))


def test_prefix_and_wrapper_are_taken_off(tmp_path, entries, expected):
    wrapped = {"epoch": 23, "state_dict": {f"module.{name}": tensor for name, tensor in entries.items()}}
    assert_loads(write(tmp_path, wrapped), expected)


def test_batch_counters_are_optional(tmp_path, entries, expected):
    bare = {name: tensor for name, tensor in entries.items() if not name.endswith("num_batches_tracked")}
    assert_loads(write(tmp_path, bare), expected)


def test_old_container_is_read(tmp_path, entries, expected):
    assert_loads(write(tmp_path, entries, _use_new_zipfile_serialization=False), expected)


class Python2Pickler(pickle._Pickler):
    """Writes text as Python 2 wrote it, in which the authors trained: as bytes without encoding."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_text(self, text):
        data = text.encode("ascii")
        self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data)
        self.memoize(text)

    dispatch[str] = save_text


def test_python_2_pickles_are_read(tmp_path, entries, expected):
    module = SimpleNamespace(
        __name__="python2",
        Pickler=Python2Pickler,
        dump=lambda value, file, protocol: Python2Pickler(file, protocol).dump(value),
    )
    path = write(tmp_path, entries, pickle_module=module, _use_new_zipfile_serialization=False)
    assert b"U\x0bDimRed.bias" in path.read_bytes()
    assert_loads(path, expected)


def test_last_layer_may_follow_the_second_directly(tmp_path):
    reference = random_official("shufflenet_v2_x1_0", 2020)
    entries = OrderedDict(
        (name.replace("FC_layers.3", "FC_layers.2"), tensor)
        for name, tensor in official_entries(reference).items()
    )
    assert "FC_layers.2.weight" in entries
    expected = official_scores(reference, photograph(*SIZE_HW), BOXES)
    assert_loads(write(tmp_path, entries), expected)


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        ({"reddim": 32}, "channels", 32),
        ({"alignsize": 5}, "pool_size", 5),
        ({"multi": False}, "scale", "single"),
    ],
)
def test_other_official_settings_are_recognised(tmp_path, options, field, value):
    reference = random_official("mobilenet_v2", 2020, **options)
    network = load_official(write(tmp_path, official_entries(reference)))
    assert getattr(network.config, field) == value
    image, boxes = photograph(131, 90), boxes_on(131, 90)
    expected = official_scores(reference, image, boxes)
    torch.testing.assert_close(scores_of(network, image, boxes), expected, rtol=1e-4, atol=1e-4)


def drop(name):
    return lambda entries: entries.pop(name)


def put(name, *shape):
    return lambda entries: entries.update({name: torch.zeros(*shape)})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (drop("DimRed.bias"), "lacks 'DimRed.bias'"),
        (drop("DimRed.weight"), "lacks 'DimRed.weight'"),
        (drop("FC_layers.0.1.running_var"), "lacks 'FC_layers.0.1.running_var'"),
        (drop("Feat_ext.feature4.0.7.banch2.3.weight"), "lacks 'Feat_ext.feature4.0.7.banch2.3.weight'"),
        (put("Feat_ext.feature3.0.0.weight", 24, 3, 5, 5), r"shape \[24, 3, 5, 5\] where \[24, 3, 3, 3\]"),
        (
            put("DimRed.weight", 8, 464, 1, 1),
            r"'DimRed.weight' has shape \[8, 464, 1, 1\] where \[8, 812, 1, 1\]",
        ),
        (put("FC_layers.1.0.weight", 128), r"'FC_layers.1.0.weight' has shape \[128\]"),
        (put("Feat_ext.conv_last.0.weight", 1024, 464, 1, 1), "unknown entry 'Feat_ext.conv_last.0.weight'"),
        (put("FC_layers.2.bias", 1), "holds 'FC_layers.3.bias' twice"),
        (lambda entries: entries.update(epoch=3), "entry 'epoch' is no tensor"),
        (lambda entries: entries.clear(), "known backbone"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, entries, change, sentence):
    change(entries)
    path = write(tmp_path, entries)
    with pytest.raises(WeightsError, match=sentence) as caught:
        load_official(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_classifier_is_refused(tmp_path):
    path = write(tmp_path, {"layer1.0.conv1.weight": torch.zeros(1)})
    with pytest.raises(WeightsError, match=r"known backbone .* begins with 'layer1.0.conv1.weight'"):
        load_official(path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut short"])
def test_a_damaged_file_is_refused(tmp_path, content):
    path = tmp_path / "broken.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"broken\.pth"):
        load_official(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"no .* at .*nowhere\.pth"):
        load_official(tmp_path / "nowhere.pth")


def test_vgg_copies_may_be_absent_but_not_differ(tmp_path):
    entries = official_entries(random_official("vgg16", 2020))
    slices = {name: tensor for name, tensor in entries.items() if not name.startswith("Feat_ext.feature.")}
    assert len(slices) == 60 - 26
    loaded = load_official(write(tmp_path, slices)).state_dict()
    assert torch.equal(loaded["trunk.stages.1.28.weight"], entries["Feat_ext.feature4.0.28.weight"])

    entries["Feat_ext.feature.0.28.weight"][5, 4, 1, 2] += 1
    with pytest.raises(
        WeightsError, match=r"'Feat_ext.feature.0.28.weight' differs from 'Feat_ext.feature4.0.28"
    ):
        load_official(write(tmp_path, entries))


@pytest.mark.parametrize(("backbone", "head"), [("mobilenet_v2", 2019), ("vgg16", 2020)])
def test_saving_gives_back_the_official_file(tmp_path, backbone, head):
    entries = official_entries(random_official(backbone, head))
    network = load_official(write(tmp_path, entries))
    again = tmp_path / "again.pth"
    save_official(network, again)
    written = torch.load(again, weights_only=True)
    assert list(written) == list(entries)  # also the order
    assert all(torch.equal(written[name], tensor) for name, tensor in entries.items())


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (NetworkConfig(backbone="shufflenet_v2_x1_0"), "official pooling"),
        (NetworkConfig(backbone="resnet50", pooling="official"), "no backbone 'resnet50'"),
    ],
)
def test_networks_outside_the_official_layout_are_not_written(tmp_path, config, sentence):
    with pytest.raises(WeightsError, match=sentence):
        save_official(CropNetwork(config), tmp_path / "out.pth")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(tmp_path):
    network = CropNetwork(
        NetworkConfig(
            "shufflenet_v2_x1_0", pooling="official", pixel_mean=OFFICIAL_MEAN, pixel_std=OFFICIAL_STD
        )
    )
    with pytest.raises(WeightsError, match=r"nowhere/out\.pth cannot be written: No such file"):
        save_official(network, tmp_path / "nowhere" / "out.pth")
