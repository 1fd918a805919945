"""Colourways that nobody made: a shoe of the data in other colours.

Of more than a third of the products names tell which others are the same model in other colours
(:mod:`onnx_models.named`); of the rest nothing does. Here the colours of a cut-out are turned by a
symmetry of the colour cube: channels change places, and at least one is turned over, so that black
and white take colours as well. Distances between colours stay, and with them every seam and panel.
Then each channel takes another curve and the whole less saturation.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from onnx_models.dataset import F32, U8

OVER: Final = (0.4, 0.4, 0.2)
"""How often one, two or all three channels are turned over: all three is a negative, whose shadows
are bright."""
CURVE: Final = 0.35
"""Deviation of a channel's log exponent."""
KEPT: Final = (0.35, 1.0)
"""Share of the saturation that stays."""


def recoloured(crops: U8, rng: np.random.Generator, saturation: tuple[float, float] = KEPT) -> U8:
    """Crops (n, h, w, 4) of one shoe on white, all of them in the same other colours as far as
    they are opaque; ``saturation``: between which shares of it stay."""
    places = rng.permutation(3)
    over = rng.permutation(3) < rng.choice(3, p=OVER) + 1
    exponents = np.exp(rng.normal(0, CURVE, 3)).astype(np.float32)
    kept = np.float32(rng.uniform(*saturation))
    share = crops[..., 3:].astype(np.float32) / 255
    # On white: the shoe's own share of a pixel's colour, before it is put there again.
    own = np.clip(1 - (1 - crops[..., :3].astype(np.float32) / 255) / np.maximum(share, 0.1), 0, 1)
    turned: F32 = np.where(over, 1 - own[..., places], own[..., places]) ** exponents
    grey = turned.mean(axis=-1, keepdims=True)
    turned = grey + (turned - grey) * kept
    painted = turned * share + (1 - share)
    return np.concatenate([(painted * 255 + 0.5).astype(np.uint8), crops[..., 3:]], axis=-1)
