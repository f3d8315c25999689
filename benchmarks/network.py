"""The network alone: cadrage's model against the paper's network, run eagerly in torch.

One working raster of 256x384 pixels and the 90 grid anchors on it, from pixels to scores, with as many threads for
the one as for the other. Time does not depend on the weights, so the paper's network has random ones.

The paper's network is the published MobileNetV2 model in the published order of operations. It gets its raster
ready, normalised and as a tensor; cadrage's time includes the normalisation, as well as the checks of the boxes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from cadrage.candidates import GridSpec, grid_anchors
from cadrage.learning.network import CropNetwork, NetworkConfig
from cadrage.learning.pooling_official import rod_official, roi_official
from cadrage.runtime import Scorer
from measure import Comparison, parser, report, take_turns, usable_cpus

WIDTH, HEIGHT = 384, 256
ALL_ANCHORS = GridSpec(min_aspect=0.1, max_aspect=10)
"""The aspect bounds would leave 83 to 87 of the 90 anchors in a frame of this shape."""

AGREEMENT = 1e-4


class PaperNetwork(nn.Module):
    """The published network as published (GAIC, TPAMI 2020, figure 9; official code).

    ``CropNetwork`` computes the same numbers but reduces the channels before it resamples, and lays out the 9x9
    convolution as a matrix product. Here the maps are resampled at full width, 448 channels are concatenated and
    then reduced, and the head is made of convolutions.
    """

    def __init__(self, network: CropNetwork) -> None:
        """Take over the weights of ``network``, which has official pooling."""
        super().__init__()
        self.trunk = network.trunk
        self.reduce = network.reduce
        self.down = nn.UpsamplingBilinear2d(scale_factor=0.5)
        self.up = nn.UpsamplingBilinear2d(scale_factor=2)
        head = network.head
        self.head = nn.Sequential(
            _plain(head.first[0]), nn.ReLU(), _plain(head.second[0]), nn.ReLU(), _plain(head.last)
        )

    def forward(self, normalised: Tensor, boxes_xyxy: Tensor) -> Tensor:
        """Scores of shape (K,) of boxes (K, 4) on a normalised raster (1, 3, H, W)."""
        fine, middle, coarse = self.trunk(normalised)
        features = self.reduce(torch.cat([self.down(fine), middle, 0.5 * self.up(coarse)], dim=1))
        regions = [roi_official(features, boxes_xyxy), rod_official(features, boxes_xyxy)]
        scores: Tensor = self.head(torch.cat(regions, dim=1)).flatten()
        return scores


def _plain(layer: nn.Module) -> nn.Conv2d:
    """An ordinary convolution with the weights of ``layer``."""
    assert isinstance(layer, nn.Conv2d)
    plain = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size)  # type: ignore[arg-type]
    plain.load_state_dict(layer.state_dict())
    return plain


def paper_contender(raster: np.ndarray, boxes_xyxy: np.ndarray) -> Callable[[], Tensor]:
    """The paper's network at work on a raster, after a check that it is the network it claims to be."""
    pixels = torch.from_numpy(raster).permute(2, 0, 1)[None].float()
    boxes = torch.from_numpy(boxes_xyxy).float()
    network = _random_network(pixels)
    paper = PaperNetwork(network).eval()

    @torch.inference_mode()
    def run() -> Tensor:
        scores: Tensor = paper(normalised, boxes)
        return scores

    with torch.inference_mode():
        normalised = network.normalise(pixels).contiguous()
        difference = float((run() - network(pixels, boxes)).abs().max())
    if difference > AGREEMENT:
        raise SystemExit(
            f"The paper's network is off by {difference:g} from CropNetwork with official pooling."
        )
    return run


def _random_network(pixels: Tensor) -> CropNetwork:
    """The paper's network with random weights.

    Its batch normalisations take their statistics from the raster. With the initial ones activations would fade to
    1e-8, where two networks always seem to agree.
    """
    torch.manual_seed(0)
    network = CropNetwork(NetworkConfig(pooling="official"))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.inference_mode():
        network.train().encode(pixels)
    return network.eval()


def compare(model: str | None, threads: int, rounds: int, repeats: int) -> Comparison:
    """Measure both with a number of threads."""
    raster = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    boxes = grid_anchors((WIDTH, HEIGHT), ALL_ANCHORS)
    scorer = Scorer(model, threads=threads)
    torch.set_num_threads(threads)
    times = take_turns(
        {
            "cadrage": lambda: scorer.score(scorer.encode(raster), boxes),
            "paper": paper_contender(raster, boxes),
        },
        rounds=rounds,
        repeats=repeats,
    )
    return Comparison(
        what=f"{WIDTH}x{HEIGHT}, {len(boxes)} boxes, {threads} thread{'s' * (threads > 1)}",
        unit="ms",
        ours=times["cadrage"],
        peer="paper's network, torch eager",
        theirs=times["paper"],
        least_ratio=5,
    )


def main() -> None:
    """Run the benchmark."""
    options = parser(__doc__, rounds=10)
    options.add_argument("--repeats", type=int, default=10, help="timed calls in a round [%(default)s]")
    options.add_argument("--threads", type=int, nargs="+", default=sorted({1, usable_cpus()}))
    chosen = options.parse_args()
    comparisons = [compare(chosen.model, n, chosen.rounds, chosen.repeats) for n in chosen.threads]
    entry = Scorer(chosen.model).entry
    title = (
        f"Network alone: {entry.name} {entry.version} ({entry.precision}, {entry.parameters:,} parameters)"
    )
    report(title, comparisons, packages=["onnxruntime", "torch", "torchvision"], as_json=chosen.json)


if __name__ == "__main__":
    main()
