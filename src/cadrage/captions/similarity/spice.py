"""SPICE, by its authors' own program, which is in Java and needs a parser's models that do not come with it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cadrage.captions.similarity.java import find_java, packaged
from cadrage.captions.similarity.pairs import Pair, rows_of_speech
from cadrage.errors import RequestError
from cadrage.geometry import FloatArray

JAR = "spice-1.0.jar"

PARSER = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")
"""Files that must lie in ``lib`` beside the program."""


@dataclass(frozen=True, slots=True)
class Spice:
    """SPICE (Anderson et al., ECCV 2016): things, attributes and relations that two sentences name alike.

    Attributes:
        java: the Java program.
        jar: the measure's, beside its folder ``lib``.
    """

    java: Path
    jar: Path

    @classmethod
    def find(cls) -> Spice:
        """Look for Java, the program in the Python package ``pycocoevalcap``, and the parser's models.

        Raises:
            RequestError: one of them is not here.
        """
        java, jar = find_java("SPICE"), packaged("SPICE", f"spice/{JAR}")
        missing = [name for name in PARSER if not (jar.parent / "lib" / name).is_file()]
        if missing:
            raise RequestError(
                f"SPICE needs its parser's models: {' and '.join(missing)} in {jar.parent / 'lib'}."
            )
        return cls(java, jar)

    def scores(self, pairs: Sequence[Pair]) -> tuple[float, FloatArray]:
        """SPICE of sentences: the mean of the F-measures that could be had, and each, shape (K,), in [0, 1] or NaN.

        A sentence without words has 0.

        Raises:
            RequestError: the program fails.
        """
        rows, each = rows_of_speech(pairs), np.zeros(len(pairs))
        if rows:
            each[rows] = self._answered([pairs[row] for row in rows])
        return float(np.nanmean(each)), each

    def _answered(self, pairs: Sequence[Pair]) -> FloatArray:
        """What the program says of sentences with words."""
        asked = [
            {"image_id": row, "test": " ".join(pair.said), "refs": [" ".join(one) for one in pair.references]}
            for row, pair in enumerate(pairs)
        ]
        with tempfile.TemporaryDirectory() as folder:
            question, answer = Path(folder, "pairs.json"), Path(folder, "scores.json")
            question.write_text(json.dumps(asked), encoding="utf-8")
            command = [str(self.java), "-Xmx8G", "-jar", str(self.jar), str(question)]
            command += ["-out", str(answer), "-subset", "-silent"]
            done = subprocess.run(command, cwd=self.jar.parent, capture_output=True, check=False)
            try:
                found = json.loads(answer.read_text(encoding="utf-8"))
                by_row = {one["image_id"]: one["scores"]["All"]["f"] for one in found}
                return np.array([float(by_row[row]) for row in range(len(pairs))])
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise RequestError(
                    f"SPICE's program {self.jar} failed (exit code {done.returncode})."
                ) from error
