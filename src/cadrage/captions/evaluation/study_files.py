"""Methods' crops in the form that the rating tool makes preference studies of."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from cadrage.atomic import replacing
from cadrage.captions.evaluation.answering import Records, key_of
from cadrage.captions.evaluation.cases import CaptionCase
from cadrage.errors import DataError
from cadrage.imaging import save

CAPTIONS = "captions.jsonl"
PHOTOGRAPHS = "photographs"


def write_study_files(
    folder: Path, cases: Sequence[CaptionCase], answers: Mapping[str, Records], seed: int
) -> tuple[list[Path], int]:
    """Write a manifest of crops for each method, and the captions.

    A study shows each photograph once: of a photograph with several cases the first counts. Pictures that are no
    files, such as mosaics, are written, too.

    Args:
        folder: made if missing; files of the same names are replaced.
        cases: that were asked.
        answers: of each method, by its name.
        seed: which of the answers; every method has been asked with it.

    Returns:
        The manifests and the file of the captions, and how many cases were left out.

    Raises:
        DataError: a file cannot be written.
        ImageError: a picture cannot be read or written.
    """
    shown: dict[Path, CaptionCase] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for case in cases:
            shown.setdefault(_picture(folder, case), case)
        written = [
            _write(folder / f"{file_name(name)}.jsonl", _manifest(shown, of_one, seed))
            for name, of_one in answers.items()
        ]
        captions = [{"image": path.name, "captions": [case.caption]} for path, case in shown.items()]
        written.append(_write(folder / CAPTIONS, captions))
    except OSError as error:
        raise DataError(f"The crops cannot be written to {folder}: {error.strerror}.") from error
    return written, len(cases) - len(shown)


def file_name(method: str) -> str:
    """A method's name as that of a file, without its suffix."""
    return re.sub(r"[^\w.=+-]+", "_", method)


def _picture(folder: Path, case: CaptionCase) -> Path:
    if isinstance(case.source, Path):
        return case.source.resolve()
    path = (folder / PHOTOGRAPHS / f"{file_name(case.name)[:100]}.png").resolve()
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        save(Image.fromarray(case.source.picture()), path)
    return path


def _manifest(shown: Mapping[Path, CaptionCase], records: Records, seed: int) -> list[dict[str, object]]:
    lines: list[dict[str, object]] = []
    for path, case in shown.items():
        crops = [{"rank": 1, "box": records[key_of(case, seed)].box.as_tuple()}]
        ratios = [{"ratio": "free", "crops": crops}]
        lines.append({"source": str(path), "size": case.size_wh, "caption": case.caption, "ratios": ratios})
    return lines


def _write(path: Path, lines: Sequence[Mapping[str, object]]) -> Path:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
    return path
