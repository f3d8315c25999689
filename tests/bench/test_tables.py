"""Tables of cells: order, labels, intervals, tests against the first row."""

import json
import math

import numpy as np
import pytest

from cadrage.bench.protocols import METRICS
from cadrage.bench.report import TableOptions, tables_of
from cadrage.bench.report.markdown import markdown_of
from cadrage.bench.report.plots import label_offsets, plots_of
from cadrage.bench.report.tables import cost_text, interval_text, p_text


def test_methods_stand_by_falling_iou_and_are_tested_against_the_first(cell):
    """With four images 2 of 16 sign flips of four equal differences are as far from 0: p = 1/8, doubled by Holm."""
    cells = [cell("low", [0.1] * 4), cell("high", [0.9] * 4), cell("middle", [0.5] * 4)]
    (table,) = tables_of(cells)
    assert [row.label for row in table.rows] == ["high", "middle", "low"]
    first, middle, low = table.rows
    assert (first.behind, first.p) == (None, None)
    assert middle.behind.mean == pytest.approx(-0.4)
    assert (middle.behind.p, middle.p, low.p) == (0.125, 0.25, 0.25)
    assert first.estimates["iou"].mean == pytest.approx(0.9)


def test_what_is_better_when_low_stands_by_rising_value(cell, ground):
    on = ground(kind="subject")
    made = [
        cell(name, [0.5, 0.5], ground=on, lost=np.array(lost), cut=np.zeros(2), area=np.ones(2))
        for name, lost in (("much", [0.4, 0.2]), ("little", [0.1, 0.0]))
    ]
    (table,) = tables_of(made)
    assert [row.label for row in table.rows] == ["little", "much"]
    assert [metric.key for metric in table.metrics] == ["lost", "cut", "area"]


def test_a_method_without_a_number_is_last(cell):
    (table,) = tables_of([cell("none", [math.nan, math.nan]), cell("some", [0.0, 0.0])])
    assert [row.label for row in table.rows] == ["some", "none"]
    assert interval_text(table.primary, table.rows[1].estimates["iou"]) == "-"
    assert math.isnan(table.rows[1].p)


def test_releases_and_labels_are_never_in_one_table(cell, ground):
    grounds = [ground(), ground(release="other"), ground(split="train"), ground(digest="0")]
    tables = tables_of([cell("a", [0.5], ground=one) for one in grounds])
    assert [table.ground for table in tables] == grounds


def test_two_versions_of_a_method_are_two_rows(cell):
    (table,) = tables_of([cell("a", [0.5]), cell("a", [0.6], version="2"), cell("b", [0.1])])
    assert [row.label for row in table.rows] == ["a (2)", "a (1)", "b"]


def test_of_two_cells_of_one_method_the_later_counts(cell):
    (table,) = tables_of([cell("a", [0.5]), cell("a", [0.6])])
    assert [row.estimates["iou"].mean for row in table.rows] == [0.6]


def ranked(cell, ground, strict):
    metrics = {key: np.array([0.5, 0.7]) for key, one in METRICS.items() if key.startswith("acc")}
    metrics |= {"srcc": np.array([0.2, 0.4]), "pcc": np.array([0.1, 0.3]), "regret": np.array([0.0, 1.0])}
    on = ground(data_set="GAICD", release="journal", kind="ranking", rule="rated crops")
    (table,) = tables_of([cell("a", [0, 0], ground=on, **metrics)], TableOptions(strict=strict))
    return table


@pytest.mark.parametrize(("strict", "ties", "suffix"), [(False, "credit", ""), (True, "strict", "_strict")])
def test_a_ranking_names_release_split_and_tie_rule(cell, ground, strict, ties, suffix):
    table = ranked(cell, ground, strict)
    assert table.title == f"GAICD, journal release, split test; ranking, rated crops: 2 images; ties: {ties}"
    keys = [metric.key for metric in table.metrics]
    accuracies = [f"acc{k}_{n}{suffix}" for n in (5, 10) for k in (1, 4)]
    assert keys == ["srcc", "pcc", *accuracies, "regret"]


