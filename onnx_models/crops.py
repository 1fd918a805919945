"""The shoes of the bank cut out: what tutor and trunk train on, made once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch

from onnx_models.bank import Bank
from onnx_models.colours import CLUES, clues
from onnx_models.dataset import F32, I64, U8
from onnx_models.finder import HEIGHT, WIDTH, Finder, Found, focus

BLOCK: Final = 512
F16 = npt.NDArray[np.float16]


def through(finder: Finder, views: U8) -> tuple[U8, F16]:
    """Focused shoes (n, HEIGHT, WIDTH, 4) and their colours' clues (n, CLUES) of views (n, 192,
    192, 3)."""
    out = np.empty((len(views), HEIGHT, WIDTH, 4), np.uint8)
    told = np.empty((len(views), CLUES), np.float16)
    with torch.inference_mode():
        for start in range(0, len(views), 64):
            part = slice(start, start + 64)
            pixels = torch.from_numpy(np.array(views[part])).permute(0, 3, 1, 2).float() / 255
            with torch.autocast("cpu", dtype=torch.bfloat16):
                found = Found(*finder(pixels))
            seen, _ = focus(pixels, found)
            shown = (seen.permute(0, 2, 3, 1) * 255 + 0.5).to(torch.uint8)
            out[part], told[part] = shown.numpy(), clues(pixels, seen, found).numpy()
    return out, told


def _true_crop(
    view: U8, mask: U8, light: F32, rng: np.random.Generator, width: int, height: int
) -> U8:
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


def by_mask(views: U8, masks: U8, seed: int, width: int = WIDTH, height: int = HEIGHT) -> U8:
    """Crops (n, height, width, 4) of views (n, s, s, 3) by masks (n, k, k), under no corrected
    light."""
    rng, dark = np.random.default_rng(seed), np.zeros(3, np.float32)
    pairs = zip(views, masks, strict=True)
    return np.stack([_true_crop(np.array(v), np.array(m), dark, rng, width, height)
                     for v, m in pairs])  # fmt: skip


class TrueCrops:
    """Shoes of the bank cut out by their known masks when asked for, (n, height, width, 4) of n
    places.

    Masks, frames and light are a little wrong on purpose, as a finder's are.
    """

    def __init__(self, bank: Bank, width: int, height: int, seed: int) -> None:
        self.bank, self.width, self.height = bank, width, height
        self.rng = np.random.default_rng(seed)

    def __getitem__(self, places: Sequence[int] | I64) -> U8:
        bank = self.bank
        return np.stack([
            _true_crop(
                np.array(bank.views[at]), np.array(bank.masks[at]), bank.light[at], self.rng,
                self.width, self.height,
            )
            for at in places
        ])  # fmt: skip


def build_crops(bank: Bank, finder: Finder, folder: Path) -> tuple[U8, F16]:
    """The whole bank through the finder, or what is there: what the trunk is served, (N, HEIGHT,
    WIDTH, 4), and what the palette reads, (N, CLUES). Memory maps that all workers share: batches
    pick at random, so they belong into memory or on a memory file system."""
    where = folder / "bank"
    done = where / "crops.done"
    count = len(bank.rows)
    if not done.exists():
        crops, told = (
            np.lib.format.open_memmap(where / name, "w+", kind, (count, *shape))
            for name, kind, shape in (
                ("crops.npy", np.uint8, (HEIGHT, WIDTH, 4)), ("clues.npy", np.float16, (CLUES,)),
            )
        )  # fmt: skip

        def fill(start: int) -> None:
            part = slice(start, start + BLOCK)
            crops[part], told[part] = through(finder, bank.views[part])

        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # whole blocks side by side instead
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(fill, range(0, count, BLOCK)))
        torch.set_num_threads(threads)
        done.write_text("1")
    return tuple(  # type: ignore[return-value]
        np.load(where / name, mmap_mode="r") for name in ("crops.npy", "clues.npy")
    )
