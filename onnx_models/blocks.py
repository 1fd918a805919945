"""Residual blocks that the finder and the encoder share."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def weighted_mean(x: Tensor, weight: Tensor) -> Tensor:
    """Mean (n, c) of x (n, c, h, w) under weight (n, 1, h, w)."""
    return (x * weight).sum((2, 3)) / (weight.sum((2, 3)) + 1e-3)


class Gate(nn.Module):
    """Squeeze-and-excitation (Hu et al. 2018, arXiv 1709.01507): channels scaled by their means."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(width, width // 8, 1)
        self.up = nn.Conv2d(width // 8, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to the same."""
        gate = self.up(torch.relu(self.down(x.mean((2, 3), keepdim=True))))
        return x * torch.sigmoid(gate)


class Block(nn.Module):
    """Two 3x3 convolutions around a shortcut (ResNet's basic block, He et al. 2016, 1512.03385).

    The last batch norm starts at zero, so that a new block changes nothing. Plain 3x3 convolutions
    are what onnxruntime runs fastest on a CPU; batch norm folds away at export.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, gated: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        nn.init.zeros_(self.norm2.weight)
        self.gate: nn.Module = Gate(outputs) if gated else nn.Identity()
        self.short: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.short = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        y = torch.relu(self.norm1(self.conv1(x)))
        y = self.gate(self.norm2(self.conv2(y)))
        return torch.relu(y + self.short(x))
