"""The cosine of two sentences' embeddings, by a network of the user's choice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cadrage.captions.captioners.hub_files import from_hub, load_tokenizer, transformers_for
from cadrage.errors import RequestError, WeightsError
from cadrage.geometry import FloatArray

AT_ONCE = 64
"""Sentences in one pass."""

UNUSED = "pooler."
"""Weights that a file may lack: the mean is taken in their place."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedder:
    """A text network whose words' vectors are averaged (Reimers and Gurevych, "Sentence-BERT", EMNLP 2019).

    Attributes:
        name: hub name or folder.
        tokenizer: of ``transformers``.
        network: of ``transformers``, frozen.
    """

    name: str
    tokenizer: Any
    network: Any

    @classmethod
    def load(cls, name: str) -> Embedder:
        """Load a network, from safetensors only; nothing that comes with it is run as code.

        Args:
            name: a local folder, or a name on the hub, such as "sentence-transformers/all-MiniLM-L6-v2".

        Raises:
            MissingExtraError: transformers is missing.
            RequestError: the folder says that its sentences are no means of words.
            WeightsError: there is no such network, or it cannot be had or read.
        """
        transformers = transformers_for("The sentence embedding")
        _require_means(Path(name))
        what = "sentence embedding"
        network, found = from_hub(
            what, name, transformers.AutoModel.from_pretrained, use_safetensors=True, output_loading_info=True
        )
        lacking = sorted(key for key in found["missing_keys"] if not key.startswith(UNUSED))
        if lacking:
            raise WeightsError(f"{name} does not hold all weights of a {what}: it lacks '{lacking[0]}'.")
        tokenizer = load_tokenizer(what, name)
        return cls(name, tokenizer, network.eval().requires_grad_(False))

    def embed(self, sentences: Sequence[str]) -> Tensor:
        """Unit vectors of K sentences, shape (K, D)."""
        found = []
        for at in range(0, len(sentences), AT_ONCE):
            words = self.tokenizer(
                list(sentences[at : at + AT_ONCE]), padding=True, truncation=True, return_tensors="pt"
            )
            with torch.no_grad():
                seen = self.network(**words).last_hidden_state
            counts = words["attention_mask"][..., None].to(seen)
            found.append(functional.normalize((seen * counts).sum(dim=1) / counts.sum(dim=1), dim=1))
        return torch.cat(found)

    def scores(self, said: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[float, FloatArray]:
        """Cosines of K sentences with their references.

        Args:
            said: the sentences; one without words has 0.
            references: of each, one at least; of several the nearest counts.

        Returns:
            The mean, and each, shape (K,); in [-1, 1].
        """
        texts = dict.fromkeys([*said, *(text for wanted in references for text in wanted)])
        known = {text: row for row, text in enumerate(texts)}
        vectors = self.embed(list(known)).double()
        each = np.zeros(len(said))
        for row, (one, wanted) in enumerate(zip(said, references, strict=True)):
            if one.strip():
                near = vectors[[known[text] for text in wanted]] @ vectors[known[one]]
                each[row] = float(near.max())
        return float(each.mean()), each


def _require_means(folder: Path) -> None:
    """Refuse a local network that is made for another summary of its words than their mean."""
    file = folder / "1_Pooling" / "config.json"
    if not file.is_file():
        return
    try:
        means = json.loads(file.read_text(encoding="utf-8")).get("pooling_mode_mean_tokens", True)
    except (OSError, ValueError, AttributeError) as error:
        raise WeightsError(f"{file} cannot be read.") from error
    if not means:
        raise RequestError(
            f"The sentence embedding in {folder} is not the mean of its words: choose another one."
        )
