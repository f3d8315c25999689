"""Which methods there are: those that the files of this package list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from cadrage.bench.methods.interface import Entry, Method, MethodOptions
from cadrage.errors import RequestError

PACKAGE = "cadrage.bench.methods"


@cache
def find_methods() -> Mapping[str, Entry]:
    """Every method of the package by its name, in the order of the names.

    A method is there when a file of the package has it in ``METHODS``. Files are imported when they are first asked
    for, not with the package.

    Raises:
        RequestError: two files have a method of one name.
    """
    found: dict[str, tuple[str, Entry]] = {}
    for file, entry in _listed():
        if entry.name in found:
            raise RequestError(
                f"{PACKAGE} has the method '{entry.name}' twice, in {found[entry.name][0]}.py and {file}.py: "
                "give one of them another name."
            )
        found[entry.name] = (file, entry)
    return {name: found[name][1] for name in sorted(found)}


def _listed() -> Iterator[tuple[str, Entry]]:
    """The entries of each file that has some, with the file's name."""
    for file in iter_modules(import_module(PACKAGE).__path__):
        for entry in getattr(import_module(f"{PACKAGE}.{file.name}"), "METHODS", ()):
            yield file.name, entry


def make_method(spec: str, options: MethodOptions | None = None) -> Method:
    """Make a method.

    Args:
        spec: a name, or name and argument: ``prior=GAICD_DIR``, ``gaic=runs/large/network.pt``.
        options: what it is made from; the argument of the spec is added.

    Raises:
        DataError: the data that it learns from is malformed.
        MissingExtraError: a package that it needs is not installed.
        RequestError: there is no such method, or its argument is of no use or lacking.
        WeightsError: its model is missing or damaged.

    Example:
        >>> make_method("centre").box(Picture("a", Path("a.jpg"), (1000, 500)), None)
        Box(x1=50.0, y1=25.0, x2=950.0, y2=475.0)
    """
    name, mark, argument = spec.partition("=")
    methods = find_methods()
    if name not in methods:
        raise RequestError(f"There is no method '{name}': choose {', '.join(methods)}.")
    if mark and not argument:
        raise RequestError(f"The method '{spec}' has nothing after '='.")
    if mark and not methods[name].takes_argument:
        raise RequestError(f"The method '{name}' takes nothing after '='; got '{argument}'.")
    return methods[name].make(replace(options or MethodOptions(), argument=argument if mark else None))
