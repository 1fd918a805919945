"""JPEG's loss on batches of pictures, as tensors: what a file does to a photograph, on a GPU.

Baseline JPEG as T.81 and JFIF have it: YCbCr, colours at half the size, cosine transforms of 8 x 8
in integers by the example tables of T.81's annex K, scaled by a quality as the Independent JPEG
Group's library does. Only the lossless end, the coding of those integers, is left out.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn

BLOCK: Final = 8
BRIGHTNESS: Final = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
COLOUR: Final = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    *(99,) * 32,
)  # fmt: skip
TO_YCC: Final = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
TO_RGB: Final = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def _cosines() -> Tensor:
    """The orthonormal cosine transform of 8 values (8, 8)."""
    k, x = torch.arange(BLOCK)[:, None], torch.arange(BLOCK)[None]
    found = torch.cos((2 * x + 1) * k * math.pi / (2 * BLOCK)) * math.sqrt(2 / BLOCK)
    found[0] /= math.sqrt(2)
    return found


def _tables(base: tuple[int, ...], quality: Tensor) -> Tensor:
    """Steps (n, 1, 1, 1, 8, 8) of qualities (n,) in 1..100, columns first."""
    scale = torch.where(quality < 50, torch.floor(5000 / quality), 200 - 2 * quality)
    table = torch.tensor(base, dtype=torch.float32).reshape(BLOCK, BLOCK).T
    steps = torch.floor((table * scale[:, None, None] + 50) / 100).clamp(1, 255)
    return steps[:, None, None, None]


def _rounded(plane: Tensor, steps: Tensor) -> Tensor:
    """Planes (n, c, h, w) in 0..255 about 0 after the loss; h and w divide by 8."""
    n, c, h, w = plane.shape
    turn = _cosines()
    rows = plane.reshape(n, c, h // BLOCK, BLOCK, w // BLOCK, BLOCK)
    # One large product for each axis: a small one a block would leave a GPU idle.
    across = (rows @ turn.T).permute(0, 1, 2, 4, 5, 3)
    waves = across @ turn.T
    waves = torch.round(waves / steps) * steps
    back = (waves @ turn).transpose(4, 5) @ turn
    return back.permute(0, 1, 2, 4, 3, 5).reshape(n, c, h, w)


def jpeg(pixels: Tensor, quality: Tensor) -> Tensor:
    """Pictures (n, 3, s, s) in 0..1, s divisible by 16, through JPEG of ``quality`` (n,) and back;
    computed in float32 whatever autocast says."""
    with torch.autocast(pixels.device.type, enabled=False):
        quality = torch.round(quality.float())
        rgb = torch.round(pixels.float() * 255)
        ycc = torch.einsum("dc,nchw->ndhw", torch.tensor(TO_YCC), rgb)
        bright = _rounded(ycc[:, :1] - 128, _tables(BRIGHTNESS, quality)) + 128
        small = nn.functional.avg_pool2d(ycc[:, 1:], 2)
        small = _rounded(small, _tables(COLOUR, quality))
        colours = nn.functional.interpolate(
            small, scale_factor=2.0, mode="bilinear", align_corners=False
        )
        back = torch.cat([bright, colours], dim=1)
        rgb = torch.einsum("dc,nchw->ndhw", torch.tensor(TO_RGB), back)
        return torch.round(rgb).clamp(0, 255) / 255
