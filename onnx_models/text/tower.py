"""The text network in torch, and the same as an ONNX graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET: Final = 18


class Tower(nn.Module):
    """Mean of n-gram vectors a word, a layer each word, sum and softmax-weighted mean, a layer.

    (n, words, grams) bucket numbers, 0 pads, to unit vectors (n, dim). Words are pooled as a set
    (deep sets: Zaheer et al. 2017, arXiv 1703.06114): their order says little in a query.
    """

    def __init__(self, buckets: int, dim: int, grams: int = 48, wide: int = 256) -> None:
        super().__init__()
        self.table = nn.Embedding(buckets, grams, padding_idx=0)
        nn.init.normal_(self.table.weight, std=0.3)
        with torch.no_grad():
            self.table.weight[0] = 0
        self.word = nn.Linear(grams, wide)
        self.weight = nn.Linear(wide, 1)
        self.mix = nn.Linear(2 * wide, wide)
        self.out = nn.Linear(wide, dim)

    def forward(self, ids: Tensor) -> Tensor:
        """(n, w, g) int64 to (n, dim) of L2 norm 1."""
        real = (ids != 0).float()
        count = real.sum(2, keepdim=True)
        mean = self.table(ids).sum(2) / count.clamp(min=1).sqrt()
        there = (count > 0).float()
        word = torch.relu(self.word(mean)) * there
        power = torch.exp(torch.tanh(self.weight(word)) * 3) * there
        soft = (word * power).sum(1) / power.sum(1).clamp(min=1e-6)
        mixed = torch.relu(self.mix(torch.cat([word.sum(1), soft], 1)))
        return nn.functional.normalize(self.out(mixed), dim=1)


def export(tower: Tower, target: Path) -> None:
    """Write the graph, weights in float16 with casts (half the file; sums stay float32)."""
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []

    def constant(name: str, value: np.ndarray) -> str:
        weights.append(numpy_helper.from_array(value, name))
        return name

    def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def linear(layer: nn.Linear, source: str, name: str) -> str:
        half = layer.weight.detach().numpy().T.astype(np.float16)
        full = node("Cast", [constant(f"{name}_w", half)], f"{name}_wf", to=TensorProto.FLOAT)
        product = node("MatMul", [source, full], f"{name}_m")
        bias = constant(f"{name}_b", layer.bias.detach().numpy().astype(np.float32))
        return node("Add", [product, bias], f"{name}_y")

    one, two = constant("ax1", np.array([1])), constant("ax2", np.array([2]))
    table = constant("table", tower.table.weight.detach().numpy().astype(np.float16))
    got = node("Gather", [table, "ids"], "rows16")
    rows = node("Cast", [got], "rows", to=TensorProto.FLOAT)
    zero = constant("zero", np.array(0, np.int64))
    real = node("Cast", [node("Greater", ["ids", zero], "is")], "real", to=TensorProto.FLOAT)
    count = node("ReduceSum", [real, two], "count", keepdims=1)
    least = constant("least", np.array(1.0, np.float32))
    root = node("Sqrt", [node("Max", [count, least], "count1")], "root")
    mean = node("Div", [node("ReduceSum", [rows, two], "sum", keepdims=0), root], "mean")
    there = node("Min", [count, least], "there")
    word = node("Mul", [node("Relu", [linear(tower.word, mean, "word")], "r"), there], "words")
    three = constant("three", np.array(3.0, np.float32))
    tanh = node("Tanh", [linear(tower.weight, word, "weigh")], "tanh")
    grown = node("Exp", [node("Mul", [tanh, three], "tanh3")], "grown")
    power = node("Mul", [grown, there], "power")
    above = node("ReduceSum", [node("Mul", [word, power], "wp"), one], "above", keepdims=0)
    small = constant("small", np.array(1e-6, np.float32))
    total = node("ReduceSum", [power, one], "total", keepdims=0)
    soft = node("Div", [above, node("Max", [total, small], "total1")], "soft")
    summed = node("ReduceSum", [word, one], "summed", keepdims=0)
    both = node("Concat", [summed, soft], "both", axis=1)
    mixed = node("Relu", [linear(tower.mix, both, "mix")], "mixed")
    raw = linear(tower.out, mixed, "out")
    node("LpNormalization", [raw], "embedding", axis=1, p=2)
    dim = tower.out.out_features
    graph = helper.make_graph(
        nodes,
        "text",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", "words", "grams"])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", dim])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))
