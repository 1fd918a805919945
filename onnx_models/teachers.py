"""Features of the clean pictures from foreign, pretrained teachers, computed once.

Distillation (Hinton et al. 2015, arXiv 1503.02531; feature regression as in FitNets, Romero et al.
2015, arXiv 1412.6550): the student must find, in a re-shot picture, what the teacher says of the
clean one. The student's weights start from its own initialisation; no teacher weight is shipped.
"""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from PIL import Image

from onnx_models.dataset import F32, Row, fit, open_rgb

SIDE: Final = 224
_sessions: list[ort.InferenceSession] = []


def _start(models: list[str]) -> None:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    _sessions[:] = [
        ort.InferenceSession(model, options, providers=["CPUExecutionProvider"]) for model in models
    ]


def _features(path: str) -> F32:
    """MobileNetV1 pooled, ViT-Tiny cls and patch mean; each of unit length, concatenated."""
    fitted = fit(open_rgb(Path(path)), SIDE)
    canvas = Image.new("RGB", (SIDE, SIDE), (255, 255, 255))
    canvas.paste(fitted, ((SIDE - fitted.width) // 2, (SIDE - fitted.height) // 2))
    pixels = np.asarray(canvas, np.uint8)[None]
    parts = []
    for session in _sessions:
        wanted = session.get_inputs()[0]
        if wanted.type == "tensor(uint8)":
            feed: np.ndarray[Any, Any] = pixels
            names = ["embedding"]
        else:
            feed = ((pixels.astype(np.float32) / 255 - 0.5) / 0.5).transpose(0, 3, 1, 2)
            names = ["cls", "patch_mean"]
        parts += [out[0] for out in session.run(names, {wanted.name: feed})]
    return np.concatenate([part / (np.linalg.norm(part) + 1e-9) for part in parts]).astype(
        np.float32
    )


def teacher_features(folder: Path, rows: list[Row], teachers: Path, cache: Path) -> F32:
    """Features (n, 1408) of the clean pictures, or what an earlier run left in the cache."""
    kept = cache / "teachers.npy"
    if kept.exists():
        stored: F32 = np.load(kept)
        if len(stored) == len(rows):
            return stored
    models = [
        str(teachers / "mobilenet_v1_imagenet" / "model.onnx"),
        str(teachers / "vit_tiny_imagenet" / "model.onnx"),
    ]
    context = multiprocessing.get_context("spawn")
    with context.Pool(os.cpu_count(), initializer=_start, initargs=(models,)) as pool:
        paths = [str(folder / row.file) for row in rows]
        features = np.stack(list(pool.imap(_features, paths, chunksize=32)))
    np.save(kept, features)
    return features


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


CLS: Final = slice(1024, 1216)
"""Of the features: ViT-Tiny's class token, which agrees best with people."""


def style_target(features: F32, train: F32, dims: int) -> F32:
    """The class token in its ``dims`` strongest directions (n, dims), unit length.

    Not centred: human agreement falls from 0.77 to 0.72 when the mean is taken away.
    """
    axes = np.linalg.svd(train[:, CLS], full_matrices=False)[2]
    projected = features[:, CLS] @ axes[:dims].T
    return np.asarray(projected / np.linalg.norm(projected, axis=1, keepdims=True), np.float32)
