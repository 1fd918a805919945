"""Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/), in the numbers that a
processor computes in.

torch has it, but there matrices are turned in bfloat16 everywhere, which processors without it
imitate: for this trunk's matrices 6.6 seconds a step, and .3 in float32. With bfloat16 this is
torch's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import torch
from torch import Tensor

from onnx_models.precision import native

MOMENTUM: Final = 0.95
COEFFICIENTS: Final = (3.4445, -4.7750, 2.0315)
"""Of Newton and Schulz's iteration, as its authors give them."""
ITERATIONS: Final = 5
LEAST: Final = 1e-7
RATE: Final = 0.2
"""Times the root of the longer side: steps as long as AdamW's (Liu et al. 2025, arXiv 2502.16982,
section 2.2)."""


class Muon(torch.optim.Optimizer):
    """Of matrices only; groups have ``lr`` and ``weight_decay``."""

    def __init__(self, params: Iterable[dict[str, Any]]) -> None:
        super().__init__(params, {"lr": 1e-3, "weight_decay": 0.1})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """One step along what is left of each gradient when all its directions count alike."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                state = self.state[matrix]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(matrix)
                mean = state["momentum_buffer"].lerp_(matrix.grad, 1 - MOMENTUM)
                way = turned(matrix.grad.lerp(mean, MOMENTUM))
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.add_(way.to(matrix.dtype), alpha=-group["lr"] * RATE * max(way.shape) ** 0.5)


def turned(matrix: Tensor) -> Tensor:
    """The nearest to orthogonal, about."""
    whole = matrix.device.type == "cpu" and not native()
    x = matrix.float() if whole else matrix.bfloat16()
    if tall := x.shape[0] > x.shape[1]:
        x = x.T
    x = x / x.norm().clamp(min=LEAST)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
