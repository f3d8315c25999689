"""What a method of the bench is: a picture and boxes in, scores out; a picture and a ratio in, a box out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from cadrage.geometry import AspectRatio, Box, FloatArray
from cadrage.imaging import open_photo


@dataclass(frozen=True, slots=True)
class Picture:
    """What a method may look at: pixels, never labels.

    Attributes:
        name: what identifies the picture in its data set.
        path: the picture file.
        size_wh: width and height of the frame in pixels.
    """

    name: str
    path: Path
    size_wh: tuple[int, int]

    @classmethod
    def of(cls, name: str, path: Path, size_wh: tuple[int, int] | None = None) -> Picture:
        """A picture whose header is read where its size is not known yet.

        Raises:
            ImageError: the file cannot be opened as a picture.
        """
        return cls(name, path, size_wh or open_photo(path).size_wh)


@dataclass(frozen=True, slots=True)
class MethodOptions:
    """What methods are made from.

    Attributes:
        argument: what follows ``=`` in the method's spec, such as the folder of a model; None where nothing does.
        threads: threads for one picture, where a method has a choice; None is one for each CPU.
        training: folder of rated photographs in the GAICD layout, for methods that learn from ratings.
        held_out: names of the pictures that will be evaluated; nothing is learned from them.
        seed: of methods that draw at random.
    """

    argument: str | None = None
    threads: int | None = None
    training: Path | None = None
    held_out: frozenset[str] = frozenset()
    seed: int = 0


class Method(Protocol):
    """Anything that can judge crops of a picture. The docstring of each says what it does and after whom.

    The same picture always gets the same answer: results are kept by ``name`` and ``version``.
    """

    @property
    def name(self) -> str:
        """As in ``--methods``, such as ``centre`` or ``gaic=runs/large/network.pt``."""

    @property
    def version(self) -> str:
        """Of the code and the weights: it changes whenever an answer may."""

    def scores(self, picture: Picture, boxes_xyxy: FloatArray) -> FloatArray:
        """Score crops.

        Args:
            picture: the picture.
            boxes_xyxy: shape (K, 4), in frame pixels.

        Returns:
            Shape (K,), higher is better; on no particular scale.
        """

    def box(self, picture: Picture, ratio: AspectRatio | None) -> Box:
        """The one crop that the method would take, in frame pixels.

        Args:
            picture: the picture.
            ratio: the shape it must have; None for a free one.
        """


@runtime_checkable
class Trained(Protocol):
    """A method that was trained before it is measured, on photographs that its record tells of."""

    @property
    def training(self) -> Mapping[str, Any]:
        """How, see ``cadrage.datasets.division.learned_from``."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How a method is named and made. A file lists its own in ``METHODS``, and that alone makes them known.

    Attributes:
        name: what its spec begins with.
        make: makes it; packages beyond the plain install are imported here.
        takes_argument: whether the spec may go on with ``=`` and an argument.
    """

    name: str
    make: Callable[[MethodOptions], Method]
    takes_argument: bool = False
