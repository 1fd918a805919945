"""Light, lens and file on batches of pictures, as tensors: ranges of :mod:`onnx_models.augment`.

Whatever is linear in rows and in columns alike (lost resolution, a round blur) is one matrix a
picture, applied from both sides. Random numbers come from torch's generator of the default device.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from onnx_models.live.jpeg import jpeg

GREY: Final = (0.299, 0.587, 0.114)
MOTION: Final = 5
"""Longest blur of a moving hand, pixels."""


def uniform(count: int, low: float, high: float, *more: int) -> Tensor:
    """(count, ...) between ``low`` and ``high``."""
    return low + (high - low) * torch.rand(count, *more)


def chance(count: int, share: float | Tensor) -> Tensor:
    """(count,) true so often."""
    return torch.rand(count) < share


def spread(scale: Tensor) -> Tensor:
    """A picture's number (n,) beside its (n, c, h, w)."""
    return scale[:, None, None, None]


def thinned(masks: Tensor) -> Tensor:
    """Masks (n, 1, h, w) without their outermost pixels."""
    return -nn.functional.max_pool2d(-masks, 3, 1, 1)


def inside(low: Tensor, high: Tensor, height: int, width: int) -> Tensor:
    """(n, 1, height, width) true in rectangles from ``low`` to before ``high``, (n, 2) as x, y."""
    across, along = (
        (line >= low[:, at, None]) & (line < high[:, at, None])
        for at, line in enumerate((torch.arange(width), torch.arange(height)))
    )
    return (along[:, :, None] & across[:, None])[:, None]


def lit(pixels: Tensor, strength: Tensor) -> Tensor:
    """Exposure, white balance, gamma and saturation of (n, 3, h, w) in 0..1; ``strength`` (n,)."""
    n = len(pixels)
    gains = torch.exp(torch.randn(n, 3) * 0.14 * strength[:, None])
    gains = gains * torch.exp(torch.randn(n, 1) * 0.28 * strength[:, None])
    power = torch.exp(torch.randn(n) * 0.2 * strength)
    lift = spread(uniform(n, 0, 0.12) * strength * chance(n, 0.3))
    curve = pixels.clamp(min=1e-5) ** spread(power)
    found = (lift + curve * gains[:, :, None, None] * (1 - lift)).clamp(0, 1)
    grey = torch.einsum("c,nchw->nhw", torch.tensor(GREY), found)[:, None]
    amount = torch.where(chance(n, 0.6), torch.exp(torch.randn(n) * 0.25 * strength), 1.0)
    return (grey + (found - grey) * spread(amount)).clamp(0, 1)


def reduced(small: Tensor, side: int) -> Tensor:
    """Matrices (n, side, side): the mean of areas down to ``small`` (n,) pixels, and linearly back.

    ``small`` <= side.
    """
    step = side / small[:, None, None]
    cell, pixel = torch.arange(side)[None, :, None], torch.arange(side)[None, None]
    over = torch.minimum((cell + 1) * step, pixel + 1.0) - torch.maximum(cell * step, pixel * 1.0)
    down = over.clamp(min=0) / step
    place = (torch.arange(side)[None, :, None] + 0.5) / step - 0.5
    place = torch.minimum(place.clamp(min=0), small[:, None, None] - 1)
    up = (1 - (place - torch.arange(side)[None, None]).abs()).clamp(min=0)
    return up @ down


def rounded(sigma: Tensor, side: int) -> Tensor:
    """Matrices (n, side, side) of a Gaussian blur of ``sigma`` (n,) pixels; 0: none."""
    at = torch.arange(side)
    away = (at[:, None] - at[None]) ** 2
    weight = torch.exp(-away[None] / (2 * sigma.clamp(min=0.05)[:, None, None] ** 2))
    return weight / weight.sum(2, keepdim=True)


def through(pixels: Tensor, matrix: Tensor) -> Tensor:
    """(n, c, s, s) with ``matrix`` (n, s, s) applied to its columns and its rows."""
    return matrix[:, None] @ pixels @ matrix[:, None].transpose(2, 3)


def moved(pixels: Tensor) -> Tensor:
    """Blurred along short lines (n, 3, h, w)."""
    n, c, h, w = pixels.shape
    middle = MOTION // 2
    angle, length = uniform(n, 0, torch.pi), uniform(n, 0.5, middle + 0.5)
    y, x = torch.meshgrid(
        torch.arange(MOTION) - middle, torch.arange(MOTION) - middle, indexing="ij"
    )
    along = x * torch.cos(angle)[:, None, None] + y * torch.sin(angle)[:, None, None]
    beside = y * torch.cos(angle)[:, None, None] - x * torch.sin(angle)[:, None, None]
    reach = (length[:, None, None] + 0.5 - along.abs()).clamp(0, 1)
    kernel = (1 - beside.abs()).clamp(min=0) * reach
    kernel = kernel / kernel.sum((1, 2), keepdim=True)
    kernel = kernel.repeat_interleave(c, 0)[:, None]
    padded = nn.functional.pad(pixels, (middle,) * 4, mode="reflect")
    flat = nn.functional.conv2d(padded.reshape(1, n * c, *padded.shape[2:]), kernel, groups=n * c)
    return flat.reshape(n, c, h, w)


def filed(pixels: Tensor, some: Tensor, low: float, high: float) -> Tensor:
    """``some`` (n,) of the pictures through JPEG of a quality between the two."""
    at = torch.nonzero(some)[:, 0]
    if len(at):
        pixels = pixels.index_copy(0, at, jpeg(pixels[at], uniform(len(at), low, high)))
    return pixels


def lens(pixels: Tensor) -> Tensor:
    """Uneven light, lost resolution, blur, sensor noise and JPEG of (n, 3, s, s) in 0..1."""
    n, _, side, _ = pixels.shape
    corners = torch.exp(torch.randn(n, 1, 2, 2) * 0.25 * spread(chance(n, 0.4) * 1.0))
    ramp = nn.functional.interpolate(corners, (side, side), mode="bilinear", align_corners=False)
    pixels = (pixels * ramp).clamp(0, 1)
    small = torch.where(chance(n, 0.25), torch.floor(side * uniform(n, 0.35, 0.9)), float(side))
    blurred, moving = chance(n, 0.4), chance(n, 0.3)
    sigma = uniform(n, 0.3, 1.4) * (blurred & ~moving)
    soft = torch.nonzero((small < side) | (sigma > 0))[:, 0]
    pixels[soft] = through(pixels[soft], rounded(sigma[soft], side) @ reduced(small[soft], side))
    at = torch.nonzero(blurred & moving)[:, 0]
    if len(at):
        pixels[at] = moved(pixels[at])
    noise = uniform(n, 1 / 255, 12 / 255) * chance(n, 0.5)
    pixels = (pixels + torch.randn_like(pixels) * spread(noise)).clamp(0, 1)
    return filed(pixels, chance(n, 0.6), 25, 91)
