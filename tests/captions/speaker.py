"""A captioner small enough for tests: real layers, random weights, a recurrent speaker."""

import torch
from torch import nn

from cadrage.captions.vocabulary import BEGIN, END, Vocabulary

WORDS = ["red", "green", "blue", "ball", "dog", "grass", "sky", "runs"]


class Speaker(nn.Module):
    """Means of a picture's colours to words."""

    def __init__(self, seed=0, steps=5):
        super().__init__()
        torch.manual_seed(seed)
        self.vocabulary = Vocabulary.learn([" ".join(WORDS)])
        self.size_wh = (12, 8)
        self.steps = steps
        self.colours = nn.Linear(3, 16)
        self.words = nn.Embedding(len(self.vocabulary), 16)
        self.cell = nn.GRUCell(16, 16)
        self.tell = nn.Linear(16, len(self.vocabulary))
        self.double().eval().requires_grad_(False)

    def spoken(self, pictures):
        return self._steps(pictures, None)

    def forced(self, pictures, numbers):
        return self._steps(pictures, numbers)

    def _steps(self, pictures, numbers):
        names = self.vocabulary.words
        state = torch.tanh(4 * self.colours(pictures.mean(dim=(2, 3)) - 0.5))
        word = torch.full((len(pictures),), names.index(BEGIN))
        ended, found = torch.zeros(len(pictures), dtype=torch.bool), []
        for step in range(self.steps if numbers is None else numbers.shape[1]):
            state = self.cell(self.words(word), state)
            chances = self.tell(4 * state).log_softmax(dim=-1)
            found.append(torch.where(ended[:, None], torch.nan, chances))
            word = chances.argmax(dim=-1) if numbers is None else numbers[:, step]
            ended = ended | (word == names.index(END))
        return torch.stack(found, dim=1)
