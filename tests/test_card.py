"""The card of a model."""

from pathlib import Path

from cadrage.weights import GraphFile, InputRule, WeightsEntry, render_card


def entry(**changes: object) -> WeightsEntry:
    graph = GraphFile("encode.onnx", "0" * 64)
    values = {
        "folder": Path("model"),
        "name": "mine",
        "version": "2.1.0",
        "license": "research only",
        "encode": graph,
        "score": graph,
        "input": InputRule(256, 32, 1024),
        "training": {"data_set": "GAICD", "config": {"epochs": 8, "seed": None}},
        "metrics": (),
        "parameters": 3917713,
        "precision": "int8",
        "created": "2026-01-02",
    }
    return WeightsEntry(**{**values, **changes})


def test_it_names_the_model_its_size_input_and_terms() -> None:
    card = render_card(entry())
    assert card.startswith("# mine 2.1.0\n")
    assert "3,917,713 parameters, int8, exported 2026-01-02" in card
    assert "short side 256, long side a multiple of 32 up to 1024 pixels" in card
    assert "- terms: research only" in card


def test_training_is_listed_without_what_is_empty() -> None:
    card = render_card(entry())
    assert "## Training\n\n- data set: GAICD\n- config:\n  - epochs: 8\n" in card
    assert "seed" not in card


def test_each_measurement_names_data_split_and_tie_rule() -> None:
    measured = {
        "method": "mine 2.1.0",
        "data_set": "GAICD (set)",
        "release": "conference",
        "split": "val (120 of the train part, seed 0)",
        "images": 120,
        "tie_rule": "credit",
        "srcc": 0.78912,
        "pcc": None,
        "acc5_mean": 57.25,
        "acc10_mean": 75.0,
        "regret": 0.4,
    }
    row = "| mine 2.1.0 | GAICD (set), conference release | val (120 of the train part, seed 0) | 120 | credit |"
    assert f"{row} 0.7891 | - | 57.25 | 75 | 0.4 |" in render_card(entry(metrics=(measured,)))


def test_notes_come_last() -> None:
    assert render_card(entry(), "## Limits\n\nMany.\n").endswith("\n\n## Limits\n\nMany.\n")


def test_saliency_figures_have_a_table_of_their_own() -> None:
    figures = {"mae": 0.0912345, "max_f": 0.87, "mean_f": 0.8, "s_measure": 0.81, "rule": "beta^2 0.3"}
    row = {"method": "net 1.0", "data_set": "masks", "split": "val", "images": 100, **figures}
    card = render_card(entry(metrics=({"srcc": 0.5}, row)))
    assert "| net 1.0 | masks | val | 100 | 0.09123 | 0.87 | 0.8 | 0.81 |" in card
    assert "F-measure: beta^2 0.3." in card
    assert card.count("| net 1.0 |") == 1
    assert "SRCC" in card
    assert "SRCC" not in render_card(entry(metrics=(row,)))
