"""A pretrained network fine-tuned on shoes: what the project's own encoder learns from.

Metric learning from scratch needs far more pictures and computing than there are; a small vision
transformer (Dosovitskiy et al. 2021, arXiv 2010.11929) that has seen ImageNet needs little of
either to become a judge of shoes. It is trained on the same pictures with the same losses as the
trunk and answers with the same parts; the trunk then learns its answers (:mod:`onnx_models.train`).
It is never shipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from torch import nn

from onnx_models.model import Trunk
from onnx_models.transformer import DIM, VIT, Transformer

VIT_TINY: Final = Path("vit_tiny_imagenet") / "model.onnx"
"""The reference network, in the folder of such."""
GRID: Final = 14
"""Patches a side that the pretrained position embeddings are for."""


class Tutor(Trunk):
    """Focused shoes (n, 4, height, width) to the parts that the trunk learns."""

    kind = VIT
    frozen = 3


@torch.no_grad()
def pretrained(tutor: Transformer, model: Path) -> None:
    """Fill a transformer from the reference ViT-Tiny in ONNX; positions are interpolated.

    Raises:
        KeyError: the file is another network.
    """
    values = {
        tensor.name: torch.from_numpy(onnx.numpy_helper.to_array(tensor).astype(np.float32))
        for tensor in onnx.load(str(model)).graph.initializer
    }
    tutor.patch.weight.copy_(values["m.patch_embed.proj.weight"])
    tutor.patch.bias.copy_(values["m.patch_embed.proj.bias"])  # type: ignore[union-attr]
    tutor.cls.copy_(values["m.cls_token"])
    position = values["m.pos_embed"]
    grid = position[:, 1:].reshape(1, GRID, GRID, DIM).permute(0, 3, 1, 2)
    grid = nn.functional.interpolate(
        grid, tutor.grid, mode="bicubic", align_corners=False, antialias=True
    )
    grid = grid.flatten(2).transpose(1, 2)
    tutor.position.copy_(torch.cat([position[:, :1], grid], dim=1))
    tutor.norm.weight.copy_(values["m.norm.weight"])
    tutor.norm.bias.copy_(values["m.norm.bias"])
    # The exporter left the transposed matrices without names, in the order of use.
    products = sorted(n for n in values if n.startswith("onnx::MatMul_"))
    products.sort(key=lambda name: int(name.rpartition("_")[2]))
    for at, layer in enumerate(tutor.layers):
        here = products[4 * at : 4 * at + 4]
        for (short, name), product in zip(
            (("qkv", "attn.qkv"), ("proj", "attn.proj"), ("fc1", "mlp.fc1"), ("fc2", "mlp.fc2")),
            here, strict=True,
        ):  # fmt: skip
            linear = getattr(layer, short)
            linear.weight.copy_(values[product].T)
            linear.bias.copy_(values[f"m.blocks.{at}.{name}.bias"])
        for norm in ("norm1", "norm2"):
            getattr(layer, norm).weight.copy_(values[f"m.blocks.{at}.{norm}.weight"])
            getattr(layer, norm).bias.copy_(values[f"m.blocks.{at}.{norm}.bias"])
