"""The shoes of the bank cut out, for tutor and trunk, and their colours, for the palette."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from onnx_models.bank import Bank
from onnx_models.colours import CLUES, clues
from onnx_models.dataset import F32, I64, U8
from onnx_models.finder import HEIGHT, MARGIN, WIDTH, Finder, Found, boxes, focus, opacity
from onnx_models.pieces import partly
from onnx_models.precision import bfloat16

BLOCK: Final = 512
GRID: Final = 48
"""Cells a side of the finder's mask."""
LOOKED: Final = 0.5
"""Share of the trunk's crops that the finder cuts out: what is served has its mistakes."""
F16 = npt.NDArray[np.float16]
F64 = npt.NDArray[np.float64]
T = TypeVar("T")


def through(finder: Finder, views: U8) -> U8:
    """Focused shoes (n, HEIGHT, WIDTH, 4) of views (n, 192, 192, 3)."""
    out = np.empty((len(views), HEIGHT, WIDTH, 4), np.uint8)
    for part, pixels, found in _found(finder, views):
        seen = focus(pixels, found)
        out[part] = (seen.permute(0, 2, 3, 1) * 255 + 0.5).to(torch.uint8).numpy()
    return out


class Clues(NamedTuple):
    """What the palette reads of N views (N, CLUES): of the whole shoe, and of a random part."""

    whole: F16
    part: F16


@torch.inference_mode()
def _found(finder: Finder, views: U8) -> Iterator[tuple[slice, Tensor, Found]]:
    for start in range(0, len(views), 64):
        part = slice(start, start + 64)
        pixels = torch.from_numpy(np.array(views[part])).permute(0, 3, 1, 2).float() / 255
        with bfloat16("cpu"):
            yield part, pixels, Found(*finder(pixels))


def _true_crop(view: U8, mask: U8, light: F32, rng: np.random.Generator) -> U8:
    side = len(view)
    firm = mask > 100
    if firm.sum() < 20:
        box = (0.0, 0.0, float(side), float(side))
        alpha = np.full((side, side), 255, np.uint8)
    else:
        step = side / len(mask)
        ys, xs = np.flatnonzero(firm.any(axis=1)), np.flatnonzero(firm.any(axis=0))
        box = (xs[0] * step, ys[0] * step, (xs[-1] + 1) * step, (ys[-1] + 1) * step)
        alpha = np.asarray(cv2.resize(mask, (side, side)), np.uint8)
        kind = rng.random()
        if kind < 0.15:
            alpha[:] = 255
        elif kind < 0.5:
            brush = np.ones((int(rng.integers(2, 7)),) * 2, np.uint8)
            grow = cv2.dilate if rng.random() < 0.7 else cv2.erode
            alpha = np.asarray(grow(alpha, brush), np.uint8)
    wide, high = box[2] - box[0], box[3] - box[1]
    reach = max(wide, high * WIDTH / HEIGHT) * rng.uniform(1.0, 1.2)
    middle = np.array([box[0] + box[2], box[1] + box[3]]) / 2 + rng.normal(0, 0.02, 2) * reach
    return _cut(view, alpha, middle, reach, light * rng.uniform(0.1, 0.7))


def _cut(view: U8, alpha: U8, middle: F64, reach: float, light: F32) -> U8:
    """A crop ``reach`` pixels wide about ``middle``, on white, its log colours shifted."""
    width, height = WIDTH, HEIGHT
    scale = width / reach
    left, top = middle * scale
    move = np.array([[scale, 0, width / 2 - left], [0, scale, height / 2 - top]])
    table = np.arange(256)[:, None] * np.exp(light)[None]
    lit = cv2.LUT(view, np.clip(table, 0, 255).astype(np.uint8)[:, None, :])
    seen = cv2.warpAffine(np.dstack([lit, alpha]), move, (width, height), flags=cv2.INTER_LINEAR)
    share = seen[..., 3:].astype(np.uint16)
    seen[..., :3] = (seen[..., :3] * share + 255 * (255 - share)) // 255
    return np.asarray(seen, np.uint8)


