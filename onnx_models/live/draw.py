"""Batches of views made for their step: who meets whom as in :mod:`onnx_models.sampler`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from onnx_models.bank import CLEAN, MILD, SCENE, SHOT, Bank
from onnx_models.colours import clues
from onnx_models.dataset import I64, U8, Row
from onnx_models.finder import Finder, Found, focus
from onnx_models.live.camera import Camera, Views
from onnx_models.live.crops import known, looked_again, partly
from onnx_models.live.optics import chance, uniform
from onnx_models.live.shoes import Maps, Shoes, Turned
from onnx_models.palette import PARTLY
from onnx_models.precision import bfloat16
from onnx_models.sampler import CATALOGUE, Batch, Pairing

CHUNK: Final = 512
"""Views made at a time: what is between them and the cut-outs does not stay in memory."""
RECOLOURED: Final = 0.15
"""Share of a batch in other colours, drawn anew each time: another product, the same model."""
SIDES: Final = 0.5
"""Of them, how many are two different pictures of one product."""
LESS_CLEAN: Final = 0.4
"""Of a shop's views, how many are another studio's."""
TURNED: Final = {SHOT: 0.4, MILD: 0.3, CLEAN: 0.0}
HALVED: Final = 0.5


@dataclass(frozen=True)
class Live(Batch):
    """A batch whose views (2n, 3, s, s), masks (2n, 1, s, s), light (2n, 3) and whether that and
    the mask are known (2n,) are there, and what the finder says of them: logits (2n, k, k) and
    ``correction`` (2n, 3); ``phone`` (2n,) and ``clean`` (2n,): a phone's view, and the served
    picture itself."""

    pixels: Tensor
    masks: Tensor
    light: Tensor
    lit: Tensor
    masked: Tensor
    logits: Tensor
    correction: Tensor
    phone: Tensor
    clean: Tensor

    @torch.no_grad()
    def read(self) -> Tensor:
        """What the palette reads (2n, CLUES): of PARTLY of the phone's views a part of the shoe."""
        some = self.phone & chance(len(self.phone), PARTLY)
        seen = partly(Found(self.logits, self.correction), some)
        return torch.cat([
            clues(x, focus(x, Found(*one)), Found(*one))
            for x, *one in zip(*(v.split(CHUNK) for v in (self.pixels, *seen)), strict=True)
        ])  # fmt: skip


