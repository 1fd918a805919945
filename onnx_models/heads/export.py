"""Torch modules to the ONNX files and descriptions that serving reads."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from torch import Tensor, nn

from onnx_models.packing import pack

OPSET = 18
HALF_TOLERANCE = 0.02
"""Of logits: what half precision may move."""


def write_onnx(
    module: nn.Module,
    samples: tuple[Tensor, ...],
    inputs: list[str],
    outputs: list[str],
    path: Path,
) -> None:
    """Trace with a dynamic batch, drop the exporter's notes of the machine, compare with torch.

    Raises:
        RuntimeError: onnxruntime gives other numbers than torch.
    """
    module.eval()
    part = path.with_suffix(".part.onnx")
    batch = torch.export.Dim("n", min=1)
    torch.onnx.export(
        module, samples, str(part), dynamo=True, external_data=False, opset_version=OPSET,
        input_names=inputs, output_names=outputs,
        dynamic_shapes=tuple({0: batch} for _ in samples), verbose=False,
    )  # fmt: skip
    model = onnx.load(str(part))
    for thing in (model, model.graph, *model.graph.node, *model.graph.value_info):
        del thing.metadata_props[:]
        thing.doc_string = ""
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
        value.doc_string = ""
    onnx.save(model, str(part))
    pack(part)
    session = ort.InferenceSession(str(part), providers=["CPUExecutionProvider"])
    got = session.run(
        outputs, {name: sample.numpy() for name, sample in zip(inputs, samples, strict=True)}
    )
    with torch.inference_mode():
        wanted = module(*samples)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    off = max(float(np.abs(a - b.numpy()).max()) for a, b in zip(got, wanted, strict=True))
    if off > HALF_TOLERANCE:
        raise RuntimeError(f"{path.name}: the exported graph is off by {off}")
    part.replace(path)


def write_facts(path: Path, model: Path, encoder_sha256: str, facts: dict[str, Any]) -> None:
    """The description beside a model, with the digests that tie it to file and encoder."""
    text = {
        "schema": 1,
        "file": model.name,
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "encoder_sha256": encoder_sha256,
        "licence": "MIT (the weights are the project's own)",
        **facts,
    }
    part = path.with_suffix(".part")
    part.write_text(json.dumps(text, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)
