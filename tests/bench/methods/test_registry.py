"""Specs: which methods there are, and what is refused."""

import subprocess
import sys

import pytest

from cadrage.bench.methods import Entry, MethodOptions, find_methods, make_method
from cadrage.errors import MissingExtraError, RequestError, WeightsError

ALWAYS_THERE = ("whole", "centre", "largest", "random", "saliency", "composition", "gaic")


def test_every_method_of_the_bench_is_there():
    peers = {"vips-attention", "vips-entropy", "smartcrop"}
    assert {*ALWAYS_THERE, "prior", "vfn", "ven", *peers} == find_methods().keys()


@pytest.mark.parametrize("name", ALWAYS_THERE)
def test_a_method_is_called_as_in_its_spec_and_says_its_version(name):
    method = make_method(name)
    assert method.name == name
    assert method.version


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("centr", "There is no method 'centr': choose centre, composition, gaic, largest"),
        ("", "There is no method ''"),
        ("vips-entropy=1", "The method 'vips-entropy' takes nothing after '='; got '1'."),
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


@pytest.fixture
def look_again():
    """Lets the files be looked at anew, and once more afterwards."""
    find_methods.cache_clear()
    yield
    find_methods.cache_clear()


def test_a_name_of_two_files_is_refused(look_again, monkeypatch):
    twice = (Entry("centre", lambda _: make_method("whole")),)
    monkeypatch.setattr("cadrage.bench.methods.largest.METHODS", twice)
    with pytest.raises(RequestError, match=r"method 'centre' twice, in centre\.py and largest\.py"):
        make_method("whole")


def test_methods_are_imported_when_one_is_asked_for_and_not_with_the_package():
    code = (
        "import sys, cadrage.bench.methods as methods; name = 'cadrage.bench.methods.gaic'; "
        "before = name in sys.modules; methods.make_method('centre'); print(before, name in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "True"]
