"""Retrieval on validation products during training: clean and re-shot, leave-one-out."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt
import torch

from onnx_models.augment import Camera
from onnx_models.dataset import F32, I64, MULTIVIEW_SOURCES, U8, Cache, Row
from onnx_models.model import Encoder

STRENGTH = 0.6
GALLERY_STEP = 3


def embed(encoder: Encoder, pictures: npt.NDArray[np.uint8], batch: int = 256) -> F32:
    """Vectors (n, d) of pictures (n, s, s, 3); the trunk as ``half`` says."""
    encoder.eval()
    out = []
    with torch.inference_mode():
        for start in range(0, len(pictures), batch):
            block = torch.from_numpy(np.ascontiguousarray(pictures[start : start + batch]))
            pixels = block.permute(0, 3, 1, 2).float() / 255
            out.append(encoder.embed(pixels).float().numpy())
    return np.concatenate(out)


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


class Validation:
    """Fixed, seeded queries over the validation products.

    Gallery: all validation pictures and every third training picture.
    """

    def __init__(self, rows: list[Row], cache: Cache, backdrops: U8, size: int, seed: int) -> None:
        keep = [
            i
            for i, row in enumerate(rows)
            if row.split == "validation" or (row.split == "train" and i % GALLERY_STEP == 0)
        ]
        self.products = np.array([rows[i].product for i in keep])
        self.clean = cache.clean[keep]
        position = {row: place for place, row in enumerate(keep)}
        count: dict[str, int] = defaultdict(int)
        for row in rows:
            count[row.product] += 1
        held = [
            i
            for i in keep
            if rows[i].split == "validation"
            and rows[i].source in MULTIVIEW_SOURCES
            and count[rows[i].product] > 1
        ]
        camera = Camera(backdrops, size, np.random.default_rng(seed), STRENGTH)
        self.owners = np.array([position[i] for i in held for _ in range(3)])
        self.queries = np.stack(
            [
                camera.reshoot(cache.rgba[i], cache.boxes[i], bool(cache.masked[i]))[0]
                for i in held
                for _ in range(3)
            ]
        )

    def measure(self, encoder: Encoder, parts: bool = True) -> dict[str, dict[str, float]]:
        """Re-shot and clean recall of the whole vector, and re-shot of each part."""
        gallery = embed(encoder, self.clean)
        queries = embed(encoder, self.queries)
        width = encoder.sizes.shape_dim
        once = np.unique(self.owners)
        at = (1, 10)
        figures = {
            "reshot": recall(queries, self.owners, gallery, self.products, at),
            "clean": recall(gallery[once], once, gallery, self.products, at),
        }
        if parts:
            for name, part in (("shape", slice(0, width)), ("colour", slice(width, None))):
                figures[f"reshot_{name}"] = recall(
                    queries[:, part], self.owners, gallery[:, part], self.products, at
                )
        return figures
