"""More phones' photographs for the palette: it reads nothing but clues of colours, so their
pictures need not be kept, and a row may have three times as many of them as the bank has views."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from onnx_models.augment import Camera
from onnx_models.bank import SHOT, Bank
from onnx_models.colours import CLUES
from onnx_models.crops import F16, colours, side_by_side
from onnx_models.dataset import CACHE_SIZE, Cache, Row
from onnx_models.finder import Finder

MORE: Final = 8
"""Shots of every picture that training sees, beside the bank's."""
BLOCK: Final = 256
SEED: Final = 77


def wider(
    bank: Bank, told: F16, rows: list[Row], cache: Cache, finder: Finder, where: Path
) -> tuple[Bank, F16]:
    """The bank's rows and kinds with MORE shots of every training picture behind its views (whose
    pictures it does not hold), and the clues (N, CLUES) of them all; made once, some minutes."""
    of = np.repeat([i for i, row in enumerate(rows) if row.split == "train"], MORE)
    path = where / "bank" / "shots.npy"
    if not path.exists():
        part = path.with_suffix(".part.npy")
        made = np.lib.format.open_memmap(part, "w+", np.float16, (len(of), CLUES))
        backdrops = np.load(where / "bank" / "backdrops.npy", mmap_mode="r")

        def fill(start: int) -> None:
            rng = np.random.default_rng((SEED, start))
            camera = Camera(backdrops, CACHE_SIZE, rng)
            views = []
            for row in of[start : start + BLOCK]:
                camera.strength = rng.uniform(0.3, 1.0)
                shot = camera.reshoot(cache.rgba[row], cache.boxes[row], bool(cache.masked[row]))
                views.append(shot[0])
            made[start : start + BLOCK] = colours(finder, np.stack(views))

        cv2.setNumThreads(1)
        side_by_side(fill, len(of), BLOCK)
        made.flush()
        part.replace(path)
    every = replace(
        bank,
        rows=np.concatenate([bank.rows, of]),
        kinds=np.concatenate([bank.kinds, np.full(len(of), SHOT, np.uint8)]),
        seen=np.concatenate([bank.seen, np.ones(len(of), bool)]),
    )
    return every, np.concatenate([told, np.load(path)])
