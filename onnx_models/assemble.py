"""The served encoder: finder, trunk and plain colour in one graph, pixels to one vector."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn

from onnx_models.finder import HEIGHT, WIDTH, Finder, focus
from onnx_models.model import Parts, Sizes, Trunk, unit

STEPS: Final = (8, 8, 8)
"""Bins of hue, saturation and value as photographed."""
TONES: Final = (12, 6, 6)
"""The same of the tone, hue as a ring."""
SURE: Final = 0.7
"""Opacity above which a pixel counts for the tone: a rim of backdrop would spoil it."""
CELL: Final = 8
"""Pixels a side of a cell of the outline's histograms."""
ORIENTATIONS: Final = 8
KEPT: Final[dict[str, int]] = {
    "style": 32, "model": 40, "outline": 24, "detail": 64, "attributes": 40, "colour": 16,
    "tone": 96, "plain": 36, "scene": 36,
}  # fmt: skip
"""Numbers that each part keeps, in its strongest directions and in the order of the vector."""
SHAPE: Final = ("style", "model", "outline")
COLOUR: Final = ("colour", "tone", "plain", "scene")
FIXED: Final = ("outline", "tone", "plain", "scene")
"""Not learned: centred and half-whitened."""
GATED: Final = ("plain", "scene")
"""Worth something only before a studio's backdrop."""
PARTS: Final = tuple(KEPT)


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


def histogram(values: Tensor, weight: Tensor, steps: tuple[int, int, int], ring: bool) -> Tensor:
    """Square root of a trilinear histogram; (n, 3, h, w), (n, 1, h, w) to (n, bins).

    ``ring``: the first channel's end meets its start.
    """
    near = []
    for channel, count in enumerate(steps):
        flat = values[:, channel].flatten(1)[:, None]
        if ring and channel == 0:
            away = (flat - torch.arange(count)[None, :, None] / count).abs()
            near.append(torch.relu(1 - torch.minimum(away, 1 - away) * count))
        else:
            centres = torch.linspace(0, 1, count)[None, :, None]
            near.append(torch.relu(1 - (flat - centres).abs() * (count - 1)))
    pairs = (near[0][:, :, None] * near[1][:, None]).flatten(1, 2) * weight.flatten(2)
    counts = torch.matmul(pairs, near[2].transpose(1, 2)).flatten(1)
    return torch.sqrt(counts / (counts.sum(1, keepdim=True) + 1e-6) + 1e-9)


def tone(seen: Tensor) -> Tensor:
    """HSV histograms (n, d) of the upper and the lower half of focused shoes (n, 4, h, w), under
    two guesses of the light: that the shoe's mean is grey (Buchsbaum 1980), and that its brightest
    is white (as shades of grey, Finlayson and Trezzi 2004, with the sixth power). What is left is
    much the same in a studio and on a phone."""
    small = nn.functional.avg_pool2d(seen, 4)
    alpha = small[:, 3:]
    weight = torch.relu(alpha - SURE) + 1e-4
    # The crop stands on white: take that out of the rim again.
    rgb = (small[:, :3] - (1 - alpha)) / alpha.clamp(min=0.5)
    linear = rgb.clamp(0.004, 1.0) ** 2.2
    total = weight.sum((2, 3), keepdim=True)
    found = []
    for power, level in ((1.0, 0.2), (6.0, 0.8)):
        mean = ((linear**power * weight).sum((2, 3), keepdim=True) / total) ** (1 / power)
        lit = hsv((linear / mean * level).clamp(0.0, 1.0) ** (1 / 2.2))
        middle = lit.shape[2] // 2
        found += [
            histogram(lit[:, :, part], weight[:, :, part], TONES, ring=True)
            for part in (slice(0, middle), slice(middle, None))
        ]
    return torch.cat(found, dim=1)


def outline(seen: Tensor) -> Tensor:
    """Oriented gradients of focused shoes (n, 4, h, w) in cells (n, d), the same for a shoe and its
    mirror image; square roots (Dalal and Triggs 2005, with soft orientations)."""
    grey = seen[:, :3].mean(1, keepdim=True)
    across = grey[:, :, 1:-1, 2:] - grey[:, :, 1:-1, :-2]
    along = grey[:, :, 2:, 1:-1] - grey[:, :, :-2, 1:-1]
    energy = across * across + along * along + 1e-6
    strength = torch.sqrt(energy)
    # Twice the angle, so that an edge and its opposite are one orientation.
    double_x = (across * across - along * along) / energy
    double_y = 2 * across * along / energy
    angles = torch.arange(ORIENTATIONS) * (2 * math.pi / ORIENTATIONS)
    near = torch.relu(
        double_x * torch.cos(angles)[None, :, None, None]
        + double_y * torch.sin(angles)[None, :, None, None]
    )
    cells = nn.functional.avg_pool2d(nn.functional.pad(near**3 * strength, (1, 1, 1, 1)), CELL)
    roots = torch.sqrt(cells + 1e-6)
    mirrored = torch.cat([roots[:, :1], roots[:, 1:].flip(1)], dim=1).flip(3)
    both = (roots + mirrored)[:, :, :, : roots.shape[3] // 2].flatten(1)
    return unit(both)


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
        cells = (HEIGHT // CELL) * (WIDTH // CELL) // 2 * ORIENTATIONS
        bins = math.prod(STEPS)
        tones = 4 * math.prod(TONES)
        widths = {"outline": cells, "tone": tones, "plain": bins, "scene": bins}
        for name, kept in KEPT.items():
            width = widths[name] if name in FIXED else int(getattr(sizes, name))
            self.register_buffer(f"axes_{name}", torch.eye(width)[:, :kept].contiguous())
            if name in FIXED:
                self.register_buffer(f"mean_{name}", torch.zeros(width))
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
        named = {name: getattr(parts, name) for name in PARTS if name not in FIXED}
        named["outline"] = outline(seen)
        colours = hsv(small)
        named["tone"] = tone(seen)
        named["plain"] = histogram(colours, mask[:, None] + 1e-4, STEPS, ring=False)
        named["scene"] = histogram(colours, torch.ones_like(mask[:, None]), STEPS, ring=False)
        facts = backdrop_facts(small, mask[:, None], found.light)
        return named, facts, parts.features, mask

    def reduced(self, named: dict[str, Tensor]) -> list[Tensor]:
        """Every part in its kept directions, of unit length."""
        found = []
        for name in PARTS:
            values = named[name]
            if name in FIXED:
                values = values - getattr(self, f"mean_{name}")
            found.append(unit(values @ getattr(self, f"axes_{name}")))
        return found

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(n, 192, 192, 3) uint8 to vectors of unit length, features, and the mask."""
        named, facts, features, mask = self.parts(pixels)
        # A phone's photograph says nothing by its plain colours: there those parts have no length.
        studio = torch.sigmoid(facts @ self.gate + self.bias)[:, None]
        scaled = [
            part * root * (studio if name in GATED else 1)
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
