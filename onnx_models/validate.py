"""Retrieval on validation products during training: clean and re-shot, leave-one-out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from onnx_models.augment import Camera, backdrop_pool
from onnx_models.crops import by_mask, side_by_side, through
from onnx_models.dataset import (
    CACHE_SIZE,
    F32,
    I64,
    MULTIVIEW_SOURCES,
    U8,
    Cache,
    Row,
)
from onnx_models.finder import Finder
from onnx_models.precision import bfloat16

STRENGTH = 0.6
GALLERY_STEP = 3
SHOTS = 3
PARTS = ("style", "model", "detail", "colour")


def embed(network: nn.Module, crops: U8, batch: int = 128) -> dict[str, F32]:
    """What trunk or tutors say (n, d) of focused shoes (n, h, w, 4), by name."""
    there = next(network.eval().parameters()).device

    @torch.inference_mode()
    def look(start: int) -> dict[str, F32]:
        block = torch.from_numpy(np.array(crops[start : start + batch]))
        pixels = block.to(there).permute(0, 3, 1, 2).float() / 255
        with bfloat16(there.type):
            told = network(pixels)._asdict()
        return {name: part.float().cpu().numpy() for name, part in told.items()}

    blocks = side_by_side(look, len(crops), batch)
    return {name: np.concatenate([one[name] for one in blocks]) for name in blocks[0]}


def recall(
    queries: F32, owners: I64, gallery: F32, products: npt.NDArray[np.str_], at: tuple[int, ...]
) -> dict[str, float]:
    """R@k: another picture of the query's product among the first k, its own picture left out.

    ``owners`` (q,) = row of the gallery that each query was made from.
    """
    scores = queries @ gallery.T
    scores[np.arange(len(queries)), owners] = -np.inf
    order = np.argsort(-scores, axis=1)[:, : max(at)]
    hit = products[order] == products[owners][:, None]
    return {f"r{k}": round(float(hit[:, :k].any(axis=1).mean()), 4) for k in at}


class Held:
    """Fixed, seeded queries over the validation products: ``shots`` (q, 192, 192, 3), their
    ``masks``, and ``owners`` (q,), places in the gallery ``keep`` (g,) of rows. ``apart`` (q,): of
    the studio that is held, where one is.

    Gallery: all validation pictures and every ``step``-th training picture.
    """

    def __init__(self, rows: list[Row], cache: Cache, seed: int, step: int) -> None:
        self.keep = np.array(
            [
                i
                for i, row in enumerate(rows)
                if row.split == "validation" or (row.split == "train" and i % step == 0)
            ]
        )
        self.products = np.array([rows[i].product for i in self.keep])
        count = Counter(row.product for row in rows)
        held = [
            place
            for place, i in enumerate(self.keep)
            if rows[i].split == "validation"
            and rows[i].source in MULTIVIEW_SOURCES
            and count[rows[i].product] > 1
        ]
        others = np.array([i for i, row in enumerate(rows) if row.split == "validation"])
        wild = others[[rows[i].setting == "wild" for i in others]]
        self.backdrops = backdrop_pool(cache.rgba, wild, others, 400, seed + 1)
        camera = Camera(self.backdrops, CACHE_SIZE, np.random.default_rng(seed), STRENGTH)
        self.owners = np.repeat(held, SHOTS)
        self.apart = np.array([rows[i].held for i in self.keep[self.owners]])
        if not self.apart.any():
            self.apart[:] = True
        taken = [
            camera.reshoot(cache.rgba[i], cache.boxes[i], bool(cache.masked[i]))
            for i in self.keep[self.owners]
        ]
        self.shots, self.masks = (np.stack(one) for one in zip(*taken, strict=True))


class Validation(Held):
    """The same as a trunk or a tutor sees them, cut out."""

    def __init__(
        self, rows: list[Row], cache: Cache, finder: Finder | None, where: Path, seed: int
    ) -> None:
        """``finder`` None: the shoe is cut out by the known mask, as for the tutor."""
        super().__init__(rows, cache, seed, GALLERY_STEP)
        if finder is None:
            pictures = cache.rgba[self.keep]
            self.gallery = by_mask(pictures[..., :3], pictures[..., 3], seed)
            self.queries = by_mask(self.shots, self.masks, seed)
            return
        kept = where / "validation.npy"
        if not kept.exists():
            np.save(kept, through(finder, cache.rgba[self.keep][..., :3]))
        self.gallery = np.load(kept)
        self.queries = through(finder, self.shots)

    def measure(self, trunk: nn.Module, weights: Tensor) -> dict[str, dict[str, float]]:
        """Recall of the parts together under ``weights`` (4,), and apart.

        ``reshot`` and ``clean`` are of the studio that is held, ``known`` of the others.
        """
        gallery, queries = embed(trunk, self.gallery), embed(trunk, self.queries)
        apart = self.apart
        once = np.unique(self.owners[apart])
        at = (1, 10)
        roots = np.sqrt(weights.detach().cpu().numpy())

        def joined(parts: dict[str, F32]) -> F32:
            return np.concatenate(
                [parts[name] * w for name, w in zip(PARTS, roots, strict=True)], axis=1
            )

        def asked(vectors: F32, within: F32, some: npt.NDArray[np.bool_]) -> dict[str, float]:
            return recall(vectors[some], self.owners[some], within, self.products, at)

        whole, shots = joined(gallery), joined(queries)
        figures = {
            "reshot": asked(shots, whole, apart),
            "clean": recall(whole[once], once, whole, self.products, at),
        }
        if not apart.all():
            figures["known"] = asked(shots, whole, ~apart)
        for name in PARTS:
            figures[name] = asked(queries[name], gallery[name], apart)
        return figures
