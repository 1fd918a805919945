"""Operations of the transformer joined into onnxruntime's own operators.

Batch 1 waits for each operation, not for its arithmetic: products in integers take their bias along
(MatMulIntegerToFloat), and attention from its first product to what it has seen is one operator
(QAttention). The vectors stay the same within 5e-7. Both operators are of the domain
com.microsoft: whatever else is meant to run the graph has to have them.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Final, NamedTuple

import onnx
from onnxruntime.quantization.onnx_model import ONNXModel

from onnx_models.transformer import HEADS

DOMAIN: Final = "com.microsoft"
PRODUCT: Final = "MatMulIntegerToFloat"
ATTENTION: Final = "QAttention"
Node = onnx.NodeProto


class _Product(NamedTuple):
    """A product of what two nodes dequantise, and the node that adds its bias."""

    left: Node
    right: Node
    product: Node
    added: Node
    bias: str

    @property
    def nodes(self) -> list[Node]:
        return [self.left, self.right, self.product, self.added]


class _Graph:
    def __init__(self, graph: onnx.GraphProto) -> None:
        self.made = {name: node for node in graph.node for name in node.output}
        self.users: dict[str, list[Node]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self.users[name].append(node)
        self.known = {tensor.name for tensor in graph.initializer}

    def products(self) -> list[_Product]:
        """Those in integers whose result is used by the sum with a bias and nothing else."""
        found = []
        for node in self.made.values():
            sides = [self.made[name] for name in node.input if name in self.made]
            kinds = [side.op_type for side in sides]
            if node.op_type != "MatMul" or kinds != ["DequantizeLinear"] * 2:
                continue
            left, right = sides
            users = self.users[node.output[0]]
            biases = [n for user in users for n in user.input if n in self.known]
            if right.input[0] in self.known and len(users) == len(biases) == 1:
                found.append(_Product(left, right, node, users[0], biases[0]))
        return found

    def attention(self, start: str) -> tuple[list[Node], str] | None:
        """The nodes between ``start`` and what goes into the next product in integers, and that:
        if all that leaves them is that one value, and a softmax is among them."""
        inside: dict[int, Node] = {}
        ends: set[str] = set()
        left = [start]
        while left:
            name = left.pop()
            for user in self.users[name]:
                if user.op_type == "QuantizeLinear":
                    ends.add(name)
                elif id(user) not in inside:
                    inside[id(user)] = user
                    left += user.output
        kinds = [node.op_type for node in inside.values()]
        if kinds.count("Softmax") != 1 or len(ends) != 1:
            return None
        return list(inside.values()), ends.pop()


def fuse(path: Path) -> dict[str, int]:
    """Rewrite the model; how many operators of each kind it has got.

    Raises:
        ValueError: there is no attention in integers.
    """
    model = onnx.load(str(path))
    view = _Graph(model.graph)
    gone: set[int] = set()
    put: dict[int, Node] = {}
    counts = {PRODUCT: 0, ATTENTION: 0}
    for found in view.products():
        activation, scale, zero = found.left.input
        weights, scales, zeros = found.right.input
        name, out = found.product.name, found.added.output[0]
        gone |= {id(node) for node in found.nodes}
        if within := view.attention(out):
            nodes, end = within
            gone |= {id(node) for node in nodes}
            inputs = [activation, weights, found.bias, scale, scales, "", zero, zeros]
            joined = onnx.helper.make_node(
                ATTENTION, inputs, [end], f"{name}/attention", domain=DOMAIN, num_heads=HEADS
            )
        else:
            inputs = [activation, weights, scale, scales, zero, zeros, found.bias]
            joined = onnx.helper.make_node(PRODUCT, inputs, [out], f"{name}/bias", domain=DOMAIN)
        put[id(found.product)] = joined
        counts[joined.op_type] += 1
    if not counts[ATTENTION]:
        raise ValueError(f"{path.name} has no attention in integers")
    # Each stands where its product stood, behind all that it needs.
    nodes = [put.get(id(node), node) for node in model.graph.node
             if id(node) in put or id(node) not in gone]  # fmt: skip
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    ONNXModel(model).clean_initializers()
    model.opset_import.append(onnx.helper.make_opsetid(DOMAIN, 1))
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return counts
