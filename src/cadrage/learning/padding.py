"""TensorFlow's padding of strided convolutions, for weights that were trained with it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class SamePadConv2d(nn.Conv2d):
    """A convolution of stride 2 padded as TensorFlow pads even sizes: less at the left and top.

    timm's own works the padding out at every call, for odd sizes too, and that costs an exported network much time.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Convolve a map of shape (B, C, H, W), H and W even, to (B, C', H/2, W/2)."""
        missing = self.kernel_size[0] - 2
        before, after = missing // 2, missing - missing // 2
        padded = functional.pad(input, (before, after, before, after))
        return functional.conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def pad_strided_convolutions(trunk: nn.Module) -> None:
    """Make every square convolution of stride 2 and more than one pixel pad as TensorFlow does."""
    for module in trunk.modules():
        if isinstance(module, nn.Conv2d) and module.stride == (2, 2) and module.kernel_size[0] > 1:
            module.__class__ = SamePadConv2d
