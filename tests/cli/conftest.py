"""The command line run in this process, on photographs and a model made for it."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cadrage.cli import main
from cadrage.weights import WeightsEntry, write_entry


@dataclass(frozen=True)
class Ran:
    """What a command left behind: exit code, lines of standard output, lines of the error stream."""

    code: int
    out: list[str]
    err: list[str]


@pytest.fixture
def cadrage(monkeypatch, capsys) -> Callable[..., Ran]:
    """Runs ``cadrage`` with arguments."""

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["cadrage", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return Ran(left.value.code or 0, captured.out.splitlines(), captured.err.splitlines())

    return run


@pytest.fixture
def learned_entry(tiny_entry, tmp_path) -> WeightsEntry:
    """A model whose record says that it has learnt from all of the conference release's train part."""
    shutil.copytree(tiny_entry.folder, tmp_path / "learned")
    record = {"data": {"data_set": "GAICD", "release": "conference", "validation": "none"}}
    entry = replace(tiny_entry, folder=tmp_path / "learned", training=record)
    write_entry(entry)
    return entry


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def lamp() -> Callable[..., Path]:
    """Saves a black photograph, 128 x 64, whose right half is white; on it the model prefers the right."""

    def save(path: str | Path, **options: object) -> Path:
        pixels = np.zeros((64, 128, 3), np.uint8)
        pixels[:, 64:] = 255
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, **options)
        return Path(path)

    return save


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Path:
    """A small crop scorer of a cadrage run, with random weights."""
    torch = pytest.importorskip("torch")
    from cadrage.learning.checkpoints import save_network
    from cadrage.learning.network import CropNetwork, NetworkConfig
    from cadrage.learning.recipes import TrainConfig

    torch.manual_seed(0)
    config = TrainConfig(network=NetworkConfig(backbone="timm:resnet18", width=16), short_side=64)
    path = tmp_path_factory.mktemp("run") / "network.pt"
    save_network(CropNetwork(config.network), path, {"config": config.to_dict(), "epoch": 3})
    return path
