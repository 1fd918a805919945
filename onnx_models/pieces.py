"""A part of the shoe as a view of it: what is learned of the whole must be told by a part.

Seen from above, behind or below, a part of what a shop's picture shows is all that is left, and few
products in the data show such sides. Parts made of the pictures that there are teach the same
(local to global, as in Caron et al. 2021, arXiv 2104.14294).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

from onnx_models.finder import Found

KEPT: Final = (0.3, 0.9)
"""Share of the mask's mass that is left on one side of a line."""
GONE: Final = 12.0
"""What the mask's logits lose beyond the line."""
EDGE: Final = 2.0
"""Steepness of the line, a cell of the mask."""


def partly(found: Found, rng: np.random.Generator) -> Found:
    """What a finder would have found had it seen the shoe on one side of a random line only, so
    that the crop is of that part and its colours are in other proportions."""
    count = len(found.logits)
    angle, share = (
        torch.from_numpy(rng.uniform(low, up, count).astype(np.float32))
        for low, up in ((0.0, 2 * np.pi), KEPT)
    )
    return beside(found, angle, share)


def beside(found: Found, angle: Tensor, share: Tensor) -> Found:
    """The same of the shoe on one side of lines of ``angle`` (n,), where ``share`` (n,) of the
    mask's mass lies."""
    _, high, wide = found.logits.shape
    angle, share = angle[:, None], share[:, None]
    y, x = torch.meshgrid(torch.arange(high) + 0.0, torch.arange(wide) + 0.0, indexing="ij")
    along = x.flatten() * torch.cos(angle) + y.flatten() * torch.sin(angle)
    order = along.argsort(1)
    mass = torch.gather(torch.sigmoid(found.logits).flatten(1), 1, order).cumsum(1)
    last = (mass < share * mass[:, -1:]).sum(1, keepdim=True).clamp(max=high * wide - 1)
    line = torch.gather(along, 1, torch.gather(order, 1, last))
    beyond = torch.sigmoid((along - line) * EDGE).reshape(found.logits.shape)
    return Found(found.logits - GONE * beyond, found.light)