def test_markdown_has_acc_by_every_rule_and_the_origin_of_every_row(cell, ground):
    text = markdown_of([ranked(cell, ground, strict=False)], [])
    assert "### Acc, ties: credit" in text
    assert "### Acc, ties: strict" in text
    assert "| a | 60.0 | 60.0 |" in text
    when = "2026-01-02 03:04 to 2026-01-02 03:05"
    assert f"| a | 1 | `cadrage bench fcdb FCDB --methods a` | {when} | 1 | cadrage 0.1.0 |" in text


def test_json_has_every_metric_and_no_nan(cell):
    (table,) = tables_of([cell("a", [0.5, math.nan], seconds=math.nan), cell("b", [math.nan, math.nan])])
    value = json.loads(json.dumps(table.to_dict(), allow_nan=False))
    assert value["images"] == 2
    assert value["methods"][0]["metrics"]["iou"] == {"mean": 0.5, "low": 0.5, "high": 0.5, "images": 1}
    assert (value["methods"][0]["seconds"], value["methods"][1]["metrics"]["iou"]["mean"]) == (None, None)
    assert value["methods"][0]["versions"] == {"cadrage": "0.1.0"}
    assert value["methods"][0]["last_command"] == "cadrage bench fcdb FCDB --methods a"
    assert value["methods"][0]["threads"] == 1


def test_pairs_are_pooled_by_their_number(cell, ground):
    """An image with three pairs, all right, and one with a single pair that is wrong: 75 %."""
    made = cell("a", [0, 0], ground=ground(kind="pairs"), pair_accuracy=np.array([1.0, 0.0]))
    made.weights["pair_accuracy"] = np.array([3.0, 1.0])
    made.metrics["vote_share"] = np.array([0.5, 0.5])
    (table,) = tables_of([made])
    assert table.rows[0].estimates["pair_accuracy"].mean == 0.75


@pytest.mark.parametrize(
    ("given", "text"),
    [(0.0123, "12.3 ms"), (0.0000456, "0.0456 ms"), (1.5, "1.5 s"), (math.nan, "-")],
)
def test_costs_are_short(given, text):
    assert cost_text(given) == text


@pytest.mark.parametrize(("p", "text"), [(None, ""), (math.nan, "-"), (0.0005, "< 0.001"), (0.04, "0.040")])
def test_p_values_are_short(p, text):
    assert p_text(p) == text


def test_a_name_covers_no_other_where_there_is_room():
    places = label_offsets([(0.5, 0.5), (0.5, 0.5)], ["first", "second"], 4)
    assert places[0] == (7, 0)
    assert places[1] != places[0]


@pytest.mark.parametrize(
    ("threads", "told"), [((8, 8), "in 8 threads."), ((8, 1), "not all in as many threads: 1 to 8.")]
)
def test_the_plot_of_the_cost_says_in_how_many_threads(cell, threads, told):
    pytest.importorskip("matplotlib")
    first, second = threads
    (table,) = tables_of([cell("a", [0.5], threads=first), cell("b", [0.4], threads=second)])
    *_, cost = plots_of(table)
    assert cost.about.endswith(told)


def test_plots_follow_the_colours_of_the_page(cell):
    pytest.importorskip("matplotlib")
    (table,) = tables_of([cell("a<b", [0.5, 0.6]), cell("c", [0.1, math.nan])])
    drawn = list(plots_of(table))
    assert [one.title for one in drawn] == [
        "IoU of each method, with 95 % intervals",
        "Distribution of IoU over the images",
        "Cost against IoU",
    ]
    for one in drawn:
        assert "a&lt;b" in one.drawing
        assert "var(--series-1)" in one.drawing
        assert "#110001" not in one.drawing
