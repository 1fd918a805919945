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

from app.vision.encoder import CATALOGUE
from app.vision.manifest import Input
from app.vision.preprocess import to_array
from app.vision.session import build_session
from onnx_models.dataset import F32, open_rgb

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


def _start(model: str, spec: dict[str, Any], output: str) -> None:
    session = build_session(Path(model), 1)
    if CATALOGUE in {out.name for out in session.get_outputs()}:
        output = CATALOGUE  # a text asks for what a catalogue keeps
    _state.update(session=session, spec=Input(**spec), output=output)


def _encode(path: str) -> F32:
    session: ort.InferenceSession = _state["session"]
    spec: Input = _state["spec"]
    pixels = to_array(open_rgb(Path(path)), spec)[None]
    (out,) = session.run([_state["output"]], {spec.name: pixels})
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
