"""Which views meet in a batch of the trunk, and the cheap jitter on top of the bank."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from onnx_models.bank import CLEAN, MILD, SCENE, SHOT, Bank, codes_of, several, trained_places
from onnx_models.crops import Crops
from onnx_models.dataset import I64, U8, Row
from onnx_models.recoloured import recoloured
from onnx_models.warped import warped

SEVERAL: Final = 0.22
"""Share of a batch that is two different pictures of one product."""
SHARED: Final = 0.2
"""Share that is photographs of one product by two shops (:mod:`onnx_models.same`)."""
COLOURWAYS: Final = 0.15
"""Share that is colourways of few models: hard negatives for detail, positives for the model."""
RECOLOURED: Final = 0.1
"""Share that is a shoe of the batch in other colours, both views of one picture in the same: the
same model, another product, and nothing else is known of it."""
DRAWN: Final = 0.05
SETS: Final = 0.14
"""Share that is two different pictures of one product in other colours."""
SCENES: Final = 0.03
ALIKE: Final = 8
"""Pictures that look alike come in groups of so many: a random batch is told apart too easily."""
CATALOGUE: Final = 0.55
"""Share of second views that are catalogue pictures: a phone asks, a shop answers."""


@dataclass(frozen=True)
class Batch:
    """2n views, first views first: crops (2n, 4, h, w) in 0..1 and rows (2n,), -1 for scenes and
    recoloured shoes; codes of products and models; places (2n,) in the bank."""

    crops: Tensor
    rows: Tensor
    products: Tensor
    models: Tensor
    places: Tensor

    def to(self, where: torch.device) -> Batch:
        """The same there."""
        return type(self)(*(value.to(where) for value in vars(self).values()))


class Pairing:
    """Draws pairs of rows; ``products`` and ``models`` are codes over labelled and drawn rows."""

    def __init__(self, rows: list[Row], bank: Bank, near: I64, seed: int) -> None:
        """``near`` (rows, k): the pictures that look most like each."""
        self.near, self.rng = near, np.random.default_rng(seed)
        self.products, self.models = codes_of(rows, bank)
        self.places = trained_places(bank)
        real = [row for row in self.places if row < len(rows)]
        self.pool = np.array(real)
        self.several = several(self.places, rows, self.products, bank)
        grouped: dict[int, list[int]] = defaultdict(list)
        for row in real:
            grouped[int(self.models[row])].append(row)
        self.colourways = [
            np.array(m) for m in grouped.values() if len(m) > 1 and len(set(self.products[m])) > 1
        ]

    def pairs(self, size: int) -> list[tuple[int, int]]:
        """Rows of both views of ``size`` pairs; -1: scenes."""
        rng = self.rng
        pairs: list[tuple[int, int]] = []
        for groups, share in zip(self.several, (SEVERAL, SHARED, DRAWN, SETS), strict=True):
            count = min(len(groups), int(size * share))
            for pick in rng.choice(len(groups), count, replace=False):
                one, two = rng.choice(groups[int(pick)], 2, replace=False)
                pairs.append((int(one), int(two)))
        until = len(pairs) + int(size * COLOURWAYS)
        while len(pairs) < until:
            group = self.colourways[int(rng.integers(len(self.colourways)))]
            for row in rng.choice(group, min(4, len(group)), replace=False):
                pairs.append((int(row), int(row)))
        pairs += [(-1, -1)] * int(size * SCENES)
        while size - len(pairs) >= 2 * ALIKE:
            row = int(rng.choice(self.pool))
            alike = [other for other in self.near[row].tolist() if other in self.places]
            more = rng.choice(alike, min(ALIKE - 1, len(alike)), replace=False)
            pairs += [(other, other) for other in (row, *map(int, more))]
        far = rng.choice(self.pool, size - len(pairs), replace=False)
        return pairs + [(int(row), int(row)) for row in far]


class Sampler(Pairing):
    """Draws batches of the bank's views."""

    def __init__(
        self, rows: list[Row], bank: Bank, crops: Crops, near: I64, batch: int,
        seed: int,
    ) -> None:  # fmt: skip
        super().__init__(rows, bank, near, seed)
        self.crops, self.batch, self.seed = crops, batch, seed
        self.scenes = np.flatnonzero(bank.kinds == SCENE)

    def _view(self, row: int, catalogue: bool) -> int:
        if row < 0:
            return int(self.rng.choice(self.scenes))
        found = self.places[row]
        kind = SHOT
        if catalogue:
            kind = MILD if MILD in found and self.rng.random() < 0.4 else CLEAN
        return int(self.rng.choice(found[kind]))

    def begin(self, *at: int) -> None:
        """Draw from here on what ``at`` says, the same each time."""
        self.rng = np.random.default_rng((self.seed, *at))
        self.crops.rng = np.random.default_rng((self.seed, *at, 1))

    def batches(self, step: int, loaders: int) -> Iterator[Batch]:
        """Batches from ``step`` on; 0 ``loaders``: drawn when they are asked for."""
        return iter(DataLoader(Stream(self, step), batch_size=None, num_workers=loaders))

    def draw(self) -> Batch:
        """One batch."""
        rng = self.rng
        again = int(self.batch * RECOLOURED)
        pairs = self.pairs(self.batch - again)
        mild = rng.random(len(pairs)) < CATALOGUE
        lone = [one for one, two in pairs if one == two and one >= 0]
        bases = rng.choice(lone, again, replace=False)
        twice = [self._view(int(base), catalogue=False) for base in bases]
        places = [self._view(one, catalogue=False) for one, _ in pairs] + twice
        places += [self._view(two, bool(m)) for (_, two), m in zip(pairs, mild, strict=True)]
        seen = places + twice
        crops = self.crops[seen]
        for at in range(len(pairs), self.batch):
            both = [at, at + self.batch]
            crops[both] = recoloured(crops[both], rng)
        ones, twos = np.array(pairs).T
        unknown = np.full(again, -1)
        rows = np.concatenate([ones, unknown, twos, unknown])
        shoes = np.concatenate([ones, bases, twos, bases])
        # Scenes are products of their own, and so are recoloured shoes.
        alone = len(self.products) + np.tile(np.arange(self.batch), 2)
        products = np.where(rows >= 0, self.products[rows], alone)
        models = np.where(shoes >= 0, self.models[shoes], alone)
        return Batch(
            jitter(warped(crops, rng), rng),
            torch.from_numpy(rows),
            torch.from_numpy(products),
            torch.from_numpy(models),
            torch.from_numpy(np.array(seen)),
        )


