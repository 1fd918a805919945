"""What a pretrained transformer says of the clean pictures, computed once.

Distillation (Hinton et al. 2015, arXiv 1503.02531; feature regression as in FitNets, Romero et al.
2015, arXiv 1412.6550): the student must find, in a re-shot picture, what the teacher says of the
clean one. The student's weights start from its own initialisation; no teacher weight is shipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import nn

from onnx_models.dataset import F32, I64, U8
from onnx_models.precision import bfloat16
from onnx_models.transformer import VIT, Transformer
from onnx_models.tutor import pretrained

SIDE: Final = 160
"""Pixels a side of what the teacher sees: half the work of 224. By the types of shoes it is a worse
judge there, so :mod:`onnx_models.likeness` asks it at 224."""
BATCH: Final = 32
LEAST: Final = 1e-3
"""Deviation beside the first's below which a direction is noise: it is not blown up further."""


def teacher_features(rgba: U8, model: Path, cache: Path) -> F32:
    """Class tokens (n, 192) of ViT-Tiny for pictures (n, 192, 192, 4), unit length; cached."""
    kept = cache / "teachers.npy"
    if kept.exists():
        stored: F32 = np.load(kept)
        if len(stored) == len(rgba):
            return stored
    knows = Transformer(VIT, SIDE, SIDE)
    pretrained(knows, model)
    found: list[F32] = []
    with torch.inference_mode():
        for start in range(0, len(rgba), BATCH):
            block = torch.from_numpy(np.array(rgba[start : start + BATCH, ..., :3]))
            pixels = block.permute(0, 3, 1, 2).float() / 255
            pixels = nn.functional.interpolate(
                pixels, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False
            )
            with bfloat16("cpu"):
                tokens = knows.tokens(pixels)
            found.append(tokens[:, 0].float().numpy())
    features = np.concatenate(found)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    np.save(kept, features)
    return features


def directions(values: F32, power: float, centred: float = 1.0) -> tuple[F32, F32]:
    """Mean (d,), or so much of it, and strongest directions (d, d) of ``values`` (n, d) about it,
    as columns, the strongest first, divided by a power of their deviation beside the first's."""
    mean = values.mean(axis=0) * np.float32(centred)
    _, size, axes = np.linalg.svd(values - mean, full_matrices=False)
    return mean, np.asarray(axes.T / np.maximum(size / size[0], LEAST) ** power, np.float32)


def whiten(features: F32, train: F32, dims: int) -> F32:
    """Half-whitened principal components (n, dims), unit length; statistics from ``train`` only.

    Dividing by the square root of the deviation, not by all of it, lifts the fine distinctions
    without letting the last, noisy components fill the target.
    """
    mean = train.mean(axis=0)
    _, values, axes = np.linalg.svd(train - mean, full_matrices=False)
    scale = np.sqrt(values[:dims] / np.sqrt(len(train)))
    projected = (features - mean) @ axes[:dims].T / scale
    return np.asarray(projected / np.linalg.norm(projected, axis=1, keepdims=True), np.float32)


def style_axes(train: F32, dims: int) -> F32:
    """The ``dims`` strongest directions of class tokens (n, t), as columns (t, dims).

    Not centred: human agreement falls from 0.77 to 0.72 when the mean is taken away.
    """
    return np.asarray(np.linalg.svd(train, full_matrices=False)[2][:dims].T, np.float32)


def style_target(features: F32, axes: F32) -> F32:
    """Class tokens (n, t) in the directions ``axes``, unit length."""
    projected = features @ axes
    return np.asarray(projected / np.linalg.norm(projected, axis=1, keepdims=True), np.float32)


def neighbours(features: F32, train: I64, count: int) -> I64:
    """The ``count`` training pictures most like each, (n, count), by unit ``features`` (n, d); its
    own picture is not among them."""
    found = np.empty((len(features), count), np.int64)
    for start in range(0, len(features), 1024):
        rows = np.arange(start, min(start + 1024, len(features)))
        cosines = features[rows] @ features[train].T
        cosines[rows[:, None] == train[None]] = -1
        found[rows] = train[np.argpartition(-cosines, count, axis=1)[:, :count]]
    return found
