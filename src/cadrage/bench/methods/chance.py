"""Chance."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from cadrage.bench.methods.derived import box_from_scores
from cadrage.bench.methods.interface import Entry, MethodOptions, Picture
from cadrage.errors import RequestError
from cadrage.geometry import AspectRatio, Box, FloatArray


@dataclass(frozen=True, slots=True)
class Chance:
    """Random scores, drawn for each picture by its name and a seed: the floor of every ranking metric.

    The expected Acc 1/5 on GAICD's 200 test images is 7.65 %, of Acc 1/10 13.9 %. ``random=7`` is the draw of
    seed 7.
    """

    seed: int = 0
    name: str = "random"

    @property
    def version(self) -> str:
        """Of the draw."""
        return f"1, seed {self.seed}"

    @classmethod
    def of(cls, options: MethodOptions) -> Chance:
        """Chance with the seed of the spec, or of the options.

        Raises:
            RequestError: the seed of the spec is no whole number.
        """
        if options.argument is None:
            return cls(options.seed)
        if not options.argument.isdecimal():
            raise RequestError(f"'random' takes a seed, such as random=7; got '{options.argument}'.")
        return cls(int(options.argument), f"random={options.argument}")

    def scores(self, picture: Picture, boxes_xyxy: FloatArray) -> FloatArray:
        """Shape (K,), in [0, 1)."""
        digest = hashlib.sha256(f"{self.seed}:{picture.name}".encode()).digest()
        generator = np.random.Generator(np.random.PCG64(int.from_bytes(digest)))
        return generator.random(len(boxes_xyxy))

    def box(self, picture: Picture, ratio: AspectRatio | None) -> Box:
        """Any of the grid anchors or of the ratio's candidates."""
        return box_from_scores(lambda boxes: self.scores(picture, boxes), picture.size_wh, ratio)


METHODS = (Entry("random", Chance.of, takes_argument=True),)