class Stream(IterableDataset[Batch]):
    """Batches without end, drawn by worker processes that begin apart."""

    def __init__(self, sampler: Sampler, step: int) -> None:
        self.sampler, self.step = sampler, step

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        self.sampler.begin(self.step, worker.id if worker else 0)
        while True:
            yield self.sampler.draw()


def jitter(crops: U8, rng: np.random.Generator) -> Tensor:
    """Mirror, small shifts of light, sometimes a hidden patch: (n, 4, h, w) in 0..1."""
    n, height, width, _ = crops.shape
    flip = rng.random(n) < 0.5
    crops = np.where(np.reshape(flip, (n, 1, 1, 1)), crops[:, :, ::-1], crops)
    for at in np.flatnonzero(rng.random(n) < 0.15):
        h, w = (int(rng.uniform(0.15, 0.45) * side) for side in (height, width))
        y, x = int(rng.integers(height - h)), int(rng.integers(width - w))
        crops[at, y : y + h, x : x + w] = (255, 255, 255, 0)
    pixels = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    gains = np.exp(rng.normal(0, 0.05, (n, 3)) + rng.normal(0, 0.08, (n, 1)))
    alpha = pixels[:, 3:]
    lit = (pixels[:, :3] * torch.from_numpy(gains.astype(np.float32))[:, :, None, None]).clamp(0, 1)
    return torch.cat([lit * alpha + pixels[:, :3] * (1 - alpha), alpha], dim=1)
