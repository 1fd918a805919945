"""The served encoder: finder, trunk and plain colour in one graph, pixels to one vector."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from onnx_models.finder import Finder, focus
from onnx_models.model import Parts, Sizes, Trunk, unit

STEPS: Final = 6
"""Bins a channel of the shoe's own RGB histogram."""
SCENE_STEPS: Final = 8
"""Bins a channel of the whole picture's HSV histogram."""
LEARNED: Final[dict[str, int]] = {
    "style": 48, "model": 48, "detail": 72, "attributes": 48, "colour": 40,
}  # fmt: skip
"""Numbers that each learned part keeps of what the trunk gives, in its strongest directions."""
PLAIN: Final[dict[str, int]] = {"plain": 64, "scene": 64}
PARTS: Final = (*LEARNED, *PLAIN)
"""In the order of the vector; style and model are shape, from colour on it is colour."""


def hsv(rgb: Tensor) -> Tensor:
    """Hue, saturation and value (n, 3, h, w), each in 0..1, of RGB in 0..1."""
    high, low = rgb.amax(1), rgb.amin(1)
    spread = high - low
    red, green, blue = rgb[:, 0], rgb[:, 1], rgb[:, 2]
    safe = spread + 1e-6
    hue = torch.where(
        red >= high,
        torch.remainder((green - blue) / safe, 6.0),
        torch.where(green >= high, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    hue = torch.where(spread < 1e-4, torch.zeros_like(hue), hue / 6)
    return torch.stack([hue, spread / (high + 1e-6), high], dim=1)


def histogram(values: Tensor, weight: Tensor, steps: int) -> Tensor:
    """Square root of a trilinear histogram; (n, 3, h, w), (n, 1, h, w) to (n, steps ** 3)."""
    centres = torch.linspace(0, 1, steps)[None, None, :, None]
    near = torch.relu(1 - (values.flatten(2)[:, :, None] - centres).abs() * (steps - 1))
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
        for name, kept in LEARNED.items():
            width = int(getattr(sizes, name))
            self.register_buffer(f"axes_{name}", torch.eye(width)[:, :kept])
        for name, steps in (("plain", STEPS), ("scene", SCENE_STEPS)):
            self.register_buffer(f"mean_{name}", torch.zeros(steps**3))
            self.register_buffer(f"axes_{name}", torch.zeros(steps**3, PLAIN[name]))
        self.register_buffer("gate", torch.zeros(8))
        self.register_buffer("bias", torch.zeros(()))
        self.register_buffer("weights", torch.ones(len(PARTS)) / len(PARTS))
        self.gate: Tensor
        self.bias: Tensor
        self.weights: Tensor

    def parts(self, pixels: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor, Tensor]:
        """All parts, plain ones as histograms; the backdrop's facts, features, mask (n, 48, 48)."""
        x = pixels.permute(0, 3, 1, 2).float() / 255
        found = self.finder(x)
        seen, _ = focus(x, found)
        parts = Parts(*self.trunk(seen))
        small = nn.functional.avg_pool2d(x, 4)
        mask = torch.sigmoid(found.logits)
        named = {name: getattr(parts, name) for name in LEARNED}
        named["plain"] = histogram(small, mask[:, None] + 1e-4, STEPS)
        named["scene"] = histogram(hsv(small), torch.ones_like(mask[:, None]), SCENE_STEPS)
        facts = backdrop_facts(small, mask[:, None], found.light)
        return named, facts, parts.features, mask

    def reduced(self, named: dict[str, Tensor]) -> list[Tensor]:
        """Every part in its kept directions, of unit length."""
        found = []
        for name in PARTS:
            values = named[name]
            if name in PLAIN:
                values = values - getattr(self, f"mean_{name}")
            found.append(unit(values @ getattr(self, f"axes_{name}")))
        return found

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(n, 192, 192, 3) uint8 to vectors of unit length, features, and the mask."""
        named, facts, features, mask = self.parts(pixels)
        # A phone's photograph says nothing by its plain colours: there those parts have no length.
        studio = torch.sigmoid(facts @ self.gate + self.bias)[:, None]
        scaled = [
            part * root * (studio if name in PLAIN else 1)
            for name, part, root in zip(
                PARTS, self.reduced(named), torch.sqrt(self.weights), strict=True
            )
        ]
        return unit(torch.cat(scaled, dim=1)), features, mask


class Localiser(nn.Module):
    """The finder alone: uint8 NHWC pixels to the mask (n, 48, 48)."""

    def __init__(self, finder: Finder) -> None:
        super().__init__()
        self.finder = finder

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, 192, 192, 3) uint8 to probabilities (n, 48, 48)."""
        return torch.sigmoid(self.finder(pixels.permute(0, 3, 1, 2).float() / 255).logits)
