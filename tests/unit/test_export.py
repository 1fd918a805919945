"""onnx_models.export: tiny, randomly initialised models saved here and exported offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

reason = "needs the export group: pip install solemate[export]"
torch = pytest.importorskip("torch", reason=reason)
transformers = pytest.importorskip("transformers", reason=reason)
pytest.importorskip("optimum.exporters.onnx", reason=reason)

from app.errors import EncoderError  # noqa: E402
from app.vision.encoder import Encoder  # noqa: E402
from onnx_models.export import export, read_input  # noqa: E402

SMALL = {
    "hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
    "image_size": 32, "patch_size": 8,
}  # fmt: skip


def saved(kind: str, folder: Path) -> Any:
    """Save a tiny model of the kind with its image processor; returns the model."""
    torch.manual_seed(1)
    side = {"height": 32, "width": 32}
    if kind in ("vit", "vit-mean"):
        model = transformers.ViTModel(transformers.ViTConfig(**SMALL))
        processor = transformers.ViTImageProcessor(size=side)
    elif kind == "dinov2":
        model = transformers.Dinov2Model(transformers.Dinov2Config(**{**SMALL, "image_size": 48}))
        processor = transformers.BitImageProcessor(size={"shortest_edge": 36}, crop_size=side)
    elif kind == "clip":
        config = transformers.CLIPVisionConfig(**SMALL, projection_dim=16)
        model = transformers.CLIPVisionModelWithProjection(config)
        processor = transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=side)
    else:
        model = transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**SMALL))
        processor = transformers.SiglipImageProcessor(size=side)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return model.eval()


def expected(kind: str, model: Any, pixels: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        out = model(pixel_values=torch.from_numpy(pixels))
    vector = {
        "vit": lambda: out.last_hidden_state[:, 0],
        "vit-mean": lambda: out.last_hidden_state[:, 1:].mean(dim=1),
        "dinov2": lambda: out.last_hidden_state[:, 0],
        "clip": lambda: out.image_embeds,
        "siglip": lambda: out.pooler_output,
    }[kind]().numpy()
    return vector / np.linalg.norm(vector, axis=1, keepdims=True)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["vit", "vit-mean", "dinov2", "clip", "siglip"])
def test_export(kind: str, tmp_path: Path) -> None:
    source = tmp_path / f"Tiny {kind}"
    model = saved(kind, source)
    export(
        str(source), tmp_path / "out", pooling="mean" if kind == "vit-mean" else "cls",
        licence="MIT",
    )  # fmt: skip
    encoder = Encoder.load(tmp_path / "out")
    assert encoder.name == f"tiny-{kind}"
    assert encoder.dim == (16 if kind == "clip" else 24)
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 255, (40, 60, 3), np.uint8)) for _ in range(3)]
    pixels = np.stack([encoder.preprocess(picture) for picture in pictures])
    assert np.allclose(encoder.encode_batch(pixels), expected(kind, model, pixels), atol=1e-4)
    # The same pictures through the model's own processor: the manifest states what it does.
    processor = transformers.AutoImageProcessor.from_pretrained(source, use_fast=False)
    theirs = processor(pictures, return_tensors="np")["pixel_values"]
    assert np.abs(theirs - pixels).max() < 0.02
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "manifest.json",
        "model.onnx",
    ]


def test_a_resizing_that_cannot_be_stated_is_refused() -> None:
    good = {
        "do_resize": True, "resample": 3, "size": {"height": 8, "width": 8}, "do_normalize": False,
    }  # fmt: skip
    assert read_input(good).resize == "stretch"
    for change in ({"size": {"shortest_edge": 8}}, {"resample": 0}, {"do_resize": False}):
        with pytest.raises(EncoderError, match="not supported"):
            read_input({**good, **change})
