"""Vectors of the training pictures under a frozen image encoder, computed once and kept."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from PIL import Image

from app.vision.session import build_session
from onnx_models.dataset import F32, U8, open_rgb

_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}
_state: dict[str, Any] = {}


@dataclass(frozen=True)
class Folder:
    """An encoder's folder: its manifest as read, its model file, that file's sha256."""

    path: Path
    facts: dict[str, Any]
    model: Path
    sha256: str

    @property
    def dim(self) -> int:
        """Length of its vectors."""
        return int(self.facts["dim"])


def open_folder(path: Path) -> Folder:
    """Read an encoder's folder.

    Raises:
        ValueError: the manifest describes another file, or an input this recipe does not make
            (it makes uint8 NHWC, letterboxed or stretched).
    """
    facts = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    model = path / facts["file"]
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    if digest != facts["sha256"]:
        raise ValueError(f"{model} is not the file its manifest describes")
    spec = facts["input"]
    if (spec["dtype"], spec["layout"]) != ("uint8", "NHWC") or spec["resize"] == "crop":
        raise ValueError(f"{path}: the text recipe feeds uint8 NHWC, letterboxed or stretched")
    return Folder(path, facts, model, digest)


def prepare(image: Image.Image, spec: dict[str, Any]) -> U8:
    """One RGB picture as the encoder's input (H, W, 3), exactly as serving makes it."""
    high, wide = int(spec["height"]), int(spec["width"])
    how = _FILTERS[spec["interpolation"]]
    if spec["resize"] == "stretch":
        return np.asarray(image.resize((wide, high), how), np.uint8)
    scale = min(wide / image.width, high / image.height)
    w, h = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    canvas = Image.new("RGB", (wide, high), tuple(spec["fill"]))
    canvas.paste(image.resize((w, h), how), ((wide - w) // 2, (high - h) // 2))
    return np.asarray(canvas, np.uint8)


def _start(model: str, spec: dict[str, Any], output: str) -> None:
    _state.update(session=build_session(Path(model), 1), spec=spec, output=output)


def _encode(path: str) -> F32:
    session: ort.InferenceSession = _state["session"]
    spec = _state["spec"]
    pixels = prepare(open_rgb(Path(path)), spec)[None]
    (out,) = session.run([_state["output"]], {spec["name"]: pixels})
    row: F32 = np.asarray(out[0], np.float32)
    return row / np.linalg.norm(row)


def image_vectors(folder: Folder, pictures: list[Path], cache: Path) -> F32:
    """Unit vectors (n, dim) of picture files, float32; kept in ``cache`` by encoder and listing."""
    listing = hashlib.sha256("\n".join(map(str, pictures)).encode()).hexdigest()[:12]
    kept = cache / f"vectors-{folder.sha256[:12]}-{listing}.npy"
    if kept.exists():
        stored: F32 = np.load(kept)
        return stored
    cache.mkdir(parents=True, exist_ok=True)
    start = (str(folder.model), folder.facts["input"], folder.facts["output"]["name"])
    context = multiprocessing.get_context("spawn")
    with context.Pool(os.cpu_count(), initializer=_start, initargs=start) as pool:
        found = np.stack(list(pool.imap(_encode, [str(path) for path in pictures], chunksize=64)))
    part = kept.with_suffix(".part.npy")
    np.save(part, found)
    part.replace(kept)
    return found
