"""A phone, or another shop's studio, in front of a batch of cut-outs: views made on a GPU.

The same scene and the same ranges as :class:`onnx_models.augment.Camera`, which makes one view at a
time on a CPU: another backdrop, angle, light, lens and file, sometimes the other shoe of the pair,
sometimes something in front. A view is seen once, so that no network learns one by heart.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from onnx_models.dataset import CACHE_SIZE
from onnx_models.live.optics import (
    chance,
    filed,
    inside,
    lens,
    lit,
    rounded,
    spread,
    thinned,
    through,
    uniform,
)

SHADOW: Final = 48
"""Pixels a side at which a shadow is blurred."""
SURE: Final = 0.5
LEAST: Final = 60
"""Pixels of a shoe below which its mean colour says nothing."""


class Cuts(NamedTuple):
    """n cut-outs: pixels (n, 3, s, s) in 0..1 before their own backdrop, opacity (n, 1, s, s), the
    shoe's boxes (n, 4) in pixels, and whether opacity is known (n,)."""

    pixels: Tensor
    opacity: Tensor
    boxes: Tensor
    masked: Tensor

    def some(self, at: Tensor) -> Cuts:
        """Those at ``at``."""
        return Cuts(*(value[at] for value in self))


class Views(NamedTuple):
    """n views (n, 3, s, s) in 0..1, their masks (n, 1, s, s), mean log colour of the shoe in its
    cut-out less that in the view (n, 3), and whether that is known (n,)."""

    pixels: Tensor
    masks: Tensor
    light: Tensor
    lit: Tensor


