"""Small studies for tests: photographs, what methods made of them, and voters who prefer one method to another."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from cadrage.annotation.store import Store, enter
from cadrage.annotation.store.studies import StudyProtocol, methods, outputs, subjects, vote
from cadrage.annotation.study.making import make_study
from cadrage.annotation.study.methods import Method, plan_study
from cadrage.annotation.study.programme import preference_tasks

from .conftest import draw

METHODS = ("Aardvark", "Basilisk", "Chimaera")
"""Names that occur nowhere but in a study of these methods."""


def crops(folder: Path, method: str, names: Sequence[str]) -> Path:
    """A folder of a method's crops of photographs, each another picture."""
    for place, name in enumerate(names):
        number = 10 * place + METHODS.index(method)
        draw(folder / method / f"{name}.png", (60 + 2 * METHODS.index(method), 50), seed=number)
    return folder / method


def study(
    folder: Path,
    photographs: int = 6,
    names: Sequence[str] = METHODS,
    captions: Mapping[str, Sequence[str]] | None = None,
    **settings: object,
) -> Path:
    """Make a study of photographs p0, p1, ... of which only crops are known."""
    photos = [f"p{number}" for number in range(photographs)]
    plan = plan_study([Method(name, str(crops(folder, name, photos))) for name in names])
    make_study(folder / "study.cadrage", "Beasts", StudyProtocol(**settings), plan, captions=captions)
    return folder / "study.cadrage"


PHOTOGRAPHS = Path(__file__).parents[2] / "examples" / "photographs"

WINDOWS = {
    "Aardvark": (0.1, 0.1, 0.9, 0.9),
    "Basilisk": (0.2, 0.0, 0.8, 1.0),
    "Chimaera": (0.0, 0.15, 1.0, 0.85),
}
"""What each method keeps of every photograph, as shares of its width and height."""


def photographic_study(folder: Path, photographs: int = 6, **settings: object) -> Path:
    """Make a study of real photographs, out of manifests such as ``cadrage crop`` writes."""
    for name, window in WINDOWS.items():
        lines = []
        for source in sorted(PHOTOGRAPHS.glob("*.jpg"))[:photographs]:
            with Image.open(source) as image:
                size = image.size
            box = [round(share * side) for share, side in zip(window, size * 2, strict=True)]
            ratios = [{"ratio": "free", "crops": [{"rank": 1, "box": box}]}]
            lines.append(json.dumps({"source": str(source), "size": size, "ratios": ratios}))
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    plan = plan_study([Method(name, str(folder / f"{name}.jsonl")) for name in WINDOWS])
    make_study(folder / "study.cadrage", "Holiday pictures", StudyProtocol(**settings), plan)
    return folder / "study.cadrage"


def let_vote(store: Store, voters: int, preference: Sequence[float], seed: int, spread: float = 0.0) -> None:
    """Let people vote on every photograph.

    Args:
        store: a study that asks for a preference.
        voters: how many.
        preference: probability that each method is chosen, over all people.
        seed: of the draws.
        spread: how much people differ: 0 for not at all.
    """
    rng = np.random.default_rng(seed)
    names, photographs = methods(store), subjects(store)
    made = {(output.photograph, output.method): output.id for output in outputs(store)}
    with store.writing():
        for number in range(voters):
            rater = enter(store, f"Voter {number}").id
            own = preference if not spread else rng.dirichlet(np.asarray(preference) / spread)
            for task in preference_tasks([one.name for one in photographs], names, 0, rater):
                photograph = photographs[task.photograph].id
                shown = [made[photograph, names[place]] for place in task.shown]
                choice = made[photograph, names[rng.choice(len(names), p=own)]]
                vote(store, rater, photograph, choice, shown, 1500)
