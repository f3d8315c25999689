"""Specs: which methods there are, and what is refused."""

import sys

import pytest

from cadrage.bench.methods import METHODS, MethodOptions, make_method
from cadrage.errors import MissingExtraError, RequestError, WeightsError

ALWAYS_THERE = ("whole", "centre", "largest", "random", "saliency", "composition", "gaic")


def test_every_method_of_the_bench_is_there():
    peers = {"vips-attention", "vips-entropy", "smartcrop"}
    assert {*ALWAYS_THERE, "prior", *peers} <= METHODS.keys()


@pytest.mark.parametrize("name", ALWAYS_THERE)
def test_a_method_is_called_as_in_its_spec_and_says_its_version(name):
    method = make_method(name)
    assert method.name == name
    assert method.version


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("centr", "There is no method 'centr': choose whole, centre, largest"),
        ("", "There is no method ''"),
        ("centre=0.8", "The method 'centre' takes nothing after '='; got '0.8'."),
        ("gaic=", "The method 'gaic=' has nothing after '='."),
        ("prior", "The method 'prior' is made from rated photographs: give their folder as prior=DIR."),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(spec, message):
    with pytest.raises(RequestError) as refusal:
        make_method(spec)
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize("name", ["gaic", "saliency", "composition"])
def test_a_model_that_is_not_there_is_named(name):
    with pytest.raises(WeightsError, match="There is no model 'nothing'"):
        make_method(f"{name}=nothing")


@pytest.mark.parametrize(
    ("spec", "package"),
    [("vips-attention", "pyvips"), ("vips-entropy", "pyvips"), ("smartcrop", "smartcrop")],
)
def test_a_peer_that_is_not_installed_names_its_extra(spec, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"The method '{spec}' needs the extra 'bench'"):
        make_method(spec)


def test_options_are_no_argument_of_the_spec():
    with pytest.raises(RequestError, match="There is no method 'prior '"):
        make_method("prior =x", MethodOptions())
