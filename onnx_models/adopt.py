"""Turn a foreign model (model.onnx and preprocess.json) into an encoder folder.

    python -m onnx_models.adopt FOLDER --out DIR [--name NAME]

preprocess.json states the input in words ("uint8 NHWC nx224x224x3 RGB", "bicubic 224, white pad");
the graph itself states names, types and sizes. What neither states is an error, never a guess. The
model file is copied, so the result stands alone; it belongs outside the repository.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import onnxruntime as ort

from app.errors import EncoderError
from app.vision.encoder import Encoder
from app.vision.manifest import (
    FILE,
    Canonical,
    Input,
    OnnxManifest,
    Output,
    canonical_image,
    parse_manifest,
    write_manifest,
)
from app.vision.session import build_session

TOLERANCE = 0.002
REFERENCES: Final = {"mobilenet": "mobilenet_v1_imagenet", "vit-tiny": "vit_tiny_imagenet"}
"""Folders of the reference models, by the names they have here."""


def adopt(
    folder: Path,
    out_dir: Path,
    *,
    name: str | None = None,
    licence: str = "see the model's origin",
    training_data: str = "see the model's origin",
) -> Encoder:
    """Write ``out_dir`` (model file, manifest with digest and canonical vector) and open it.

    Args:
        folder: holds model.onnx and preprocess.json.
        out_dir: the new encoder's folder; made when absent.
        name: the encoder's name; default: the folder's, with hyphens.

    Raises:
        EncoderError: a file is missing, or preprocess.json leaves the input or output open.
    """
    source = folder / "model.onnx"
    try:
        facts = json.loads((folder / "preprocess.json").read_text(encoding="utf-8"))
        data = source.read_bytes()
    except (OSError, ValueError) as error:
        raise EncoderError(f"{folder} cannot be adopted: {error}") from error
    session = build_session(data)
    spec = _input(facts, session, folder)
    output, dim = _output(facts, session, folder)
    manifest = finish_manifest(
        session,
        {
            "schema": 1,
            "name": name or folder.name.lower().replace("_", "-"),
            "revision": "1",
            "kind": "onnx",
            "dim": dim,
            "file": source.name,
            "sha256": hashlib.sha256(data).hexdigest(),
            "licence": licence,
            "training_data": training_data,
            "parts": None,
            "calibration": None,
        },
        spec,
        output,
    )
    out_dir.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, out_dir / source.name)
    write_manifest(manifest, out_dir)
    return Encoder.load(out_dir)


def adopted(name: str, references: Path, cache: Path, threads: int = 0) -> Encoder:
    """The reference model ``name`` of REFERENCES, adopted under ``cache`` once for each file.

    Raises:
        EncoderError: it is not in the folder ``references``, or :func:`adopt` cannot read it.
    """
    source = references / REFERENCES[name]
    try:
        digest = hashlib.sha256((source / "model.onnx").read_bytes()).hexdigest()[:12]
    except OSError as error:
        raise EncoderError(f"{source} cannot be adopted: {error}") from error
    folder = cache / "adopted" / f"{name}-{digest}"
    if (folder / FILE).is_file():
        return Encoder.load(folder, threads)
    return adopt(source, folder, name=name)


def finish_manifest(
    session: ort.InferenceSession, head: Mapping[str, Any], spec: Input, output: Output
) -> OnnxManifest:
    """The manifest from its head and the input and output, with the canonical vector computed.

    Raises:
        EncoderError: the parts do not make a valid manifest, or the vector is not finite.
    """
    dim = int(head["dim"])
    unproven = Canonical("gradient-v1", (0.0,) * dim, TOLERANCE)
    manifest = parse_manifest({**head, "input": spec, "output": output, "canonical": unproven})
    if not isinstance(manifest, OnnxManifest):
        raise EncoderError("only an ONNX model has a canonical vector")
    vector = Encoder(manifest, session).encode([canonical_image()])[0]
    proven = Canonical("gradient-v1", tuple(round(float(v), 7) for v in vector), TOLERANCE)
    return replace(manifest, canonical=proven)


def _input(facts: Mapping[str, Any], session: ort.InferenceSession, folder: Path) -> Input:
    node = session.get_inputs()[0]
    words = str(facts.get("input", ""))
    layout = re.search(r"\b(NHWC|NCHW)\b", words)
    dtype = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}.get(node.type)
    sides = node.shape[1:3] if layout and layout[1] == "NHWC" else node.shape[2:4]
    if not layout or not dtype or not all(isinstance(side, int) for side in sides):
        raise EncoderError(f"{folder}: layout, type or size of the input is not stated: {words!r}")
    resize = str(facts.get("resize", "")).lower()
    filters = re.search(r"\b(bilinear|bicubic|box|lanczos)\b", resize)
    rule = {"pad": "letterbox", "letterbox": "letterbox", "stretch": "stretch", "crop": "crop"}
    ruled = re.search(r"\b(pad|letterbox|stretch|crop)\b", resize)
    if not filters or not ruled:
        raise EncoderError(f"{folder}: how to resize is not stated: {resize!r}")
    scale = facts.get("scale")
    if isinstance(scale, str):
        above, _, below = scale.partition("/")
        scale = float(above) / float(below or 1)
    return Input(
        name=node.name,
        layout="NHWC" if layout[1] == "NHWC" else "NCHW",
        dtype="uint8" if dtype == "uint8" else "float32",
        height=sides[0],
        width=sides[1],
        resize=rule[ruled[1]],  # type: ignore[arg-type]  # the dataclass validates the word
        interpolation=filters[1],  # type: ignore[arg-type]
        antialias=True,
        fill=(0, 0, 0) if "black" in resize else (255, 255, 255),
        scale=scale,
        mean=tuple(facts["mean"]) if facts.get("mean") else None,
        std=tuple(facts["std"]) if facts.get("std") else None,
    )


def _output(
    facts: Mapping[str, Any], session: ort.InferenceSession, folder: Path
) -> tuple[Output, int]:
    """The vector output and its length: the one marked "use this", ``embedding``, or the only."""
    vectors = {
        node.name: node.shape[1]
        for node in session.get_outputs()
        if len(node.shape) == 2 and isinstance(node.shape[1], int)
    }
    stated = facts.get("outputs")
    stated = stated if isinstance(stated, dict) else {}
    marked = [name for name in vectors if "use this" in str(stated.get(name, ""))]
    chosen = marked or [name for name in vectors if name == "embedding"] or list(vectors)
    if len(chosen) != 1:
        raise EncoderError(f"{folder}: which output is the vector? There are {sorted(vectors)}")
    return Output(name=chosen[0], normalise=True), vectors[chosen[0]]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Make an encoder folder of a foreign ONNX model.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name")
    parser.add_argument("--licence", default="see the model's origin")
    arguments = parser.parse_args()
    try:
        encoder = adopt(
            arguments.folder, arguments.out, name=arguments.name, licence=arguments.licence
        )
    except EncoderError as error:
        raise SystemExit(str(error)) from None
    print(f"{encoder.name}: {encoder.dim} dimensions, written to {arguments.out}")


if __name__ == "__main__":
    main()