class Studio:
    """Makes batches of ``size`` pairs; ``finder`` cuts the shoes out."""

    def __init__(
        self, rows: list[Row], bank: Bank, near: I64, shoes: Shoes, pools: tuple[U8, U8],
        finder: Finder, size: int, seed: int,
    ) -> None:  # fmt: skip
        """``near`` as :class:`Pairing` has it; ``pools``: backdrops, and pictures without a
        shoe."""
        self.pairing = Pairing(rows, bank, near, seed)
        self.shoes, self.finder, self.size, self.seed = shoes, finder, size, seed
        there = torch.get_default_device()
        behind, empty = (torch.from_numpy(pool).to(there) for pool in pools)
        self.camera, self.empty = Camera(behind), empty
        self.turns: Iterator[Turned] = iter(())
        self.each = 0

    def _pairs(self) -> tuple[I64, I64]:
        """Rows whose pictures are shown (2n,), -1 a scene; and rows they count as (2n,), -1 where
        nothing is known of them."""
        pairing, rng = self.pairing, self.pairing.rng
        again = int(self.size * RECOLOURED)
        pairs = pairing.pairs(self.size - again)
        known_ones = np.array(pairs)
        lone = [one for one, two in pairs if one == two and one >= 0]
        groups = pairing.several.real
        sides = min(int(again * SIDES), len(groups))
        others = [
            tuple(rng.choice(groups[int(at)], 2, replace=False))
            for at in rng.choice(len(groups), sides, replace=False)
        ]
        others += [(int(row), int(row)) for row in rng.choice(lone, again - sides, replace=False)]
        shown = np.concatenate([known_ones, np.array(others).reshape(-1, 2)])
        counted = np.concatenate([known_ones, np.full((again, 2), -1)])
        return shown.T.flatten(), counted.T.flatten()

    def _kinds(self, shown: I64) -> U8:
        """Of views of rows (2n,): first a phone's, then mostly a shop's."""
        rng, n = self.pairing.rng, len(shown) // 2
        shop = np.where(rng.random(n) < LESS_CLEAN, MILD, CLEAN)
        second = np.where(rng.random(n) < CATALOGUE, shop, SHOT)
        kinds = np.concatenate([np.full(n, SHOT), second])
        return np.where(shown < 0, SCENE, kinds).astype(np.uint8)

    def _views(self, shown: Tensor, kinds: Tensor, repainted: Tensor) -> Views:
        n, side = len(shown), self.shoes.rgba.shape[1]
        maps = Maps.drawn(n // 2).twice()
        views = Views(
            torch.empty(n, 3, side, side), torch.zeros(n, 1, side, side), torch.zeros(n, 3),
            torch.zeros(n, dtype=torch.bool),
        )  # fmt: skip
        for kind in (SHOT, MILD, CLEAN, SCENE):
            for at in torch.nonzero(kinds == kind)[:, 0].split(CHUNK):
                for whole, made in zip(views, self._made(shown[at], kind, maps.some(at),
                                                         repainted[at]), strict=True):  # fmt: skip
                    whole[at] = made
        return views

    def _made(self, shown: Tensor, kind: int, maps: Maps, repainted: Tensor) -> Views:
        n = len(shown)
        if kind == SCENE:
            return self.camera.scenes(self.empty[torch.randint(len(self.empty), (n,))])
        halved = chance(n, HALVED if kind != CLEAN else 0.0)
        cuts = self.shoes.cuts(shown, chance(n, TURNED[kind]), halved)
        at = torch.nonzero(repainted & cuts.masked)[:, 0]
        if len(at):
            painted = maps.some(at).applied(cuts.some(at))
            cuts.pixels[at], cuts.opacity[at] = painted.pixels, painted.opacity
        if kind == SHOT:
            return self.camera.shots(cuts, uniform(n, 0.3, 1.0))
        if kind == MILD:
            return self.camera.shops(cuts)
        nothing = torch.zeros(n, 3)
        return Views(cuts.pixels, cuts.opacity, nothing, cuts.masked)

    @torch.no_grad()
    def found(self, pixels: Tensor) -> Found:
        """What the finder says of views."""
        self.finder.eval()
        told = []
        for part in pixels.split(2 * CHUNK):
            part = part.contiguous(memory_format=torch.channels_last)
            with bfloat16(pixels.device.type):
                told.append(self.finder(part))
        return Found(*(torch.cat(part) for part in zip(*told, strict=True)))

    @torch.no_grad()
    def draw(self) -> Live:
        """One batch."""
        for _ in range(self.each):
            self.shoes.turn(next(self.turns))
        there = self.shoes.rgba.device
        shown, counted = self._pairs()
        kinds = torch.from_numpy(self._kinds(shown)).to(there)
        products, models = (
            torch.from_numpy(self._codes(codes, rows)).to(there)
            for codes, rows in ((self.pairing.products, counted), (self.pairing.models, shown))
        )
        pictures, rows = (torch.from_numpy(one).to(there) for one in (shown, counted))
        views = self._views(pictures, kinds, (pictures >= 0) & (rows < 0))
        found = self.found(views.pixels)
        crops = looked_again(focus(views.pixels, known(found, views)))
        masked = (pictures < 0) | self.shoes.masked[pictures.clamp(min=0)]
        return Live(
            crops, rows, products, models, pictures, views.pixels, views.masks, views.light,
            views.lit, masked, found.logits, found.light, kinds == SHOT,
            (kinds == CLEAN) & (rows >= 0),
        )  # fmt: skip

    def _codes(self, codes: I64, rows: I64) -> I64:
        """Of rows (2n,); what is nobody's is its pair's own."""
        alone = len(codes) + np.tile(np.arange(self.size), 2)
        return np.where(rows >= 0, codes[rows], alone)

    @torch.no_grad()
    def clean(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Focused shoes (n, 4, h, w) of the clean pictures of ``rows`` (n,), as the finder cuts
        them out, and what the palette reads of them (n, CLUES)."""
        never = torch.zeros(len(rows), dtype=torch.bool)
        pixels = self.shoes.cuts(rows, never, never).pixels
        found = self.found(pixels)
        seen = focus(pixels, found)
        return seen, clues(pixels, seen, found)

    def batches(self, step: int, loaders: int) -> Iterator[Live]:
        """Without end, from ``step`` on; ``loaders`` processes turn shoes beside."""
        torch.manual_seed(self.seed + step)
        self.pairing.rng = np.random.default_rng((self.seed, step))
        self.turns = self.shoes.turns(self.seed + step, loaders)
        self.each = max(1, loaders // 8)
        while True:
            yield self.draw()
