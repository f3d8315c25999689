"""The learned croppers before grid anchors, made by ``cadrage train ranker``: every crop in a pass of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from cadrage.bench.methods.derived import box_from_scores
from cadrage.bench.methods.interface import Entry, MethodOptions, Picture
from cadrage.bench.methods.versions import checkpoint_version
from cadrage.errors import MissingExtraError, RequestError, WeightsError
from cadrage.geometry import AspectRatio, Box, FloatArray
from cadrage.threads import available_cpus


class Ranker:
    """A network that judges a crop by nothing but its pixels, brought to a square.

    ``vfn`` is made after the view finding network (Chen, Klopp, Sun, Chien and Ma, WACV 2017) and ``ven`` after the
    view evaluation network (Wei, Zhang, Shen, Lin, Mech, Hoai and Samaras, CVPR 2018); see ``learning.ranker`` for
    what is the same and what is not. The box is the best of the grid anchors or of the ratio's candidates.
    """

    def __init__(self, name: str, options: MethodOptions) -> None:
        """Load the network.

        Args:
            name: of the method.
            options: the argument is the ``network.pt`` of a run; torch keeps to the threads, in the whole process.

        Raises:
            MissingExtraError: torch is not installed.
            RequestError: no file is given.
            WeightsError: the file is missing, damaged, or no such network.
        """
        if options.argument is None:
            raise RequestError(f"Say which network: {name}=RUN/network.pt, made by cadrage train ranker.")
        try:
            from cadrage.learning import ranker as rankers  # noqa: PLC0415
            from cadrage.learning.devices import use_device  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError("A checkpoint", "train") from error
        use_device("cpu", options.threads or available_cpus())
        file = Path(options.argument)
        ranker = rankers.load_ranker(file)
        self._rank = partial(rankers.rank_in_photo, ranker)
        made_by = next(key for key, one in rankers.RECIPES.items() if one.pairs == ranker.config.pairs)
        if made_by != name:
            raise WeightsError(f"{file} was trained as {made_by}, not as {name}.")
        self.name = f"{name}={options.argument}"
        self.version = checkpoint_version(file)

    def scores(self, picture: Picture, boxes_xyxy: FloatArray) -> FloatArray:
        """Shape (K,), of which only the order means something.

        Raises:
            ImageError: the picture cannot be decoded.
        """
        return self._rank(picture.path, boxes_xyxy)

    def box(self, picture: Picture, ratio: AspectRatio | None) -> Box:
        """The best of the grid anchors or of the ratio's candidates."""
        return box_from_scores(lambda boxes: self.scores(picture, boxes), picture.size_wh, ratio)


METHODS = (
    Entry("vfn", partial(Ranker, "vfn"), takes_argument=True),
    Entry("ven", partial(Ranker, "ven"), takes_argument=True),
)
