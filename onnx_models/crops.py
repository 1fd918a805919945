"""The shoes of the bank cut out: what tutor and trunk train on, made once."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch

from onnx_models.bank import Bank
from onnx_models.dataset import F32, U8
from onnx_models.finder import HEIGHT, WIDTH, Finder, Found, focus

BLOCK: Final = 512


def through(finder: Finder, views: U8) -> U8:
    """Focused shoes (n, HEIGHT, WIDTH, 4) uint8 of views (n, 192, 192, 3)."""
    out = np.empty((len(views), HEIGHT, WIDTH, 4), np.uint8)
    with torch.inference_mode():
        for start in range(0, len(views), 64):
            pixels = torch.from_numpy(np.array(views[start : start + 64]))
            pixels = pixels.permute(0, 3, 1, 2).float() / 255
            with torch.autocast("cpu", dtype=torch.bfloat16):
                found = finder(pixels)
            seen, _ = focus(pixels, Found(*found))
            shown = (seen.permute(0, 2, 3, 1) * 255 + 0.5).to(torch.uint8)
            out[start : start + 64] = shown.numpy()
    return out


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
    scale = WIDTH / reach
    middle = (
        np.array([box[0] + box[2], box[1] + box[3]]) / 2 + rng.normal(0, 0.02, 2) * reach
    ) * scale
    move = np.array([[scale, 0, WIDTH / 2 - middle[0]], [0, scale, HEIGHT / 2 - middle[1]]])
    table = np.arange(256)[:, None] * np.exp(light * rng.uniform(0.1, 0.7))[None]
    lit = cv2.LUT(view, np.clip(table, 0, 255).astype(np.uint8)[:, None, :])
    seen = cv2.warpAffine(np.dstack([lit, alpha]), move, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    share = seen[..., 3:].astype(np.uint16)
    seen[..., :3] = (seen[..., :3] * share + 255 * (255 - share)) // 255
    return np.asarray(seen, np.uint8)


def by_mask(views: U8, masks: U8, seed: int) -> U8:
    """Crops (n, HEIGHT, WIDTH, 4) of views (n, s, s, 3) by masks (n, k, k), under no corrected
    light."""
    rng, dark = np.random.default_rng(seed), np.zeros(3, np.float32)
    pairs = zip(views, masks, strict=True)
    return np.stack([_true_crop(np.array(v), np.array(m), dark, rng) for v, m in pairs])


def _make_true(job: tuple[Path, int, int]) -> None:
    where, start, stop = job
    rng = np.random.default_rng(start)
    views = np.load(where / "views.npy", mmap_mode="r")
    masks = np.load(where / "masks.npy", mmap_mode="r")
    light = np.load(where / "light.npy", mmap_mode="r")
    crops = np.load(where / "crops.npy", mmap_mode="r+")
    for at in range(start, stop):
        crops[at] = _true_crop(np.array(views[at]), np.array(masks[at]), np.array(light[at]), rng)


def build_crops(bank: Bank, folder: Path) -> U8:
    """The whole bank cut out by its known masks, (N, HEIGHT, WIDTH, 4), or what is there.

    Masks, frames and light are a little wrong on purpose, as a finder's are, so that tutor and
    trunk need not wait for the finder. A memory map that all workers share: batches pick at
    random, so it belongs into memory or on a memory file system.
    """
    where = folder / "bank"
    done = where / "crops.done"
    count = len(bank.rows)
    if not done.exists():
        shape = (count, HEIGHT, WIDTH, 4)
        np.lib.format.open_memmap(where / "crops.npy", "w+", np.uint8, shape).flush()
        jobs = [(where, at, min(at + BLOCK, count)) for at in range(0, count, BLOCK)]
        with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
            for _ in pool.imap(_make_true, jobs):
                pass
        done.write_text("1")
    crops: U8 = np.load(where / "crops.npy", mmap_mode="r")
    return crops
