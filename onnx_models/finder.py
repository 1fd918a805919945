"""Where the shoe is, and under what light: a small U-shaped network in front of the encoder.

A phone's photograph differs from a shop's first of all in what surrounds the shoe. The finder marks
the shoe's pixels (an encoder-decoder with skips, as U-Net, Ronneberger et al. 2015,
arXiv 1505.04597), and :func:`focus` turns photograph and mask into what the encoder sees: the shoe
alone on white, cropped to fill the frame, its light corrected. All of it is inside the exported
graph, so that serving needs one run and no second model.

Trained on the bank's composites, where the mask is known exactly, and to predict how the light
differs from the clean picture's (a white balance learned by simulation).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from onnx_models.blocks import weighted_mean
from onnx_models.separable import PLAN, stages

WIDTH: Final = 160
HEIGHT: Final = 128
"""Of the focused crop, pixels: shoes are wider than high."""
EDGE: Final = 0.004
"""Share of the mask's mass that may lie outside the box on each side: specks do not stretch it."""
MARGIN: Final = 0.04
NO_SHOE: Final = 0.01
"""Mean of the mask below which the whole picture is taken."""
FINE: Final = 32
"""Channels of the finder's own stem."""
SEEING: Final = (*PLAN[:3], PLAN[3][:2])
"""Layers of the body that it looks with."""


class Found(NamedTuple):
    """Mask logits (n, 48, 48) and the correction of log colours (n, 3)."""

    logits: Tensor
    light: Tensor


