"""SIFT bag of visual words (Sivic and Zisserman 2003; Lowe 2004) as an encoder of pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image, ImageOps

from app.errors import EncoderError
from onnx_models.features import default_cache, photograph
from onnx_models.scorecard.bench import Array, Bench

SIDE: Final = 256
POINTS: Final = 200
WORDS: Final = 512
SAMPLE: Final = 1500
"""Training photographs whose key points make the vocabulary."""


@dataclass(frozen=True)
class Described:
    """What the cache of vectors needs to know."""

    name: str
    words: int
    points: int
    side: int
    parts: None = None
    calibration: None = None


class SiftWords:
    """Histogram of visual words, rooted (Hellinger kernel), one constant off zero, L2 norm 1."""

    name, revision = "sift-words", "1"
    thresholds = (None, None)

    def __init__(self, vocabulary: Array, sha256: str = "") -> None:
        """``vocabulary`` is (WORDS, 128); ``sha256`` of what it was learned from, else its own."""
        self.vocabulary = vocabulary.astype(np.float32)
        self.dim = len(vocabulary) + 1
        self.sha256 = sha256 or hashlib.sha256(self.vocabulary.tobytes()).hexdigest()
        self.manifest: Any = Described(self.name, len(vocabulary), POINTS, SIDE)

    @classmethod
    def learned(cls, bench: Bench) -> SiftWords:
        """With the vocabulary of a seeded sample of the training photographs; kept on disk. Its
        digest is of what it is learned from: k-means ends elsewhere on another processor.

        Raises:
            EncoderError: too few key points.
        """
        from sklearn.cluster import MiniBatchKMeans

        train = np.flatnonzero(~bench.held_out)
        rng = np.random.default_rng(0)
        chosen = np.sort(rng.permutation(train)[:SAMPLE])
        files = [bench.files[row] for row in chosen]
        key = hashlib.sha256("\n".join([f"{WORDS} {POINTS} {SIDE}", *files]).encode()).hexdigest()
        path = Path(bench.cache or default_cache()) / f"sift-{key[:24]}.npy"
        if not path.exists():
            found = [_points(_grey(photograph(bench.folder / file))) for file in files]
            points = np.concatenate(found) if found else np.empty((0, 128), np.float32)
            if len(points) < WORDS:
                raise EncoderError("too few SIFT key points to learn a vocabulary from")
            points = points[rng.permutation(len(points))[:60_000]]
            means = MiniBatchKMeans(WORDS, random_state=0, batch_size=4096, n_init=1, max_iter=30)
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, means.fit(points).cluster_centers_.astype(np.float32))
        return cls(np.load(path), key)

    def preprocess(self, image: Image.Image) -> Array:
        """(SIDE, SIDE) uint8 grey, letterboxed on white."""
        return _grey(image)

    def encode_batch(self, pixels: Array) -> Array:
        """(n, SIDE, SIDE) uint8 to (n, dim) float32."""
        half = (self.vocabulary**2).sum(axis=1) / 2
        out = np.zeros((len(pixels), self.dim), np.float32)
        for row, picture in zip(out, pixels, strict=True):
            points = _points(picture)
            row[-1] = 0.05
            if len(points):
                word = (points @ self.vocabulary.T - half).argmax(axis=1)
                row[:-1] = np.sqrt(np.bincount(word, minlength=self.dim - 1) / len(word))
        return np.asarray(out / np.linalg.norm(out, axis=1, keepdims=True))

    has_catalogue = False

    def catalogue_batch(self, pixels: Array) -> Array:
        """The same as :meth:`encode_batch`."""
        return self.encode_batch(pixels)

    def encode(self, images: Sequence[Image.Image]) -> Array:
        """RGB pictures to (n, dim) float32."""
        return self.encode_batch(np.stack([self.preprocess(image) for image in images]))


def _grey(image: Image.Image) -> Array:
    return np.asarray(ImageOps.pad(image.convert("L"), (SIDE, SIDE), color=255))


def _points(grey: Array) -> Array:
    """RootSIFT descriptors (n, 128) of the strongest key points (Arandjelovic, Zisserman 2012)."""
    create: Any = cv2.SIFT_create  # type: ignore[attr-defined]  # its stubs lack it
    _, found = create(nfeatures=POINTS, contrastThreshold=0.02).detectAndCompute(grey, None)
    if found is None:
        return np.empty((0, 128), np.float32)
    return np.asarray(
        np.sqrt(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-9)), np.float32
    )
