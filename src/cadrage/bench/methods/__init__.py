"""Methods that are compared, each in a file of its own, behind one interface.

To add one, write its file, with its entry in ``METHODS``; ``docs/methods.md`` has an example.
"""

from cadrage.bench.methods.derived import box_from_scores, scores_from_box
from cadrage.bench.methods.interface import Entry, Method, MethodOptions, Picture, Trained
from cadrage.bench.methods.registry import find_methods, make_method

__all__ = [
    "Entry",
    "Method",
    "MethodOptions",
    "Picture",
    "Trained",
    "box_from_scores",
    "find_methods",
    "make_method",
    "scores_from_box",
]
