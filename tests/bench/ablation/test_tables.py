"""The ablation tables: their rows, what is printed, what is counted."""

from dataclasses import replace

import pytest

from cadrage.bench.ablation.run import PLAIN, AblationConfig, recipe_of, rows_of
from cadrage.bench.ablation.tables import (
    COLUMNS,
    FEATURES,
    HEADS,
    REGIONS,
    TABLES,
    ablation_table,
    figures_of,
)
from cadrage.errors import RequestError
from cadrage.learning.augmentation import OFFICIAL
from cadrage.learning.cost import cost_of
from cadrage.learning.recipes import PAPER
from cadrage.metrics import ranking_report


def row(table, name):
    return next(one for one in table.rows if one.name == name)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: str(table.number))
def test_every_row_has_a_name_of_its_own_and_published_figures(table):
    assert len({one.name for one in table.rows}) == len(table.rows)
    for one in table.rows:
        assert set(one.published) <= set(COLUMNS)
        assert 0.7 < one.published["SRCC"] < one.published["PCC"] < 1
        assert one.published["Acc 1/5"] < one.published["Acc 1/10"]


def test_another_table_is_refused():
    with pytest.raises(RequestError, match="no ablation of table 6: choose 3, 4, 5"):
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


def test_one_backbone_for_all_rows_runs_equal_ones_once_and_has_no_figures_of_another():
    rows = rows_of(REGIONS, AblationConfig(backbone="mobilenet_v2"))
    assert [one.name for one in rows] == [
        f"mobilenet_v2, {part}" for part in ("rod", "roi", "roi+global", "roi+rod")
    ]
    assert all(one.published for one in rows)
    assert {one.network["backbone"] for one in rows} == {"mobilenet_v2"}
    assert not any(one.published for one in rows_of(HEADS, AblationConfig(backbone="mobilenet_v2")))


def test_a_row_changes_the_recipe_and_nothing_else():
    plain = recipe_of(row(FEATURES, "mobilenet_v2, single, plain"), AblationConfig(epochs=3, seed=7))
    network = replace(PAPER.network, scale="single")
    assert plain == replace(PAPER, network=network, augmentation=PLAIN, epochs=3, seed=7)
    augmented = recipe_of(row(FEATURES, "vgg16, multi, augmented"), AblationConfig(recipe="default"))
    assert augmented.network.backbone == "vgg16"
    assert augmented.network.geometry  # of the default recipe
    assert augmented.frozen_blocks == 0  # which were chosen for another backbone
    assert recipe_of(row(REGIONS, "mobilenet_v2, roi"), AblationConfig()).augmentation == OFFICIAL
