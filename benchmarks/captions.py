"""The search for a caption's crop: restarts as one batch against one after the other, and one restart.

    python benchmarks/captions.py [--captioner FILE] [--restarts 8] [--steps 12]

A gradient step is one crop of one run, sampled, described and followed back to its box. "one after the other" makes
the same runs in batches of one. "whole search" is what a person waits for once the networks are loaded: candidates,
annealing, halving and refining included, for all restarts against a single one.
"""

from __future__ import annotations

from pathlib import Path

import torch

from cadrage.captions.cropper import CaptionCropper, CaptionRequest, space_of
from cadrage.captions.objective import Target
from cadrage.captions.sampler import pyramid
from cadrage.captions.search.descent import SearchConfig, search
from cadrage.captions.search.measuring import Objective
from cadrage.captions.search.starts import start_boxes
from cadrage.imaging import open_photo
from measure import Comparison, parser, report, take_turns, usable_cpus

PHOTOGRAPH = Path(__file__).parents[1] / "examples" / "photographs" / "chelsea.jpg"
MOST_RATIO = 2.5
"""Goal: all restarts take at most this many times the time of one."""


def main() -> None:
    """Measure and print."""
    options = parser(__doc__, rounds=2)
    options.add_argument("--captioner", help="another captioner than the shipped one")
    options.add_argument("--caption", default="a cat", help="[%(default)s]")
    options.add_argument("--restarts", type=int, default=8, help="[%(default)s]")
    options.add_argument("--steps", type=int, default=12, help="gradient steps of each run [%(default)s]")
    given = options.parse_args()
    torch.set_num_threads(usable_cpus())
    cropper = CaptionCropper(given.captioner, None)
    request = CaptionRequest(weight_aesthetic=0)
    picture = cropper.picture(open_photo(PHOTOGRAPH), request.most_pixels_side)
    space = space_of((picture.shape[2], picture.shape[1]), request)
    levels, target = pyramid(picture), Target.of(given.caption, cropper.captioner, request.loss)
    objective = Objective(levels, cropper.captioner, None, request.loss, 0.0)
    thetas = space.theta(start_boxes("grid", space, given.restarts, 0, dtype=picture.dtype))

    def descend(batch: int) -> None:
        for start in range(0, given.restarts, batch):
            theta = thetas[start : start + batch].clone().requires_grad_()
            for _ in range(given.steps):
                terms = objective.terms(space.boxes(theta), [target] * len(theta))
                (gradient,) = torch.autograd.grad(objective.totals(terms).sum(), theta)
                theta = (theta - 0.1 * gradient).detach().requires_grad_()

    def whole(restarts: int) -> None:
        config = SearchConfig(restarts=restarts)
        search(levels, space, [target], cropper.captioner, None, request.loss, 0.0, config)

    steps = take_turns(
        {"batch": lambda: descend(given.restarts), "single": lambda: descend(1)},
        rounds=given.rounds,
        repeats=1,
    )
    searches = take_turns(
        {"many": lambda: whole(given.restarts), "one": lambda: whole(1)}, rounds=given.rounds, repeats=1
    )
    each = given.restarts * given.steps
    fastest = {name: 1e3 * each / min(values) for name, values in steps.items()}
    comparisons = [
        Comparison(
            f"{each} gradient steps, {given.restarts} runs",
            "ms",
            steps["batch"],
            "one after the other",
            steps["single"],
            least_ratio=1.0,
        ),
        Comparison(
            f"whole search, {given.restarts} restarts",
            "ms",
            searches["many"],
            "one restart",
            searches["one"],
            least_ratio=1 / MOST_RATIO,
        ),
    ]
    report("Caption-guided search", comparisons, packages=("torch", "numpy"), as_json=given.json)
    if not given.json:
        print(f"gradient steps a second: {fastest['batch']:.0f} in a batch, {fastest['single']:.0f} singly")


if __name__ == "__main__":
    main()
