"""A transformers vision model (hub id or local folder) as an encoder folder, through optimum.

    python -m onnx_models.export facebook/dinov2-small --out DIR --licence Apache-2.0

ViT-like models give their CLS token (``--pooling mean`` for the mean of the patches), CLIP its
projected image embedding, SigLIP its pooled one. optimum-onnx has no configuration for a vision
tower with its projection, so the tower is wrapped into a module with one input and one output.
Preprocessing comes from the model's own image processor. Needs the ``export`` group.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import re
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from app.errors import EncoderError
from app.vision.encoder import Encoder
from app.vision.manifest import Input, Output, canonical_image, write_manifest
from app.vision.preprocess import to_array
from app.vision.session import build_session
from onnx_models.adopt import finish_manifest

try:
    import torch
    from optimum.exporters.onnx import export as onnx_export
    from optimum.exporters.onnx.config import VisionOnnxConfig
    from optimum.utils import NormalizedVisionConfig
    from transformers import (
        AutoConfig,
        AutoImageProcessor,
        AutoModel,
        CLIPVisionModelWithProjection,
        SiglipVisionModel,
    )
except ImportError as missing:
    raise ImportError("exporting needs more packages: pip install solemate[export]") from missing

Pooling = Literal["cls", "mean"]
PARITY: Final = 1e-3
"""Largest allowed difference of a component of the unit vectors, torch against onnxruntime."""
OPSET: Final = 18
# Pillow's resampling numbers, as image processors state them.
_FILTERS: Final = {1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box"}


class _Tower(torch.nn.Module):  # type: ignore[misc, unused-ignore]
    """pixel_values (n, 3, H, W) to one vector (n, dim), whatever the family calls its output."""

    def __init__(self, source: str, pooling: Pooling) -> None:
        super().__init__()
        family = AutoConfig.from_pretrained(source).model_type
        options = {"attn_implementation": "eager"}  # traced without data-dependent branches
        self.pooling = pooling
        if family in ("clip", "clip_vision_model"):
            self.model = CLIPVisionModelWithProjection.from_pretrained(source, **options)
            self.field = "image_embeds"
        elif family in ("siglip", "siglip_vision_model"):
            self.model = SiglipVisionModel.from_pretrained(source, **options)
            self.field = "pooler_output"
        else:
            self.model = AutoModel.from_pretrained(source, **options)
            self.field = "last_hidden_state"
        self.config = self.model.config
        self.eval()

    def forward(self, pixel_values: Any) -> Any:
        """(n, 3, H, W) float32 to (n, dim)."""
        found = self.model(pixel_values=pixel_values)[self.field]
        if self.field != "last_hidden_state":
            return found
        # The first token is CLS in ViT, DeiT, BEiT and DINOv2; the others are patches.
        return found[:, 0] if self.pooling == "cls" else found[:, 1:].mean(dim=1)


class _TowerOnnxConfig(VisionOnnxConfig):  # type: ignore[misc, unused-ignore]
    NORMALIZED_CONFIG_CLASS = NormalizedVisionConfig
    DEFAULT_ONNX_OPSET = OPSET

    @property
    def inputs(self) -> dict[str, dict[int, str]]:
        return {"pixel_values": {0: "n"}}

    @property
    def outputs(self) -> dict[str, dict[int, str]]:
        return {"embedding": {0: "n"}}


def export(
    source: str,
    out_dir: Path,
    *,
    name: str | None = None,
    pooling: Pooling = "cls",
    licence: str = "see the model's card",
    training_data: str = "see the model's card",
) -> Encoder:
    """Write an encoder folder and open it; torch and onnxruntime were compared before.

    Args:
        source: hub id or folder with config.json, weights and preprocessor_config.json.
        out_dir: the encoder's folder; made when absent.
        name: the encoder's name; default: the last part of ``source``.
        pooling: of models that return tokens only.

    Raises:
        EncoderError: the image processor does something a manifest cannot state, the model needs
            more than one file, or the exported graph computes something else.
    """
    spec = read_input(AutoImageProcessor.from_pretrained(source, use_fast=False).to_dict())
    tower = _Tower(source, pooling)
    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / "model.onnx"
    shape = copy.deepcopy(tower.config)
    shape.image_size = (spec.height, spec.width)  # trace at the processor's size (DINOv2 differs)
    onnx_export(tower, _TowerOnnxConfig(shape, task="feature-extraction"), path, opset=OPSET)
    if (out_dir / "model.onnx_data").exists():
        raise EncoderError(f"{source} is larger than one ONNX file holds (2 GB)")
    data = path.read_bytes()
    session = build_session(data)
    worst, dim = _parity(tower, session, spec)
    if worst > PARITY:
        raise EncoderError(f"{source}: torch and onnxruntime differ by {worst:.5f}")
    slug = re.sub(r"[^a-z0-9._-]+", "-", Path(source).name.lower()).strip("-._")
    manifest = finish_manifest(
        session,
        {
            "schema": 1,
            "name": name or slug,
            "revision": "1",
            "kind": "onnx",
            "dim": dim,
            "file": path.name,
            "sha256": hashlib.sha256(data).hexdigest(),
            "licence": licence,
            "training_data": training_data,
            "parts": None,
            "calibration": None,
        },
        spec,
        Output(name="embedding", normalise=True),
    )
    write_manifest(manifest, out_dir)
    return Encoder.load(out_dir)


def read_input(processor: dict[str, Any]) -> Input:
    """The manifest's input from an image processor's ``to_dict()``.

    Raises:
        EncoderError: a resizing that a manifest cannot state.
    """
    size = processor.get("size") or {}
    crop = processor.get("crop_size") if processor.get("do_center_crop") else None
    filters = _FILTERS.get(int(processor.get("resample") or 0))
    if not processor.get("do_resize", True) or filters is None:
        raise EncoderError(f"the image processor's resizing is not supported: {processor}")
    short_side = None
    resize = "stretch"
    if "shortest_edge" in size and crop:
        resize, short_side = "crop", size["shortest_edge"]
        size = crop
    elif "height" not in size or "width" not in size or (crop and crop != size):
        raise EncoderError(f"the image processor's resizing is not supported: {size}, {crop}")
    normalised = bool(processor.get("do_normalize"))
    scale = processor.get("rescale_factor") if processor.get("do_rescale") else None
    return Input(
        name="pixel_values",
        layout="NCHW",
        dtype="float32",
        height=size["height"],
        width=size["width"],
        resize=resize,  # type: ignore[arg-type]  # the dataclass validates the word
        interpolation=filters,  # type: ignore[arg-type]
        antialias=True,
        fill=(255, 255, 255),
        scale=scale,
        mean=tuple(processor["image_mean"]) if normalised else None,
        std=tuple(processor["image_std"]) if normalised else None,
        short_side=short_side,
    )


def _parity(tower: Any, session: Any, spec: Input) -> tuple[float, int]:
    """Largest difference of a unit vector's component over one real and three noise inputs; dim."""
    rng = np.random.default_rng(0)
    real = to_array(canonical_image(), spec)
    batch = np.stack([real, *rng.normal(size=(3, *real.shape)).astype(np.float32)])
    with torch.no_grad():
        want = tower(torch.from_numpy(batch)).numpy()
    (got,) = session.run(["embedding"], {"pixel_values": batch})
    want = want / np.linalg.norm(want, axis=1, keepdims=True)
    got = got / np.linalg.norm(got, axis=1, keepdims=True)
    return float(np.abs(want - got).max()), int(got.shape[1])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Export a transformers vision model.")
    parser.add_argument("source")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name")
    parser.add_argument("--pooling", choices=("cls", "mean"), default="cls")
    parser.add_argument("--licence", default="see the model's card")
    parser.add_argument("--training-data", default="see the model's card")
    given = parser.parse_args()
    try:
        encoder = export(
            given.source, given.out, name=given.name, pooling=given.pooling,
            licence=given.licence, training_data=given.training_data,
        )  # fmt: skip
    except EncoderError as error:
        raise SystemExit(str(error)) from None
    print(f"{encoder.name}: {encoder.dim} dimensions, written to {given.out}")


if __name__ == "__main__":
    main()