class Finder(nn.Module):
    """(n, 3, 192, 192) in 0..1 to a mask at a quarter of that size and the light's correction.

    What is shoe and what is not is told by a body of convolutions on the picture at half its
    size; a stem of its own keeps the edges.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, FINE, 6, 4, 1, bias=False), nn.BatchNorm2d(FINE), nn.ReLU()
        )
        self.stages = nn.ModuleList(stages(SEEING))
        texture, middle, _, deep = (layers[-1][1] for layers in SEEING)
        self.up3, self.skip3 = nn.Conv2d(deep, 96, 1), nn.Conv2d(middle, 96, 1)
        self.mix3 = _mix(96)
        self.up2, self.skip2 = nn.Conv2d(96, 48, 1), nn.Conv2d(texture, 48, 1)
        self.mix2 = _mix(48)
        self.up1, self.skip1 = nn.Conv2d(48, 24, 1), nn.Conv2d(FINE, 24, 1)
        self.mix1 = _mix(24)
        self.last = nn.Conv2d(24, 1, 3, 1, 1)
        self.light = nn.Sequential(nn.Linear(deep + 6, 64), nn.ReLU(), nn.Linear(64, 3))
        nn.init.zeros_(self.light[2].weight)
        nn.init.zeros_(self.light[2].bias)

    def forward(self, x: Tensor) -> Found:
        """Mask logits and light of pictures; bfloat16 only under the caller's autocast."""
        edges = self.stem((x - 0.5) * 4)
        maps = [nn.functional.avg_pool2d(x, 2)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        _, texture, middle, _, deep = maps
        y = self.mix3(_twice(self.up3(deep)) + self.skip3(middle))
        y = self.mix2(_twice(self.up2(y)) + self.skip2(texture))
        y = self.mix1(_twice(self.up1(y)) + self.skip1(edges))
        logits = self.last(y)[:, 0].float()
        mask = torch.sigmoid(logits)[:, None]
        logs = torch.log(nn.functional.avg_pool2d(x, 4).float() + 0.03)
        shoe = weighted_mean(logs, mask)
        rest = weighted_mean(logs, 1 - mask)
        seen = torch.cat([deep.float().mean((2, 3)), shoe, rest], dim=1)
        return Found(logits, self.light(seen).float())

    def knows(self) -> list[nn.Parameter]:
        """What begins as a trained body."""
        return list(self.stages.parameters())

    def fresh(self) -> list[nn.Parameter]:
        """What starts from nothing and may learn faster."""
        return [p for name, p in self.named_parameters() if not name.startswith("stages.")]


def _mix(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
    )


def _twice(x: Tensor) -> Tensor:
    return nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _span(mass: Tensor) -> tuple[Tensor, Tensor]:
    """Start and end (n,), in 0..1, of what holds all but EDGE of the mass (n, k) at each side."""
    share = torch.cumsum(mass, dim=1) / (mass.sum(dim=1, keepdim=True) + 1e-6)
    start = (share < EDGE).float().mean(dim=1)
    end = (share < 1 - EDGE).float().mean(dim=1) + 1 / mass.shape[1]
    return start, end


def boxes(mask: Tensor) -> Tensor:
    """(n, 4) left, top, right, bottom in 0..1 of masks (n, k, k); the whole where none."""
    firm = torch.relu(mask - 0.3)
    left, right = _span(firm.sum(dim=1))
    top, bottom = _span(firm.sum(dim=2))
    found = torch.stack([left, top, right, bottom], dim=1)
    whole = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand_as(found)
    there = (mask.mean((1, 2)) > NO_SHOE).float()[:, None]
    return found * there + whole * (1 - there)


def _between(at: Tensor, count: int) -> Tensor:
    """Shares (n, m, count) of ``count`` pixels in a row at places (n, m): linear between their
    middles, nothing outside."""
    return torch.relu(1 - (at[:, :, None] - torch.arange(count)).abs())


def _rows(picture: Tensor, at: Tensor) -> Tensor:
    """Rows (n, c, m, k) of (n, c, k, k) at places (n, m), in rows and between them."""
    n, c, k, _ = picture.shape
    first = torch.floor(at)
    lines, start = picture.flatten(0, 2), (torch.arange(n * c) * k).reshape(n, c, 1)
    found = torch.zeros(())
    for step, share in ((0, 1 - (at - first)), (1, at - first)):
        place = first + step
        inside = ((place >= 0) & (place < k)).to(share.dtype)
        rows = start + place.clamp(0, k - 1).long()[:, None]
        part = lines[rows.flatten()].reshape(n, c, at.shape[1], k)
        found = found + part * (share * inside)[:, None, :, None]
    return found


def _sample(picture: Tensor, kept: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
    """Crops (n, c, HEIGHT, WIDTH) of a picture (n, c, k, k) and (n, 1, HEIGHT, WIDTH) of its
    opacity ``kept`` (n, j, j) around boxes ``where``, aspect ratio kept.

    What torch's grid_sample gives (bilinear, zeros outside), a line at a time, for a crop's grid is
    a product of two lines: in onnxruntime two thirds of the time (0.37 ms for 0.57, one thread).
    """
    width, height = WIDTH, HEIGHT
    n, c, k, _ = picture.shape
    j = kept.shape[1]
    middle_x, middle_y = (where[:, 0] + where[:, 2]) / 2, (where[:, 1] + where[:, 3]) / 2
    wide, high = where[:, 2] - where[:, 0], where[:, 3] - where[:, 1]
    reach = torch.maximum(wide, high * (width / height)) * (1 + 2 * MARGIN) / 2
    x = torch.linspace(-1 + 1 / width, 1 - 1 / width, width)
    y = torch.linspace(-1 + 1 / height, 1 - 1 / height, height) * (height / width)
    across = middle_x[:, None] + reach[:, None] * x[None]
    along = middle_y[:, None] + reach[:, None] * y[None]
    rows = _rows(picture, along * k - 0.5).reshape(n, c * height, k)
    colours = rows @ _between(across * k - 0.5, k).transpose(1, 2)
    alpha = _between(along * j - 0.5, j) @ kept @ _between(across * j - 0.5, j).transpose(1, 2)
    return colours.reshape(n, c, height, width), alpha[:, None]


def opacity(mask: Tensor) -> Tensor:
    """How much of each pixel is kept (n, k, k), of masks (n, k, k): all of it where the finder sees
    no shoe."""
    there = (mask.mean((1, 2)) > NO_SHOE).float()[:, None, None]
    return (mask * 2.2 - 0.3).clamp(0, 1) * there + (1 - there)


def focus(x: Tensor, found: Found) -> Tensor:
    """The shoe alone (n, 4, HEIGHT, WIDTH): corrected colours on white, and opacity.

    Where the finder sees no shoe, the whole picture is passed on with full opacity.
    """
    mask = torch.sigmoid(found.logits)
    colours, alpha = _sample(x, opacity(mask), boxes(mask))
    colours = (colours * torch.exp(found.light)[:, :, None, None]).clamp(0, 1)
    return torch.cat([colours * alpha + (1 - alpha), alpha], dim=1)


def loss(found: Found, masks: Tensor, known: Tensor, light: Tensor, lit: Tensor) -> Tensor:
    """Cross-entropy and Dice loss on masks (n, 48, 48) in 0..1, L1 on the light."""
    cross = nn.functional.binary_cross_entropy_with_logits(found.logits, masks, reduction="none")
    mask = torch.sigmoid(found.logits)
    both = (mask * masks).sum((1, 2))
    dice = 1 - (2 * both + 10) / (mask.sum((1, 2)) + masks.sum((1, 2)) + 10)
    per = (cross.mean((1, 2)) * 2 + dice) * known
    away = (found.light - light).abs().mean(1) * lit
    return per.sum() / known.sum().clamp(min=1) + away.sum() / lit.sum().clamp(min=1)
