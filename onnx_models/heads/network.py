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
    """Two vectors (n, D) each to a logit (n,) that they show one product; symmetric by its inputs.

    It sees the cosine of each part of the vector, and |a - b| and a * b, each projected.
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
        self.difference = nn.Linear(dim, width, bias=False)
        self.product = nn.Linear(dim, width, bias=False)
        self.mlp = nn.Sequential(
            nn.Linear(2 * width + len(parts) + 1, 64), nn.GELU(), nn.Dropout(0.1), nn.Linear(64, 1)
        )
        self.cosines = nn.Linear(len(parts) + 1, 1)
        nn.init.constant_(self.cosines.weight, 1.0)
        self.drop = nn.Dropout(0.3)

    def forward(self, query: Tensor, other: Tensor) -> Tensor:
        """Logit (n,)."""
        cosines = [(query * other).sum(dim=1, keepdim=True)]
        for low, high in self.parts:
            a, b = query[:, low:high], other[:, low:high]
            norms = a.norm(dim=1, keepdim=True) * b.norm(dim=1, keepdim=True)
            cosines.append((a * b).sum(dim=1, keepdim=True) / norms.clamp(min=1e-6))
        alike = torch.cat(cosines, dim=1)
        base = self.cosines(alike) * 4
        if not self.residual:
            return torch.as_tensor(base.squeeze(-1))
        # Components are about 1/sqrt(D): scaled up, so that the layers start at a useful size.
        scale = query.shape[1] ** 0.5
        seen = torch.cat(
            [
                torch.relu(self.difference((query - other).abs() * scale)),
                torch.relu(self.product(query * other * scale * scale)),
                alike,
            ],
            dim=1,
        )
        return torch.as_tensor((self.mlp(self.drop(seen)) + base).squeeze(-1))
