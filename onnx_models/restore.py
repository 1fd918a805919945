"""Weights of an earlier artifact back into the modules that trained them.

Export folds batch norm into the convolution before it and packs what is large. Here the values are
unpacked, and every norm is set so that the module computes what the artifact computes: with the
mean and variance of what reaches it in real pictures, so that training goes on without a jump.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from onnx_models.dataset import F32

Norm = Any  # nn.BatchNorm1d or 2d: torch may be absent where types are checked


def stored(model: Path) -> dict[str, F32]:
    """Every initialiser of an artifact by name, unpacked to float32."""
    raw = {
        tensor.name: onnx.numpy_helper.to_array(tensor)
        for tensor in onnx.load(str(model)).graph.initializer
    }
    found: dict[str, F32] = {}
    for name, values in raw.items():
        if name.endswith(".int8"):
            whole = name.removesuffix(".int8")
            found[whole] = values.astype(np.float32) * raw[f"{whole}.scale"]
        elif not name.endswith(".scale"):
            found[name.removesuffix(".half")] = values.astype(np.float32)
    return found


def _norms(module: nn.Module) -> dict[str, Norm]:
    """The norm behind each convolution or linear layer, by that layer's name.

    A block names them ``conv1`` and ``norm1``; a sequence puts them side by side.
    """
    named = dict(module.named_modules())
    found: dict[str, Norm] = {}
    for name, layer in named.items():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
            above, _, own = name.rpartition(".")
            before = own.replace("norm", "conv") if own.startswith("norm") else str(int(own) - 1)
            found[f"{above}.{before}" if above else before] = layer
    return found


@torch.no_grad()
def restore(
    module: nn.Module, values: dict[str, F32], prefix: str, show: Callable[[nn.Module], object]
) -> None:
    """Fill ``module`` from ``values`` (names begin with ``prefix``).

    ``show`` runs the module on a batch of real pictures, which sets the norms' statistics.

    Raises:
        KeyError: a weight is not there.
    """
    norms = _norms(module)
    for name, parameter in module.named_parameters():
        owner, _, kind = name.rpartition(".")
        if owner in {n for n, m in module.named_modules() if m in norms.values()}:
            continue
        parameter.copy_(torch.from_numpy(values[f"{prefix}{owner}.{kind}"]).reshape_as(parameter))
    for name, norm in norms.items():
        norm.weight.fill_(1)
        norm.bias.copy_(torch.from_numpy(values[f"{prefix}{name}.weight_bias"]))
        norm.running_mean.zero_()
        norm.running_var.fill_(1 - norm.eps)
    hooks = []
    met: dict[str, Tensor] = {}

    def note(name: str, _: nn.Module, inputs: tuple[Tensor]) -> None:
        met[name] = inputs[0].detach().float()

    for name, norm in norms.items():
        hooks.append(norm.register_forward_pre_hook(partial(note, name)))
    module.eval()
    show(module)
    for hook in hooks:
        hook.remove()
    for name, norm in norms.items():
        over = [d for d in range(met[name].ndim) if d != 1]
        mean, var = met[name].mean(over), met[name].var(over)
        norm.bias.add_(mean)
        norm.weight.copy_(torch.sqrt(var + norm.eps))
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)
