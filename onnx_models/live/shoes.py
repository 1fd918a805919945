"""All cut-outs of training in the GPU's memory, and what is done to them before a view is made."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from onnx_models import sets
from onnx_models.augment import backdrop_pool, drawn_scene
from onnx_models.bank import Bank, drawn_pictures
from onnx_models.dataset import (
    CACHE_SIZE,
    I64,
    MULTIVIEW_SOURCES,
    PAIR_SOURCES,
    U8,
    Cache,
    Row,
    mask_boxes,
)
from onnx_models.live.camera import Cuts
from onnx_models.live.optics import chance, inside, spread, thinned, uniform
from onnx_models.recoloured import CURVE, KEPT, OVER
from onnx_models.turned import turned

BACKDROPS: Final = 8_000
SCENES: Final = 2_500
LAID: Final = 0.3
"""Share of drawn floors and tables among the backdrops."""
CHUNK: Final = 100
TURNS: Final = 32
"""Shoes turned anew at a time by a process."""
HALF: Final = 0.55
"""Share of a picture of a pair that shows one of them."""
T = TypeVar("T")


def made(job: Callable[[int], T], count: int) -> list[T]:
    """``job`` of 0..count - 1, on all cores."""
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        return pool.map(job, range(count), chunksize=1)


def _backdrops(where: Path, wild: I64, others: I64, seed: int, at: int) -> U8:
    rgba = np.load(where / "rgba.npy", mmap_mode="r")
    return backdrop_pool(rgba, wild, others, CHUNK, seed * BACKDROPS + at, LAID)


def backdrops(rows: list[Row], where: Path, seed: int) -> U8:
    """BACKDROPS of them (b, 160, 160, 3), of pictures that training may see."""
    seen = np.array([i for i, row in enumerate(rows) if row.split == "train"])
    wild = seen[[rows[i].setting == "wild" for i in seen]]
    job = partial(_backdrops, where, wild, seen, seed)
    return np.concatenate(made(job, BACKDROPS // CHUNK))


def _scenes(seed: int, at: int) -> U8:
    rng = np.random.default_rng((seed, at))
    return np.stack([drawn_scene(rng) for _ in range(CHUNK)])


def scenes(seed: int) -> U8:
    """SCENES pictures (s, 160, 160, 3) without a shoe."""
    return np.concatenate(made(partial(_scenes, seed), SCENES // CHUNK))


class Turned(NamedTuple):
    """Shoes of ``slots`` (n,) turned: cut-outs (n, s, s, 4) and boxes (n, 4)."""

    slots: Tensor
    rgba: Tensor
    boxes: Tensor


class Turns(IterableDataset[Turned]):
    """Shoes turned at random, without end: ``rows`` (t,), slot by slot, of the cache ``where``."""

    def __init__(self, where: Path, rows: I64, seed: int) -> None:
        self.where, self.rows, self.seed = where, rows, seed

    def __iter__(self) -> Iterator[Turned]:
        cv2.setNumThreads(1)
        worker = get_worker_info()
        at, count = (worker.id, worker.num_workers) if worker else (0, 1)
        rng = np.random.default_rng((self.seed, at))
        rgba, boxes = np.load(self.where / "rgba.npy", mmap_mode="r"), _boxes(self.where)
        while True:
            slots = np.arange(len(self.rows))[at::count]
            for start in range(0, len(slots), TURNS):
                some = slots[start : start + TURNS]
                seen = [
                    turned(np.array(rgba[row]), rng) or (rgba[row], boxes[row])
                    for row in self.rows[some]
                ]
                yield Turned(
                    torch.from_numpy(some), torch.from_numpy(np.stack([one for one, _ in seen])),
                    torch.from_numpy(np.stack([box for _, box in seen])),
                )  # fmt: skip


def _boxes(where: Path) -> I64:
    found: I64 = np.load(where / "boxes.npy")
    return found


class Maps(NamedTuple):
    """n maps of colours, as :func:`onnx_models.recoloured.recoloured` draws them: the channels'
    places (n, 3), which are turned over (n, 3), exponents (n, 3), what stays of saturation (n,)."""

    places: Tensor
    over: Tensor
    exponents: Tensor
    kept: Tensor

    @classmethod
    def drawn(cls, count: int) -> Maps:
        """At random."""
        over = torch.multinomial(torch.tensor(OVER), count, replacement=True)
        return cls(
            torch.rand(count, 3).argsort(1), torch.rand(count, 3).argsort(1) < over[:, None] + 1,
            torch.exp(torch.randn(count, 3) * CURVE), uniform(count, *KEPT),
        )  # fmt: skip

    def some(self, at: Tensor) -> Maps:
        """Those at ``at``."""
        return Maps(*(value[at] for value in self))

    def twice(self) -> Maps:
        """The same for second views."""
        return Maps(*(torch.cat([value, value]) for value in self))

    def applied(self, cuts: Cuts) -> Cuts:
        """Cut-outs in other colours, on white; their outermost pixels are left out."""
        own = torch.gather(cuts.pixels, 1, self.places[:, :, None, None].expand_as(cuts.pixels))
        found = torch.where(self.over[:, :, None, None], 1 - own, own)
        found = found.clamp(min=1e-5) ** self.exponents[:, :, None, None]
        grey = found.mean(1, keepdim=True)
        found = grey + (found - grey) * spread(self.kept)
        opacity = thinned(cuts.opacity)
        return cuts._replace(pixels=found * opacity + (1 - opacity), opacity=opacity)


class Shoes:
    """Cut-outs of all rows of a bank, on the default device."""

    def __init__(self, rows: list[Row], cache: Cache, bank: Bank, where: Path) -> None:
        drawn = np.array(drawn_pictures(where))
        times = [(int(i), time) for time in range(sets.SETS) for i in bank.bases]

        def repaint(which: tuple[int, int]) -> U8:
            row, time = which
            return sets.in_colours(np.array(cache.rgba[row]), rows[row].product, time)

        with ThreadPoolExecutor(os.cpu_count()) as threads:
            again = list(threads.map(repaint, times))
        there, self.where = torch.get_default_device(), where
        first = len(rows)
        count = first + len(drawn) + len(again)
        self.rgba = torch.empty(count, CACHE_SIZE, CACHE_SIZE, 4, dtype=torch.uint8)
        for start in range(0, first, 1024):
            part = torch.from_numpy(np.array(cache.rgba[start : start + 1024]))
            self.rgba[start : start + len(part)] = part.to(there)
        self.rgba[first : first + len(drawn)] = torch.from_numpy(drawn).to(there)
        if again:
            self.rgba[first + len(drawn) :] = torch.from_numpy(np.stack(again)).to(there)
        others = np.tile(cache.boxes[bank.bases], (sets.SETS, 1))
        boxes = np.concatenate([cache.boxes, mask_boxes(drawn), others]).astype(np.float32)
        self.boxes = torch.from_numpy(boxes).to(there)
        whole = np.ones(len(drawn) + len(again), bool)
        self.masked = torch.from_numpy(np.concatenate([cache.masked, whole])).to(there)
        pair = [row.source in PAIR_SOURCES for row in rows]
        self.pair = torch.tensor(pair + [False] * len(whole))
        alone = [
            i for i, row in enumerate(rows)
            if row.split == "train" and row.setting == "studio" and cache.masked[i]
            and row.source not in MULTIVIEW_SOURCES and not pair[i]
        ]  # fmt: skip
        self.alone = np.array(alone, np.int64)
        self.slot = torch.full((count,), -1)
        self.slot[torch.tensor(alone)] = torch.arange(len(alone))
        self.turned = self.rgba[torch.tensor(alone)].clone()
        self.turned_boxes = self.boxes[torch.tensor(alone)].clone()

    def turns(self, seed: int, workers: int) -> Iterator[Turned]:
        """Shoes turned without end by processes beside; 0 workers: when they are asked for."""
        with torch.device("cpu"):
            source = Turns(self.where, self.alone, seed)
            return iter(DataLoader(source, batch_size=None, num_workers=workers))

    def turn(self, fresh: Turned) -> None:
        """Take them in."""
        slots, rgba, boxes = (value.to(self.rgba.device) for value in fresh)
        self.turned[slots], self.turned_boxes[slots] = rgba, boxes.float()

    def cuts(self, rows: Tensor, turned: Tensor, halved: Tensor) -> Cuts:
        """Cut-outs of ``rows`` (n,): those ``turned`` (n,) that can be, and one shoe of a picture
        of a pair where it is ``halved`` (n,)."""
        turned = turned & (self.slot[rows] >= 0)
        rgba, boxes = self.rgba[rows], self.boxes[rows]
        slots = self.slot[rows[turned]]
        rgba[turned], boxes[turned] = self.turned[slots], self.turned_boxes[slots]
        pixels, opacity = (rgba.permute(0, 3, 1, 2).float() / 255).split((3, 1), 1)
        at = torch.nonzero(halved & self.pair[rows])[:, 0]
        if len(at):
            left, right = boxes[at, 0], boxes[at, 2]
            width = ((right - left) * HALF).floor()
            first = chance(len(at), 0.5)
            left, right = (
                torch.where(first, left, right - width), torch.where(first, left + width, right)
            )  # fmt: skip
            boxes[at, 0], boxes[at, 2] = left, right
            top, bottom = torch.zeros_like(left), torch.full_like(left, CACHE_SIZE)
            low, high = torch.stack([left, top], 1), torch.stack([right, bottom], 1)
            shown = inside(low, high, CACHE_SIZE, CACHE_SIZE).float()
            pixels[at] = pixels[at] * shown + (1 - shown)
            opacity[at] = opacity[at] * shown
        return Cuts(pixels, opacity, boxes, self.masked[rows])
