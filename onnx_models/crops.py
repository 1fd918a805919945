"""The bank seen through the finder: what the trunk trains on, made once."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Final

import numpy as np
import torch

from onnx_models.bank import Bank
from onnx_models.dataset import U8
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


_finder: list[Finder] = []


def _start(state: Path) -> None:
    torch.set_num_threads(1)
    finder = Finder()
    finder.load_state_dict(torch.load(state, weights_only=True))
    _finder[:] = [finder.eval().to(memory_format=torch.channels_last)]  # type: ignore[call-overload]


def _make(job: tuple[Path, int, int]) -> None:
    where, start, stop = job
    views = np.load(where / "views.npy", mmap_mode="r")
    crops = np.load(where / "crops.npy", mmap_mode="r+")
    crops[start:stop] = through(_finder[0], views[start:stop])


def build_crops(bank: Bank, folder: Path, state: Path) -> U8:
    """Focused shoes (N, HEIGHT, WIDTH, 4) of the whole bank, or what is there.

    ``state``: file of the finder's weights.
    """
    where = folder / "bank"
    done = where / "crops.done"
    count = len(bank.rows)
    if not done.exists():
        shape = (count, HEIGHT, WIDTH, 4)
        np.lib.format.open_memmap(where / "crops.npy", "w+", np.uint8, shape).flush()
        jobs = [(where, at, min(at + BLOCK, count)) for at in range(0, count, BLOCK)]
        context = multiprocessing.get_context("spawn")
        with context.Pool(os.cpu_count(), initializer=_start, initargs=(state,)) as pool:
            for number, _ in enumerate(pool.imap(_make, jobs)):
                if number % 40 == 0:
                    print(f"crops: {number * BLOCK} of {count}", flush=True)
        done.write_text("1")
    # Read whole: batches pick at random, and a disk's random reads would starve the trainer.
    crops: U8 = np.load(where / "crops.npy")
    return crops
