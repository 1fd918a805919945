"""onnx_models.packing: smaller files that compute the same within their precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnx_models.packing import LARGE, pack

WIDE, NARROW = 256, 64


def model(path: Path) -> dict[str, np.ndarray]:
    """x (n, WIDE) times ``big``, times ``small``, plus ``tiny``; the weights."""
    rng = np.random.default_rng(0)
    weights = {
        "big": rng.normal(size=(WIDE, WIDE)).astype(np.float32),
        "small": rng.normal(size=(WIDE, NARROW)).astype(np.float32),
        "tiny": rng.normal(size=NARROW).astype(np.float32),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "big"], ["a"]),
        helper.make_node("MatMul", ["a", "small"], ["b"]),
        helper.make_node("Add", ["b", "tiny"], ["y"]),
    ]
    sides = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
        for name, width in (("x", WIDE), ("y", NARROW))
    ]
    values = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "g", sides[:1], sides[1:], values)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    return weights


def kinds(path: Path) -> dict[str, int]:
    """How each weight is stored."""
    return {t.name.split(".")[0]: t.data_type for t in onnx.load(path).graph.initializer
            if not t.name.endswith(".scale")}  # fmt: skip


@pytest.mark.parametrize(("int8_from", "big", "error"), [
    (None, TensorProto.FLOAT16, 1e-3), (WIDE * NARROW + 1, TensorProto.INT8, 2e-2),
])  # fmt: skip
def test_weights_are_packed_by_size(
    tmp_path: Path, int8_from: int | None, big: int, error: float
) -> None:
    path = tmp_path / "model.onnx"
    weights = model(path)
    before = path.stat().st_size
    pack(path, int8_from)
    assert kinds(path) == {
        "big": big, "small": TensorProto.FLOAT16, "tiny": TensorProto.FLOAT,
    }  # fmt: skip
    assert weights["tiny"].size < LARGE < weights["small"].size
    assert path.stat().st_size < before * (0.55 if int8_from is None else 0.4)
    x = np.random.default_rng(1).normal(size=(5, WIDE)).astype(np.float32)
    wanted = x @ weights["big"] @ weights["small"] + weights["tiny"]
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (got,) = session.run(["y"], {"x": x})
    assert 0 < np.abs(got - wanted).max() < error * np.abs(wanted).max()
