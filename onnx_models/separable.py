"""Depthwise separable convolutions (Howard et al. 2017, arXiv 1704.04861): the finder's body.

The body ends its stages where MobileNetV1 does, so that a pretrained one can tell each stage what
it sees there (:mod:`onnx_models.hints`). Its weights start from its own initialisation, and
shortcuts run around layers that keep their size.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

PLAN: Final = (
    ((32, 64, 1), (64, 128, 2), (128, 128, 1)),
    ((128, 256, 2), (256, 256, 1)),
    ((256, 512, 2), (512, 512, 1), (512, 512, 1)),
    ((512, 512, 1), (512, 512, 1), (512, 512, 1)),
    ((512, 1024, 2), (1024, 1024, 1)),
)
"""Inputs, outputs and stride of the layers, by stage; the first stage begins with a stem."""
STEM: Final = 32
LAST: Final = PLAN[-1][-1][1]
"""Channels of the last map."""


def same(x: Tensor) -> Tensor:
    """Room for a 3x3 convolution of stride 2, at the right and the bottom as TensorFlow does."""
    return nn.functional.pad(x, (0, 1, 0, 1))


class Separable(nn.Module):
    """A 3x3 convolution of each channel alone, then a 1x1 one of all."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride, self.short = stride, stride == 1 and inputs == outputs
        self.conv1 = nn.Conv2d(inputs, inputs, 3, stride, 2 - stride, groups=inputs, bias=False)
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv2 = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) to (n, outputs, h / stride, w / stride), within 0..6."""
        y = nn.functional.relu6(self.norm1(self.conv1(same(x) if self.stride == 2 else x)))
        y = self.norm2(self.conv2(y))
        return nn.functional.relu6(x + y if self.short else y)


class Stem(nn.Module):
    """Pictures in 0..1 to STEM channels at half their size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, STEM, 3, 2, bias=False)
        self.norm1 = nn.BatchNorm2d(STEM)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, h, w) to (n, STEM, h / 2, w / 2)."""
        return nn.functional.relu6(self.norm1(self.conv1(same(x * 2 - 1))))


def stages(plan: tuple[tuple[tuple[int, int, int], ...], ...]) -> list[nn.Module]:
    """The stages of ``plan``, a stem before the first."""
    return [
        nn.Sequential(*([Stem()] if at == 0 else []), *(Separable(*layer) for layer in layers))
        for at, layers in enumerate(plan)
    ]


class Body(nn.Module):
    """Stages that turn pictures (n, 3, h, w) in 0..1 into maps, one after another."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages(PLAN))
