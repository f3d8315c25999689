"""The ablation tables: their rows, what is printed, what is counted."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cadrage.bench.ablation.run import PLAIN, AblationConfig, prepare_weights, recipe_of, rows_of
from cadrage.bench.ablation.tables import (
    COLUMNS,
    FEATURES,
    HEADS,
    REGIONS,
    TABLES,
    ablation_table,
    figures_of,
)
from cadrage.errors import RequestError, WeightsError
from cadrage.learning.augmentation import OFFICIAL
from cadrage.learning.backbones import build_trunk
from cadrage.learning.cost import cost_of
from cadrage.learning.network import Head
from cadrage.learning.recipes import PAPER
from cadrage.metrics import ranking_report


def row(table, name):
    return next(one for one in table.rows if one.name == name)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: str(table.number))
def test_every_row_has_a_name_of_its_own_and_published_figures(table):
    assert len({one.name for one in table.rows}) == len(table.rows)
    for one in table.rows:
        (published,) = one.published
        assert published.backbone == one.network["backbone"]
        figures = published.figures
        assert set(figures) <= set(COLUMNS)
        assert 0.7 < figures["SRCC"] < figures["PCC"] < 1
        assert figures["Acc 1/5"] < figures["Acc 1/10"]


def test_costs_are_those_that_the_paper_prints():
    """TPAMI 2020, tables 3 and 5; table 4 has none."""
    (published,) = row(FEATURES, "vgg16, multi, augmented").published
    assert published.to_dict()["cost"] == {
        "trunk_parameters": 14_700_000,
        "trunk_flops": 22_300_000_000,
        "gpu_pictures_per_second": 125,
    }
    (published,) = row(HEADS, "9x9, 32 channels").published
    assert published.to_dict()["cost"] == {"crop_flops": 3_980_000}
    assert not any(one.published[0].to_dict()["cost"] for one in REGIONS.rows)


@pytest.mark.parametrize(
    "one",
    [one for one in FEATURES.rows if one.augmented and one.name != "vgg16, single, augmented"],  # as the next
    ids=lambda one: one.name.removesuffix(", augmented"),
)
def test_published_operations_of_a_trunk_are_counted_as_it_is_told(one):
    stages = build_trunk(one.network["backbone"]).eval().stages
    trunk = stages[:2] if one.network["scale"] == "single" else stages
    operations = 0

    def count(module, inputs, output):
        nonlocal operations
        if isinstance(module, nn.Conv2d):
            biases = 0 if module.bias is None else module.out_channels * module.in_channels
            operations += output[0, 0].numel() * (module.weight.numel() + biases)
        elif isinstance(module, nn.BatchNorm2d):
            operations += 4 * output.numel()
        elif isinstance(module, nn.ReLU | nn.ReLU6 | nn.MaxPool2d):
            operations += inputs[0].numel()

    for module in trunk.modules():
        module.register_forward_hook(count)
    features = torch.zeros(1, 3, 256, 256)
    with torch.no_grad():
        for stage in trunk:
            features = stage(features)
    assert operations == pytest.approx(one.published[0].cost.trunk_flops, rel=0.005)


@pytest.mark.parametrize("one", HEADS.rows, ids=lambda one: one.name)
def test_published_operations_of_a_crop_are_those_of_the_head_s_first_layers(one):
    head = Head(replace(PAPER.network, **one.network), 2 * one.network["channels"])
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        head.first(torch.zeros(1, 2 * one.network["channels"], 9, 9))
    million = 1e6 if one.network["kernel"] == 9 else 2**20
    published = one.published[0].cost.crop_flops / 1e6
    assert counter.get_total_flops() / 2 / million == pytest.approx(published, abs=0.006)


def test_another_table_is_refused():
    with pytest.raises(RequestError, match="no ablation of table 6: choose 2, 3, 4, 5"):
        ablation_table(6)


def test_columns_are_found_in_a_report():
    mos = [5, 4.5, 4, 3.5, 3, 2.5, 2, 1.5, 1.4, 1.3, 1.2, 1.1]
    figures = figures_of(ranking_report([(mos, mos[::-1]), (mos, mos)]).to_dict())
    assert tuple(figures) == COLUMNS
    assert figures["SRCC"] == pytest.approx(0)
    assert (figures["Acc 1/5"], figures["Acc 4/10"]) == (50.0, 75.0)
    assert figures["Acc^w 1/5"] == 50.0


@pytest.mark.parametrize(
    ("table", "name", "trunk", "whole", "multiply_adds"),
    [
        (FEATURES, "vgg16, multi, augmented", 14.71, 15.8, 20_045),
        (FEATURES, "mobilenet_v2, single, plain", 0.543, 2.91, 274),
        (FEATURES, "mobilenet_v2, multi, augmented", 1.812, 2.91, 365),
        (FEATURES, "shufflenet_v2_x1_0, single, plain", 0.275, 1.87, 116),
        (FEATURES, "shufflenet_v2_x1_0, multi, augmented", 0.776, 1.88, 158),
    ],
)
def test_counts_are_those_of_the_specification(table, name, trunk, whole, multiply_adds):
    cost = cost_of(replace(PAPER.network, **row(table, name).network))
    assert cost.trunk_parameters / 1e6 == pytest.approx(trunk, abs=0.005)
    assert cost.parameters / 1e6 == pytest.approx(whole, abs=0.05)
    assert cost.trunk_multiply_adds / 1e6 == pytest.approx(multiply_adds, abs=1)
    assert cost.pictures_per_second > 0


@pytest.mark.parametrize(
    ("name", "millions"), [("9x9, 8 channels", 1.094), ("5x5, 8 channels", 1.967), ("3x3, 8 channels", 0.822)]
)
def test_a_crop_costs_what_its_head_multiplies(name, millions):
    cost = cost_of(replace(PAPER.network, **row(HEADS, name).network))
    assert cost.crop_multiply_adds / 1e6 == pytest.approx(millions, abs=0.001)


def test_rows_are_picked_by_parts_of_their_names():
    assert [one.name for one in rows_of(REGIONS, AblationConfig(), ["mobilenet_v2, rod", "shufflenet"])] == [
        "mobilenet_v2, rod",
        "shufflenet_v2_x1_0, rod",
        "shufflenet_v2_x1_0, roi",
        "shufflenet_v2_x1_0, roi+global",
        "shufflenet_v2_x1_0, roi+rod",
    ]
    with pytest.raises(RequestError, match="Table 4 has no row 'alexnet': its rows are mobilenet_v2, rod;"):
        rows_of(REGIONS, AblationConfig(), ["alexnet"])


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("mobilenet_v2, roi", ["mobilenet_v2, roi"]),
        ("roi", ["mobilenet_v2, roi", "shufflenet_v2_x1_0, roi"]),
        ("global", ["mobilenet_v2, roi+global", "shufflenet_v2_x1_0, roi+global"]),
        ("v2, roi+", ["mobilenet_v2, roi+global", "mobilenet_v2, roi+rod"]),
    ],
)
def test_a_whole_name_goes_before_a_part_and_a_part_before_any_text(wanted, names):
    assert [one.name for one in rows_of(REGIONS, AblationConfig(), [wanted])] == names


def test_rows_of_another_backbone_are_picked_by_their_old_names_or_their_new_ones():
    config = AblationConfig(backbone="resnet50")
    for wanted in ("resnet50, roi", "shufflenet_v2_x1_0, roi", "roi"):
        assert [one.name for one in rows_of(REGIONS, config, [wanted])] == ["resnet50, roi"]


@pytest.mark.parametrize("backbone", ["mobilenet_v2", "shufflenet_v2_x1_0"])
def test_one_backbone_for_all_rows_runs_equal_ones_once_with_its_own_figures(backbone):
    rows = rows_of(REGIONS, AblationConfig(backbone=backbone))
    assert [one.name for one in rows] == [
        f"{backbone}, {part}" for part in ("rod", "roi", "roi+global", "roi+rod")
    ]
    for one in rows:
        assert one.network["backbone"] == backbone
        assert one.published == row(REGIONS, one.name).published


def test_figures_of_other_backbones_stay_under_their_names():
    (roi,) = rows_of(REGIONS, AblationConfig(backbone="resnet50"), ["roi"])
    assert roi.network["backbone"] == "resnet50"
    assert {one.backbone: one.figures["SRCC"] for one in roi.published} == {
        "mobilenet_v2": 0.852,
        "shufflenet_v2_x1_0": 0.854,
    }
    heads = rows_of(HEADS, AblationConfig(backbone="mobilenet_v2"))
    assert [one.published for one in heads] == [one.published for one in HEADS.rows]
    assert {one.network["backbone"] for one in heads} == {"mobilenet_v2"}


def test_weights_of_a_backbone_that_no_row_has_are_refused():
    rows_of(REGIONS, AblationConfig(weights={"mobilenet_v2": "none"}), ["shufflenet"])
    with pytest.raises(
        RequestError, match=r"no row of the backbone 'vgg16'.*: its rows have mobilenet_v2, shuff"
    ):
        rows_of(REGIONS, AblationConfig(weights={"vgg16": "none"}))


def test_weights_are_needed_by_runs_that_are_still_to_begin(tmp_path):
    config = AblationConfig(
        weights={"mobilenet_v2": "none", "shufflenet_v2_x1_0": str(tmp_path / "missing.pth")}
    )
    rows = rows_of(REGIONS, config, ["rod"])
    with pytest.raises(WeightsError, match=r"no weights file at .*missing\.pth"):
        prepare_weights(rows, config, tmp_path)
    (tmp_path / "shufflenet_v2_x1_0-rod").mkdir()
    (tmp_path / "shufflenet_v2_x1_0-rod" / "state.pt").touch()
    prepare_weights(rows, config, tmp_path)


def test_a_row_changes_the_recipe_and_nothing_else():
    plain = recipe_of(row(FEATURES, "mobilenet_v2, single, plain"), AblationConfig(epochs=3, seed=7))
    network = replace(PAPER.network, scale="single")
    assert plain == replace(PAPER, network=network, augmentation=PLAIN, epochs=3, seed=7)
    augmented = recipe_of(row(FEATURES, "vgg16, multi, augmented"), AblationConfig(recipe="default"))
    assert augmented.network.backbone == "vgg16"
    assert augmented.network.geometry  # of the default recipe
    assert augmented.frozen_blocks == 0  # which were chosen for another backbone
    assert recipe_of(row(REGIONS, "mobilenet_v2, roi"), AblationConfig()).augmentation == OFFICIAL
