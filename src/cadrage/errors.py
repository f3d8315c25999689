"""One hierarchy of errors, each with a plain sentence for the person who sees it.

The command line prints the sentence and exits with code 2; a service answers with a 4xx status. A bug of
cadrage itself is never a ``CadrageError``.
"""


class CadrageError(Exception):
    """What the user gave cannot be used; the message says what was wrong with which input."""


class ImageError(CadrageError):
    """A picture cannot be opened, decoded or written."""


class RequestError(CadrageError):
    """A request is malformed or contradicts itself: an unknown ratio, a box without area."""


class CaptionError(RequestError):
    """A caption cannot guide a crop: it is empty, too long, or none of its words is known."""


class DataError(CadrageError):
    """A data set, annotation or box file is malformed; the message names file and line."""


class WeightsError(CadrageError):
    """A weights entry or checkpoint is missing, damaged or does not fit the network."""


class MissingExtraError(CadrageError):
    """A feature needs an optional dependency that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs the extra '{extra}': pip install 'cadrage[{extra}]'")
        self.feature = feature
        self.extra = extra


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its kind where it has none."""
    return (str(error) or type(error).__name__).splitlines()[0]
