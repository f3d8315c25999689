"""Following a recipe: what is found out before the work begins. The work itself is in the tests of its parts."""

from dataclasses import replace

import pytest
import torch
from rated import photographs, write_rated

from cadrage.datasets.division import divide_gaicd
from cadrage.errors import WeightsError
from cadrage.learning import run as running
from cadrage.learning.backbones import build_trunk
from cadrage.learning.network import NetworkConfig
from cadrage.learning.recipes import DistillConfig, TrainConfig, result_config
from cadrage.learning.run import run_recipe

TEACHER = TrainConfig(
    network=NetworkConfig(backbone="timm:mobilenetv3_small_050", width=32, hidden=16),
    short_side=64,
    epochs=1,
    keep="last",
)
SINGLE = replace(TEACHER, network=replace(TEACHER.network, backbone="mobilenet_v2"))
DISTILLED = DistillConfig(teachers=(TEACHER,), student=SINGLE, unrated=2)
RECIPES = pytest.mark.parametrize("recipe", [SINGLE, DISTILLED], ids=["single", "distilled"])


class Opened(Exception):  # noqa: N818
    """Photographs were about to be opened."""


@pytest.fixture(scope="module")
def division(tmp_path_factory):
    return divide_gaicd(write_rated(tmp_path_factory.mktemp("rated"), train=3), 0, 0)


@pytest.fixture
def follow(division, tmp_path, monkeypatch):
    """Follows a recipe up to the photographs, whose opening is ``Opened``."""
    unrated = photographs(tmp_path / "unrated", 2)

    def opened(*_, **__):
        raise Opened

    monkeypatch.setattr(running, "rated_samples", opened)

    def follow(recipe, weights):
        given = unrated if isinstance(recipe, DistillConfig) else []
        run_recipe(recipe, division, given, tmp_path / "run", initial_weights=weights, device="cpu")

    return follow


@RECIPES
def test_weights_of_another_backbone_are_refused_before_a_photograph_is_opened(follow, tmp_path, recipe):
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"other\.pth does not hold this backbone's weights"):
        follow(recipe, tmp_path / "other.pth")
    assert not (tmp_path / "run").exists()


@RECIPES
def test_weights_that_fit_are_no_hindrance(follow, tmp_path, monkeypatch, recipe):
    built = []

    def build(*given, **how):
        built.append((given, how))
        return build_trunk(*given, **how)

    monkeypatch.setattr(running, "build_trunk", build)
    with pytest.raises(Opened):
        follow(recipe, None)
    network = result_config(recipe).network
    assert built == [((network.backbone,), {"initial_weights": None, "same_padding": network.same_padding})]


@pytest.mark.parametrize(("recipe", "state"), [(SINGLE, "state.pt"), (DISTILLED, "student-0/state.pt")])
def test_a_run_whose_network_has_begun_needs_no_weights(follow, tmp_path, recipe, state):
    (tmp_path / "run" / state).parent.mkdir(parents=True)
    (tmp_path / "run" / state).touch()
    with pytest.raises(Opened):
        follow(recipe, tmp_path / "gone.pth")


def test_a_run_whose_teachers_have_begun_needs_the_weights(follow, tmp_path):
    (tmp_path / "run" / "teacher-0").mkdir(parents=True)
    (tmp_path / "run" / "teacher-0" / "state.pt").touch()
    with pytest.raises(WeightsError, match="There is no weights file"):
        follow(DISTILLED, tmp_path / "gone.pth")
