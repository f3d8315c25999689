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
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

import torch

from cadrage.errors import MissingExtraError, WeightsError

HUB_NAME = re.compile(r"\w[\w.-]*(/[\w.-]+)?")
"""Names on the hub: of a model, or of an owner and a model."""

ONLY_ALLOWED = "others are read only with --allow-pickle (in Python allow_pickle=True)"
"""What messages say of weights in torch's own format."""

PROXY_PATIENCE_S = 3.0
"""Seconds in which a proxy must take a connection."""

PROXY_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks5": 1080, "socks5h": 1080}
"""Where proxies listen whose address names no port."""


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


def from_hub(
    what: str,
    spec: str | Path,
    load: Callable[..., Any],
    *,
    lacking: str = "holds no weights in safetensors files",
    **options: object,
) -> Any:  # noqa: ANN401
    """Call one of ``from_pretrained``, never with remote code, and say in a sentence why it cannot.

    Args:
        what: is loaded, for messages.
        spec: name on the hub, or path of a folder.
        load: what to call.
        lacking: what a message says of a model without weights that may be read.
        options: of ``load``.

    Raises:
        WeightsError: it cannot be loaded.
    """
    if not str(spec).strip():
        raise WeightsError(f"No {what} is named: give a file or a folder, or a name on the hub.")
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
            raise WeightsError(_reason(what, spec, error, folder, lacking)) from error


@cache
def hub_can_answer() -> bool:
    """Whether the hub's name can be looked up, or its proxy is there: else only what was fetched before is.

    The hub's own library finds out by asking six times, which takes 23 seconds, or 30 where a proxy is dead.
    """
    import huggingface_hub  # noqa: PLC0415  (of the same extra as transformers)

    hub = urlsplit(huggingface_hub.constants.ENDPOINT)
    try:
        if proxy := _proxy_for(hub):
            socket.create_connection(proxy, timeout=PROXY_PATIENCE_S).close()
        else:
            socket.getaddrinfo(hub.hostname, None)
    except OSError:
        return False
    return True


def _proxy_for(hub: SplitResult) -> tuple[str, int] | None:
    """Host and port of the proxy that the environment names for the hub, if any."""
    known = getproxies()
    url = known.get(hub.scheme) or known.get("all")
    if not url or proxy_bypass(hub.hostname or ""):
        return None
    proxy = urlsplit(url if "://" in url else f"http://{url}")
    try:
        port = proxy.port or PROXY_PORTS.get(proxy.scheme, 80)
    except ValueError:  # no number; the hub's library will say what it makes of it
        return None
    return (proxy.hostname, port) if proxy.hostname else None


def load_tokenizer(what: str, spec: str | Path) -> Any:  # noqa: ANN401
    """The tokenizer of a network.

    Raises:
        WeightsError: it cannot be loaded, or there is none.
    """
    tokenizer = from_hub(what, spec, transformers_for("A model from a hub").AutoTokenizer.from_pretrained)
    require_words(spec, tokenizer)
    return tokenizer


def require_words(spec: str | Path, tokenizer: Any) -> None:  # noqa: ANN401
    """Refuse the tokenizer that ``transformers`` makes up where there is none: of special pieces alone.

    Raises:
        WeightsError: it is one.
    """
    if set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens):
        raise WeightsError(f"{spec} holds no tokenizer.")


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
        lacking="holds no weights"
        if allow_pickle
        else f"holds no weights in safetensors files, and {ONLY_ALLOWED}",
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


def _reason(what: str, spec: str | Path, error: Exception, folder: Path, lacking: str) -> str:
    text = str(error)
    if "safetensors" in text and ("no file named" in text or "does not appear to have" in text):
        return f"{spec} {lacking}."
    if "backend tokenizer" in text:
        return f"{spec} holds no tokenizer that can be read."
    if not folder.is_dir():
        return f"The {what} '{spec}' cannot be fetched from the hub: no such model, no access, or no network."
    if "preprocessor_config.json" in text and not (folder / "preprocessor_config.json").exists():
        return f"{spec} holds no preprocessor_config.json, which says how its pictures are prepared."
    first = (text.strip() or type(error).__name__).splitlines()[0]
    return f"{spec} is not the folder of a {what} of transformers: {_sentence(first)}"


def _sentence(text: str) -> str:
    """The first sentence of a text, with its full stop."""
    return re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0].rstrip(".") + "."


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
