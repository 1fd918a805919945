"""The served encoder: finder, trunk and plain colour in one graph, pixels to one vector."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from onnx_models.finder import Finder, focus
from onnx_models.model import Parts, Sizes, Trunk, unit

STEPS: Final = 6
"""Bins a channel of the plain histogram."""
PARTS: Final = ("style", "model", "detail", "attributes", "colour", "plain")
"""In the order of the vector; style and model are shape, colour and plain are colour."""


def plain_histogram(rgb: Tensor, weight: Tensor) -> Tensor:
    """Square root of a trilinear RGB histogram; (n, 3, h, w), (n, 1, h, w) to (n, STEPS ** 3)."""
    centres = torch.linspace(0, 1, STEPS)[None, None, :, None]
    near = torch.relu(1 - (rgb.flatten(2)[:, :, None] - centres).abs() * (STEPS - 1))
    pairs = (near[:, 0][:, :, None] * near[:, 1][:, None]).flatten(1, 2) * weight.flatten(2)
    counts = torch.matmul(pairs, near[:, 2].transpose(1, 2)).flatten(1)
    return torch.sqrt(counts / (counts.sum(1, keepdim=True) + 1e-6) + 1e-9)


def backdrop_facts(rgb: Tensor, mask: Tensor, light: Tensor) -> Tensor:
    """What tells a studio from a phone (n, 8): the backdrop's mean and spread, the light."""
    rest = 1 - mask
    total = rest.sum((2, 3)) + 1e-3
    mean = (rgb * rest).sum((2, 3)) / total
    spread = ((rgb - mean[:, :, None, None]) ** 2 * rest).sum((2, 3)) / total
    edges = (rgb[:, :, 1:] - rgb[:, :, :-1]).abs() * rest[:, :, 1:]
    rough = edges.sum((1, 2, 3))[:, None] / (3 * total)
    darkest = mean.amin(1, keepdim=True)
    return torch.cat(
        [torch.sqrt(spread + 1e-6), torch.sqrt(rough + 1e-6), darkest, light.abs()], dim=1
    )


class Served(nn.Module):
    """uint8 NHWC pixels to ``embedding``, ``features`` and ``mask``."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.finder, self.trunk = Finder(), Trunk(sizes)
        bins = STEPS**3
        self.register_buffer("middle", torch.zeros(bins))
        self.register_buffer("axes", torch.zeros(bins, sizes.plain))
        self.register_buffer("gate", torch.zeros(8))
        self.register_buffer("bias", torch.zeros(()))
        self.register_buffer("weights", torch.ones(len(PARTS)) / len(PARTS))
        self.middle: Tensor
        self.axes: Tensor
        self.gate: Tensor
        self.bias: Tensor
        self.weights: Tensor

    def parts(self, pixels: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor, Tensor]:
        """All parts of unit length, the backdrop's facts, features and mask (n, 48, 48)."""
        x = pixels.permute(0, 3, 1, 2).float() / 255
        found = self.finder(x)
        seen, _ = focus(x, found)
        parts = Parts(*self.trunk(seen))
        small = nn.functional.avg_pool2d(x, 4)
        mask = torch.sigmoid(found.logits)
        histogram = plain_histogram(small, mask[:, None] + 1e-4)
        named = {name: getattr(parts, name) for name in PARTS[:-1]}
        named["plain"] = histogram
        facts = backdrop_facts(small, mask[:, None], found.light)
        return named, facts, parts.features, mask

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(n, 192, 192, 3) uint8 to vectors of unit length, features, and the mask."""
        named, facts, features, mask = self.parts(pixels)
        named["plain"] = unit((named["plain"] - self.middle) @ self.axes)
        # A phone's photograph says nothing by its plain colours: there the part has no length.
        studio = torch.sigmoid(facts @ self.gate + self.bias)[:, None]
        roots = torch.sqrt(self.weights)
        scaled = [named[name] * root for name, root in zip(PARTS, roots, strict=True)]
        scaled[-1] = scaled[-1] * studio
        return unit(torch.cat(scaled, dim=1)), features, mask


class Localiser(nn.Module):
    """The finder alone: uint8 NHWC pixels to the mask (n, 48, 48)."""

    def __init__(self, finder: Finder) -> None:
        super().__init__()
        self.finder = finder

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, 192, 192, 3) uint8 to probabilities (n, 48, 48)."""
        return torch.sigmoid(self.finder(pixels.permute(0, 3, 1, 2).float() / 255).logits)
