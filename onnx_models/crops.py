"""The shoes of the bank cut out, for tutor and trunk, and their colours, for the palette."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from onnx_models.bank import Bank
from onnx_models.colours import CLUES, clues
from onnx_models.dataset import F32, I64, U8
from onnx_models.finder import HEIGHT, WIDTH, Finder, Found, focus

BLOCK: Final = 512
F16 = npt.NDArray[np.float16]


def through(finder: Finder, views: U8) -> U8:
    """Focused shoes (n, HEIGHT, WIDTH, 4) of views (n, 192, 192, 3)."""
    out = np.empty((len(views), HEIGHT, WIDTH, 4), np.uint8)
    for part, pixels, found in _found(finder, views):
        seen = focus(pixels, found)
        out[part] = (seen.permute(0, 2, 3, 1) * 255 + 0.5).to(torch.uint8).numpy()
    return out


def colours(finder: Finder, views: U8) -> F16:
    """Their colours' clues (n, CLUES)."""
    told = np.empty((len(views), CLUES), np.float16)
    for part, pixels, found in _found(finder, views):
        told[part] = clues(pixels, focus(pixels, found), found).numpy()
    return told


@torch.inference_mode()
def _found(finder: Finder, views: U8) -> Iterator[tuple[slice, Tensor, Found]]:
    for start in range(0, len(views), 64):
        part = slice(start, start + 64)
        pixels = torch.from_numpy(np.array(views[part])).permute(0, 3, 1, 2).float() / 255
        with torch.autocast("cpu", dtype=torch.bfloat16):
            yield part, pixels, Found(*finder(pixels))


def _true_crop(view: U8, mask: U8, light: F32, rng: np.random.Generator) -> U8:
    side, width, height = len(view), WIDTH, HEIGHT
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
    reach = max(wide, high * width / height) * rng.uniform(1.0, 1.2)
    scale = width / reach
    middle = (
        np.array([box[0] + box[2], box[1] + box[3]]) / 2 + rng.normal(0, 0.02, 2) * reach
    ) * scale
    move = np.array([[scale, 0, width / 2 - middle[0]], [0, scale, height / 2 - middle[1]]])
    table = np.arange(256)[:, None] * np.exp(light * rng.uniform(0.1, 0.7))[None]
    lit = cv2.LUT(view, np.clip(table, 0, 255).astype(np.uint8)[:, None, :])
    seen = cv2.warpAffine(np.dstack([lit, alpha]), move, (width, height), flags=cv2.INTER_LINEAR)
    share = seen[..., 3:].astype(np.uint16)
    seen[..., :3] = (seen[..., :3] * share + 255 * (255 - share)) // 255
    return np.asarray(seen, np.uint8)


def by_mask(views: U8, masks: U8, seed: int) -> U8:
    """Crops (n, HEIGHT, WIDTH, 4) of views (n, s, s, 3) by masks (n, k, k), their light as it
    is."""
    rng, dark = np.random.default_rng(seed), np.zeros(3, np.float32)
    pairs = zip(views, masks, strict=True)
    return np.stack([_true_crop(np.array(v), np.array(m), dark, rng) for v, m in pairs])


class TrueCrops:
    """Shoes of the bank cut out by their known masks when asked for, (n, HEIGHT, WIDTH, 4) of n
    places.

    Masks, frames and light are a little wrong on purpose, as a finder's are.
    """

    def __init__(self, bank: Bank, seed: int) -> None:
        self.bank, self.rng = bank, np.random.default_rng(seed)

    def __getitem__(self, places: Sequence[int] | I64) -> U8:
        bank = self.bank
        return np.stack([
            _true_crop(
                np.array(bank.views[at]), np.array(bank.masks[at]), bank.light[at], self.rng
            )
            for at in places
        ])  # fmt: skip


def build_clues(bank: Bank, finder: Finder, folder: Path) -> F16:
    """What the palette reads of the whole bank (N, CLUES), or what is there. A memory map: batches
    pick at random, so it belongs into memory or on a memory file system."""
    where = folder / "bank"
    done = where / "clues.done"
    count = len(bank.rows)
    if not done.exists():
        told = np.lib.format.open_memmap(where / "clues.npy", "w+", np.float16, (count, CLUES))

        def fill(start: int) -> None:
            part = slice(start, start + BLOCK)
            told[part] = colours(finder, bank.views[part])

        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # whole blocks side by side instead
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(fill, range(0, count, BLOCK)))
        torch.set_num_threads(threads)
        done.write_text("1")
    read: F16 = np.load(where / "clues.npy", mmap_mode="r")
    return read