def _logs(pixels: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
    """Mean log colours (n, 3) where the mask is sure, and whether there is enough (n,)."""
    inside = (masks > SURE).float()
    count = inside.sum((1, 2, 3))
    logs = (torch.log(pixels + 0.03) * inside).sum((2, 3)) / count.clamp(min=1)[:, None]
    return logs, count >= LEAST


def homographies(source: Tensor, target: Tensor) -> Tensor:
    """Matrices (n, 3, 3) that take corners ``source`` (n, 4, 2) to ``target`` (n, 4, 2), the middle
    of the source in front of the viewer; nonsense, but finite, where corners lie in a line."""
    n = len(source)
    x, y = source.double().unbind(2)
    u, v = target.double().unbind(2)
    one, zero = torch.ones_like(x), torch.zeros_like(x)
    rows = torch.cat([
        torch.stack([x, y, one, zero, zero, zero, -u * x, -u * y], 2),
        torch.stack([zero, zero, zero, x, y, one, -v * x, -v * y], 2),
    ], 1)  # fmt: skip
    found, _ = torch.linalg.solve_ex(rows, torch.cat([u, v], 1)[:, :, None])
    found = torch.cat([found.nan_to_num(0, 0, 0)[:, :, 0], torch.ones(n, 1, dtype=found.dtype)], 1)
    depth = found[:, 6] * x.mean(1) + found[:, 7] * y.mean(1) + 1
    return (found * torch.sign(depth)[:, None]).reshape(n, 3, 3).float()


def seen_through(pixels: Tensor, matrices: Tensor, high: int, wide: int) -> Tensor:
    """(n, c, high, wide) of pictures (n, c, h, w), 0 around them: where each pixel is looked up,
    ``matrices`` (n, 3, 3) say, in pixels."""
    y, x = torch.meshgrid(torch.arange(high) * 1.0, torch.arange(wide) * 1.0, indexing="ij")
    spots = torch.stack([x.flatten(), y.flatten(), torch.ones(high * wide)])
    at = matrices @ spots
    # A plane seen from its edge or from behind is nowhere.
    at = at[:, :2] / torch.where(at[:, 2:] > 1e-3, at[:, 2:], 1e-6)
    size = torch.tensor([pixels.shape[3], pixels.shape[2]])[None, :, None]
    grid = ((at + 0.5) * 2 / size - 1).transpose(1, 2).reshape(-1, high, wide, 2)
    return nn.functional.grid_sample(pixels, grid, align_corners=False)


def looked_at(pixels: Tensor, opacity: Tensor, matrices: Tensor) -> tuple[Tensor, Tensor]:
    """Cut-outs as ``matrices`` say: pixels (n, 3, h, w) on white, and opacity (n, 1, h, w)."""
    high, wide = pixels.shape[2:]
    seen = seen_through(torch.cat([1 - pixels, opacity], 1), matrices, high, wide)
    return 1 - seen[:, :3], seen[:, 3:]


def cropped(pictures: Tensor, side: int, least: float) -> Tensor:
    """Random squares of pictures (n, k, k, 3) uint8, ``least`` of their side or more, as
    (n, 3, side, side) in 0..1."""
    n, whole = len(pictures), pictures.shape[1]
    kept = uniform(n, least, 1.0)
    corner = torch.rand(n, 2) * (1 - kept)[:, None] * whole
    step, zero, one = kept * whole / side, torch.zeros(n), torch.ones(n)
    rows = torch.stack([step, zero, corner[:, 0], zero, step, corner[:, 1], zero, zero, one], 1)
    pixels = pictures.permute(0, 3, 1, 2).float() / 255
    return seen_through(pixels, rows.reshape(n, 3, 3), side, side)


def placed(cuts: Cuts, scale: Tensor, strength: Tensor, frame: Tensor, boxes: Tensor) -> Tensor:
    """Matrices (n, 3, 3) from views to cut-outs, as :func:`onnx_models.augment._placement` has them
    the other way round: ``scale`` (n,) = the longer side of the box over the view's, ``strength``
    (n,) of turns and slants, ``frame`` (n, 2) the photograph's share of the view."""
    n, side = len(scale), cuts.pixels.shape[3]
    x0, y0, x1, y1 = boxes.unbind(1)
    x1, y1 = torch.maximum(x1, x0 + 2), torch.maximum(y1, y0 + 2)
    source = torch.stack([x0, y0, x1, y0, x1, y1, x0, y1], 1).reshape(n, 4, 2)
    half = torch.tensor([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    size = torch.stack([x1 - x0, y1 - y0], 1)
    extent = size / size.amax(1, keepdim=True) * (scale * side)[:, None]
    stretch = torch.exp(torch.randn(n) * 0.08 * strength)
    corners = half * (extent * torch.stack([stretch, 1 / stretch], 1))[:, None]
    slant = uniform(n, -0.5, 0.5, 4, 2) * (extent.amin(1) * 0.4 * strength)[:, None, None]
    degrees = torch.randn(n) * 14 * strength
    degrees = degrees + uniform(n, -90, 90) * (chance(n, 0.08) & (strength > 0.5))
    cos, sin = torch.cos(torch.deg2rad(degrees)), torch.sin(torch.deg2rad(degrees))
    turn = torch.stack([cos, sin, -sin, cos], 1).reshape(n, 2, 2)
    corners = (corners + slant) @ turn
    mirror = torch.where(chance(n, 0.5), -1.0, 1.0)
    corners = corners * torch.stack([mirror, torch.ones(n)], 1)[:, None]
    room = side * frame / 2 - corners.abs().amax(1)
    room = torch.maximum(room, (side * 0.06 * strength)[:, None])
    aside = uniform(n, -1, 1, 2) * room * (strength + 0.2).clamp(max=1)[:, None]
    return homographies(corners + side / 2 + aside[:, None], source)


class Camera:
    """Makes views; ``backdrops`` (b, k, k, 3) uint8 on the default device."""

    def __init__(self, backdrops: Tensor) -> None:
        self.backdrops = backdrops

    def behind(self, count: int, side: int) -> Tensor:
        """Backdrops (count, 3, side, side): crops, mirrored and laid on their side."""
        some = self.backdrops[torch.randint(len(self.backdrops), (count,))]
        pixels = cropped(some, side, 0.4)
        pixels = torch.where(spread(chance(count, 0.5)), pixels.flip(3), pixels)
        return torch.where(spread(chance(count, 0.3)), pixels.transpose(2, 3), pixels)

    def shots(self, cuts: Cuts, strength: Tensor) -> Views:
        """What a phone sends, one view of each cut-out; ``strength`` (n,) in 0..1."""
        n, side = len(strength), cuts.pixels.shape[3]
        close = chance(n, 0.3 * strength)
        scale = torch.where(close, uniform(n, 1.0, 1.7), uniform(n, 0.5, 1.0))
        narrow = torch.where(chance(n, 0.6), uniform(n, 0.5, 1.0), 1.0)
        lying = chance(n, 0.5)
        frame = torch.stack([torch.where(lying, narrow, 1.0), torch.where(lying, 1.0, narrow)], 1)
        extent = cuts.boxes[:, 2:] - cuts.boxes[:, :2]
        fits = (frame * extent.amax(1, keepdim=True) / extent).amin(1).clamp(max=1)
        scale = torch.where(narrow < 1, scale * fits, scale)
        pixels, masks = looked_at(
            cuts.pixels, cuts.opacity, placed(cuts, scale, strength, frame, cuts.boxes)
        )
        # The outermost pixels hold the old backdrop: a halo would give the shoe away.
        thin = cuts.masked & chance(n, 0.75)
        masks = torch.where(spread(thin), thinned(masks), masks)
        elsewhere = torch.nonzero(cuts.masked & chance(n, 0.85))[:, 0]
        if len(elsewhere):
            pixels[elsewhere], masks[elsewhere] = self._composed(
                pixels[elsewhere], masks[elsewhere], cuts, elsewhere, scale, strength, frame
            )
        pixels = lens(lit(pixels, strength))
        bars = ((1 - frame) * side / 2).floor()
        shown = inside(bars, side - bars, side, side)
        return told(cuts, torch.where(shown, pixels, 1.0), masks * shown)

    def _composed(
        self, pixels: Tensor, masks: Tensor, cuts: Cuts, at: Tensor, scale: Tensor,
        strength: Tensor, frame: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Shoes on other backdrops, with the other of the pair, shadows, and something in front."""
        n, side = len(at), pixels.shape[3]
        strength = strength[at]
        two = torch.nonzero(chance(n, 0.2 * strength))[:, 0]
        if len(two):
            pixels[two], masks[two] = paired(
                pixels[two], masks[two], cuts.some(at[two]), scale[at[two]], strength[two],
                frame[at[two]],
            )  # fmt: skip
        backdrop = self.behind(n, side)
        shift = torch.stack([torch.ones(n), torch.zeros(n), -uniform(n, -side / 12, side / 8),
                             torch.zeros(n), torch.ones(n), -uniform(n, -side / 12, side / 8),
                             torch.zeros(n), torch.zeros(n), torch.ones(n)], 1)  # fmt: skip
        shade = seen_through(masks, shift.reshape(n, 3, 3), side, side)
        shade = nn.functional.adaptive_avg_pool2d(shade, SHADOW)
        shade = through(shade, rounded(uniform(n, 2, 8) * SHADOW / side, SHADOW))
        shade = nn.functional.interpolate(shade, (side, side), mode="bilinear")
        backdrop = backdrop * (1 - shade * spread(uniform(n, 0.2, 0.7) * chance(n, 0.4)))
        soft = nn.functional.avg_pool2d(nn.functional.pad(masks, (1,) * 4, mode="replicate"), 2, 1)
        soft = nn.functional.avg_pool2d(soft, 2, 1)
        pixels = pixels * soft + backdrop * (1 - soft)
        size = uniform(n, 0.1, 0.4, 2) * side
        start = torch.rand(n, 2) * (side - size)
        over = inside(start, start + size, side, side) & spread(chance(n, 0.2 * strength))
        return torch.where(over, self.behind(n, side), pixels), masks * ~over

    def shops(self, cuts: Cuts) -> Views:
        """Mild views, like the pictures that fill a catalogue."""
        n, side = len(cuts.masked), cuts.pixels.shape[3]
        pair = cuts.masked & chance(n, 0.2)
        scale = torch.where(pair, uniform(n, 0.55, 0.8), uniform(n, 0.8, 1.0))
        whole = torch.tensor([0.0, 0.0, side, side]).expand(n, 4)
        boxes = torch.where((~pair & chance(n, 0.5))[:, None], whole, cuts.boxes)
        mild, frame = torch.full((n,), 0.15), torch.ones(n, 2)
        pixels, masks = looked_at(
            cuts.pixels, cuts.opacity, placed(cuts, scale, mild, frame, boxes)
        )
        two = torch.nonzero(pair)[:, 0]
        if len(two):
            pixels[two], masks[two] = paired(
                pixels[two], masks[two], cuts.some(two), scale[two], mild[two] + 0.35, frame[two]
            )
        tone = (uniform(n, 200, 255, 1) + torch.randn(n, 3) * 3).clamp(max=255) / 255
        toned = spread(cuts.masked & chance(n, 0.3)) & (masks == 0)
        pixels = torch.where(toned, tone[:, :, None, None], pixels)
        pixels = lit(pixels, torch.full((n,), 0.25))
        return told(cuts, filed(pixels, chance(n, 0.3), 60, 95), masks)

    def scenes(self, pictures: Tensor) -> Views:
        """Views of pictures (n, k, k, 3) uint8 with no shoe in them."""
        n, side = len(pictures), CACHE_SIZE
        pixels = cropped(pictures, side, 0.7)
        nothing = torch.zeros(n, 1, side, side)
        pixels = lens(lit(pixels, uniform(n, 0.3, 1.0)))
        return Views(pixels, nothing, torch.zeros(n, 3), torch.zeros(n, dtype=torch.bool))


def paired(
    pixels: Tensor, masks: Tensor, cuts: Cuts, scale: Tensor, strength: Tensor, frame: Tensor
) -> tuple[Tensor, Tensor]:
    """With the other shoe of the pair behind the first, at another angle."""
    scale = scale * uniform(len(scale), 0.8, 1.0)
    at = placed(cuts, scale, strength, frame, cuts.boxes)
    other, more = looked_at(cuts.pixels, cuts.opacity, at)
    behind = (masks < SURE) & (more >= SURE)
    return torch.where(behind, other, pixels), torch.where(behind, 1.0, masks)


def told(cuts: Cuts, pixels: Tensor, masks: Tensor) -> Views:
    """Views, and how their light differs from the cut-outs'."""
    (before, enough), (after, left) = _logs(cuts.pixels, cuts.opacity), _logs(pixels, masks)
    known = cuts.masked & enough & left
    return Views(pixels, masks, (before - after) * known[:, None], known)
