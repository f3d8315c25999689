"""Files of a training run: its record, the state to continue from, and the network to use."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from cadrage import __version__
from cadrage.atomic import replacing
from cadrage.errors import RequestError, WeightsError, first_line
from cadrage.learning.network import CropNetwork, NetworkConfig

FORMAT = "cadrage-crop-network-1"


def begin_run(run: Path, header: Mapping[str, Any], device: str) -> dict[str, Any]:
    """Make the folder of a run and its record, or take up those of the same run.

    Args:
        run: the folder.
        header: what makes it this run: configuration, data, initial weights; plain values.
        device: what it is about to run on.

    Returns:
        The header, and ``sessions``: versions and machine of every call so far, which may differ.

    Raises:
        RequestError: the folder holds another run, or cannot be used.
    """
    path = run / "run.json"
    plain = json.loads(json.dumps(header))
    try:
        run.mkdir(parents=True, exist_ok=True)
        held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    except OSError as error:
        raise RequestError(f"{run} cannot be the folder of a run: {error.strerror}.") from error
    except ValueError as error:
        raise RequestError(f"{path} is damaged: remove the run, or give another folder.") from error
    fresh = held is None and not (run / "state.pt").exists()
    if not fresh and not (isinstance(held, dict) and {key: held.get(key) for key in plain} == plain):
        raise RequestError(f"{run} holds another run: give it another folder, or remove it.")
    sessions = [*(held or {}).get("sessions", []), environment(device)]
    record = {**plain, "sessions": sessions}
    write_record(run, {**(held or {}), **record})
    return record


def hold_run(run: Path) -> FileLock:
    """Keep other processes from a run until the lock is released: a slower one would put a finished run back.

    Raises:
        RequestError: another process holds it, or the folder cannot hold locks.
    """
    lock = acquired(run / ".lock", patient=False)
    if lock is None:
        raise RequestError(f"Another process is at work on {run}: wait for it, or give another folder.")
    return lock


def acquired(path: Path, *, patient: bool) -> FileLock | None:
    """A lock that is held until it is released; ``None`` where another holds it and the caller is impatient.

    Args:
        path: of the lock's file, whose folder is made if missing.
        patient: wait for it.

    Raises:
        RequestError: the folder cannot hold locks.
    """
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=-1 if patient else 0)
    except Timeout:
        return None
    except (OSError, NotImplementedError) as error:
        raise RequestError(f"{path} cannot be locked: {error}.") from error
    return lock


def write_record(run: Path, record: Mapping[str, Any]) -> None:
    """Write ``run.json``."""
    with replacing(run / "run.json") as part:
        part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def environment(device: str) -> dict[str, Any]:
    """What a result may depend on beside the settings: versions, processor, threads."""
    return {
        "cadrage": __version__,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "device": torch.cuda.get_device_name() if device == "cuda" else f"cpu ({platform.machine()})",
        "threads": torch.get_num_threads(),
    }


def save_atomically(value: Any, path: Path) -> None:  # noqa: ANN401  (torch.save takes anything)
    """Write with ``torch.save``; a kill leaves the old file or the new one.

    Raises:
        WeightsError: the file cannot be written.
    """
    with replacing(path) as part:
        try:
            torch.save(value, part)
        except RuntimeError as error:  # what torch makes of a full disk
            raise WeightsError(
                f"{path} cannot be written, the disk may be full: {first_line(error)}"
            ) from error


def save_network(network: CropNetwork, path: Path, record: Mapping[str, Any]) -> None:
    """Write a network with its configuration and a record of how it was made (plain values only)."""
    state = {key: value.detach().cpu() for key, value in network.state_dict().items()}
    content = {"format": FORMAT, "network": network.config.to_dict(), "state": state, "record": dict(record)}
    save_atomically(content, path)


def load_checkpoint(path: Path, *, mapped: bool = False) -> dict[str, Any]:
    """Read a file written by this module, weights only.

    Args:
        path: the file.
        mapped: leave tensors in the file until they are used.

    Raises:
        WeightsError: it is missing, damaged, or something else.
    """
    if not path.is_file():
        raise WeightsError(f"There is no checkpoint at {path}.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise WeightsError(
            f"{path} cannot be read as a checkpoint: it is damaged, or something else."
        ) from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path} is not a cadrage checkpoint.")
    return content


def load_network(path: Path) -> tuple[CropNetwork, dict[str, Any]]:
    """Read a network written by ``save_network``, in evaluation mode, and its record.

    Raises:
        WeightsError: the file is missing, damaged, or not of this format.
    """
    content = load_checkpoint(path)
    if content.get("format") != FORMAT:
        raise WeightsError(f"{path} is not a cadrage crop network.")
    try:
        network = CropNetwork(NetworkConfig.from_dict(content["network"]))
        network.load_state_dict(content["state"])
        record: dict[str, Any] = content["record"]
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise WeightsError(f"{path} does not fit this version of cadrage: {first_line(error)}") from error
    return network.eval(), record