class Looks(NamedTuple):
    """How the finder cuts N views out: opacity (N, 48, 48) uint8, boxes (N, 4) in 0..1, the light's
    correction (N, 3)."""

    opacity: U8
    where: F32
    light: F32

    def crop(self, view: U8, at: int, rng: np.random.Generator) -> U8:
        """View ``at`` as :func:`onnx_models.finder.focus` cuts it out, the frame a little moved."""
        side = len(view)
        alpha = np.asarray(cv2.resize(self.opacity[at], (side, side)), np.uint8)
        box = self.where[at].astype(np.float64) * side
        wide, high = box[2] - box[0], box[3] - box[1]
        reach = max(wide, high * WIDTH / HEIGHT, 8.0) * (1 + 2 * MARGIN) * rng.uniform(0.97, 1.06)
        middle = (box[:2] + box[2:]) / 2 + rng.normal(0, 0.01, 2) * reach
        return _cut(view, alpha, middle, reach, self.light[at])


def build_looks(bank: Bank, finder: Finder, folder: Path) -> Looks:
    """What the finder says of the whole bank, or what is there."""
    where = find_all(bank, finder, folder)
    return Looks(*(np.load(where / f"looks-{name}.npy") for name in Looks._fields))


def build_clues(bank: Bank, finder: Finder, folder: Path) -> Clues:
    """What the palette reads of the whole bank, or what is there. Memory maps: batches pick at
    random, so they belong into memory or on a memory file system."""
    where = find_all(bank, finder, folder)
    return Clues(*(np.load(where / f"clues-{n}.npy", mmap_mode="r") for n in Clues._fields))


def find_all(bank: Bank, finder: Finder, folder: Path) -> Path:
    """Look once through the whole bank with the finder, and keep how it cuts out and what the
    palette reads; where that is."""
    where = folder / "bank"
    done, count = where / "found.done", len(bank.rows)
    if done.exists():
        return where

    def empty(name: str, shape: tuple[int, ...], kind: type) -> np.memmap[Any, Any]:
        return np.lib.format.open_memmap(where / f"{name}.npy", "w+", kind, (count, *shape))

    looks = (
        empty("looks-opacity", (GRID, GRID), np.uint8), empty("looks-where", (4,), np.float32),
        empty("looks-light", (3,), np.float32),
    )  # fmt: skip
    told = [empty(f"clues-{name}", (CLUES,), np.float16) for name in Clues._fields]

    def fill(start: int) -> None:
        rng = np.random.default_rng(start)
        for part, pixels, found in _found(finder, bank.views[start : start + BLOCK]):
            place = slice(start + part.start, start + part.start + len(pixels))
            for look, value in zip(looks, looks_of(found), strict=True):
                look[place] = value
            for clue, seen in zip(told, (found, partly(found, rng)), strict=True):
                clue[place] = clues(pixels, focus(pixels, seen), seen).numpy()

    side_by_side(fill, count, BLOCK)
    for kept in (*looks, *told):
        kept.flush()
    done.write_text("1")
    return where


def looks_of(found: Found) -> Looks:
    """What is kept of what the finder found."""
    mask = torch.sigmoid(found.logits)
    opaque = (opacity(mask) * 255 + 0.5).to(torch.uint8)
    return Looks(opaque.numpy(), boxes(mask).numpy(), found.light.numpy())


def side_by_side(work: Callable[[int], T], count: int, block: int) -> list[T]:
    """``work`` of every block's start, whole blocks side by side on one thread each."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(work, range(0, count, block)))
    torch.set_num_threads(threads)
    return done


def by_mask(views: U8, masks: U8, seed: int) -> U8:
    """Crops (n, HEIGHT, WIDTH, 4) of views (n, s, s, 3) by masks (n, k, k), their light as it
    is."""
    rng, dark = np.random.default_rng(seed), np.zeros(3, np.float32)
    pairs = zip(views, masks, strict=True)
    return np.stack([_true_crop(np.array(v), np.array(m), dark, rng) for v, m in pairs])


class Crops:
    """Shoes of the bank cut out when asked for, (n, HEIGHT, WIDTH, 4) of n places: by their known
    masks, or LOOKED of them as the finder does it.

    By known masks, frames and light are a little wrong on purpose, as a finder's are.
    """

    def __init__(self, bank: Bank, seed: int, looks: Looks | None = None) -> None:
        self.bank, self.looks, self.rng = bank, looks, np.random.default_rng(seed)

    def __getitem__(self, places: Sequence[int] | I64) -> U8:
        return np.stack([self._one(int(at)) for at in places])

    def _one(self, at: int) -> U8:
        bank, view = self.bank, np.array(self.bank.views[at])
        if self.looks and self.rng.random() < LOOKED:
            return self.looks.crop(view, at, self.rng)
        return _true_crop(view, np.array(bank.masks[at]), bank.light[at], self.rng)
