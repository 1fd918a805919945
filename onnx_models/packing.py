"""Weights stored small and unpacked in the graph, so that the sums stay float32.

onnxruntime folds the unpacking when it loads the model: a half or a quarter of the file, nothing to
calibrate, the same speed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx

LARGE: Final = 1024
"""Values an initialiser must have to be packed at all."""


def pack(path: Path, int8_from: int | None = None) -> None:
    """Rewrite the model's large float32 weights as float16; from ``int8_from`` values on, matrices
    and kernels as int8 with one scale a channel.

    int8 is symmetric, per output channel (Krishnamoorthi 2018, arXiv 1806.08342, section 3);
    activations are not quantised.
    """
    model = onnx.load(str(path))
    unpack: list[Any] = []
    scales: list[Any] = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values, name = onnx.numpy_helper.to_array(tensor), tensor.name
        if values.size < LARGE:
            continue
        if int8_from is None or values.size < int8_from or values.ndim < 2 or not values.any():
            half = onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half")
            tensor.CopyFrom(half)
            unpack.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=1))
            continue
        # Convolutions and Gemm with transB have the output channel first.
        over = tuple(range(1, values.ndim))
        scale = np.maximum(np.abs(values).max(axis=over, keepdims=True), 1e-12) / 127
        packed = np.clip(np.rint(values / scale), -127, 127).astype(np.int8)
        tensor.CopyFrom(onnx.numpy_helper.from_array(packed, f"{name}.int8"))
        scales.append(onnx.numpy_helper.from_array(scale.astype(np.float32), f"{name}.scale"))
        unpack += [
            onnx.helper.make_node("Cast", [f"{name}.int8"], [f"{name}.wide"], to=1),
            onnx.helper.make_node("Mul", [f"{name}.wide", f"{name}.scale"], [name]),
        ]
    model.graph.initializer.extend(scales)
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*unpack, *nodes])
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
