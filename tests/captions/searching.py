"""What tests of the search share: a drawn picture, its search, and networks that count what they are asked."""

import torch
from speaker import Speaker

from cadrage.captions.boxes import BoxSpace
from cadrage.captions.objective import CaptionLoss, Target
from cadrage.captions.sampler import pyramid
from cadrage.captions.search.descent import SearchConfig, search
from cadrage.captions.search.measuring import Objective
from cadrage.geometry import AspectRatio

FREE, SQUARE = BoxSpace.of((96, 64), None), BoxSpace.of((96, 64), AspectRatio(1, 1))
SHORT = SearchConfig(steps=12, restarts=3, candidates=20, patience=None, halvings=0, aggregate="best")


def drawn():
    """Grey, with a red patch on the right and a green one on the left."""
    picture = torch.full((3, 64, 96), 0.4, dtype=torch.float64)
    picture[:, 10:30, 64:90] = torch.tensor([0.9, 0.05, 0.05], dtype=torch.float64)[:, None, None]
    picture[:, 36:60, 6:30] = torch.tensor([0.05, 0.85, 0.1], dtype=torch.float64)[:, None, None]
    return pyramid(picture)


def found(levels, speaker, config=SHORT, texts=("red",), space=FREE, **settings):
    loss = CaptionLoss()
    targets = [Target.of(text, speaker, loss) for text in texts]
    return search(levels, space, targets, speaker, None, loss, 0.0, config, **settings)


def total_of_frame(levels, speaker, text="red"):
    objective = Objective(levels, speaker, None, CaptionLoss(), 0.0)
    frame = torch.tensor([[0.0, 0, 96, 64]], dtype=torch.float64)
    return objective.measure(frame, [Target.of(text, speaker, CaptionLoss())])[0, 0].item()


class Counting:
    """Judges crops by their brightness, and counts them."""

    size_wh = (6, 6)
    judged = 0

    def judge(self, crops, boxes_xyxy):
        self.judged += len(boxes_xyxy)
        return crops.mean(dim=(1, 2, 3))


class Passes(Speaker):
    """Counts the pictures of each pass; a pass takes a second of a clock of its own."""

    def __init__(self):
        super().__init__()
        self.pictures, self.now = [], 0.0

    def _steps(self, pictures, numbers):
        self.pictures.append(len(pictures))
        self.now += 1
        return super()._steps(pictures, numbers)
