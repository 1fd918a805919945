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
from torch import Tensor, nn

from onnx_models.finder import HEIGHT, WIDTH
from onnx_models.model import ColourHead, Parts, Sizes, parts_of

PATCH: Final = 16
DIM: Final = 192
HEADS: Final = 3
DEPTH: Final = 12
FROZEN: Final = 3
"""Layers that stay as pretrained."""
SEEN: Final = 0.7
"""Share of the patches that a view keeps in training (as in arXiv 2212.00794): cheaper, and no view
can be told by one place alone."""
GRID: Final = 14
"""Patches a side that the pretrained position embeddings are for."""


class Layer(nn.Module):
    """Self-attention and a perceptron, each behind a layer norm."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(DIM, eps=1e-6) for _ in range(2))
        self.qkv, self.proj = nn.Linear(DIM, DIM * 3), nn.Linear(DIM, DIM)
        self.fc1, self.fc2 = nn.Linear(DIM, DIM * 4), nn.Linear(DIM * 4, DIM)

    def forward(self, x: Tensor) -> Tensor:
        """(n, t, DIM) to the same."""
        n, t, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(n, t, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(q, k, v)
        x = x + self.proj(seen.transpose(1, 2).reshape(n, t, DIM))
        more: Tensor = self.fc2(nn.functional.gelu(self.fc1(self.norm2(x))))
        return x + more


class Tutor(nn.Module):
    """Focused shoes (n, 4, height, width) to the parts that the trunk learns."""

    def __init__(self, sizes: Sizes, height: int = HEIGHT, width: int = WIDTH) -> None:
        super().__init__()
        self.grid = high, wide = height // PATCH, width // PATCH
        self.patch = nn.Conv2d(3, DIM, PATCH, PATCH)
        self.cls = nn.Parameter(torch.zeros(1, 1, DIM))
        self.position = nn.Parameter(torch.zeros(1, 1 + high * wide, DIM))
        self.layers = nn.ModuleList(Layer() for _ in range(DEPTH))
        self.norm = nn.LayerNorm(DIM, eps=1e-6)
        self.to_features = nn.Sequential(
            nn.Linear(3 * DIM, sizes.features, bias=False), nn.BatchNorm1d(sizes.features)
        )
        self.to_style = nn.Linear(sizes.features, sizes.style)
        self.to_model = nn.Linear(sizes.features, sizes.model)
        self.to_detail = nn.Linear(sizes.features, sizes.detail)
        self.to_attributes = nn.Linear(sizes.features, sizes.attributes)
        self.colour = ColourHead(DIM, sizes.bins, sizes.colour)

    def taught(self) -> list[nn.Parameter]:
        """Pretrained parameters that learn on."""
        layers = [p for layer in self.layers[FROZEN:] for p in layer.parameters()]
        return [*layers, *self.norm.parameters()]

    def fresh(self) -> list[nn.Parameter]:
        """Parameters that start from nothing and may learn faster."""
        named = self.named_parameters()
        return [p for name, p in named if name.startswith(("to_", "colour"))]

    def tokens(self, rgb: Tensor, kept: Tensor | None = None) -> Tensor:
        """Class token and patches (n, 1 + t, DIM) of pictures (n, 3, height, width) in 0..1; of
        the patches only those at ``kept`` (n, t)."""
        with torch.no_grad():
            tokens = self.patch(rgb * 2 - 1).flatten(2).transpose(1, 2) + self.position[:, 1:]
            if kept is not None:
                tokens = torch.gather(tokens, 1, kept[:, :, None].expand(-1, -1, DIM))
            first = (self.cls + self.position[:, :1]).expand(len(rgb), -1, -1)
            tokens = torch.cat([first.to(tokens.dtype), tokens], dim=1)
            for layer in self.layers[:FROZEN]:
                tokens = layer(tokens)
        for layer in self.layers[FROZEN:]:
            tokens = layer(tokens)
        with torch.autocast("cpu", enabled=False):
            return self.norm(tokens.float())  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Parts:
        """The parts; bfloat16 only under the caller's autocast."""
        x = x.float()
        share = nn.functional.avg_pool2d(x[:, 3:], PATCH).flatten(2).transpose(1, 2)
        kept = None
        if self.training:
            count = int(share.shape[1] * SEEN)
            kept = (share[:, :, 0] + torch.rand_like(share[:, :, 0])).topk(count, dim=1).indices
            share = torch.gather(share, 1, kept[:, :, None])
        tokens = self.tokens(x[:, :3], kept)
        with torch.autocast("cpu", enabled=False):
            spots = tokens[:, 1:]
            mean = (spots * share).sum(1) / (share.sum(1) + 1e-3)
            most = (spots * share).amax(1)
            features = torch.relu(self.to_features(torch.cat([tokens[:, 0], mean, most], dim=1)))
            return parts_of(self, features, x, mean)


@torch.no_grad()
def pretrained(tutor: Tutor, model: Path) -> None:
    """Fill the transformer from the reference ViT-Tiny in ONNX; positions are interpolated.

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
