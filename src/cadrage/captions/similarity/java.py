"""Where the measures that are written in Java are."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from cadrage.errors import RequestError

PACKAGE = "pycocoevalcap"
"""Python package that carries the programs; its Python code is not used."""


def find_java(measure: str) -> Path:
    """The Java program.

    Raises:
        RequestError: it is not here.
    """
    found = shutil.which("java")
    if found is None:
        raise RequestError(f"{measure} needs Java, which is not here.")
    return Path(found)


def packaged(measure: str, name: str) -> Path:
    """A file of the package, by its path in it.

    Raises:
        RequestError: the package is not installed, or has no such file.
    """
    spec = find_spec(PACKAGE)
    for place in [] if spec is None else spec.submodule_search_locations or ():
        if Path(place, name).is_file():
            return Path(place, name).resolve()
    raise RequestError(f"{measure} needs {Path(name).name}: install the Python package {PACKAGE}.")
