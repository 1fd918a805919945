"""What an artifact knows, read back from its ONNX file: so that a run can go on from what is kept
in the repository, with no checkpoint of the run that made it.

Finder and palette are taken over as they are; the trunk is asked as a tutor, whatever it is made
of, or trained on where it is this transformer. Weights come back as they were packed
(:mod:`onnx_models.packing`) or put into integers (:mod:`onnx_models.integers`), norms folded into
what is before them. What serving needs nothing of is not in the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from app.vision.session import build_session
from onnx_models.dataset import F32
from onnx_models.finder import HEIGHT, WIDTH
from onnx_models.fused import ATTENTION, PRODUCT
from onnx_models.model import Told, unit

STYLE: Final = "style.out.weight"
"""What reads the style where :mod:`onnx_models.likeness` read it anew; once the trunk did."""


def unpacked(model: onnx.ModelProto) -> dict[str, F32]:
    """Weights by the names that they have in torch."""
    values = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    found: dict[str, F32] = {}
    for name, value in values.items():
        if name.endswith(".half"):
            found[name.removesuffix(".half")] = value.astype(np.float32)
        elif name.endswith(".int8"):
            plain = name.removesuffix(".int8")
            found[plain] = value.astype(np.float32) * values[f"{plain}.scale"]
        elif value.dtype == np.float32:
            found[name] = value
    return found | _from_integers(model, values)


def _from_integers(model: onnx.ModelProto, values: dict[str, F32]) -> dict[str, F32]:
    """Matrices of products in integers, fused or not. The exporter names them by number; the bias
    tells whose they are."""
    users = {name: node for node in model.graph.node for name in node.input}
    found: dict[str, F32] = {}
    for node in model.graph.node:
        if node.op_type == PRODUCT:
            whole, scale, biases = node.input[1], node.input[3], node.input[6:]
        elif node.op_type == ATTENTION:
            whole, scale, biases = node.input[1], node.input[4], node.input[2:3]
        elif node.op_type == "DequantizeLinear" and node.input[0] in values:
            whole, scale = node.input[:2]
            biases = users[users[node.output[0]].output[0]].input
        else:
            continue
        for bias in biases:
            if bias in values and bias.endswith(".bias"):
                matrix = values[whole].astype(np.float32) * values[scale]
                found[f"{bias.removesuffix('bias')}weight"] = np.ascontiguousarray(matrix.T)
    return found


@torch.no_grad()
def fill(
    module: nn.Module, weights: dict[str, F32], prefix: str, left: tuple[str, ...] = ()
) -> None:
    """Put ``weights`` whose names begin with ``prefix`` into a module of the same plan. A norm that
    was folded away becomes a shift. What begins with one of ``left`` stays as it is.

    Raises:
        KeyError: the artifact has another plan.
    """
    state = module.state_dict()
    for name in state:
        if name.startswith(left):
            continue
        if (found := weights.get(prefix + name)) is not None:
            state[name] = torch.from_numpy(found.copy()).view_as(state[name])
            continue
        layer, _, kind = name.rpartition(".")
        before = prefix + _normed(layer) + ".weight"
        if kind == "num_batches_tracked":
            continue
        state[name] = {
            "weight": torch.ones_like(state[name]),
            "bias": torch.from_numpy(weights[f"{before}_bias"].copy()),
            "running_mean": torch.zeros_like(state[name]),
            "running_var": torch.full_like(state[name], 1 - nn.BatchNorm2d(1).eps),
        }[kind]
    module.load_state_dict(state)


def _normed(norm: str) -> str:
    """What a norm was folded into: ``conv2`` for ``norm2``, in a sequence ``0`` for ``1``."""
    where, _, last = norm.rpartition(".")
    if last.startswith("norm"):
        return f"{where}.conv{last.removeprefix('norm')}"
    if last.isdigit():
        return f"{where}.{int(last) - 1}"
    raise KeyError(f"the artifact has no weights for {norm or 'the whole'}")


class Before(nn.Module):
    """The trunk of an artifact: focused shoes (n, 4, HEIGHT, WIDTH) to unit vectors.

    It runs in onnxruntime on one thread, and nothing flows back.
    """

    def __init__(self, artifact: Path) -> None:
        """Raises:
        ValueError: the graph has no such trunk.
        """
        super().__init__()
        # An artifact leaves out the shapes between its nodes.
        model = onnx.shape_inference.infer_shapes(onnx.load(str(artifact / "model.onnx")))
        graph = model.graph
        crops = [v.name for v in graph.value_info if _sizes(v)[1:] == [4, HEIGHT, WIDTH]]
        reads = {f"trunk.to_{name}.weight": name for name in Told._fields} | {STYLE: "style"}
        told = {
            name: node.output[0]
            for node in graph.node
            for weight, name in reads.items()
            if node.op_type in ("Gemm", "MatMul") and weight in node.input
        }
        if len(crops) != 1 or len(told) != len(Told._fields):
            wanted = ", ".join(Told._fields)
            raise ValueError(f"{artifact} has no trunk that can be asked for {wanted}")
        for node in graph.node:  # how many there are is asked of what goes in
            if node.op_type == "Shape" and node.input[0] == graph.input[0].name:
                node.input[0] = crops[0]
        ends = [told[name] for name in Told._fields]
        cut = onnx.utils.Extractor(model).extract_model(crops, ends)
        self.session = build_session(cut.SerializeToString(), 1)
        self.crop = crops[0]

    @torch.no_grad()
    def forward(self, x: Tensor) -> Told:
        """The answers, float32."""
        pixels = x.detach().float().cpu().contiguous().numpy()
        found = self.session.run(None, {self.crop: pixels})
        return Told(*(unit(torch.from_numpy(values)).to(x.device) for values in found))


def _sizes(value: onnx.ValueInfoProto) -> list[int]:
    return [d.dim_value for d in value.type.tensor_type.shape.dim]
