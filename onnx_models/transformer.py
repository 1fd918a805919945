"""A small vision transformer (Dosovitskiy et al. 2021, arXiv 2010.11929): body of tutor and trunk.

The tutor's is ViT-Tiny as it was pretrained, so that its weights fit. The trunk's own has a smaller
perceptron with a rectifier, which costs less time and whose values, never negative, eight bits hold
better; its weights start from its own initialisation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

PATCH: Final = 16
DIM: Final = 192
HEADS: Final = 3
DEPTH: Final = 12


@dataclass(frozen=True)
class Kind:
    """How wide the perceptrons are, and whether a rectifier or a GELU stands in them."""

    hidden: int
    rectified: bool


VIT: Final = Kind(4 * DIM, rectified=False)
OWN: Final = Kind(640, rectified=True)


class Attended(NamedTuple):
    """What attention adds (n, t, DIM), and logits of where it looks (n, HEADS, t, t)."""

    more: Tensor
    logits: Tensor


class Layer(nn.Module):
    """Self-attention and a perceptron, each behind a layer norm."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.rectified = kind.rectified
        self.norm1, self.norm2 = (nn.LayerNorm(DIM, eps=1e-6) for _ in range(2))
        self.qkv, self.proj = nn.Linear(DIM, DIM * 3), nn.Linear(DIM, DIM)
        self.fc1, self.fc2 = nn.Linear(DIM, kind.hidden), nn.Linear(kind.hidden, DIM)

    def attend(self, x: Tensor) -> Attended:
        """What the first half adds to (n, t, DIM)."""
        n, t, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(n, t, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        logits = (q * (DIM // HEADS) ** -0.5) @ k.transpose(2, 3)
        seen = torch.softmax(logits, dim=3) @ v
        return Attended(self.proj(seen.transpose(1, 2).reshape(n, t, DIM)), logits)

    def think(self, x: Tensor) -> Tensor:
        """What the second half adds to (n, t, DIM)."""
        inner = self.fc1(self.norm2(x))
        inner = torch.relu(inner) if self.rectified else nn.functional.gelu(inner)
        more: Tensor = self.fc2(inner)
        return more

    def forward(self, x: Tensor) -> Tensor:
        """(n, t, DIM) to the same."""
        x = x + self.attend(x).more
        return x + self.think(x)


class Transformer(nn.Module):
    """Pictures (n, 3, height, width) in 0..1 to a class token and a token for each patch."""

    def __init__(self, kind: Kind, height: int, width: int) -> None:
        super().__init__()
        self.grid = high, wide = height // PATCH, width // PATCH
        self.patch = nn.Conv2d(3, DIM, PATCH, PATCH)
        self.cls = nn.Parameter(torch.zeros(1, 1, DIM))
        self.position = nn.Parameter(torch.zeros(1, 1 + high * wide, DIM))
        self.layers = nn.ModuleList(Layer(kind) for _ in range(DEPTH))
        self.norm = nn.LayerNorm(DIM, eps=1e-6)

    def cut(self, rgb: Tensor, kept: Tensor | None = None) -> Tensor:
        """The tokens (n, 1 + t, DIM) that the first layer is given; of the patches only those at
        ``kept`` (n, t)."""
        tokens = self.patch(rgb * 2 - 1).flatten(2).transpose(1, 2) + self.position[:, 1:]
        if kept is not None:
            tokens = torch.gather(tokens, 1, kept[:, :, None].expand(-1, -1, DIM))
        first = (self.cls + self.position[:, :1]).expand(rgb.shape[0], -1, -1)
        return torch.cat([first.to(tokens.dtype), tokens], dim=1)

    def tokens(self, rgb: Tensor, kept: Tensor | None = None, frozen: int = 0) -> Tensor:
        """The last layer's tokens (n, 1 + t, DIM), float32; the first ``frozen`` layers and what is
        before them learn nothing."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen):
            tokens = self.cut(rgb, kept)
            for layer in self.layers[:frozen]:
                tokens = layer(tokens)
        for layer in self.layers[frozen:]:
            tokens = layer(tokens)
        with torch.autocast(rgb.device.type, enabled=False):
            return self.norm(tokens.float())  # type: ignore[no-any-return]
