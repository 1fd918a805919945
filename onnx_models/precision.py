"""bfloat16 where it is computed in."""

from __future__ import annotations

from functools import cache
from typing import Final

import torch

NATIVE: Final = ("avx512_bf16", "amx_bf16", "bf16")
"""What processors that multiply in it say of themselves (x86-64, Arm)."""


@cache
def native() -> bool:
    """Whether this processor multiplies in bfloat16."""
    told = torch.cpu.get_capabilities()
    return any(told.get(name, False) for name in NATIVE)


def bfloat16(kind: str) -> torch.autocast:
    """Autocast to bfloat16 on devices of a ``kind`` that compute in it. A processor that does not
    imitates it, seven times slower than float32 and more: there nothing is cast."""
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=kind != "cpu" or native())
