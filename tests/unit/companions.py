"""Small ONNX files that stand for an encoder's heads, verifier and for the localiser.

They compute the simplest thing that can be checked by hand, and are described as the real ones are.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from app.settings import ROOT, get_settings
from app.vision.encoder import Encoder

FLOAT = TensorProto.FLOAT
CLASSES = {
    "brand": ["Nike", "adidas", "Vans"],
    "silhouette": ["Nike Air Max 90", "Nike Dunk Low"],
    "colours": ["black", "white", "grey"],
    "category": ["sneaker", "heels"],
    "gender": ["men", "women"],
}
# Where each output stands in the features: the graph only cuts them apart.
SPANS = {
    "shoe": (0, 1), "sneaker": (1, 2), "quality": (2, 3), "brand": (3, 6),
    "silhouette": (6, 8), "colours": (8, 11), "category": (11, 13), "gender": (13, 15),
}  # fmt: skip
WIDTH = 15


def save(graph: onnx.GraphProto, path: Path) -> str:
    """Write the model; returns its digest."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return hashlib.sha256(path.read_bytes()).hexdigest()


def encoder_folder(models: Path, name: str = "tiny") -> tuple[Path, str]:
    """A folder with the manifest of the shipped encoder; the digest of its model."""
    folder = models / name
    folder.mkdir(parents=True)
    shipped = ROOT / "onnx_models" / get_settings().encoder / "manifest.json"
    text = shipped.read_text(encoding="utf-8")
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    return folder, json.loads(text)["sha256"]


def write_heads(folder: Path, encoder_sha256: str, **changes: Any) -> None:
    """Heads whose features are their logits, in the order of ``SPANS``."""
    nodes, constants, outputs = [], [], []
    for name, (low, high) in SPANS.items():
        single = high - low == 1
        index = np.array(low) if single else np.arange(low, high)
        constants.append(numpy_helper.from_array(index.astype(np.int64), f"at_{name}"))
        nodes.append(helper.make_node("Gather", ["features", f"at_{name}"], [name], axis=1))
        outputs.append(
            helper.make_tensor_value_info(name, FLOAT, ["n"] if single else ["n", high - low])
        )
    given = helper.make_tensor_value_info("features", FLOAT, ["n", WIDTH])
    graph = helper.make_graph(nodes, "heads", [given], outputs, constants)
    digest = save(graph, folder / "heads.onnx")
    facts = {
        "schema": 1, "file": "heads.onnx", "sha256": digest, "encoder_sha256": encoder_sha256,
        "licence": "MIT", "width": WIDTH, "classes": CLASSES,
        "temperatures": dict.fromkeys(
            ("shoe", "sneaker", "brand", "silhouette", "category", "gender"), 1.0
        ),
        "thresholds": {
            "shoe": 0.5, "sneaker": 0.5, "brand": 0.6, "brand_blended": 0.6, "silhouette": 0.7,
            "silhouette_blended": 0.7, "category": 0.6, "gender": 0.8, "colour_2": 0.5,
            "colour_3": 0.5,
        },
        "vote": {"mix": 0.5, "temperature": 0.1, "neighbours": 5},
    }  # fmt: skip
    (folder / "heads.json").write_text(json.dumps(facts | changes), encoding="utf-8")


def write_verifier(folder: Path, encoder_sha256: str, dim: int, **changes: Any) -> None:
    """A verifier whose logit is the dot product."""
    both = [helper.make_tensor_value_info(name, FLOAT, ["n", dim]) for name in ("query", "other")]
    nodes = [
        helper.make_node("Mul", ["query", "other"], ["product"]),
        helper.make_node("ReduceSum", ["product", "axis"], ["logit"], keepdims=0),
    ]
    axis = numpy_helper.from_array(np.array([1], np.int64), "axis")
    out = [helper.make_tensor_value_info("logit", FLOAT, ["n"])]
    digest = save(helper.make_graph(nodes, "pair", both, out, [axis]), folder / "pair.onnx")
    facts = {
        "schema": 1, "file": "pair.onnx", "sha256": digest, "encoder_sha256": encoder_sha256,
        "dim": dim, "slope": 20.0, "offset": -19.0, "same": 0.6,
    }  # fmt: skip
    (folder / "pair.json").write_text(json.dumps(facts | changes), encoding="utf-8")


def write_localiser(models: Path, **changes: Any) -> None:
    """A localiser that takes darkness for shoe."""
    folder = models / "localiser"
    folder.mkdir(parents=True)
    given = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", 192, 192, 3])
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=FLOAT),
        helper.make_node("ReduceMean", ["float"], ["light"], axes=[3], keepdims=1),
        helper.make_node("Transpose", ["light"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["cells"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Squeeze", ["cells", "one"], ["flat"]),
        helper.make_node("Div", ["flat", "most"], ["share"]),
        helper.make_node("Sub", ["unit", "share"], ["mask"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([1], np.int64), "one"),
        numpy_helper.from_array(np.array(255, np.float32), "most"),
        numpy_helper.from_array(np.array(1, np.float32), "unit"),
    ]
    out = [helper.make_tensor_value_info("mask", FLOAT, ["n", 48, 48])]
    digest = save(
        helper.make_graph(nodes, "localiser", [given], out, constants), folder / "model.onnx"
    )
    facts = {"file": "model.onnx", "sha256": digest, "threshold": 0.5, "minimum_area": 0.004,
             "margin": 0.0}  # fmt: skip
    (folder / "localiser.json").write_text(json.dumps(facts | changes), encoding="utf-8")


def of_means(
    folder: Path, *, features: bool = False, catalogue: bool = False, elsewhere: bool = False,
    width: int = 3,
) -> Encoder:  # fmt: skip
    """An encoder of mean colours. Its features, where it has any, are ten times those; what it
    keeps of a catalogue's pictures, where that differs, are the first ``width`` of their
    squares; what asks other shops, where it does, twice the colours."""
    folder.mkdir(parents=True)
    shipped = ROOT / "onnx_models" / get_settings().encoder / "manifest.json"
    source = json.loads(shipped.read_text("utf-8"))
    size = source["input"]["height"]
    given = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", size, size, 3])
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["embedding"], axes=[1, 2], keepdims=0),
    ]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 3])]
    constants = []
    if features:
        nodes.append(helper.make_node("Sum", ["embedding"] * 10, ["features"]))
        outputs.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 3]))
    if catalogue:
        kept = np.arange(width, dtype=np.int64)
        constants.append(numpy_helper.from_array(kept, "kept"))
        nodes += [
            helper.make_node("Mul", ["embedding"] * 2, ["squares"]),
            helper.make_node("Gather", ["squares", "kept"], ["catalogue"], axis=1),
        ]
        outputs.append(helper.make_tensor_value_info("catalogue", TensorProto.FLOAT, ["n", width]))
    if elsewhere:
        nodes.append(helper.make_node("Sum", ["embedding"] * 2, ["elsewhere"]))
        outputs.append(helper.make_tensor_value_info("elsewhere", TensorProto.FLOAT, ["n", 3]))
    graph = helper.make_graph(nodes, "tiny", [given], outputs, constants)
    source |= {"name": "means", "dim": 3, "sha256": save(graph, folder / "model.onnx")}
    source |= {"parts": None, "calibration": None}
    source["canonical"]["vector"] = [1, 0, 0]
    (folder / "manifest.json").write_text(json.dumps(source), encoding="utf-8")
    return Encoder.load(folder, 1, verify=False)
