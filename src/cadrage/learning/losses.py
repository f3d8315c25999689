"""What training minimises: the error of every score, and the order of the scores inside a photograph."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class LossConfig:
    """Weights of the parts; targets and predictions are z-scores of the mean opinion score."""

    huber: float = 1.0
    """Huber loss with delta 1, mean over the crops (GAIC, TPAMI 2020, section 4)."""
    correlation: float = 0.0
    """One minus Pearson's correlation, inside each photograph (ours)."""
    listwise: float = 0.0
    """Divergence of the softmax over a photograph's crops, which weighs its best crops most (ours)."""
    temperature: float = 0.5
    """Of that softmax, in z-scores."""


STILL = 1e-4
"""Added to the product of two sums of squares, which are of hundreds: where all predictions are equal, their
gradient stays as small as elsewhere."""


def ranking_loss(
    config: LossConfig, predictions: Tensor, targets: Tensor, image_index: Tensor, images: int
) -> Tensor:
    """The weighted sum of the parts.

    Args:
        config: the weights.
        predictions: shape (K,), z-scores.
        targets: shape (K,), z-scores.
        image_index: shape (K,), the photograph of each crop, in 0..images-1.
        images: number of photographs in the step.

    Returns:
        A scalar.
    """
    loss = config.huber * functional.smooth_l1_loss(predictions, targets)
    if config.correlation:
        loss = loss + config.correlation * correlation_loss(predictions, targets, image_index, images)
    if config.listwise:
        loss = loss + config.listwise * listwise_loss(
            predictions / config.temperature, targets / config.temperature, image_index, images
        )
    return loss


def correlation_loss(predictions: Tensor, targets: Tensor, image_index: Tensor, images: int) -> Tensor:
    """One minus Pearson's correlation inside each photograph, averaged over photographs.

    A photograph whose targets are all equal has no order to learn and counts as zero correlation, without
    gradient. Arguments as in ``ranking_loss``.
    """
    left = predictions - _image_means(predictions, image_index, images)[image_index]
    right = targets - _image_means(targets, image_index, images)[image_index]
    covariance = _image_sums(left * right, image_index, images)
    spread = _image_sums(left**2, image_index, images) * _image_sums(right**2, image_index, images)
    return (1 - covariance / (spread + STILL).sqrt()).mean()


def listwise_loss(predictions: Tensor, targets: Tensor, image_index: Tensor, images: int) -> Tensor:
    """Kullback-Leibler divergence between the softmaxes over each photograph's crops, averaged over photographs.

    Arguments as in ``ranking_loss``.
    """
    wanted = _image_log_softmax(targets, image_index, images)
    found = _image_log_softmax(predictions, image_index, images)
    return (wanted.exp() * (wanted - found)).sum() / images


def _image_sums(values: Tensor, image_index: Tensor, images: int) -> Tensor:
    return values.new_zeros(images).index_add(0, image_index, values)


def _image_means(values: Tensor, image_index: Tensor, images: int) -> Tensor:
    counts = torch.bincount(image_index, minlength=images).clamp_min(1)
    return _image_sums(values, image_index, images) / counts


def _image_log_softmax(values: Tensor, image_index: Tensor, images: int) -> Tensor:
    top = values.new_full((images,), -torch.inf).scatter_reduce(0, image_index, values.detach(), "amax")
    shifted = values - top[image_index]
    return shifted - _image_sums(shifted.exp(), image_index, images).log()[image_index]
