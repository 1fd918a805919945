"""The heads as one small network on the frozen encoder's features."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

WIDTHS: Final = {
    "shoe": 48, "sneaker": 48, "quality": 24, "brand": 192,
    "silhouette": 96, "colours": 96, "category": 64, "gender": 48,
}  # fmt: skip
SINGLE: Final = ("shoe", "sneaker", "quality")


class HeadsNetwork(nn.Module):
    """One hidden layer a head; (n, F) features to a dict of logits: (n,) or (n, classes)."""

    def __init__(
        self, mean: Tensor, deviation: Tensor, classes: dict[str, int], dropout: float = 0.3
    ) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.heads = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.Dropout(0.1),
                    nn.Linear(len(mean), width),
                    nn.GELU(),
                    nn.Dropout(dropout),
                    nn.Linear(width, classes.get(name, 1)),
                )
                for name, width in WIDTHS.items()
            }
        )

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Logits by head."""
        scaled = (features - self.mean) / self.deviation
        results = {name: head(scaled) for name, head in self.heads.items()}
        return {
            name: value.squeeze(-1) if name in SINGLE else value for name, value in results.items()
        }


class Exported(nn.Module):
    """The network with its outputs as a tuple, in the order of ``WIDTHS``."""

    def __init__(self, network: HeadsNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        """Logits in order."""
        results = self.network(features)
        return tuple(results[name] for name in WIDTHS)


class PairNetwork(nn.Module):
    """Two vectors (n, D) each to a logit (n,) that they show one product: one that asks or is kept
    itself, and one that is kept.

    The two kinds scale the parts otherwise, so each part counts by its cosine, weighed by how the
    asking vector scales its parts (which tells a phone's from a studio's and from a kept one), and
    by |a - b| and a * b of the parts at unit length, projected.
    """

    def __init__(
        self,
        dim: int,
        parts: tuple[tuple[int, int], ...],
        width: int = 64,
        *,
        residual: bool = True,
    ) -> None:
        """``residual`` False: a weighted sum of the cosines and nothing else."""
        super().__init__()
        self.parts = parts
        self.residual = residual
        count = len(parts)
        self.difference = nn.Linear(dim, width, bias=False)
        self.product = nn.Linear(dim, width, bias=False)
        self.mlp = nn.Sequential(
            nn.Linear(2 * width + 2 * count, 64), nn.GELU(), nn.Dropout(0.1), nn.Linear(64, 1)
        )
        self.weights = nn.Linear(count, count)
        self.offset = nn.Linear(count, 1)
        nn.init.zeros_(self.weights.weight)
        nn.init.constant_(self.weights.bias, 4.0)
        nn.init.zeros_(self.offset.weight)
        self.drop = nn.Dropout(0.3)

    def forward(self, query: Tensor, other: Tensor) -> Tensor:
        """Logit (n,)."""
        ones, twos, scales, cosines = [], [], [], []
        for low, high in self.parts:
            a, b = query[:, low:high], other[:, low:high]
            scale = a.norm(dim=1, keepdim=True)
            one = a / scale.clamp(min=1e-6)
            two = b / b.norm(dim=1, keepdim=True).clamp(min=1e-6)
            ones.append(one)
            twos.append(two)
            scales.append(scale)
            cosines.append((one * two).sum(dim=1, keepdim=True))
        alike, asks = torch.cat(cosines, dim=1), torch.cat(scales, dim=1)
        base = (alike * self.weights(asks)).sum(dim=1, keepdim=True) + self.offset(asks)
        if not self.residual:
            return torch.as_tensor(base.squeeze(-1))
        left, right = torch.cat(ones, dim=1), torch.cat(twos, dim=1)
        # Components are about 1/sqrt(D): scaled up, so that the layers start at a useful size.
        size = query.shape[1] ** 0.5
        seen = torch.cat(
            [
                torch.relu(self.difference((left - right).abs() * size)),
                torch.relu(self.product(left * right * size * size)),
                alike,
                asks,
            ],
            dim=1,
        )
        return torch.as_tensor((self.mlp(self.drop(seen)) + base).squeeze(-1))
