"""Batches for training: which products meet in a batch, and the two views of each."""

from __future__ import annotations

import multiprocessing.sharedctypes
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from onnx_models.augment import Camera, drawn_scene
from onnx_models.dataset import PAIR_SOURCES, U8, Cache, Row

# Row numbers beyond the labelled ones stand for freshly drawn scenes without a shoe.
SCENES: Final = 4096


@dataclass(frozen=True)
class Batch:
    """Two views of n products; images (2n, 3, S, S) uint8, masks (2n, S, S) uint8, rows (2n,).

    ``rows`` runs over the labelled photographs and then over ``SCENES`` numbers for drawn scenes.
    """

    images: Tensor
    masks: Tensor
    rows: Tensor


def _half(rgba: U8, box: npt.NDArray[Any], right: bool) -> tuple[U8, npt.NDArray[Any]]:
    """One shoe of a picture of a pair: the left or the right 55 % of the cut-out."""
    x0, y0, x1, y1 = (int(v) for v in box)
    cut = rgba.copy()
    if right:
        edge = x1 - int((x1 - x0) * 0.55)
        cut[:, :edge] = (255, 255, 255, 0)
        return cut, np.array([edge, y0, x1, y1])
    edge = x0 + int((x1 - x0) * 0.55)
    cut[:, edge:] = (255, 255, 255, 0)
    return cut, np.array([x0, y0, edge, y1])


class Batches(IterableDataset[Batch]):
    """An endless stream of batches.

    A fifth of a batch are real view pairs, an eighth are colourways of a few models (hard for the
    colour part's opposite, the shape part must not decide alone), half of the rest comes from one
    source (same studio, so the studio tells nothing). A few slots are drawn scenes: what is not a
    shoe must lie far from every shoe.
    """

    def __init__(
        self,
        rows: list[Row],
        cache: Cache,
        backdrops: U8,
        batch: int,
        size: multiprocessing.sharedctypes.Synchronized[int],
        seed: int,
    ) -> None:
        super().__init__()
        self.rows, self.cache, self.backdrops = rows, cache, backdrops
        self.batch, self.size, self.seed = batch, size, seed
        views: dict[str, list[int]] = defaultdict(list)
        sources: dict[str, list[int]] = defaultdict(list)
        models: dict[str, list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            if row.split == "train":
                views[row.product].append(index)
                sources[row.source].append(index)
                if row.model:
                    models[f"{row.source}/{row.model}"].append(index)
        self.views = [group for group in views.values() if len(group) > 1]
        self.sources = list(sources.values())
        self.models = [group for group in models.values() if len(group) > 2]
        self.pool = np.array([index for group in self.sources for index in group])

    def _pairs(self, rng: np.random.Generator) -> list[tuple[int, int]]:
        """Row numbers of the two pictures behind each slot of a batch."""
        pairs: list[tuple[int, int]] = []
        for pick in rng.choice(len(self.views), self.batch // 5, replace=False):
            one, two = rng.choice(self.views[int(pick)], 2, replace=False)
            pairs.append((int(one), int(two)))
        for pick in rng.choice(len(self.models), self.batch // 32, replace=False):
            group = self.models[int(pick)]
            chosen = rng.choice(group, min(4, len(group)), replace=False)
            pairs += [(int(one), int(one)) for one in chosen]
        weights = np.array([len(group) for group in self.sources], float)
        source = self.sources[int(rng.choice(len(self.sources), p=weights / weights.sum()))]
        scenes = len(self.rows) + rng.choice(SCENES, self.batch // 25, replace=False)
        pairs += [(int(one), int(one)) for one in scenes]
        left = self.batch - len(pairs)
        near = rng.choice(source, min(left // 2, len(source)), replace=False)
        far = rng.choice(self.pool, left - len(near), replace=False)
        return pairs + [(int(one), int(one)) for one in (*near, *far)]

    def __iter__(self) -> Iterator[Batch]:
        cv2.setNumThreads(0)
        worker = get_worker_info()
        rng = np.random.default_rng((self.seed, worker.id if worker else 0))
        while True:
            yield self._batch(rng)

    def _batch(self, rng: np.random.Generator) -> Batch:
        camera = Camera(self.backdrops, self.size.value, rng)
        pairs = self._pairs(rng)
        shape = (2 * len(pairs), camera.size, camera.size)
        images = np.empty((*shape, 3), np.uint8)
        masks = np.empty(shape, np.uint8)
        for slot, pair in enumerate(pairs):
            camera.strength = rng.uniform(0.3, 1.0)
            if pair[0] >= len(self.rows):
                picture = drawn_scene(rng)
                for place in (slot, slot + len(pairs)):
                    images[place], masks[place] = camera.scene(picture)
                continue
            halves = self.rows[pair[0]].source in PAIR_SOURCES and rng.random() < 0.5
            swap = rng.random() < 0.5
            for side, index in enumerate(pair):
                rgba, box = self.cache.rgba[index], self.cache.boxes[index]
                if halves:
                    rgba, box = _half(rgba, box, right=bool(side) != swap)
                mild = side == 1 and rng.random() < 0.5
                shoot = camera.catalogue if mild else camera.reshoot
                place = slot + side * len(pairs)
                images[place], masks[place] = shoot(rgba, box, bool(self.cache.masked[index]))
        flat = [pair[side] for side in (0, 1) for pair in pairs]
        return Batch(
            torch.from_numpy(images).permute(0, 3, 1, 2),
            torch.from_numpy(masks),
            torch.tensor(flat, dtype=torch.long),
        )
