"""Photographs for training: labels, product-disjoint split, decode-once cache, foreground masks.

Every picture is decoded once. ``rgba`` (n, 192, 192, 4) uint8 stays on disk as a memory map:
exactly what serving feeds the encoder, letterboxed on white, and the foreground mask as fourth
channel.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from onnx_models.told import read_table

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

CACHE_SIZE: Final = 192
FILL: Final = (255, 255, 255)
RESAMPLE: Final = Image.Resampling.BILINEAR
RESAMPLE_NAME: Final = "bilinear"

TEST_SOURCES: Final = frozenset({"bazaizai_multiview", "projeto_nike_multiview", "zappos_triplets"})
MULTIVIEW_SOURCES: Final = frozenset({"nike_vn_multiview", "es_shop_multiview", "empire_multiview"})
HELD_SOURCE: Final = "es_shop_multiview"
"""A studio that training does not see while it is held: weights of the parts are fitted on it.
Once they are, the last training takes it in: few products show several views."""
# One picture of these shows both shoes of a pair at different angles: its halves are two views.
PAIR_SOURCES: Final = frozenset({"zappos_pairs_2018"})
VALIDATION_SHARE_MULTIVIEW: Final = 0.15
VALIDATION_SHARE_OTHER: Final = 0.05


@dataclass(frozen=True)
class Row:
    """One photograph of labels.csv; blank means unknown."""

    file: str
    source: str
    product: str
    model: str
    brand: str
    category: str
    view: str
    setting: str
    colour: str = ""
    gender: str = ""
    name: str = ""
    held: bool = False

    @property
    def split(self) -> str:
        """``test``, ``validation`` or ``train``, decided by a hash of the product's group.

        The group is the model where it is known, so that colourways of one model stay together.
        """
        if self.source in TEST_SOURCES:
            return "test"
        if self.held:
            return "validation"
        group = f"{self.source}/{self.model or self.product}"
        share = (
            VALIDATION_SHARE_MULTIVIEW
            if self.source in MULTIVIEW_SOURCES
            else VALIDATION_SHARE_OTHER
        )
        digest = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big")
        return "validation" if digest / 2**64 < share else "train"

    @property
    def used(self) -> bool:
        """Whether the last training sees it, which holds no studio."""
        return replace(self, held=False).split == "train"


def shoes_folder(data: Path | None) -> Path:
    """The folder that holds labels.csv: DATA/shoes or DATA itself."""
    root = data or Path(
        os.environ.get("SOLEMATE_DATA", Path(__file__).parents[1] / ".." / "shared" / "data")
    )
    folder = root if (root / "labels.csv").exists() else root / "shoes"
    if not (folder / "labels.csv").exists():
        raise FileNotFoundError(f"no labels.csv under {root}")
    return folder


def read_rows(folder: Path, hold: bool = False) -> list[Row]:
    """All labelled photographs, in the order of labels.csv; ``hold``: HELD_SOURCE is kept out of
    training."""
    return [
        Row(
            file=row["file"],
            source=row["source"],
            product=f"{row['source']}/{row['product_id']}",
            model=row["model_id"],
            brand=row["brand"].strip().lower(),
            category=row["category"],
            view=row["view"],
            setting=row["setting"],
            colour=row["colour"],
            gender=row["gender"],
            name=row["model"],
            held=hold and row["source"] == HELD_SOURCE,
        )
        for row in read_table(folder)
    ]


def codes(values: list[str]) -> I64:
    """Integer code for each string, in order of first appearance."""
    table: dict[str, int] = {}
    return np.array([table.setdefault(value, len(table)) for value in values], dtype=np.int64)


def open_rgb(path: Path) -> Image.Image:
    """Decode, turn upright by EXIF, flatten transparency onto white."""
    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            rgba = image.convert("RGBA")
            white = Image.new("RGBA", rgba.size, (*FILL, 255))
            return Image.alpha_composite(white, rgba).convert("RGB")
        return image.convert("RGB")


def fit(image: Image.Image, size: int) -> Image.Image:
    """Scale to fit a square of ``size`` pixels, keeping the aspect ratio."""
    scale = size / max(image.size)
    width = max(1, round(image.width * scale))
    height = max(1, round(image.height * scale))
    return image.resize((width, height), RESAMPLE, reducing_gap=None)


def letterbox(image: Image.Image, size: int) -> U8:
    """The encoder's input, (size, size, 3) uint8 RGB; serving does exactly the same."""
    fitted = fit(image, size)
    canvas = Image.new("RGB", (size, size), FILL)
    canvas.paste(fitted, ((size - fitted.width) // 2, (size - fitted.height) // 2))
    return np.asarray(canvas, dtype=np.uint8)


def gradient_v1() -> Image.Image:
    """The canonical picture "gradient-v1" (240 x 320) whose embedding the manifest records."""
    y, x = np.mgrid[0:240, 0:320]
    pixels = np.stack([x * 255 // 319, y * 255 // 239, (x + y) * 255 // 558], axis=2)
    pixels[90:150, 60:260] = (200, 30, 40)
    return Image.fromarray(pixels.astype(np.uint8))


def foreground(rgb: U8) -> U8:
    """Foreground mask (0 or 255) of a studio picture; all zero where there is no flat backdrop.

    Backdrop = what floods in from the border through small steps of colour (so gradients pass)
    without leaving the neighbourhood of the border's median colour (so shoes do not). GrabCut
    would be cleaner and is far too slow for a whole catalogue.
    """
    height, width = rgb.shape[:2]
    smooth = cv2.medianBlur(rgb, 3)
    border = np.concatenate([smooth[0], smooth[-1], smooth[:, 0], smooth[:, -1]]).astype(np.int16)
    median = np.median(border, axis=0)
    # A perfectly flat backdrop leaves room for white shoes on white; an uneven one needs slack.
    spread = float(np.quantile(np.abs(border - median).max(axis=1), 0.9))
    far = np.abs(smooth.astype(np.int16) - median).max(axis=2) > min(max(3 * spread + 7, 8), 45)
    flood = np.ones((height + 2, width + 2), np.uint8)
    flood[1:-1, 1:-1] = far
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | (2 << 8)
    seeds = [(x, y) for x in range(0, width, 4) for y in (0, height - 1)]
    seeds += [(x, y) for y in range(0, height, 4) for x in (0, width - 1)]
    for x, y in seeds:
        if flood[y + 1, x + 1] == 0:
            cv2.floodFill(smooth, flood, (x, y), (0, 0, 0), (3, 3, 3), (3, 3, 3), flags)
    mask = np.where(flood[1:-1, 1:-1] == 2, 0, 255).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    specks = stats[:, cv2.CC_STAT_AREA] < 0.005 * height * width
    mask[specks[labels]] = 0
    edge = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    share = float((mask > 0).mean())
    if count < 2 or not 0.03 < share < 0.9 or float((edge > 0).mean()) > 0.45:
        return np.zeros_like(mask)
    return mask


def _prepare(path: str) -> U8:
    image = open_rgb(Path(path))
    fitted = np.asarray(fit(image, CACHE_SIZE))
    rgba = np.full((CACHE_SIZE, CACHE_SIZE, 4), (*FILL, 0), np.uint8)
    top = (CACHE_SIZE - fitted.shape[0]) // 2
    left = (CACHE_SIZE - fitted.shape[1]) // 2
    place = rgba[top : top + fitted.shape[0], left : left + fitted.shape[1]]
    place[..., :3] = fitted
    place[..., 3] = foreground(np.ascontiguousarray(fitted))
    return rgba


def mask_boxes(rgba: npt.NDArray[Any]) -> I64:
    """Bounding boxes (n, 4) as x0, y0, x1, y1 of the masks; the whole picture where empty."""
    boxes = np.tile(np.array([0, 0, CACHE_SIZE, CACHE_SIZE], np.int64), (len(rgba), 1))
    for index in range(len(rgba)):
        mask = rgba[index, :, :, 3] > 0
        if mask.any():
            ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            boxes[index] = (xs[0], ys[0], xs[-1] + 1, ys[-1] + 1)
    return boxes


@dataclass(frozen=True)
class Cache:
    """The decoded pictures: ``rgba`` (n, 192, 192, 4), ``boxes`` (n, 4), ``masked`` (n,)."""

    rgba: U8
    boxes: I64
    masked: npt.NDArray[np.bool_]

    def clean(self, rows: I64) -> U8:
        """(k, 192, 192, 3): the pictures as serving feeds them to the encoder."""
        return np.ascontiguousarray(self.rgba[rows][..., :3])


def build_cache(folder: Path, rows: list[Row], cache: Path) -> Cache:
    """Decode and resize every picture once (about a minute for 17,754), or open what is there."""
    cache.mkdir(parents=True, exist_ok=True)
    listing = json.dumps([CACHE_SIZE, *[row.file for row in rows]])
    listing = hashlib.sha256(listing.encode()).hexdigest()
    stamp = cache / "listing.sha256"
    if not stamp.exists() or stamp.read_text() != listing:
        stamp.unlink(missing_ok=True)
        shape = (len(rows), CACHE_SIZE, CACHE_SIZE, 4)
        rgba = np.lib.format.open_memmap(cache / "rgba.npy", "w+", np.uint8, shape)
        jobs = [str(folder / row.file) for row in rows]
        with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
            for index, picture in enumerate(pool.imap(_prepare, jobs, chunksize=64)):
                rgba[index] = picture
        rgba.flush()
        np.save(cache / "boxes.npy", mask_boxes(rgba))
        np.save(cache / "masked.npy", np.array([one[..., 3].any() for one in rgba]))
        stamp.write_text(listing)
    pictures = np.load(cache / "rgba.npy", mmap_mode="r")
    return Cache(pictures, np.load(cache / "boxes.npy"), np.load(cache / "masked.npy"))
