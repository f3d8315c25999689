"""What a captioner says of crops."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from cadrage.captions.cropper import CaptionCropper, CaptionRequest
from cadrage.captions.objective import likeliest_texts
from cadrage.captions.protocols import Captioner
from cadrage.captions.sampler import pyramid, sample_crops
from cadrage.geometry import Box, as_boxes
from cadrage.imaging import Photo


def describe(captioner: Captioner, photo: Photo, boxes: Sequence[Box]) -> list[str]:
    """The likeliest words, one after the other, for crops of a photograph.

    Args:
        captioner: who speaks.
        photo: the photograph.
        boxes: in frame pixels.

    Returns:
        One sentence for each box, empty where the captioner says nothing.

    Raises:
        ImageError: the photograph cannot be decoded.
    """
    picture = CaptionCropper(captioner, None).picture(photo, CaptionRequest().most_pixels_side)
    share = torch.tensor([picture.shape[2] / photo.size_wh[0], picture.shape[1] / photo.size_wh[1]]).repeat(2)
    places = (torch.from_numpy(as_boxes(boxes)) * share.double()).to(picture)
    with torch.no_grad():
        steps = captioner.spoken(sample_crops(pyramid(picture), places, captioner.size_wh))
    return likeliest_texts(steps, captioner.vocabulary)
