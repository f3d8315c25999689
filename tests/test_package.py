"""The public face of the package."""

import subprocess
import sys

import pytest

import cadrage


@pytest.mark.parametrize("name", cadrage.__all__)
def test_every_public_name_is_there(name):
    assert getattr(cadrage, name).__name__ == name
    assert name in dir(cadrage)


def test_another_name_is_not():
    with pytest.raises(AttributeError, match="no attribute 'Croper'"):
        _ = cadrage.Croper


def test_importing_the_package_imports_nothing_heavy():
    script = "import sys, cadrage; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "cadrage.errors" in loaded
    assert loaded.isdisjoint({"numpy", "PIL", "onnxruntime", "typer", "rich"})
