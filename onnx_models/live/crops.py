"""What the finder and true masks cut out of views, and how a crop is looked at once more."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from onnx_models.crops import LOOKED
from onnx_models.finder import HEIGHT, WIDTH, Found
from onnx_models.live.camera import Views, looked_at
from onnx_models.live.optics import chance, inside, spread, thinned, uniform
from onnx_models.pieces import KEPT, beside
from onnx_models.warped import ASIDE, ASPECT, CURVE, LEAN, SHEAR, TURN, WARPED, ZOOM


def known(found: Found, views: Views, share: float = 1 - LOOKED) -> Found:
    """The finder's answers, ``share`` of them changed for true masks, a little wrong, as a finder's
    are, and for a part of the true light."""
    n = len(views.pixels)
    masks = views.masks
    grown = nn.functional.max_pool2d(masks, 5, 1, 2)
    kind = torch.rand(n)
    masks = torch.where(spread(kind < 0.42), thinned(masks), masks)
    masks = torch.where(spread(kind < 0.3), grown, masks)
    small = nn.functional.adaptive_avg_pool2d(masks, found.logits.shape[1])[:, 0]
    logits = torch.logit(small.clamp(0.002, 0.998))
    there = (views.masks.mean((1, 2, 3)) > 0.01) & chance(n, share)
    light = views.light * uniform(n, 0.1, 0.7, 1)
    return Found(
        torch.where(there[:, None, None], logits, found.logits),
        torch.where((there & views.lit)[:, None], light, found.light),
    )


def partly(found: Found, some: Tensor) -> Found:
    """As :func:`onnx_models.pieces.partly`, ``some`` (n,) of them."""
    count = len(some)
    cut = beside(found, uniform(count, 0, 2 * math.pi), uniform(count, *KEPT))
    return Found(torch.where(some[:, None, None], cut.logits, found.logits), found.light)


def looked_again(crops: Tensor) -> Tensor:
    """WARPED of the crops (n, 4, h, w) by a homography near the identity and under another curve
    (:mod:`onnx_models.warped`); all of them as :func:`onnx_models.sampler.jitter` shifts them."""
    n = len(crops)
    at = torch.nonzero(chance(n, WARPED))[:, 0]
    count = len(at)
    zoom, aspect, turn, shear = (
        torch.randn(count) * scale for scale in (ZOOM, ASPECT / 2, TURN, SHEAR)
    )
    cos, sin = torch.cos(turn), torch.sin(turn)
    across, down = torch.exp(zoom + aspect), torch.exp(zoom - aspect)
    aside, lean = torch.randn(2, count) * ASIDE, torch.randn(2, count) * LEAN
    rows = [across * cos, shear - across * sin, aside[0], down * sin, down * cos, aside[1],
            lean[0], lean[1], torch.ones(count)]  # fmt: skip
    near = torch.stack(rows, 1).reshape(count, 3, 3)
    half = WIDTH / 2
    middle = torch.tensor([[half, 0, half], [0, half, HEIGHT / 2], [0, 0, 1]])
    matrices = middle @ torch.linalg.inv(near) @ torch.linalg.inv(middle)
    colours, alpha = looked_at(crops[at, :3], crops[at, 3:], matrices)
    colours = colours.clamp(1e-5, 1) ** spread(torch.exp(torch.randn(count) * CURVE))
    crops = crops.index_copy(0, at, torch.cat([colours, alpha], 1))
    crops = torch.where(spread(chance(n, 0.5)), crops.flip(3), crops)
    sides = torch.tensor([WIDTH, HEIGHT])
    size = uniform(n, 0.15, 0.45, 2) * sides
    start = torch.rand(n, 2) * (sides - size)
    hidden = inside(start, start + size, HEIGHT, WIDTH) & spread(chance(n, 0.15))
    white = torch.tensor([1.0, 1.0, 1.0, 0.0])[None, :, None, None]
    crops = torch.where(hidden, white, crops)
    gains = torch.exp(torch.randn(n, 3) * 0.05 + torch.randn(n, 1) * 0.08)
    colours, alpha = crops[:, :3], crops[:, 3:]
    lit = (colours * gains[:, :, None, None]).clamp(0, 1)
    return torch.cat([lit * alpha + colours * (1 - alpha), alpha], 1)
