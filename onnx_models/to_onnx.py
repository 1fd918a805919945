"""Write the artifact folder: model.onnx, manifest.json and card.md."""

from __future__ import annotations

import copy
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch

from onnx_models.calibrate import Calibration, calibrate
from onnx_models.card import write_card
from onnx_models.dataset import (
    F32,
    FILL,
    RESAMPLE_NAME,
    U8,
    Cache,
    Row,
    gradient_v1,
    letterbox,
)
from onnx_models.model import Encoder, Served

TOLERANCE = 2e-3
OPSET = 18


def open_session(model: Path) -> ort.InferenceSession:
    """One thread, no spinning: as serving runs it."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def encode(session: ort.InferenceSession, pictures: U8, batch: int = 64) -> F32:
    """Vectors (n, d) of pictures (n, s, s, 3) through onnxruntime."""
    blocks = [
        session.run(["embedding"], {"pixels": np.ascontiguousarray(pictures[i : i + batch])})[0]
        for i in range(0, len(pictures), batch)
    ]
    return np.concatenate(blocks)


def milliseconds(session: ort.InferenceSession, size: int, runs: int = 50) -> float:
    """Median time of one picture, batch 1."""
    picture = np.asarray(letterbox(gradient_v1(), size))[None]
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        session.run(["embedding"], {"pixels": picture})
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e3


def _anonymous(path: Path) -> None:
    """Drop what the exporter notes of the machine: source paths and stack traces in every node."""
    model = onnx.load(str(path))
    for thing in (model, model.graph, *model.graph.node, *model.graph.value_info):
        del thing.metadata_props[:]
        thing.doc_string = ""
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
        value.doc_string = ""
    onnx.save(model, str(path))


def export(encoder: Encoder, target: Path, size: int) -> None:
    """Trace to ONNX in float32 with a dynamic batch and check it against torch."""
    plain = copy.deepcopy(encoder).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    plain.half = False
    served = Served(plain).eval()
    sample = torch.randint(0, 256, (3, size, size, 3), dtype=torch.uint8)
    part = target.with_suffix(".part.onnx")
    torch.onnx.export(
        served,
        (sample,),
        str(part),
        dynamo=True,
        external_data=False,
        opset_version=OPSET,
        input_names=["pixels"],
        output_names=["embedding"],
        dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
        verbose=False,
    )
    _anonymous(part)
    with torch.inference_mode():
        expected = served(sample).numpy()
    got = encode(open_session(part), sample.numpy())
    if np.abs(got - expected).max() > 1e-3:
        raise RuntimeError(f"the exported graph is off by {np.abs(got - expected).max()}")
    part.replace(target)


def manifest(
    name: str, model: Path, size: int, sizes: dict[str, Any], calibration: Calibration, vector: F32
) -> dict[str, Any]:
    """The file that serving reads; every preprocessing step is stated in it."""
    edge = int(sizes["shape_dim"])
    dim = len(vector)
    return {
        "schema": 1,
        "name": name,
        "revision": "1",
        "kind": "onnx",
        "dim": dim,
        "file": model.name,
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "licence": "MIT (the weights are the project's own)",
        "training_data": "photographs of shoes from shops and open collections, owned by them, "
        "not redistributed; see card.md",
        "input": {
            "name": "pixels",
            "layout": "NHWC",
            "dtype": "uint8",
            "height": size,
            "width": size,
            "resize": "letterbox",
            "interpolation": RESAMPLE_NAME,
            "antialias": True,
            "fill": list(FILL),
            "scale": None,
            "mean": None,
            "std": None,
        },
        "output": {"name": "embedding", "normalise": False},
        "parts": {"shape": [0, edge], "colour": [edge, dim]},
        "calibration": {
            "same": calibration.same,
            "similar": calibration.similar,
            "how": calibration.how,
        },
        "canonical": {
            "image": "gradient-v1",
            "vector": [round(float(v), 6) for v in vector],
            "tolerance": TOLERANCE,
        },
    }


def write_artifact(
    encoder: Encoder,
    rows: list[Row],
    cache: Cache,
    out: Path,
    backdrops: U8,
    step: int,
    minutes: float,
    quick: bool = False,
) -> None:
    """Export, calibrate, measure, describe; readers never see a half-written model.

    ``quick``: for a checkpoint on the way; calibrated on a thinned gallery, without the card.
    """
    out.mkdir(parents=True, exist_ok=True)
    size = int(cache.clean.shape[1])
    model = out / "model.onnx"
    export(encoder, model, size)
    session = open_session(model)

    def run(pictures: U8) -> F32:
        return encode(session, pictures)

    calibration = calibrate(run, rows, cache, backdrops, size, thin=8 if quick else 1)
    vector = run(letterbox(gradient_v1(), size)[None])[0]
    facts = manifest(out.name, model, size, encoder.sizes.as_dict(), calibration, vector)
    text = json.dumps(facts, indent=1)
    part = out / "manifest.part"
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(out / "manifest.json")
    if quick:
        return
    write_card(
        out / "card.md",
        facts,
        run,
        rows,
        cache,
        backdrops,
        step,
        minutes,
        milliseconds(session, size),
    )
