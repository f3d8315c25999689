"""Networks of ``transformers`` from a model hub or a folder: whole, safe, and with a sentence where that fails."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch

from cadrage.errors import MissingExtraError, WeightsError

HUB_NAME = re.compile(r"\w[\w.-]*(/[\w.-]+)?")
"""Names on the hub: of a model, or of an owner and a model."""


def transformers_for(feature: str) -> Any:  # noqa: ANN401
    """The module ``transformers``.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import transformers  # noqa: PLC0415  (seconds to import)
    except ImportError:
        raise MissingExtraError(feature, "caption") from None
    return transformers


def from_hub(what: str, spec: str | Path, load: Callable[..., Any], **options: object) -> Any:  # noqa: ANN401
    """Call one of ``from_pretrained``, never with remote code, and say in a sentence why it cannot.

    Args:
        what: is loaded, for messages.
        spec: name on the hub, or path of a folder.
        load: what to call.
        options: of ``load``.

    Raises:
        WeightsError: it cannot be loaded.
    """
    folder = Path(spec)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise WeightsError(
                f"{spec} is not the folder of a {what} of transformers: it holds no config.json."
            )
    elif folder.exists():
        raise WeightsError(f"{spec} is a file; a {what} of transformers is a folder.")
    elif isinstance(spec, Path) or not HUB_NAME.fullmatch(spec):
        raise WeightsError(f"There is no folder at {spec}.")
    elif not hub_can_answer():
        options["local_files_only"] = True
    with _hushed():
        try:
            return load(str(spec), trust_remote_code=False, **options)
        except Exception as error:  # transformers raises many kinds
            raise WeightsError(_reason(what, spec, error, local=folder.is_dir())) from error


@cache
def hub_can_answer() -> bool:
    """Whether the hub's name can be looked up, or a proxy is asked to: else only what was fetched before is there.

    The hub's own library finds out by asking six times, which takes 23 seconds.
    """
    import huggingface_hub  # noqa: PLC0415  (of the same extra as transformers)

    if getproxies():
        return True
    try:
        socket.getaddrinfo(urlsplit(huggingface_hub.constants.ENDPOINT).hostname, None)
    except OSError:
        return False
    return True


def load_whole(
    what: str,
    spec: str | Path,
    kind: Any,  # noqa: ANN401
    *,
    allow_pickle: bool,
    dtype: torch.dtype = torch.float32,
) -> Any:  # noqa: ANN401
    """A network with all of its weights, frozen, in evaluation mode.

    Raises:
        WeightsError: it cannot be loaded, or lacks weights, which would otherwise be random.
    """
    model, found = from_hub(
        what,
        spec,
        kind.from_pretrained,
        use_safetensors=None if allow_pickle else True,
        output_loading_info=True,
        dtype=dtype,
    )
    if lacking := sorted(found["missing_keys"]):
        raise WeightsError(f"{spec} does not hold all weights of a {what}: it lacks '{lacking[0]}'.")
    return model.eval().requires_grad_(False)


def read_pictures(spec: str | Path) -> tuple[tuple[list[float], list[float]], tuple[int, int] | None]:
    """How a model's image processor normalises pixels in [0, 1], and the size it brings pictures to, (w, h).

    Raises:
        WeightsError: the model has no image processor.
    """
    transformers = transformers_for("A model from a hub")
    kind = transformers.image_processing_utils.ImageProcessingMixin
    values, _ = from_hub("captioner", spec, kind.get_image_processor_dict)
    mean, std = [0.0] * 3, [1.0] * 3
    if values.get("do_normalize", True) and values.get("image_mean"):
        mean, std = [float(value) for value in values["image_mean"]], [float(v) for v in values["image_std"]]
    if values.get("do_rescale", True):
        unit = 255 * float(values.get("rescale_factor", 1 / 255))  # what a white pixel becomes
        mean, std = [value / unit for value in mean], [value / unit for value in std]
    cut = values.get("crop_size") if values.get("do_center_crop") else None
    return (mean, std), size_of(cut) or size_of(values.get("size"))


def size_of(value: Any) -> tuple[int, int] | None:  # noqa: ANN401
    """Width and height of a size as configurations give it: a side, a pair (h, w), or a mapping."""
    if isinstance(value, Mapping):
        if "height" in value:
            return int(value["width"]), int(value["height"])
        value = value.get("shortest_edge")
    if isinstance(value, list | tuple):
        return int(value[1]), int(value[0])
    return (int(value), int(value)) if value else None


def _reason(what: str, spec: str | Path, error: Exception, *, local: bool) -> str:
    text = str(error)
    if "safetensors" in text and ("no file named" in text or "does not appear to have" in text):
        return f"{spec} holds no weights in safetensors files, and others are read only when allowed to be."
    if local:
        first = (text or type(error).__name__).splitlines()[0]
        return f"{spec} is not the folder of a {what} of transformers: {first}"
    return f"The {what} '{spec}' cannot be fetched from the hub: no such model, no access, or no network."


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep the library's progress bars and warnings, which nobody can act on, from the user."""
    bars: Any = transformers_for("A model from a hub").utils.logging
    libraries = [logging.getLogger(name) for name in ("transformers", "huggingface_hub")]
    levels, shown = [library.level for library in libraries], bars.is_progress_bar_enabled()
    try:
        for library in libraries:
            library.setLevel(logging.ERROR)
        bars.disable_progress_bar()
        yield
    finally:
        for library, level in zip(libraries, levels, strict=True):
            library.setLevel(level)
        if shown:
            bars.enable_progress_bar()
