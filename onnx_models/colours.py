"""Colour of a photograph as numbers, inside the graph: histograms under guesses of the light."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn

from onnx_models.blocks import weighted_mean
from onnx_models.finder import Found

STEPS: Final = (8, 8, 8)
"""Bins of hue, saturation and value as photographed."""
FINE: Final = (16, 8, 16)
"""The same where each of the whole picture's pixels counts for one bin alone (:func:`scene`)."""
EVERY: Final = 2
"""Pixel of a row, and row, that is counted there: R@1 among training's studios .629, of all of them
.645, of every third .607 (n = 787)."""
TONES: Final = (12, 6, 6)
"""The same of the tone, hue as a ring."""
SURE: Final = 0.7
"""Opacity above which a pixel counts for the tone: a rim of backdrop would spoil it."""
FACTS: Final = 8 + 3 + 3 + 3 + 3
CLUES: Final = 4 * math.prod(TONES) + 2 * math.prod(STEPS) + FACTS
FAINT: Final = 0.3
"""What facts are scaled by beside the histograms."""
PLAIN: Final = slice(4 * math.prod(TONES), 4 * math.prod(TONES) + math.prod(STEPS))
"""Of the clues: the shoe's colours as photographed."""


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


def histogram(values: Tensor, weights: Tensor, steps: tuple[int, int, int], ring: bool) -> Tensor:
    """Square roots of r trilinear histograms of the same pixels under r weights; (n, 3, h, w),
    (n, r, h, w) to (n, r, bins).

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
    pairs = (near[0][:, :, None] * near[1][:, None]).flatten(1, 2)
    last = (near[2][:, None] * weights.flatten(2)[:, :, None]).flatten(1, 2)
    counts = torch.matmul(pairs, last.transpose(1, 2)).unflatten(2, (weights.shape[1], steps[2]))
    counts = counts.transpose(1, 2).flatten(2)
    return torch.sqrt(counts / (counts.sum(2, keepdim=True) + 1e-6) + 1e-9)


def guessed(shoe: Tensor, weight: Tensor) -> list[Tensor]:
    """Colours (n, 3, h, w) of a focused shoe, as often as there are guesses of the light: that the
    shoe's mean is grey (Buchsbaum 1980), and that its brightest is white (as shades of grey,
    Finlayson and Trezzi 2004, with the sixth power). What is left is much the same in a studio and
    on a phone. ``weight`` (n, 1, h, w)."""
    linear = shoe.clamp(0.004, 1.0) ** 2.2
    total = weight.sum((2, 3), keepdim=True)
    mean = (linear * weight).sum((2, 3), keepdim=True) / total
    third = linear * linear * linear
    brightest = ((third * third * weight).sum((2, 3), keepdim=True) / total) ** (1 / 6)
    under = linear / mean * 0.2, linear / brightest * 0.8
    return [colours.clamp(0.0, 1.0) ** (1 / 2.2) for colours in under]


def tone(lit: list[Tensor], weight: Tensor) -> Tensor:
    """Histograms (n, d) of the upper and the lower half of focused shoes, of their HSV under each
    guess of the light."""
    upper = (torch.arange(weight.shape[2]) < weight.shape[2] // 2).float()[:, None]
    halves = torch.cat([weight * upper, weight * (1 - upper)], dim=1)
    each = halves[:, None].expand(-1, len(lit), -1, -1, -1).flatten(0, 1)
    found = histogram(torch.stack(lit, dim=1).flatten(0, 1), each, TONES, ring=True)
    return found.unflatten(0, (-1, len(lit))).flatten(1)


def hsv_of(several: list[Tensor]) -> list[Tensor]:
    """HSV of pictures (n, 3, h, w) of any sizes, all in one: batch 1 waits for each operation."""
    # Pixels along the last axis: along one before a last of 1, onnxruntime takes ten times as long.
    row = torch.cat([one.flatten(2) for one in several], dim=2)[:, :, None]
    flat = hsv(row)[:, :, 0].split([one.shape[2] * one.shape[3] for one in several], 2)
    return [found.unflatten(2, one.shape[2:]) for found, one in zip(flat, several, strict=True)]


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


BACKDROP: Final = slice(CLUES - FACTS, CLUES - FACTS + 8)
"""Of the clues: :func:`backdrop_facts`, times FAINT."""


def scene(x: Tensor) -> Tensor:
    """The whole picture's colours as photographed: square roots of the shares of FINE's bins
    (n, d), of pictures (n, 3, h, w) in 0..1.

    Each pixel falls into one bin and is taken as it is. Where bins shared their pixels and pixels
    were means of 16, one studio's pictures of one shoe were seldom nearest to each other: R@1 .327
    for .555 (40 directions, n = 787). What tells them is the very shade of a material in
    that light, and of the studio's paper on that day.
    """
    values = hsv(x[:, :, ::EVERY, ::EVERY]).flatten(2)
    bins = torch.tensor(FINE)[:, None]
    places = torch.minimum((values * bins).to(torch.int64), bins - 1)
    index = (places[:, 0] * FINE[1] + places[:, 1]) * FINE[2] + places[:, 2]
    counts = values.new_zeros(x.shape[0], math.prod(FINE)).scatter_add(
        1, index, torch.ones_like(values[:, 0])
    )
    return torch.sqrt(counts / values.shape[2])


def clues(x: Tensor, seen: Tensor, found: Found) -> Tensor:
    """What the palette reads (n, CLUES), of pictures (n, 3, h, w), focused shoes and what the
    finder found.

    The tone, the shoe's colours as photographed and under the finder's light, facts of the
    backdrop, the light, and means and spread of log colours.
    """
    small = nn.functional.avg_pool2d(x, 4)
    mask = torch.sigmoid(found.logits)[:, None]
    crop = nn.functional.avg_pool2d(seen, 4)
    alpha = crop[:, 3:]
    sure = torch.relu(alpha - SURE) + 1e-4
    # The crop stands on white: take that out of the rim again.
    shoe_alone = (crop[:, :3] - (1 - alpha)) / alpha.clamp(min=0.5)
    logs = torch.log(small + 0.03)
    shoe, rest = weighted_mean(logs, mask), weighted_mean(logs, 1 - mask)
    spread = torch.sqrt(weighted_mean((logs - shoe[:, :, None, None]) ** 2, mask) + 1e-6)
    facts = torch.cat(
        [backdrop_facts(small, mask, found.light), found.light, shoe, rest, spread], 1
    )
    several = [small, shoe_alone.clamp(0.0, 1.0), *guessed(shoe_alone, sure)]
    whole, lit, *guesses = hsv_of(several)
    plain = histogram(whole, mask + 1e-4, STEPS, ring=False)[:, 0]
    corrected = histogram(lit, sure, STEPS, ring=False)[:, 0]
    return torch.cat([tone(guesses, sure), plain, corrected, facts * FAINT], dim=1)
