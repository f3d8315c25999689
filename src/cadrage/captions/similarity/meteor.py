"""METEOR, by its authors' own program, which is in Java."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cadrage.captions.similarity.java import find_java, packaged
from cadrage.captions.similarity.pairs import Pair, rows_of_speech
from cadrage.errors import RequestError
from cadrage.geometry import FloatArray

JAR = "meteor-1.5.jar"
"""The program; its table of paraphrases lies beside it, in ``data``."""

SEPARATOR = " ||| "


@dataclass(frozen=True, slots=True)
class Meteor:
    """METEOR 1.5 (Denkowski and Lavie, WMT 2014): words aligned by form, stem, synonym and paraphrase.

    Attributes:
        java: the Java program.
        jar: the measure's.
    """

    java: Path
    jar: Path

    @classmethod
    def find(cls, jar: Path | None = None) -> Meteor:
        """Look for Java and the program.

        Args:
            jar: the program; by default the one in the Python package ``pycocoevalcap``, if that is installed.

        Raises:
            RequestError: one of them is not here.
        """
        java = find_java("METEOR")
        if jar is None:
            return cls(java, packaged("METEOR", f"meteor/{JAR}"))
        if not jar.is_file():
            raise RequestError(f"METEOR's program {jar} does not exist.")
        return cls(java, jar.resolve())

    def scores(self, pairs: Sequence[Pair]) -> tuple[float, FloatArray]:
        """METEOR of all sentences together, and of each.

        Args:
            pairs: K of them, one at least. The program starts anew at each call, which takes seconds.

        Returns:
            Of all, from summed statistics, and of each, shape (K,); in [0, 1]. A sentence without words has 0; of
            all, the program's value for the others counts by their share.

        Raises:
            RequestError: the program fails.
        """
        rows, each = rows_of_speech(pairs), np.zeros(len(pairs))
        if not rows:
            return 0.0, each
        together, each[rows] = self._answered([pairs[row] for row in rows])
        return together * (len(rows) / len(pairs)), each

    def _answered(self, pairs: Sequence[Pair]) -> tuple[float, FloatArray]:
        """What the program says of sentences with words."""
        command = [str(self.java), "-Xmx2G", "-jar", str(self.jar), "-", "-", "-stdio", "-l", "en", "-norm"]
        try:
            with subprocess.Popen(
                command,
                cwd=self.jar.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
            ) as program:
                try:
                    statistics = [_ask(program, _question(pair)) for pair in pairs]
                    first = _ask(program, SEPARATOR.join(["EVAL", *statistics]))
                    *each, together = (float(line) for line in [first, *(_answer(program) for _ in pairs)])
                finally:
                    program.kill()
        except (OSError, ValueError) as error:
            raise RequestError(f"METEOR's program {self.jar} failed.") from error
        return together, np.array(each)


def _question(pair: Pair) -> str:
    references = (" ".join(reference) for reference in pair.references)
    return SEPARATOR.join(["SCORE", *references, " ".join(pair.said)])


def _ask(program: subprocess.Popen[str], line: str) -> str:
    if program.stdin is None:
        raise ValueError("the program has no input")
    program.stdin.write(f"{line}\n")
    program.stdin.flush()
    return _answer(program)


def _answer(program: subprocess.Popen[str]) -> str:
    line = "" if program.stdout is None else program.stdout.readline()
    if not line:
        raise ValueError("the program ended")
    return line.strip()
